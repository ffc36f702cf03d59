"""What each page is given: frozen, documented, and nothing else reaches a template."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.contracts import (
    AuditView,
    ConsentView,
    FactorsView,
    SessionView,
    TokenView,
    UserView,
)
from billing.contracts import BillingView, Entitlements, PlanView
from blog.contracts import ArticleCard
from cryptosystems.platform.announcements import AnnouncementView
from frontend.charts import Bar, Candles, Dot, Line
from frontend.preview import Preview, ResultBar
from signals.api import Recomputed, Sought
from trading.contracts import ExecutorStatus


@dataclass(frozen=True, slots=True)
class Badge:
    """One mode badge of the top bar: a word and the edge that goes with it."""

    word: str
    kind: str
    """plain, sim (dashed and hatched), replay (dashed) or live (solid)."""
    title: str
    """What it means, for the tooltip."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where someone stands, in a few words beside the account menu."""

    words: str
    """As `Trial, 5 days left`; empty where nothing needs saying."""
    kind: str
    """plain or warn."""
    banner: str
    """A sentence for every page while something is owed; empty otherwise."""
    until: datetime | None
    """When the state ends by itself; the page counts down to it."""


@dataclass(frozen=True, slots=True)
class Shell:
    """What every page has around it."""

    page: str
    """Name of the page, for the navigation: dashboard, status, landing or error."""
    badges: tuple[Badge, ...]
    """Where prices come from, said on every page that shows some."""
    now: datetime
    """The server's time: what counts down in the page starts from it."""
    person: UserView | None = None
    """Who is signed in; None: a visitor."""
    entitlements: Entitlements | None = None
    """What this person may use; None: a visitor, who has the demo."""
    standing: Standing | None = None
    notices: tuple[AnnouncementView, ...] = ()
    """Announcements of staff that run now."""


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
    past: str
    """A past minute that is looked at as it was then known, as 2026-01-31T14:05Z; empty: now."""
    ribbon: tuple[str, str] | None
    """What is still missing, while the engine warms up or is silent: (heading, sentence)."""
    signal: dict[str, Any] | None
    """The strongest open signal of the open symbol."""
    levels: tuple[LevelRow, ...]
    open_signals: list[dict[str, Any]]
    """Newest open signals, for the feed."""
    signals_delay_s: int
    """By how many seconds this viewer sees them late; 0: at once."""
    followed: dict[str, Any] | None
    """How the reader's paper trade of the shown signal stands; None: it is not followed."""
    paper_lock: str
    """Why this reader may not follow on paper; empty: they may, or are visitors."""
    positions: tuple[Any, ...]
    """What the reader has open, for the strip above the panes: `PositionRow`."""
    first: dict[str, Any]
    """What the script starts from: symbol, markets, signals, status, sequence number to resume after."""


@dataclass(frozen=True, slots=True)
class StatusPage:
    """How the pipeline stands."""

    shell: Shell
    status: dict[str, Any] | None
    """As `GET /api/v1/status`; None while the engine is silent."""
    execution: ExecutorStatus | None
    """None while the database is away."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The measured record of one origin, as far as pages that sell may speak of it."""

    origin: str
    n: int
    """Settled signals that were entered."""
    is_enough: bool
    """Whether n is large enough to state a rate at all."""
    win_rate: float | None
    interval: tuple[float, float] | None
    mean_r: float | None
    """Mean result of a signal in multiples of its risk, after costs."""
    mean_r_interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class WorthRow:
    """One account size in the break-even table."""

    account: Decimal
    share: Decimal
    """The fee a month over the account."""
    one_r: Decimal
    """What is risked in one trade."""
    fee_r: Decimal
    """The fee a month in multiples of the risk."""
    needed_r: Decimal
    """What one trade has to bring on average to cover the fee."""
    word: str
    """How that stands to the record, in a word or two; empty without a record."""


@dataclass(frozen=True, slots=True)
class PlansPage:
    """The plans page, with its sums done for the default case."""

    shell: Shell
    plan: PlanView
    button: str
    """trial, subscribe or billing: what the reader's state leads to."""
    closed: str
    """Why nobody can subscribe now; empty: they can."""
    billed_from: datetime | None
    """When a reader who subscribes now pays first; None: at once."""
    is_standin: bool
    record: Measured
    backtest: Measured | None
    default: WorthRow
    default_risk: Decimal
    default_trades: int
    verdict: str
    verdict_code: str
    rows: tuple[WorthRow, ...]
    shares: tuple[tuple[Decimal, Decimal], ...]
    """Account, and what a fifth of an assumed 2 % a month would cost there."""
    script: dict[str, Any]
    """What the script needs to do the same sums with the reader's own figures."""


