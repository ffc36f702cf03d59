"""Judgements in and out of the database: small bodies, many rows, read by primary key."""

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.db import connection, transaction

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.origin import Origin
from cryptosystems.platform.http import iso
from signals.features.catalogue import CATALOGUE
from signals.models import Judgement

JudgementRow = tuple[str, str, int, bool, float, bytes]
"""Timeframe, symbol, moment in milliseconds, whether the first after a close, chance, body."""

_INSERT: Final = """
    INSERT INTO signals_judgement (origin, timeframe, symbol, at_ms, is_close, p_win, body)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (origin, timeframe, symbol, at_ms) DO NOTHING
"""
MARKET_FIELDS: Final = (
    "price", "change_24h", "funding_rate", "next_funding_at", "open_interest_usd",
    "oi_change_4h", "mark", "percentile", "quadrant",
)  # fmt: skip
MINUTES_KEPT_MS: Final = 2 * 86_400_000
CLOSES_KEPT_MS: Final = 30 * 86_400_000
"""How long judgements between closes, and those at closes, are kept."""
_SENTENCES: Final = 8
"""Factors whose sentence is kept: those that weigh most."""


def pack(factors: dict[str, Any], gates: dict[str, Any], market: dict[str, Any]) -> bytes:
    """Return the body of a judgement: the answers of the engine without what can be known again."""
    short = [
        [
            held["name"],
            held["reading"],
            held["percentile"],
            held["log_odds"],
            held["points"],
            held["sentence"] if place < _SENTENCES else "",
        ]
        for place, held in enumerate(factors["factors"])
    ]
    body = {
        "side": factors["side"],
        "p": [factors["probability"], *factors["interval"], factors["base_probability"]],
        "other": factors["other_points"],
        "f": short,
        "even": gates["break_even"],
        "strength": gates["strength"],
        "no": gates["says_no"],
        "g": [
            [g["name"], g["title"], g["passed"], g["value"], g["limit"], g["sentence"]]
            for g in gates["gates"]
        ],
        "m": [market.get(name) for name in MARKET_FIELDS],
    }
    return zlib.compress(json.dumps(body, separators=(",", ":")).encode(), 6)


def _unpacked(body: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(zlib.decompress(bytes(body)))
    return found


def store_judgements(origin: Origin, rows: Iterable[JudgementRow]) -> None:
    """Store judgements in one transaction; what is there already stays as it is."""
    prepared = [(origin.value, *row) for row in rows]
    if not prepared:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(_INSERT, prepared)


def read_judgement(origin: str, symbol: str, timeframe: str, at_ms: int) -> Judgement | None:
    """Return the newest judgement that was known at a moment."""
    return (
        Judgement.objects.filter(
            origin=origin, symbol=symbol, timeframe=timeframe, at_ms__lte=at_ms
        )
        .order_by("-at_ms")
        .first()
    )


def read_judgements(
    origin: str, symbol: str, timeframe: str, from_ms: int, until_ms: int, most: int
) -> list[Judgement]:
    """Return the newest judgements at closes within a span, oldest first."""
    rows = Judgement.objects.filter(
        origin=origin,
        symbol=symbol,
        timeframe=timeframe,
        is_close=True,
        at_ms__gt=from_ms,
        at_ms__lte=until_ms,
    ).order_by("-at_ms")[:most]
    return list(rows)[::-1]


def _head(row: Judgement, body: dict[str, Any]) -> dict[str, Any]:
    p_win, p_low, p_high, _ = body["p"]
    return {
        "symbol": row.symbol,
        "timeframe": row.timeframe,
        "at": iso(to_datetime(row.at_ms)),
        "side": body["side"],
        "probability": p_win,
        "interval": [p_low, p_high],
    }


def factors_of(row: Judgement) -> dict[str, Any]:
    """Return the factors of a judgement as the engine's answer has them."""
    body = _unpacked(row.body)
    known = {factor.name: factor for factor in CATALOGUE.factors}
    out = []
    for name, reading, percentile, log_odds, points, sentence in body["f"]:
        factor = known.get(name)  # one that the catalogue has since lost keeps its name
        shown = None if reading is None or factor is None else reading / factor.factor_of_display
        out.append(
            {
                "name": name,
                "group": "" if factor is None else factor.group,
                "title": name if factor is None else factor.title,
                "reading": reading,
                "unit": "" if factor is None else factor.unit,
                "text": "–" if shown is None or factor is None else factor.text(shown),
                "percentile": percentile,
                "log_odds": log_odds,
                "points": points,
                "sentence": sentence,
            }
        )
    return {
        **_head(row, body),
        "base_probability": body["p"][3],
        "other_points": body["other"],
        "factors": out,
    }


def gates_of(row: Judgement) -> dict[str, Any]:
    """Return the gates of a judgement as the engine's answer has them."""
    body = _unpacked(row.body)
    names = ("name", "title", "passed", "value", "limit", "sentence")
    return {
        **_head(row, body),
        "break_even": body["even"],
        "strength": body["strength"],
        "says_no": body["no"],
        "gates": [dict(zip(names, gate, strict=True)) for gate in body["g"]],
    }


def market_of(row: Judgement) -> dict[str, Any]:
    """Return what was known of the market beside a judgement."""
    return dict(zip(MARKET_FIELDS, _unpacked(row.body)["m"], strict=True))


def history_of(rows: Sequence[Judgement], name: str) -> list[list[float | None]]:
    """Return [seconds, reading, log-odds] of one factor over judgements."""
    out: list[list[float | None]] = []
    for row in rows:
        held = next((f for f in _unpacked(row.body)["f"] if f[0] == name), None)
        if held is not None:
            out.append([row.at_ms // 1000, held[1], held[3]])
    return out


def prune_judgements(origin: Origin, closes_before_ms: int, others_before_ms: int) -> int:
    """Delete what is too old: between closes earlier than at closes."""
    rows = Judgement.objects.filter(origin=origin)
    thin, _ = rows.filter(is_close=False, at_ms__lt=others_before_ms).delete()
    old, _ = rows.filter(at_ms__lt=closes_before_ms).delete()
    return thin + old
