"""The door of the signals room."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from signals.contracts import ModelResult, TradableSignal
from signals.delivery import bus
from signals.selectors import instruments, records, signals, tradable
from signals.selectors.visibility import ORIGINS, delay_s, live_origin, sees_live

__all__ = ["ORIGINS", "delay_s", "live_origin", "sees_live"]


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
