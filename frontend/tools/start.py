"""What a calculator starts from: the reader's own figures, else a signal's, else the market's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from cryptosystems.kernel.decimals import from_float, parse_decimal, plain, round_to_tick
from cryptosystems.kernel.errors import NotAllowed
from frontend.tools.catalogue import Tool
from frontend.tools.words import number
from signals import api as signals
from trading import api as trading
from trading.api import TierTable

FIRST: Final = "BTCUSDT"
_SYMBOL: Final = re.compile(r"[A-Z0-9]{2,32}")
_EXAMPLE_PRICE: Final = Decimal(60_000)
_STOP: Final = Decimal("0.99")
_TARGETS: Final = (Decimal("1.01"), Decimal("1.02"), Decimal("1.03"))
_LONGEST: Final = 100
_S_AN_HOUR: Final = 3_600


@dataclass(frozen=True, slots=True)
class Start:
    """What stands in the fields, and where it is from."""

    data: dict[str, str]
    table: TierTable
    row: dict[str, Any] | None
    """The market's row now; None: not known."""
    signal: dict[str, Any] | None
    """The signal the figures are from."""
    trouble: str
    """Why the signal that was asked for is not used; empty otherwise."""
    is_asked: bool
    """The reader gave figures; False: all are examples."""
    interval_hours: int | None


def start(
    tool: Tool,
    asked: Mapping[str, str],
    viewer_id: UUID | None,
    rows: list[dict[str, Any]],
    now: datetime,
) -> Start:
    """Return what a calculator starts from; nothing that is asked for can break it."""
    names = tool.form.base_fields
    given = {name: asked[name] for name in names if name in asked}
    signal, trouble = _signal(asked.get("signal", ""), viewer_id)
    symbol = given.get("symbol", "").strip().upper() or (signal["symbol"] if signal else FIRST)
    symbol = symbol if _SYMBOL.fullmatch(symbol) else FIRST
    row = next((one for one in rows if one["symbol"] == symbol), None)
    table = trading.tier_table(symbol)
    interval = signals.funding_interval_hours(symbol) if "interval" in names else None
    found = {
        **tool.defaults,
        **_of_market(symbol, row, table, interval, now),
        **(_of_signal(signal) if signal else {}),
        **given,
    }
    data = {name: text[:_LONGEST] for name, text in found.items() if name in names}
    return Start(data, table, row, signal, trouble, bool(given), interval)


def _signal(text: str, viewer_id: UUID | None) -> tuple[dict[str, Any] | None, str]:
    """Return a signal this reader may see, or why it is not used."""
    if not text:
        return None, ""
    try:
        found = signals.signal_detail(UUID(text), viewer_id)
    except ValueError:
        found = None
    except NotAllowed as error:
        return None, str(error)
    return found, "" if found else _("There is no such signal.")


def _of_market(
    symbol: str,
    row: dict[str, Any] | None,
    table: TierTable,
    interval: int | None,
    now: datetime,
) -> dict[str, str]:
    price = _EXAMPLE_PRICE
    if row is not None:
        price = parse_decimal(str(row["price"]))
    levels = {
        "entry": price,
        "stop": price * _STOP,
        "target": price * _TARGETS[1],
        "exit": price * _TARGETS[1],
        **{f"target{n}": price * step for n, step in enumerate(_TARGETS, 1)},
    }
    found = {name: plain(round_to_tick(level, table.tick)) for name, level in levels.items()}
    found["symbol"] = symbol
    if interval is not None:
        found["interval"] = str(interval)
    if row is not None and row["funding_rate"] is not None:
        found["rate"] = number(from_float(row["funding_rate"]) * 100).replace("\u2212", "-")
        hours = _hours_until(row["next_funding_at"], now)
        if hours is not None:
            found["until_next"] = number(hours, 2)
    return found


def _hours_until(text: str | None, now: datetime) -> Decimal | None:
    if not text:
        return None
    seconds = (datetime.fromisoformat(text) - now).total_seconds()
    return Decimal(round(seconds)) / _S_AN_HOUR if 0 <= seconds <= 24 * _S_AN_HOUR else None


def _of_signal(signal: dict[str, Any]) -> dict[str, str]:
    low, high = (parse_decimal(signal["entry"][edge]) for edge in ("low", "high"))
    entry = plain(round_to_tick((low + high) / 2, parse_decimal(str(signal["tick"]))))
    targets = signal["targets"]
    found = {
        "symbol": signal["symbol"],
        "side": signal["side"],
        "entry": entry,
        "stop": signal["stop"],
        "target": targets[0]["price"],
        "exit": targets[0]["price"],
        "leverage": str(max(1, min(5, int(signal["max_leverage"])))),
    }
    for n, target in enumerate(targets, 1):
        found[f"target{n}"] = target["price"]
        found[f"share{n}"] = number(from_float(float(target["share"])) * 100)
    return found
