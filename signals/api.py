"""The door of the signals room."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.utils import timezone

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from signals.contracts import ModelResult, TradableSignal
from signals.delivery import bus
from signals.selectors import instruments, ledger, records, signals, tradable
from signals.selectors.ledger import RESULTS, Sought
from signals.selectors.visibility import ORIGINS, delay_s, live_origin, sees_live
from signals.services import monthly, recompute
from signals.services.monthly import MonthFile
from signals.services.recompute import Recomputed
from signals.settlement import record
from signals.store.candles import read_candles

__all__ = [
    "ORIGINS",
    "RESULTS",
    "MonthFile",
    "Recomputed",
    "Sought",
    "delay_s",
    "live_origin",
    "sees_live",
]


def is_bus_alive() -> bool:
    """Say whether the broker between engine and web answers."""
    return bus.is_alive()


def status() -> dict[str, Any] | None:
    """Return what the engine last said of itself, or None while it is silent."""
    return bus.read_state(bus.STATUS)  # type: ignore[no-any-return]


def markets(viewer_id: UUID | None = None) -> dict[str, Any] | None:
    """Return the market list as the engine last gave it, or None.

    Its column `signal` holds only what the viewer sees of signals: the list would otherwise tell
    the side of one that is still theirs who pay.
    """
    held: dict[str, Any] | None = bus.read_state(bus.MARKETS)
    if held is not None and delay_s(viewer_id):
        sides = signals.open_sides(live_origin(), sees_live=False)
        for row in held["markets"]:
            row["signal"] = sides.get(row["symbol"])
    return held


def market_rows(viewer_id: UUID | None = None) -> list[dict[str, Any]]:
    """Return the rows of the market list; empty while the engine is silent."""
    held = markets(viewer_id)
    return [] if held is None else held["markets"]


def stored_candles(symbol: str, timeframe: str, limit: int) -> list[list[float]]:
    """Return the newest closed candles as stored, oldest first: the engine is not asked.

    Each is opening time in seconds, open, high, low, close; a gap is left out.
    """
    open_ms, values = read_candles(Origin(live_origin()), Timeframe(timeframe), symbol, limit)
    return [
        [int(at) / 1000, *(float(value) for value in row[:4])]
        for at, row in zip(open_ms, values, strict=True)
        if row[3] == row[3]
    ]


def funding_interval_hours(symbol: str) -> int | None:
    """Return how often a symbol of the market that runs here pays funding; None: not known."""
    return instruments.funding_interval_hours(live_origin(), symbol)


def open_signals(viewer_id: UUID | None = None, limit: int = 20) -> list[dict[str, Any]]:
    """Return the newest open signals of the live origin that this viewer sees."""
    return signals.list_signals(
        state="open", origin=live_origin(), limit=limit, sees_live=sees_live(viewer_id)
    )[0]


def current_signal(
    symbol: str | None = None, viewer_id: UUID | None = None
) -> dict[str, Any] | None:
    """Return the strongest open signal (of a symbol) that this viewer sees."""
    return signals.current_signal(live_origin(), symbol, sees_live=sees_live(viewer_id))


def signal_detail(signal_id: UUID, viewer_id: UUID | None = None) -> dict[str, Any] | None:
    """Return one signal, or None; raises NotAllowed while it is not shown to this viewer yet."""
    return signals.signal_detail(signal_id, sees_live=sees_live(viewer_id))


def signals_after(number: int, limit: int = 100) -> list[TradableSignal]:
    """Return signals of the live origin behind a cursor, the oldest first; the caller checks who
    may act on them."""
    return tradable.after(number, limit)


def tradable_signal(signal_id: UUID) -> TradableSignal | None:
    """Return one signal as an executor needs it."""
    return tradable.one(signal_id)


def newest_number() -> int:
    """Return the cursor behind the newest signal of any origin; 0 where there is none."""
    return tradable.newest_number()


def model_results(signal_ids: Iterable[UUID]) -> dict[UUID, ModelResult]:
    """Return the results of the settled and entered ones among these signals."""
    return tradable.results(signal_ids)


def newest_sequence() -> int:
    """Return the number after which a page that renders now has to resume."""
    return signals.newest_sequence()


def track_record(origin: str) -> dict[str, Any]:
    """Return the measured record of one origin."""
    return records.track_record(origin)


def origins_with_signals() -> list[str]:
    """Return the origins of which there are signals."""
    return records.origins_with_signals()


def record_figures(origin: str) -> dict[str, Any]:
    """Return every figure of the record page for one origin; at most 20 s old."""
    return ledger.figures(origin)[0]


def record_losers(origin: str) -> list[dict[str, Any]]:
    """Return the last ten losing signals of an origin, the newest first."""
    return [signals.payload(row) for row in ledger.losers(record_figures(origin)["losers"])]


def record_list(
    sought: Sought, viewer_id: UUID | None = None, before: int | None = None
) -> tuple[list[dict[str, Any]], int | None]:
    """Return a page of every signal that was issued, and the cursor of the next page."""
    found, following = ledger.listed(
        sought, timezone.now(), sees_live=sees_live(viewer_id), before=before
    )
    return [signals.payload(row) for row in found], following


def turned_down(origin: str) -> list[dict[str, Any]]:
    """Return the shadow ledger by gate: what was turned down, and what became of it."""
    return ledger.turned_down(origin)


def expectation(origin: str, months_ahead: int, risk_percent: float) -> dict[str, Any] | None:
    """Return what accounts could look like if results went on as recorded; None: too few."""
    done = record.entered(ledger.figures(origin)[1])
    return record.expectation(done, months_ahead=months_ahead, risk_percent=risk_percent)


def chain_links(viewer_id: UUID | None = None, before: int | None = None) -> dict[str, Any]:
    """Return the newest links of the chain, the oldest first."""
    return ledger.chain(timezone.now(), sees_live=sees_live(viewer_id), before=before)


def record_months(origin: str) -> list[str]:
    """Return the months of which there is a file, the newest first."""
    return ledger.months_with_signals(origin)


def month_file(origin: str, month: str) -> MonthFile:
    """Return a month of the record as an archive that rebuilds its own figures.

    Raises
    ------
    InvalidInput
        If there is no signal in that month, or it is no month.
    """
    return monthly.month_file(origin, month, timezone.now())


def recomputed(signal_id: UUID) -> Recomputed:
    """Build a signal again from what was stored, and compare; raises InvalidInput without one."""
    return recompute.recompute(signal_id)
