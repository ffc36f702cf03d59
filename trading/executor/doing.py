"""Does one step of one trade: at most one call to the exchange that changes anything."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

import structlog

from trading.domain.orders import Leg, OrderState
from trading.domain.venue import Outcome, OutcomeClass, Service, VenueOrder
from trading.exchanges.port import ReadFailed
from trading.executor import changes, claim, hooks, outcomes, planning, reads
from trading.executor.claim import Denial
from trading.executor.reads import Desk
from trading.reconciliation import steps
from trading.reconciliation.guards import Guard
from trading.reconciliation.state import OrderFacts, TradeFacts

log = structlog.get_logger(__name__)

R = TypeVar("R")

CALL_S: Final = 3.0
"""How long a lane waits for a reply. What comes later is taken late; meanwhile it is asked for,
and other positions of the account are looked after."""
MOST_SET_UPS: Final = 3
_NOT_RESTING: Final = (-2011, -2013)
_CRASH_WAIT_S: Final = 0.3


@dataclass(slots=True)
class Doer:
    """Hands of a lane."""

    desk: Desk
    refuse_entry: Callable[[TradeFacts], Denial | None]
    """What the lane knows against an entry at this moment."""
    may_send: Callable[[], None]
    """Raises where the lease may have run out between claim and send."""
    on_outcome: Callable[[OrderFacts, Outcome], None]
    plan: planning.Planner
    call_s: float = CALL_S
    late: deque[tuple[OrderFacts, Outcome]] = field(default_factory=deque)
    wake: Callable[[], None] = lambda: None
    _running: set[asyncio.Task[Outcome]] = field(default_factory=set)

    async def do(self, trade: TradeFacts, step: steps.Step, now_ms: int) -> TradeFacts | None:
        """Do one step; return the trade as it stands in rows now, None where it must be read again.

        Raises what reading and rows raise; a refused call is no exception.
        """
        match step:
            case steps.Plan():
                await self.plan(self.desk, trade, now_ms)
            case steps.Prepare():
                made = await self._rows(claim.prepare, trade, step, now_ms)
                return None if step.leg is Leg.CLOSE else _with(trade, made)
            case steps.Send():
                sent = await self._send(trade, step.order, now_ms)
                is_all = sent is not None and sent.state is not OrderState.FILLED
                return _with(trade, sent) if sent is not None and is_all else None
            case steps.Ask():
                self.desk.memory.asked_ms[step.order.client_id] = now_ms
                await reads.ask(self.desk, step.order, now_ms)
            case steps.Cancel():
                await self._cancel(trade, step.order, step.why, now_ms)
            case steps.Read():
                for told in await reads.read(self.desk, step.what, trade.symbol, now_ms):
                    await self.cancel_stranger(told)
            case steps.SetLeverage():
                outcome = await self.desk.port.set_leverage(trade.symbol, step.leverage)
                await self._judge_set_up(trade, outcome)
                return trade
            case steps.SetIsolated():
                outcome = await self.desk.port.set_isolated(trade.symbol)
                if step.leverage is not None and outcome.kind is not OutcomeClass.NOT_SENT:
                    outcome = await self.desk.port.set_leverage(trade.symbol, step.leverage)
                await self._judge_set_up(trade, outcome)
                return trade
            case steps.CancelStranger():
                await self.cancel_stranger(step.told)
            case _:
                await self._change(trade, step, now_ms)
        return None

    async def _change(self, trade: TradeFacts, step: steps.Step, now_ms: int) -> None:
        match step:
            case steps.Drop():
                sentence = "It is not needed any more and was never sent."
                await self._set(step.order, OrderState.DROPPED, sentence, now_ms, step.why)
            case steps.MarkUnknown():
                sentence = "The process that was sending it ended; we ask the exchange."
                await self._set(step.order, OrderState.UNKNOWN, sentence, now_ms)
            case steps.GiveUp():
                await self._give_up(step.order, step.sentence, now_ms)
            case steps.Become():
                await self._rows(changes.become, trade, step, now_ms)
            case steps.Close():
                await self._rows(changes.close, trade, step, now_ms)
            case steps.Mark():
                await self._rows(changes.mark, trade, step, now_ms)
            case steps.MoveStop():
                await self._rows(changes.move_stop, trade, step, now_ms)
            case steps.Tell():
                await self._rows(changes.tell, trade, step, now_ms)
                self.desk.memory.trade(trade.id).told.add(step.code)

    async def _judge_set_up(self, trade: TradeFacts, outcome: Outcome) -> None:
        """A setting is judged by reading it, not by the answer (EX-21); -4067 may mislead."""
        if outcome.kind is OutcomeClass.NOT_SENT:
            raise ReadFailed(outcome.message, after_s=outcome.retry_after_s)
        held = self.desk.memory.symbol(trade.symbol)
        before = held.settings
        await reads.read_settings(self.desk, trade.symbol)
        held.set_up_tries = held.set_up_tries + 1 if held.settings == before else 0
        if held.set_up_tries >= MOST_SET_UPS:
            held.set_up_refused = f"{outcome.code}: {outcome.message}"

    async def _rows(
        self, change: Callable[..., R], trade: TradeFacts, step: steps.Step, now_ms: int
    ) -> R:
        desk = self.desk
        return await desk.db.run(change, desk.ref, trade, step, now_ms=now_ms, holding=desk.holding)

    async def _set(
        self, order: OrderFacts, state: OrderState, sentence: str, now_ms: int, why: str = ""
    ) -> None:
        desk, ended = self.desk, None if state.may_rest else now_ms
        after = replace(
            order, state=state, ended_ms=ended, updated_ms=now_ms, message=why or order.message
        )
        if state is OrderState.UNKNOWN:
            after = replace(after, asked=0, not_found=0, sent_ms=order.sent_ms or now_ms)
        await desk.db.run(
            changes.set_order,
            desk.ref,
            order,
            after,
            sentence,
            now_ms=now_ms,
            holding=desk.holding,
        )

    async def _give_up(self, order: OrderFacts, sentence: str, now_ms: int) -> None:
        state = OrderState.CANCELLED
        if order.leg is Leg.ENTRY and not hooks.has(Guard.NEVER_AGAIN):
            state = OrderState.PREPARED
        await self._set(order, state, sentence, now_ms, "not found")

    # --- calls -----------------------------------------------------------------------------------

    async def _send(self, trade: TradeFacts, order: OrderFacts, now_ms: int) -> OrderFacts | None:
        desk = self.desk
        refused = self.refuse_entry(trade) if order.leg is Leg.ENTRY else None
        denial = await desk.db.run(
            claim.claim,
            desk.ref,
            order,
            trade,
            now_ms=now_ms,
            refused=refused,
            holding=desk.holding,
        )
        if denial is not None:
            return None
        self.may_send()
        sent = replace(order, state=OrderState.SUBMITTING, sent_ms=now_ms)
        outcome = await self._submit(sent)
        return await self.record(sent, outcome, now_ms)

    async def _submit(self, order: OrderFacts) -> Outcome:
        """Send once, and wait for the reply a bounded time."""
        task = asyncio.ensure_future(self.desk.port.submit(order.request))
        point = "K6" if order.leg.is_protection else "K3"
        if hooks.is_armed(point, order.leg):
            await asyncio.wait({task}, timeout=_CRASH_WAIT_S)
            hooks.reach(point, order.leg)
        done, _ = await asyncio.wait({task}, timeout=self.call_s)
        if not done:
            self._running.add(task)
            task.add_done_callback(lambda ended: self._take_late(order, ended))
            return Outcome(OutcomeClass.UNKNOWN, message="no answer yet")
        return _result(task)

    def _take_late(self, order: OrderFacts, task: "asyncio.Task[Outcome]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            self.late.append((order, _result(task)))
            self.wake()

    async def take_late(self, now_ms: int) -> None:
        """Record replies that came after we had stopped waiting (F-28)."""
        while self.late:
            order, outcome = self.late.popleft()
            await self.record(order, outcome, now_ms)

    async def record(self, order: OrderFacts, outcome: Outcome, now_ms: int) -> OrderFacts:
        """Write how a call ended, and let the lane draw its conclusions."""
        desk = self.desk
        if outcome.code in outcomes.KEY_CODES:
            # The key is refused, not the order: it was not worked, and may go once the key works.
            outcome = replace(outcome, kind=OutcomeClass.NOT_SENT, retry_after_s=60.0)
        if outcome.kind is OutcomeClass.NOT_SENT:
            desk.memory.not_before_ms[order.client_id] = now_ms + outcomes.pause_ms(outcome)
        after = await desk.db.run(
            outcomes.record, desk.ref, order, outcome, now_ms=now_ms, holding=desk.holding
        )
        self.on_outcome(order, outcome)
        return after

    async def _cancel(self, trade: TradeFacts, order: OrderFacts, why: str, now_ms: int) -> None:
        desk = self.desk
        await desk.db.run(
            changes.ask_cancel, desk.ref, trade, order, why, now_ms=now_ms, holding=desk.holding
        )
        self.may_send()
        request = order.request
        outcome = await desk.port.cancel(request.symbol, request.client_id, request.service)
        self.on_outcome(order, outcome)
        asked = replace(order, cancel_asked_ms=now_ms)
        if outcome.kind is OutcomeClass.ACCEPTED:
            if outcome.order is not None:
                await reads.take_order(desk, outcome.order, now_ms)
            await self._cancelled(asked, outcome.order, now_ms)
        elif outcome.kind is OutcomeClass.REJECTED and outcome.code in _NOT_RESTING:
            told = await reads.ask(desk, asked, now_ms)
            if told is None:
                sentence = "It rests no more."  # or is hidden: it is looked for (EX-13)
                await self._set(asked, OrderState.CANCELLED, sentence, now_ms, "not found")

    async def _cancelled(self, order: OrderFacts, told: VenueOrder | None, now_ms: int) -> None:
        """The exchange has taken the cancel; where it told no order, that is the end of it."""
        if told is None:
            await self._set(order, OrderState.CANCELLED, "It is cancelled.", now_ms)

    async def cancel_stranger(self, told: VenueOrder) -> None:
        """Cancel an order with our prefix that rests for nothing (EX-13, EX-18)."""
        self.may_send()
        outcome = await self.desk.port.cancel(told.symbol, told.client_id, told.service)
        log.warning(
            "stranger_cancelled",
            account=str(self.desk.ref.account_id),
            order=told.client_id,
            service=Service(told.service).value,
            outcome=outcome.kind.value,
        )

    async def close(self) -> None:
        """Leave calls that still run; what became of them is asked at the next start."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def _with(trade: TradeFacts, order: OrderFacts) -> TradeFacts:
    """Return the trade with one order as it is now."""
    others = tuple(one for one in trade.orders if one.id != order.id)
    return replace(trade, orders=(*others, order))


def _result(task: "asyncio.Future[Outcome]") -> Outcome:
    """Return the end of a call; whatever it raised, the order may have been worked."""
    error = task.exception()
    if error is None:
        return task.result()
    log.warning("call_raised", error=type(error).__name__)
    return Outcome(OutcomeClass.UNKNOWN, message=type(error).__name__)
