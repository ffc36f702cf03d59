"""The public record: every signal of one origin, its figures, the setups turned down, the chain."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet

from cryptosystems.kernel.identifiers import GENESIS
from signals.delivery.payloads import iso
from signals.models import ChainEntry, RejectedSetup, Settlement, Signal
from signals.selectors.visibility import visible
from signals.settlement import record
from signals.settlement.record import Issued

PAGE: Final = 25
CHAIN_PAGE: Final = 200
_FRESH_S: Final = 20.0
_FIELDS: Final = (
    *("id", "symbol", "timeframe", "side", "issued_at", "confidence", "break_even", "base_rate"),
    *("reward_risk", "model_version", "current__state"),
    *("settlement__net_r", "settlement__closed_at"),
)
_figures: dict[str, tuple[float, dict[str, Any], list[Issued]]] = {}


def forget_figures() -> None:
    """Drop what is kept between calls (after a back-test was stored, and in tests)."""
    _figures.clear()


def issued(query: "QuerySet[Signal]") -> list[Issued]:
    """Return signals as rows of the record, the oldest first."""
    rows = query.order_by("issued_at", "number").values_list(*_FIELDS)
    return [Issued(str(row[0]), *row[1:]) for row in rows.iterator(chunk_size=2_000)]


def figures(origin: str) -> tuple[dict[str, Any], list[Issued]]:
    """Return every figure of an origin and the rows behind them; kept for 20 s.

    Open signals are counted whoever looks: their number tells nothing of what they say.
    """
    held = _figures.get(origin)
    if held is not None and monotonic() - held[0] < _FRESH_S:
        return held[1], held[2]
    rows = issued(Signal.objects.filter(origin=origin))
    found = record.figures(rows)
    _figures[origin] = (monotonic(), found, rows)
    return found, rows


@dataclass(frozen=True, slots=True)
class Sought:
    """What narrows the list of signals."""

    origin: str
    symbol: str = ""
    side: str = ""
    timeframe: str = ""
    result: str = ""
    """won, lost, open, not_entered or void."""


_RESULTS: Final = {
    "won": Q(settlement__net_r__gt=0),
    "lost": Q(settlement__net_r__lte=0),
    "open": Q(settlement__isnull=True),
    "not_entered": Q(settlement__result="not_entered"),
    "void": Q(settlement__result="void"),
}
RESULTS: Final = tuple(_RESULTS)


def listed(
    sought: Sought, now: datetime, *, sees_live: bool, before: int | None = None
) -> tuple[list[Signal], int | None]:
    """Return a page of signals, the newest first, and where the next one begins."""
    query = Signal.objects.filter(visible(now, sees_live=sees_live), origin=sought.origin)
    for name in ("symbol", "side", "timeframe"):
        value = getattr(sought, name)
        if value:
            query = query.filter(**{name: value})
    if sought.result:
        query = query.filter(_RESULTS[sought.result])
    if before is not None:
        query = query.filter(number__lt=before)
    rows = list(
        query.select_related("current", "settlement")
        .defer("snapshot")
        .order_by("-number")[: PAGE + 1]
    )
    return rows[:PAGE], rows[PAGE - 1].number if len(rows) > PAGE else None


def losers(ids: Iterable[str]) -> list[Signal]:
    """Return these settled signals in the order asked for."""
    wanted = [UUID(one) for one in ids]
    found = Signal.objects.select_related("settlement", "current").defer("snapshot").in_bulk(wanted)
    return [found[one] for one in wanted if one in found]


def turned_down(origin: str) -> list[dict[str, Any]]:
    """Return, by the gate that said no, how many setups it turned down and what became of them."""
    rows = (
        RejectedSetup.objects.filter(origin=origin)
        .values("gate")
        .annotate(
            asked=Count("pk"),
            n=Count("pk", filter=Q(net_r__isnull=False)),
            wins=Count("pk", filter=Q(net_r__gt=0)),
        )
        .order_by("-asked")
    )
    means = _means(origin)
    return [
        {
            "gate": row["gate"],
            "asked": row["asked"],
            "n": row["n"],
            "wins": row["wins"],
            "rate": row["wins"] / row["n"] if row["n"] else None,
            "interval": list(record.wilson(row["wins"], row["n"])) if row["n"] else None,
            "mean_r": means.get(row["gate"]),
        }
        for row in rows
    ]


def _means(origin: str) -> dict[str, float]:
    """Return the mean net R of each gate's setups that were entered."""
    sums: dict[str, list[float]] = {}
    rows = RejectedSetup.objects.filter(origin=origin, net_r__isnull=False)
    for gate, net in rows.values_list("gate", "net_r"):
        sums.setdefault(gate, []).append(float(net or 0.0))
    return {gate: sum(found) / len(found) for gate, found in sums.items()}


def months_with_signals(origin: str) -> list[str]:
    """Return the months in which signals of an origin were issued, the newest first."""
    found = Signal.objects.filter(origin=origin).dates("issued_at", "month", order="DESC")
    return [f"{day:%Y-%m}" for day in found]


def month_of(origin: str, month: str) -> "QuerySet[Signal]":
    """Return the signals issued in a month, written YYYY-MM."""
    year, number = (int(part) for part in month.split("-"))
    since = datetime(year, number, 1, tzinfo=UTC)
    until = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return Signal.objects.filter(origin=origin, issued_at__gte=since, issued_at__lt=until)


def chain(now: datetime, *, sees_live: bool, before: int | None = None) -> dict[str, Any]:
    """Return the newest links of the chain up to `before`, the oldest first.

    The text of a link whose signal this viewer may not see yet is withheld; its hash is not, so
    that what was promised can be checked once it is shown.
    """
    query = ChainEntry.objects.order_by("-sequence")
    if before is not None:
        query = query.filter(sequence__lt=before)
    links = list(query[:CHAIN_PAGE])[::-1]
    asked = [link.signal_id for link in links]
    shown = set(
        Signal.objects.filter(visible(now, sees_live=sees_live), pk__in=asked).values_list(
            "pk", flat=True
        )
    )
    return {
        "genesis": GENESIS,
        "links": [
            {
                "sequence": link.sequence,
                "kind": link.kind,
                "signal": str(link.signal_id),
                "previous": link.previous_hash,
                "hash": link.hash,
                "payload": link.payload if link.signal_id in shown else None,
            }
            for link in links
        ],
        "before": links[0].sequence if links and links[0].sequence > 1 else None,
    }


def head() -> tuple[int, str]:
    """Return number and hash of the newest link; (0, genesis) before the first."""
    last = ChainEntry.objects.order_by("-sequence").values_list("sequence", "hash").first()
    return last or (0, GENESIS)


def newest_end(origin: str) -> str | None:
    """Return when the newest signal of an origin ended."""
    rows = Settlement.objects.filter(signal__origin=origin).order_by(F("closed_at").desc())
    return iso(rows.values_list("closed_at", flat=True).first())
