"""What other rooms see of a workspace: frozen values, no rows."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class AlertKind(StrEnum):
    """What an alert waits for."""

    PRICE_ABOVE = "price_above"
    PRICE_BELOW = "price_below"
    FUNDING_ABOVE = "funding_above"
    FUNDING_BELOW = "funding_below"
    SIGNAL = "signal"


@dataclass(frozen=True, slots=True)
class Observation:
    """What a market was seen to do: prices and rates now, and the extremes since the last look."""

    symbol: str
    price: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    funding_rate: Decimal | None = None
    signal_number: int = 0
    """Number of the newest signal that everybody sees now; 0: none."""
    live_signal_number: int = 0
    """The same for those who see open signals at once."""


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert as its owner sees it."""

    id: UUID
    symbol: str
    kind: AlertKind
    level: Decimal | None
    note: str
    created_at: datetime
    fired_at: datetime | None
    fired_value: Decimal | None
    is_seen: bool


@dataclass(frozen=True, slots=True)
class LayoutView:
    """A saved layout."""

    id: UUID
    name: str
    body: dict[str, object]
    is_current: bool
    share_token: str
    """Empty while it is not shared."""
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class WatchListView:
    """A named list of markets."""

    name: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrawingsView:
    """What is drawn on one symbol's chart; `version` grows with each change."""

    symbol: str
    version: int
    items: tuple[dict[str, object], ...]


@dataclass(frozen=True, slots=True)
class WorkspaceView:
    """Everything but drawings, which are read with their chart."""

    layouts: tuple[LayoutView, ...]
    watch_lists: tuple[WatchListView, ...]
    alerts: tuple[AlertView, ...]
