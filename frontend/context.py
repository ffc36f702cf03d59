"""What each page is given: frozen, documented, and nothing else reaches a template."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.contracts import AuditView, ConsentView, FactorsView, SessionView


@dataclass(frozen=True, slots=True)
class Badge:
    """One mode badge of the top bar: a word and the edge that goes with it."""

    word: str
    kind: str
    """plain, sim (dashed and hatched), replay (dashed) or live (solid)."""
    title: str
    """What it means, for the tooltip."""


@dataclass(frozen=True, slots=True)
class Shell:
    """What every page has around it."""

    page: str
    """Name of the page, for the navigation: dashboard, status, landing or error."""
    badges: tuple[Badge, ...]
    """Where prices come from, said on every page that shows some."""


@dataclass(frozen=True, slots=True)
class LevelRow:
    """One line of a signal's levels."""

    name: str
    """TP1 to TP3, Entry or Stop."""
    share: float | None
    """Part of the position that is closed there, 0..1."""
    text: str
    """Price, or the two edges of the zone."""
    distance: float | None
    """Level over price now, minus 1; None for the zone."""
    result: float | None
    """Multiples of the risk; None for the zone."""
    word: str
    """What stands in place of the result: in zone, waiting, entered."""


@dataclass(frozen=True, slots=True)
class DashboardPage:
    """The dashboard as it stands when it is asked for; live.js keeps it so."""

    shell: Shell
    symbol: str
    """The open symbol: asked for, else of the newest open signal, else BTCUSDT."""
    market: dict[str, Any] | None
    """Row of the open symbol as `GET /api/v1/markets` has it; None while the engine is silent."""
    markets: list[dict[str, Any]]
    """The first 40 markets by volume."""
    n_markets: int
    n_with_signal: int
    status: dict[str, Any] | None
    """As `GET /api/v1/status`; None while the engine is silent."""
    ribbon: tuple[str, str] | None
    """What is still missing, while the engine warms up or is silent: (heading, sentence)."""
    signal: dict[str, Any] | None
    """The strongest open signal of the open symbol."""
    levels: tuple[LevelRow, ...]
    open_signals: list[dict[str, Any]]
    """Newest open signals, for the feed."""
    signals_delay_s: int
    """By how many seconds this viewer sees them late; 0: at once."""
    first: dict[str, Any]
    """What the script starts from: symbol, markets, signals, status, sequence number to resume after."""


@dataclass(frozen=True, slots=True)
class StatusPage:
    """How the pipeline stands."""

    shell: Shell
    status: dict[str, Any] | None
    """As `GET /api/v1/status`; None while the engine is silent."""


@dataclass(frozen=True, slots=True)
class SecurityPage:
    """How an account is protected."""

    shell: Shell
    email: str
    factors: FactorsView
    sessions: tuple[SessionView, ...]
    activity: tuple[AuditView, ...]
    """The person's own audit log, the newest first."""
    older: int | None
    """Where the next page of the activity begins; None: this is all."""


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """What somebody chose."""

    shell: Shell
    form: Any
    """A Django form, bound if it was refused."""
    zones: tuple[str, ...]
    """Names of time zones, to choose from while typing."""


@dataclass(frozen=True, slots=True)
class DataPage:
    """What we hold, and whether it is about to be deleted."""

    shell: Shell
    consents: tuple[ConsentView, ...]
    deletion_due_at: datetime | None