@dataclass(frozen=True, slots=True)
class LandingPage:
    """The front door."""

    shell: Shell
    plan: PlanView
    signal: dict[str, Any] | None
    """The newest open signal that this reader may see."""
    levels: tuple[LevelRow, ...]
    market: dict[str, Any] | None
    record: Measured
    backtest: Measured | None
    status: dict[str, Any] | None
    stages: dict[str, dict[str, Any]]
    """Timings of the pipeline by stage: receive, decode, state, factors, score, deliver."""
    n_markets: int
    symbol: str
    """Of the preview: the signal's, else the first market."""
    timeframe: str
    decimals: int
    preview: Preview | None
    results: tuple[ResultBar, ...]
    """The newest results of the running market, the oldest first."""
    n_wins: int
    articles: tuple[ArticleCard, ...]
    """Three to read next."""
    reads: frozenset[str]
    """Slugs of all public articles: what the page may link to."""
    delay_min: int
    """By how many minutes open signals of the real market reach this reader late."""


@dataclass(frozen=True, slots=True)
class BillingPage:
    """Plan and billing of one person."""

    shell: Shell
    billing: BillingView
    trouble: str
    next_charge: tuple[datetime, Decimal, str] | None
    """When, how much before tax, in which currency; None: nothing will be charged."""
    may_subscribe: bool
    closed: str
    """Why nobody can subscribe now; empty: they can."""
    billed_from: datetime | None
    """When somebody who subscribes now pays first; None: at once."""
    has_portal: bool


@dataclass(frozen=True, slots=True)
class TokensPage:
    """Personal tokens of one person."""

    shell: Shell
    tokens: tuple[TokenView, ...]
    scopes: tuple[tuple[str, str, str], ...]
    """(scope, title, what it opens)"""
    lifetimes: tuple[tuple[str, str], ...]
    is_open: bool
    lock: str
    """Why no token can be made now; empty: it can."""
    secret: str
    """The new token, in this one answer only."""
    made: TokenView | None
    error: str
    name: str
    """What was typed, kept when it is refused."""
    chosen: tuple[str, ...]
    lifetime: str
    curl: str


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
    origins: tuple[str, ...]
    """Of which signals can be taken as a file; the one of now comes first."""
    lock: str
    """Why they cannot; empty where they can."""


@dataclass(frozen=True, slots=True)
class RecordPage:
    """The record of one origin; without any signal only the first three are filled."""

    shell: Shell
    origins: tuple[str, ...]
    origin: str
    figures: dict[str, Any] | None
    """`signals.settlement.record.figures`."""
    is_enough: bool = False
    """Below a hundred results no rate is stated."""
    losers: tuple[dict[str, Any], ...] = ()
    equity: Line | None = None
    drawdown: Line | None = None
    rolling: Line | None = None
    dots: tuple[Dot, ...] = ()
    square: tuple[tuple[float, float, int], ...] = ()
    bars: tuple[Bar, ...] = ()
    symbols: tuple[dict[str, Any], ...] = ()
    groups: tuple[tuple[str, tuple[dict[str, Any], ...]], ...] = ()
    turned_down: tuple[dict[str, Any], ...] = ()
    expectation: dict[str, Any] | None = None
    horizon: int = 12
    horizons: tuple[int, ...] = ()
    risk: str = ""
    risks: tuple[str, ...] = ()
    sought: Sought | None = None
    rows: tuple[dict[str, Any], ...] = ()
    before: int | None = None
    months: tuple[str, ...] = ()
    query: str = ""
    """What was asked, without the cursor."""
    after: int = 0
    """Frames of signals up to this one are in the page already."""


@dataclass(frozen=True, slots=True)
class SignalPage:
    """One signal at its own address."""

    shell: Shell
    signal: dict[str, Any]
    levels: tuple[LevelRow, ...]
    evidence: dict[str, Any] | None
    recomputed: Recomputed | None
    """What the stored inputs give now, where it was asked."""
    address: str
    """The page's own, for cards and for copying."""
    inputs_hash: str
    """SHA-256 of everything that it was built from."""
    candles: Candles | None
    """The minutes around the one that settled it, as a drawing."""


@dataclass(frozen=True, slots=True)
class ToolsPage:
    """The list of calculators."""

    shell: Shell
    tools: tuple[Any, ...]
    """`frontend.tools.catalogue.Tool`."""


@dataclass(frozen=True, slots=True)
class ToolPage:
    """One calculator with its answer."""

    shell: Shell
    tool: Any
    form: Any
    """Bound to what stands in the fields."""
    groups: tuple[tuple[Any, ...], ...]
    """Its bound fields; those of one group stand side by side."""
    answer: Any
    """`frontend.tools.answer.Answer`; None where a field is wrong."""
    start: Any
    """`frontend.tools.start.Start`: where the figures are from."""
    address: str
    """Of this very result, to share."""
    markets: tuple[str, ...]
    others: tuple[Any, ...]
    links: tuple[tuple[str, str], ...]
    """(address, title) of pages that explain more."""
