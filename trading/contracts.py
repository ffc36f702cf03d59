"""What other rooms may know of what we do for someone: frozen, without Django."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID


class Venue(StrEnum):
    """Where an account trades. What is not `binance` moves no real money and says so."""

    PAPER = "paper"
    """Our own matching at the market's live prices."""
    SIMULATED = "simulated"
    """The simulated exchange, over its sockets, with a key of its own."""
    DEMO = "demo"
    """Binance's demo exchange."""
    BINANCE = "binance"

    @property
    def has_real_money(self) -> bool:
        return self is Venue.BINANCE


class AccountState(StrEnum):
    """Where an exchange account stands with us."""

    DRAFT = "draft"
    """A key pair was made; the exchange's key id is not known yet."""
    CHECKING = "checking"
    CONNECTED = "connected"
    REFUSED = "refused"
    """A check failed: nothing is traded with it; the sentence says what to change."""
    SUSPENDED = "suspended"
    """It worked once: the exchange refuses the key now, or its rights have grown."""
    REVOKED = "revoked"


class BotMode(StrEnum):
    """The three states of a bot, in the words the page uses."""

    TRADING = "trading"
    EXITS_ONLY = "exits_only"
    """No new entries; what is open is managed to its end."""
    OFF = "off"
    """Nothing is done; stops rest on the exchange."""


class StopMode(StrEnum):
    """What a thrown kill switch forbids; each holds what the one before it does."""

    NO_ENTRIES = "no_entries"
    CLOSE_ONLY = "close_only"
    """Resting entries are cancelled as well."""
    FLATTEN = "flatten"
    """Everything of ours is closed at market."""


class TradeState(StrEnum):
    """The life of what we do about one signal on one account."""

    CHOSEN = "chosen"
    """A row stands; the lane of the account has not decided yet."""
    OFFERED = "offered"
    """Waits for the person's yes."""
    ENTERING = "entering"
    """Stop and entry are being placed, or rest."""
    OPEN = "open"
    CLOSING = "closing"
    """Being closed at market, without end until it is flat."""
    CLOSED = "closed"
    NOT_ENTERED = "not_entered"
    SKIPPED = "skipped"
    """A rule said no before anything was sent; the reason stands beside it."""
    PARKED = "parked"
    """Our own code failed on it three times; a person looks. Its stop rests on the exchange."""

    @property
    def is_live(self) -> bool:
        """Say whether orders of it may rest at the exchange."""
        return self in (TradeState.ENTERING, TradeState.OPEN, TradeState.CLOSING, TradeState.PARKED)

    @property
    def is_final(self) -> bool:
        return self in (TradeState.CLOSED, TradeState.NOT_ENTERED, TradeState.SKIPPED)


class StopProof(StrEnum):
    """What is known of the stop of an open position."""

    VERIFIED = "verified"
    """Seen at the exchange; the view says when."""
    MOVING = "moving"
    """Another one rests at the new level while the old one is replaced."""
    UNCONFIRMED = "unconfirmed"
    """Not seen yet; the position is closed when the time is up."""
    FLATTENING = "flattening"
    NONE = "none"
    """Nothing is open."""


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account of somebody, without anything secret."""

    id: UUID
    venue: Venue
    label: str
    state: AccountState
    code: str
    sentence: str
    """Why it stands so, and what to do, for the person."""
    key_kind: str
    """ed25519, hmac, or empty for paper."""
    key_tail: str
    """The last four characters of the key id."""
    public_key: str
    """PEM, of a pair that we made; empty otherwise."""
    rights: dict[str, bool]
    is_ip_restricted: bool | None
    expires_at: datetime | None
    checked_at: datetime | None
    created_at: datetime

    @property
    def can_trade(self) -> bool:
        return self.state is AccountState.CONNECTED


@dataclass(frozen=True, slots=True)
class CheckView:
    """One line of the permission test."""

    name: str
    """signature, reading, futures, withdrawals, addresses, position_mode, stop_order"""
    state: str
    """passed, failed, not_run or running"""
    sentence: str
    """What was found and, where it failed, which box to change."""
    took_ms: int | None


@dataclass(frozen=True, slots=True)
class BotView:
    """How a bot is set, and what that means in money now."""

    account: AccountView
    mode: BotMode
    is_automatic: bool
    limits: dict[str, Any]
    """Every limit by name, numbers as text."""
    risk_cap_percent: Decimal
    """What the ladder allows now; the person's own limit may be lower."""
    cap_sentence: str
    equity: Decimal | None
    lost_today: Decimal
    lost_today_percent: Decimal
    to_halt: Decimal | None
    n_open: int
    pauses: tuple[str, ...]
    """Every reason in force why nothing new is opened, in words."""
    changed_at: datetime | None
    automation_opens: str
    """What opens automation, in words; empty once it is open."""


