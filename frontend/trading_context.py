"""What the pages about trading are given: frozen, documented, and nothing else reaches a template."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from frontend.context import Shell
from trading.contracts import (
    AccountView,
    BotView,
    ComparisonView,
    FillLine,
    PositionView,
    ProgressView,
    TradeDetail,
    TradeLine,
    Venue,
)


def gap_of(trade: TradeLine) -> Decimal | None:
    """Return my result less the model's, R; None where one of them is not known."""
    if trade.result_r is None or trade.model_r is None:
        return None
    return trade.result_r - trade.model_r


@dataclass(frozen=True, slots=True)
class AccountTab:
    """One account above a page, or a venue where somebody has none yet."""

    venue: Venue
    label: str
    """The person's own name of it; empty for paper and where there is no account."""
    account_id: UUID | None
    """None: no account there; the tab leads to the keys."""
    link: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class PositionRow:
    """One open position beside the market as it stood when the page was made."""

    view: PositionView
    mark: Decimal | None
    """None while the engine is silent."""
    now_r: Decimal | None
    """Of what is still open, before costs, at the mark price."""
    away: Decimal | None
    """From the mark to the stop, as a fraction of the mark, ≥ 0 while the stop is not reached."""


@dataclass(frozen=True, slots=True)
class StartPage:
    """Getting started: what is done, what comes next, and how paper trades ended."""

    shell: Shell
    progress: ProgressView
    n_done: int
    won: int
    lost: int
    total_r: Decimal
    """Of the paper trades that have ended, net, summed."""
    boxes: tuple[str, ...]
    """One for each paper trade that is needed: w(on), l(ost), or empty while it is still to come."""
    trades: tuple[TradeLine, ...]
    has_factor: bool
    is_confirmed: bool
    """The address is."""

    @property
    def rows(self) -> list[tuple[TradeLine, Decimal | None]]:
        """Return each trade with its result less the model's."""
        return [(trade, gap_of(trade)) for trade in self.trades]


@dataclass(frozen=True, slots=True)
class BotPage:
    """One bot: its switch, its mode, its limits and what they mean in money."""

    shell: Shell
    tabs: tuple[AccountTab, ...]
    account: AccountView | None
    bot: BotView | None
    form: Any
    """A Django form of the limits, bound if it was refused."""
    sayings: dict[str, str]
    """By limit: its consequence in words, as `trading.api.preview` says it."""
    lost_share: float
    """Of the daily-loss limit, 0..1, for the meter."""
    trouble: str
    """Why the last wish was not granted; empty otherwise."""
    lock: str
    """Why there is no account to set; empty otherwise."""
    needs_quiz: bool
    """Whether the quiz still stands before this account's bot; never on paper."""


@dataclass(frozen=True, slots=True)
class OrdersPage:
    """Executions: what is open, what waits for a yes, what was filled and what was not taken."""

    shell: Shell
    tabs: tuple[AccountTab, ...]
    account_id: UUID | None
    """None: all accounts."""
    positions: tuple[PositionRow, ...]
    troubled: tuple[PositionRow, ...]
    """Those whose stop is not confirmed or that are being closed."""
    offers: tuple[TradeLine, ...]
    fills: tuple[FillLine, ...]
    since: str
    """today, week or month"""
    trades: tuple[TradeLine, ...]
    older: str
    """Cursor of the next page of trades; empty: these are all."""
    state: str
    """Of the trades that are listed; empty: any."""
    comparisons: tuple[tuple[AccountView, ComparisonView], ...]
    question: str
    """The question part of this page's address, for its older pages."""
    first: dict[str, Any]
    """What the script starts from, as the topic `account` carries it."""


@dataclass(frozen=True, slots=True)
class TradePage:
    """One trade from its signal to its last fill."""

    shell: Shell
    trade: TradeDetail
    row: PositionRow | None
    model_gap: Decimal | None
    """My result less the model's, R."""
    stops: tuple[FillLine, ...]
    """Fills of stops, for what happened at them."""
    first: dict[str, Any]
    """What the script starts from; empty where nothing is open."""

    @property
    def positions(self) -> tuple[PositionRow, ...]:
        """Return what the table of positions shows."""
        return () if self.row is None else (self.row,)


@dataclass(frozen=True, slots=True)
class SurePage:
    """Asked once more before something is closed."""

    shell: Shell
    account: AccountView | None
    position: PositionRow | None
    n_open: int
