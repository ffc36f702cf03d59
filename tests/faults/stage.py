"""A lane over real sockets: our port, our user stream, and an exchange in a process of its own.

Time is the exchange's and is moved by hand; the lane's clock follows it. What is really there is
looked at after every step, so that a second without a stop is counted by the exchange's own books.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

from cryptosystems.kernel.clock import FixedClock, to_datetime
from cryptosystems.kernel.instruments import Side
from cryptosystems.kernel.retry import Backoff
from cryptosystems.platform import leases
from cryptosystems.platform.leases import Holding
from cryptosystems.platform.models import Lease
from tests.support.canary import Canary, Sinks
from tests.support.exchange_process import Venue as Exchange
from tests.support.exchange_process import Who
from tests.support.people import person
from tests.trading.executor.stage import LEGS, PLAN, Served
from tests.trading.executor.stage import make_trade as stored_trade
from trading import vault
from trading.contracts import Venue
from trading.domain import client_ids
from trading.domain.venue import Quote, TradingRules, VenueEvent
from trading.exchanges.addresses import addresses_of
from trading.exchanges.budget import WeightBudget
from trading.exchanges.ccxt_futures import CcxtFutures
from trading.exchanges.client import FuturesClient
from trading.exchanges.rules import RulesBook
from trading.exchanges.signer import Credential, KeyKind
from trading.exchanges.user_stream import UserStream
from trading.executor.lane import WITHOUT_ROWS_S, Lane, Market
from trading.executor.memory import AccountRef
from trading.models import JournalEntry, Trade, TradeOrder, TradingAccount
from trading.services.openings import Ledger

D = Decimal
SYMBOL: Final = "BTCUSDT"
ABOVE: Final = 60_300
"""Above the zone, on the side the price comes from."""
INSIDE: Final = 60_000
MINUTE: Final = 60_000
WEIGHT: Final = 500_000
"""A minute; limits have tests of their own."""
_BEAT_MS: Final = 500
_STRIDE_MS: Final = 8_000
_RESTLESS: Final = 30
"""Passes with no time between them; one that did all its 200 steps counts fifteen."""


class Port(CcxtFutures):
    """The real port; its stream tries again at once, for tests do not sleep."""

    async def events(self) -> AsyncIterator[VenueEvent]:
        stream = UserStream(
            self._client, self._credential, backoff=Backoff(first_s=0.01, cap_s=0.05)
        )
        async with aclosing(stream.events()) as events:
            async for event in events:
                yield event


@dataclass
class Stage:
    """One tenant with one account, one trade, and the process that looks after them."""

    venue: Exchange
    loop: asyncio.AbstractEventLoop
    sinks: Sinks
    call_s: float = 3.0
    """How long the lane waits for a reply, wall time."""
    timeout_s: float = 12.0
    db: Any = None
    clock: FixedClock = field(init=False)
    longest_naked_ms: int = 0
    """By the exchange's books, sampled after each step."""
    _naked_since: int | None = None
    _rowless_until_ms: int = 0
    is_deaf: bool = False
    """The user stream is not listened to."""
    may_lack_rows: bool = False
    """The test takes the database away."""
    holding: Holding | None = None
    """The lease that its lanes hold; without one they are alone in the world."""
    side: Side = Side.LONG
    """Prices are said as of a long; a short has them mirrored."""
    mark: Decimal = field(init=False)
    _listening: Any = None

    def __post_init__(self) -> None:
        self.mark = self.on_its_side(ABOVE)
        self.venue.price(SYMBOL, float(self.mark))
        self.clock = FixedClock(self.venue.now_ms())
        self.db = self.db or Served(self.loop)
        self.canary = Canary.hatch()
        key = {"kind": "ed25519", "public_key": self.canary.public_pem}
        self.who: Who = self.venue.account(**key)
        self.user = person(f"someone-{uuid4().hex[:12]}")
        self.account = self._connect()
        self.ledger = Ledger("test")
        self.open_client()
        self.lane = self.new_lane()

    def _connect(self) -> TradingAccount:
        row = TradingAccount.objects.add_for(
            self.user.pk,
            venue="simulated",
            label="Sim",
            state="connected",
            key_kind="ed25519",
            api_key=self.who.api_key,
            created_at=to_datetime(self.clock.now_ms()),
        )
        row.sealed_secret = vault.seal(vault.Place(self.user.pk, row.pk), self.canary.pem.encode())
        row.save(update_fields=["sealed_secret"])
        return row

    # --- our side --------------------------------------------------------------------------------

    def open_client(self) -> None:
        """Open what all accounts of a venue share in a process: client, rules, limits."""
        addresses = addresses_of(Venue.SIMULATED, self.venue.base_url, self.venue.ws_url)
        self.client = FuturesClient(
            addresses,
            self.clock.now_ms,
            budget=WeightBudget(weight_limit=WEIGHT),
            timeout_s=self.timeout_s,
        )
        self.rules = RulesBook(self.client)
        self.db.drive(self.rules.refresh())

    def new_lane(self) -> Lane:
        """Return a lane as a process that has just started has it, with its stream connected."""
        place = vault.Place(self.user.pk, self.account.pk)
        secret = vault.Secret(place, self.account.sealed_secret, self.ledger.note)

        @contextmanager
        def opened() -> Iterator[bytearray]:
            with secret.opened("sign") as plain:
                yield plain

        port = Port(self.client, Credential(self.who.api_key, KeyKind.ED25519, opened))
        market = Market(quote=self.quote, rules=self.rule, now_ms=self.clock.now_ms)
        ref = AccountRef(self.user.pk, self.account.pk, Venue.SIMULATED)
        lane = Lane(ref, port, self.db, market, wall_ms=self.clock.now_ms, holding=self.holding)
        lane.doer.call_s = self.call_s
        if not self.is_deaf:
            self._listening = self.loop.create_task(lane.listen())
            self.until(lambda: bool(lane.inbox))
        return lane

    def rule(self, symbol: str) -> TradingRules | None:
        return self.rules.get(symbol)

    def quote(self, symbol: str) -> Quote:
        """Return the scripted market's price, as its streams would tell it."""
        tick = D("0.1")
        return Quote(
            symbol=symbol,
            bid=self.mark - tick,
            ask=self.mark + tick,
            last=self.mark,
            mark=self.mark,
            high=self.mark + tick,
            low=self.mark - tick,
            at_ms=self.clock.now_ms(),
        )

    def deafen(self) -> None:
        """Let the user stream end, without a word to the lane."""
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
            self.turn()

    def stop(self) -> None:
        """Let the process be gone: stream, memory, calls that run."""
        self.deafen()
        self.db.drive(self.lane.close())
        self.db.drive(self.client.close())

    def restart(self) -> None:
        """Begin with nothing but rows, as a new process does."""
        self.stop()
        self.begin()

    def begin(self) -> None:
        """Begin as a new process: the exchange's time, and rows."""
        self.catch_up()
        self.open_client()
        self.lane = self.new_lane()

    def take_over(self, owner: str) -> None:
        """Take the account's lease, as it can be taken once its owner was silent for too long."""
        name = f"lane:{self.account.pk}"
        Lease.objects.filter(name=name).update(until_ms=0)
        self.holding = leases.take(name, owner)
        assert self.holding is not None

    def catch_up(self) -> None:
        """Take the exchange's time, and look at what is there."""
        self.clock.advance(max(0, self.venue.now_ms() - self.clock.now_ms()))
        self.watch()

    # --- time ------------------------------------------------------------------------------------

    def until(self, is_true: Any) -> None:
        """Let the loop turn until something has come over a socket."""
        for _ in range(20_000):
            if is_true():
                return
            self.turn()
        raise AssertionError("it never came")

    def turn(self) -> None:
        """Let what has arrived at our sockets be read."""

        async def turns() -> None:
            for _ in range(4):
                await asyncio.sleep(0)

        self.db.drive(turns())

    def advance(self, ms: int) -> None:
        """Let market time pass, on both sides."""
        if ms > 0:
            beat = min(ms, max(_BEAT_MS, ms // 5))
            self.venue.advance(ms, beat)
            self.clock.advance(max(1, ms // beat) * beat)  # whole beats only
        self.turn()

    def once(self) -> int:
        """Pass once, look at the truth, return when the lane is due again."""
        self.turn()
        try:
            due = self.db.drive(self.lane.pass_or_close())
        except BaseException as error:
            self.sinks.take(error)
            raise
        if due is None:
            assert self.may_lack_rows, "a statement failed"
            due = self._rowless_until_ms = self.clock.now_ms() + int(WITHOUT_ROWS_S * 1_000)
        self.turn()
        self.watch()
        return due

    def run(self, for_ms: int = 0, step_ms: int = 1_000) -> None:
        """Pass whenever something is due or told, for so much market time.

        The steps of time grow while nothing happens, and are short again after a pass.
        """
        end, due, restless, stride = self.clock.now_ms() + for_ms, 0, 0, step_ms
        while restless < _RESTLESS:
            now = self.clock.now_ms()
            if self.is_called(due):
                due, stride = self.once(), step_ms
                restless += 1 if due > now + 1 else 15
            elif now < end:
                pause = max(1, min(end - now, stride, max(1, due - now)))
                self.advance(pause)
                stride = max(stride, min(2 * stride, _STRIDE_MS))
                restless = 0 if pause >= 100 else restless
            else:
                return
        raise AssertionError("the lane never rests")

    def is_called(self, due_ms: int) -> bool:
        """Say whether the lane would pass now: something is due, told, or asked by the market."""
        lane, now = self.lane, self.clock.now_ms()
        if now < self._rowless_until_ms:
            return False
        if now >= due_ms or lane.inbox or lane.doer.late:
            return True
        return lane.is_asked(now)

    def watch(self) -> None:
        """Count the time of a position of ours that no resting stop covers."""
        truth, now = self.who.truth(), self.clock.now_ms()
        if not self.is_naked(truth):
            self._naked_since = None
            return
        if self._naked_since is None:
            self._naked_since = now
        self.longest_naked_ms = max(self.longest_naked_ms, now - self._naked_since)

    def is_naked(self, truth: dict[str, Any]) -> bool:
        """Say whether something of ours is open that no order of ours at the exchange closes."""
        ours = self.ours_open(truth)
        if not ours:
            return False
        for algo in truth["algos"]:
            is_mine = client_ids.is_ours(algo["clientAlgoId"])
            is_stop = algo["orderType"] == "STOP_MARKET" and algo["algoStatus"] == "NEW"
            is_all = algo["closePosition"] in (True, "true") or D(algo["quantity"]) >= ours
            if is_mine and is_stop and is_all:
                return False
        return True

    def ours_open(self, truth: dict[str, Any]) -> Decimal:
        """Return what is open of ours by the exchange's own trades, never more than is there."""
        held = {p["symbol"]: D(p["positionAmt"]) for p in truth["positions"]}
        ours = D(0)
        for trade in truth["trades"]:
            leg = leg_of(trade["clientOrderId"])
            if leg:
                ours += D(trade["qty"]) * (1 if leg == "entry" else -1)
        return max(D(0), min(abs(held.get(SYMBOL, D(0))), ours))

    # --- the market and the person ---------------------------------------------------------------

    def on_its_side(self, price: object) -> Decimal:
        """Return a price of a long as it is for the side that is played."""
        said = D(str(price))
        return said if self.side is Side.LONG else 2 * INSIDE - said

    def move(self, price: float) -> None:
        """Let the price stand somewhere else at once; the exchange fills and triggers."""
        self.mark = self.on_its_side(price)
        self.venue.price(SYMBOL, float(self.mark))
        self.turn()
        self.watch()

    def fault(self, channel: str, action: str, **more: Any) -> None:
        """Put a fault in force for this account alone."""
        self.venue.fault(channel, action, account=self.who.uid, **more)

    def make_trade(self, **changes: Any) -> Trade:
        """Store a planned trade that has not entered yet."""
        now = self.clock.now_ms()
        until = {"valid_until_ms": now + 2 * MINUTE, "expires_ms": now + 240 * MINUTE}
        plan = {**until, **changes.pop("plan", {})}
        if self.side is Side.SHORT:
            plan = self._mirrored({**PLAN, **plan})
            changes = {"side": self.side.value, **changes}
        at = {"decided_at": to_datetime(now), "updated_at": to_datetime(now)}
        return stored_trade(self.account, plan=plan, **{**at, **changes})

    def _mirrored(self, plan: dict[str, Any]) -> dict[str, Any]:
        names = ("entry_low", "entry_high", "entry_price", "stop", "liquidation_price", "reference")
        prices = {name: str(self.on_its_side(plan[name])) for name in names}
        low, high = prices["entry_high"], prices["entry_low"]
        targets = [{**one, "price": str(self.on_its_side(one["price"]))} for one in plan["targets"]]
        zone = {"entry_low": low, "entry_high": high, "side": self.side.value}
        return {**plan, **prices, **zone, "targets": targets}

    def enter(self, **changes: Any) -> None:
        """Have the entry rest behind its guard."""
        self.make_trade(**changes)
        self.run(1_000)
        assert self.resting() == ["guard", "entry"]

    def open(self, **changes: Any) -> None:
        """Have the position open, with its stop and its targets."""
        self.enter(**changes)
        self.move(INSIDE)
        self.run(4_000)
        assert self.resting() == ["stop", "tp1", "tp2", "tp3"]

    def ask_to_close(self) -> None:
        """The person asks to close the trade."""
        row = self.trade()
        row.close_asked_at = to_datetime(self.clock.now_ms())
        row.save(update_fields=["close_asked_at"])

    # --- what there is ---------------------------------------------------------------------------

    def resting(self) -> list[str]:
        """Return the legs of ours that rest at the exchange, in the order of a trade."""
        truth = self.who.truth()
        names = [o["clientOrderId"] for o in truth["orders"]]
        names += [a["clientAlgoId"] for a in truth["algos"]]
        return sorted((leg for leg in map(leg_of, names) if leg), key=LEGS.index)

    def position(self) -> Decimal:
        return D(self.who.position(SYMBOL))

    def trade(self) -> Trade:
        """Return the one trade as it stands in its row."""
        return Trade.objects.for_user(self.user.pk).get()

    def order(self, leg: str) -> TradeOrder:
        """Return the newest attempt of a leg."""
        rows = TradeOrder.objects.for_user(self.user.pk).filter(leg=leg)
        return rows.order_by("-attempt")[0]

    def journal(self) -> list[str]:
        """Return the kinds of the trade's journal, in order."""
        rows = JournalEntry.objects.for_user(self.user.pk).filter(trade_id__isnull=False)
        return list(rows.values_list("kind", flat=True))

    def close(self) -> None:
        """Leave nothing behind for the next test."""
        with suppress(Exception):
            self.stop()


def leg_of(client_id: str) -> str:
    """Return the leg of an order of ours; empty for anybody else's."""
    found = client_ids.parse(client_id)
    return found.leg.value if found else ""