@dataclass(frozen=True, slots=True)
class PositionView:
    """One open position of ours."""

    trade_id: UUID
    account_id: UUID
    venue: Venue
    signal_id: UUID
    symbol: str
    base: str
    decimals: int
    side: str
    quantity: Decimal
    entry_price: Decimal
    stop_price: Decimal
    stop_level: str
    """initial, break_even, plus_1r or trailing"""
    r_distance: Decimal
    targets: tuple[dict[str, Any], ...]
    """price, quantity, r, state (working, filled, cancelled, waiting)"""
    proof: StopProof
    proof_at: datetime | None
    """When the exchange last confirmed the stop."""
    proof_id: str
    """The exchange's id of the stop."""
    seconds_left: float | None
    """Until it is closed at market, while the stop is not confirmed."""
    realised: Decimal
    fees: Decimal
    funding: Decimal
    liquidation_price: Decimal | None
    leverage: int
    opened_at: datetime | None
    expires_at: datetime
    note: str
    """What the person should know (touched by hand, key lost, …); empty mostly."""


@dataclass(frozen=True, slots=True)
class TradeLine:
    """One trade in a list."""

    id: UUID
    account_id: UUID
    venue: Venue
    signal_id: UUID
    symbol: str
    base: str
    decimals: int
    side: str
    timeframe: str
    state: TradeState
    how: str
    """bot or by_hand"""
    reason: str
    """Stable code: why it was skipped, or how it ended."""
    sentence: str
    quantity: Decimal
    entry_price: Decimal | None
    exit_price: Decimal | None
    realised: Decimal
    fees: Decimal
    funding: Decimal
    result_r: Decimal | None
    """Net of fees and funding."""
    model_r: Decimal | None
    """What the published settlement of the signal says, net."""
    decided_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    offer_until: datetime | None


@dataclass(frozen=True, slots=True)
class FillLine:
    """One order event or fill, for the list of executions."""

    at: datetime
    trade_id: UUID
    venue: Venue
    symbol: str
    base: str
    decimals: int
    side: str
    leg: str
    event: str
    """In words: Entry filled, Stop placed, TP2 filled, Skipped …"""
    asked: Decimal | None
    filled: Decimal | None
    quantity: Decimal | None
    slippage_bps: Decimal | None
    fee: Decimal | None
    """USDT; None while a fee in another coin has not been converted."""
    fee_paid: str
    """Amount and coin of a fee in another coin, which `fee` is converted from; else empty."""
    result_r: Decimal | None
    exchange_id: str


@dataclass(frozen=True, slots=True)
class TradeDetail:
    """Everything about one trade."""

    line: TradeLine
    position: PositionView | None
    plan: dict[str, Any]
    orders: tuple[dict[str, Any], ...]
    fills: tuple[FillLine, ...]
    journal: tuple[dict[str, Any], ...]
    """at, kind, sentence, details; the story from signal to last fill."""


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """My fills against the model, each in R summed over closed trades of one account."""

    n_trades: int
    mine_r: Decimal
    model_r: Decimal
    delay_r: Decimal
    slippage_r: Decimal
    fees_r: Decimal
    funding_r: Decimal
    missed: int
    """Signals taken by the model and not by me."""
    other_r: Decimal
    """What is left of the difference."""


@dataclass(frozen=True, slots=True)
class StepView:
    """One of the five steps of getting started."""

    number: int
    code: str
    """demo, trial, learn, paper, key"""
    state: str
    """done, now or locked"""
    title: str
    sentence: str
    link: str
    link_text: str
    aside: str


@dataclass(frozen=True, slots=True)
class ProgressView:
    """Where somebody stands on the way to automation."""

    steps: tuple[StepView, ...]
    paper_results: tuple[Decimal, ...]
    """Net R of each followed paper trade that has ended, oldest first."""
    n_needed: int


@dataclass(frozen=True, slots=True)
class ExecutorStatus:
    """How execution stands, for staff and the status page."""

    is_running: bool
    release: str
    n_lanes: int
    n_open: int
    n_unknown: int
    oldest_unknown_s: float | None
    n_naked: int
    longest_naked_s: float | None
    n_mismatched: int
    """Accounts whose last comparison with the exchange found a difference."""
    away: str
    """Why the exchange counts as not in service; empty while it serves."""
    clock_offset_ms: float | None
    weight_used: int | None
    said_at: datetime | None
