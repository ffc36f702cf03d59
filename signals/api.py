"""The door of the signals room."""

from typing import Any
from uuid import UUID

from django.conf import settings

from signals.delivery import bus
from signals.selectors import records, signals

ORIGINS = {"simulated": "simulated", "replay": "replay", "binance": "live", "demo": "live"}


def live_origin() -> str:
    """Return the origin of what the engine publishes now."""
    return ORIGINS[settings.MARKET]


def is_bus_alive() -> bool:
    """Say whether the broker between engine and web answers."""
    return bus.is_alive()


def status() -> dict[str, Any] | None:
    """Return what the engine last said of itself, or None while it is silent."""
    return bus.read_state(bus.STATUS)  # type: ignore[no-any-return]


def markets() -> dict[str, Any] | None:
    """Return the market list as the engine last gave it, or None."""
    return bus.read_state(bus.MARKETS)  # type: ignore[no-any-return]


def market_rows() -> list[dict[str, Any]]:
    """Return the rows of the market list; empty while the engine is silent."""
    held = markets()
    return [] if held is None else held["markets"]


def open_signals(limit: int = 20) -> list[dict[str, Any]]:
    """Return the newest open signals of the live origin."""
    return signals.list_signals(state="open", origin=live_origin(), limit=limit)[0]


def current_signal(symbol: str | None = None) -> dict[str, Any] | None:
    """Return the strongest open signal (of a symbol)."""
    return signals.current_signal(live_origin(), symbol)


def signal_detail(signal_id: UUID) -> dict[str, Any] | None:
    """Return one signal, or None."""
    return signals.signal_detail(signal_id)


def newest_sequence() -> int:
    """Return the number after which a page that renders now has to resume."""
    return signals.newest_sequence()


def track_record(origin: str) -> dict[str, Any]:
    """Return the measured record of one origin."""
    return records.track_record(origin)
