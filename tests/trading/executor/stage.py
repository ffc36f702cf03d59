"""A lane on a stage: one account, one signal, a clock that the test moves."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar
from uuid import UUID, uuid4

from cryptosystems.kernel.clock import FixedClock, to_datetime
from tests.support.people import alice
from tests.trading.executor.small_exchange import RULES, SYMBOL, SmallExchange
from trading.contracts import Venue
from trading.domain import client_ids
from trading.domain.plan import TradePlan
from trading.executor.lane import Lane
from trading.executor.market import Market
from trading.executor.memory import AccountRef
from trading.executor.numbers import terms_to_row
from trading.executor.planning import terms_of
from trading.models import Fill, JournalEntry, Trade, TradeOrder, TradingAccount

LEGS = ("guard", "entry", "stop", "tp1", "tp2", "tp3", "close")
NOW = 1_700_000_000_000
MINUTE = 60_000
D = Decimal

PLAN: dict[str, Any] = {
    "entry_low": "59900",
    "entry_high": "60100",
    "entry_price": "60100",
    "quantity": "0.1",
    "stop": "59100",
    "targets": [
        {"price": "61100", "quantity": "0.04", "r": "1"},
        {"price": "62100", "quantity": "0.03", "r": "2"},
        {"price": "63100", "quantity": "0.03", "r": "3"},
    ],
    "r_distance": "1000",
    "atr": "700",
    "valid_until_ms": NOW + 2 * MINUTE,
    "expires_ms": NOW + 240 * MINUTE,
    "leverage": 5,
    "risk_amount": "100",
    "symbol": SYMBOL,
    "side": "long",
    "is_trailing": False,
    "notional": "6010",
    "liquidation_price": "49000",
    "equity": "10000",
    "reference": "60000",
    "tick": "0.1",
    "step": "0.001",
}


def make_account(user_id: UUID) -> TradingAccount:
    """Store a connected account at the simulated exchange."""
    return TradingAccount.objects.add_for(
        user_id,
        venue="simulated",
        label="Sim",
        state="connected",
        created_at=to_datetime(NOW),
    )


def make_trade(account: TradingAccount, **changes: Any) -> Trade:
    """Store a planned trade that has not entered yet."""
    plan = {**PLAN, **changes.pop("plan", {})}
    terms = terms_of(TradePlan.from_dict(plan), RULES, (D("0.0002"), D("0.0005")))
    values: dict[str, Any] = {
        "account": account,
        "signal_id": uuid4(),
        "signal_number": 1,
        "symbol": SYMBOL,
        "side": "long",
        "timeframe": "1h",
        "confidence": 0.8,
        "model_version": "m1",
        "origin": "simulated",
        "venue": "simulated",
        "how": "by_hand",
        "state": "entering",
        "plan": {**plan, "terms": terms_to_row(terms)},
        "max_quantity": D(plan["quantity"]),
        "stop_price": D(plan["stop"]),
        "risk_amount": D(100),
        "decided_at": to_datetime(NOW),
        "updated_at": to_datetime(NOW),
    }
    return Trade.objects.add_for(account.user_id, **{**values, **changes})


P = ParamSpec("P")
R = TypeVar("R")


class Served:
    """The lanes' database and their loop, both in the thread of the test: the loop stands still
    while the test looks, and a statement costs no change of threads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        asyncio._set_running_loop(None)  # Django gives each task a connection of its own
        try:
            return function(*args, **kwargs)
        finally:
            asyncio._set_running_loop(self._loop)

    def drive(self, coroutine: Coroutine[Any, Any, R]) -> R:
        """Run a coroutine to its end."""
        return self._loop.run_until_complete(coroutine)


@dataclass
class Stage:
    """One account with a lane, on the small exchange."""

    loop: asyncio.AbstractEventLoop
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    is_deaf: bool = False
    """The user stream is not listened to."""

    exchange: Any = None
    """The small exchange, unless another port is given."""

    def __post_init__(self) -> None:
        self.exchange = self.exchange or SmallExchange(self.clock.now_ms)
        self.db = Served(self.loop)
        self.account = make_account(alice().pk)
        self.lane = self.new_lane()

    def new_lane(self) -> Lane:
        """Return a lane as a process that has just started has it."""
        ref = AccountRef(self.account.user_id, self.account.pk, Venue.SIMULATED)
        market = Market(
            quote=self.exchange.quote, rules=lambda symbol: RULES, now_ms=self.clock.now_ms
        )
        return Lane(ref, self.exchange, self.db, market)

    def restart(self) -> None:
        """Forget everything that is not in rows."""
        self.exchange.drain()
        self.lane = self.new_lane()

    def run(self, for_ms: int = 0) -> int:
        """Pass until nothing is due, at every due moment within so many milliseconds."""
        end = self.clock.now_ms() + for_ms
        for _ in range(2_000):
            due = self.once()
            if self.lane.inbox:
                continue
            if due > end:
                self.clock.advance(max(0, end - self.clock.now_ms()))
                return due
            self.clock.advance(max(1, due - self.clock.now_ms()))
        raise AssertionError("the lane never rests")

    def once(self) -> int:
        """Take the events and pass once."""
        self._hear()
        due = self.db.drive(self.lane.pass_once())
        self._hear()
        return due

    def _hear(self) -> None:
        told = self.exchange.drain()
        if not self.is_deaf:
            self.lane.inbox.extend(told)

    def trade(self) -> Trade:
        """Return the one trade as it stands in its row."""
        return Trade.objects.for_user(self.account.user_id).get()

    def enter(self, **changes: Any) -> None:
        """Have the entry rest behind its guard."""
        make_trade(self.account, **changes)
        self.run(1_000)
        assert self.exchange.resting() == ["guard", "entry"]

    def open(self, **changes: Any) -> None:
        """Have the position open, with its stop and its targets."""
        self.enter(**changes)
        self.exchange.fill("entry", price="60050")
        self.run(3_000)
        assert self.exchange.resting() == ["stop", "tp1", "tp2", "tp3"]

    def ask_to_close(self) -> None:
        """The person asks to close the trade."""
        row = self.trade()
        row.close_asked_at = to_datetime(self.clock.now_ms())
        row.save(update_fields=["close_asked_at"])

    def order(self, leg: str, attempt: int | None = None) -> TradeOrder:
        """Return an order's row, the newest attempt unless said."""
        rows = TradeOrder.objects.for_user(self.account.user_id).filter(leg=leg)
        if attempt is not None:
            rows = rows.filter(attempt=attempt)
        return rows.order_by("-attempt")[0]

    def journal(self) -> list[str]:
        """Return the kinds of the journal, in order."""
        rows = JournalEntry.objects.for_user(self.account.user_id)
        return list(rows.filter(trade_id__isnull=False).values_list("kind", flat=True))


class Died(BaseException):
    """The process was killed here."""


@dataclass
class Death:
    """Kills the process at a point, once, without leaving the test (the real kill is SIGKILL)."""

    point: str = ""
    leg: str = ""
    has_come: bool = False

    def is_armed(self, point: str, leg: Any = None) -> bool:
        is_leg = not self.leg or (leg is not None and leg.value == self.leg)
        return not self.has_come and point == self.point and is_leg

    def reach(self, point: str, leg: Any = None) -> None:
        if self.is_armed(point, leg):
            self.has_come = True
            raise Died(point)


def assert_invariants(stage: Stage, *, is_over: bool = False) -> None:
    """Books equal the exchange, at most one entry ever left, and nothing is open without a stop."""
    exchange, trade = stage.exchange, stage.trade()
    assert exchange.sent("entry") <= 1, "I1: more than one entry left"
    ours = {
        order.exchange_id
        for order in exchange.orders.values()
        if client_ids.is_ours(order.client_id)
    } | set(exchange._children)
    told = {fill.trade_id for fill in exchange.fills_done if fill.order_id in ours}
    booked = Fill.objects.for_user(stage.account.user_id).filter(trade=trade).exclude(leg="")
    assert {row.exchange_trade_id for row in booked} == told, "I3: fills differ"
    assert trade.open_quantity == max(D(0), abs(exchange.position)), "I3: position differs"
    if exchange.position != 0:
        covers = [leg for leg in exchange.resting() if leg in ("stop", "guard")]
        assert covers, "I2: a position without a stop"
        assert trade.naked_since is None
    assert trade.longest_naked_ms <= 10_000, "I2: naked for too long"
    if is_over:
        assert trade.state in ("closed", "not_entered", "skipped"), trade.state
        rest = [leg for leg in exchange.resting() if leg in LEGS]
        assert not rest, "EX-16: orphans"
