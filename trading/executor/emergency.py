"""A close that goes on while the database is away (F-17): from memory, reduce-only, and only that.

No row can be written, so nothing but an exit is sent. Its ids are those that rows would have had:
once the database is back the fills are booked to their trade by building the ids again.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog

from cryptosystems.kernel.decimals import round_to_step
from trading.domain.orders import Leg
from trading.domain.venue import OutcomeClass
from trading.exchanges.port import KeyRefused, ReadFailed
from trading.executor.reads import Desk
from trading.reconciliation import timing
from trading.reconciliation.closing import TARGETS_IN_THE_WAY
from trading.reconciliation.requests import request_of
from trading.reconciliation.state import OrderFacts, TradeFacts

log = structlog.get_logger(__name__)

FLAT_FOR_MS: Final = 60_000
SKIPPED_ATTEMPTS: Final = 1_000
"""Rows that were written and are not in memory must not meet the same id."""


@dataclass(slots=True)
class Emergency:
    """Closes from memory what is being closed."""

    desk: Desk
    _tries: dict[UUID, int] = field(default_factory=dict)
    _closed: dict[UUID, Decimal] = field(default_factory=dict)
    _again_ms: dict[UUID, int] = field(default_factory=dict)
    _flat_since_ms: dict[UUID, int] = field(default_factory=dict)

    async def close(self, trade: TradeFacts, now_ms: int) -> bool:
        """Read the position and send one reduce-only market order for what is ours of it.

        Returns True once nothing of ours is left. Tries that came to nothing lie further and
        further apart, as in the close loop; an empty answer is believed only after a minute of
        them (EX-14), for no row can tell what explains it.
        """
        terms = trade.terms
        if terms is None:
            return True
        if now_ms < self._again_ms.get(trade.id, 0):
            return False
        self._again_ms[trade.id] = now_ms + timing.close_pause_ms(self._tries.get(trade.id, 0) + 1)
        side = self.desk.memory.venue_facts(trade, None).position_side_of[trade.side]
        try:
            found = await self.desk.port.positions(trade.symbol)
        except (ReadFailed, KeyRefused) as error:
            log.warning("emergency_close_waits", error=type(error).__name__)
            return False
        there = sum((one.quantity for one in found if one.position_side is side), Decimal(0))
        ours = trade.open_quantity - self._closed.get(trade.id, Decimal(0))
        most = min(there * trade.side.sign, ours, terms.market_max_quantity)
        quantity = round_to_step(max(Decimal(0), most), terms.step)
        if quantity <= 0 and ours > 0 and there * trade.side.sign <= 0:
            self._again_ms[trade.id] = now_ms + timing.FLAT_AGAIN_MS
            since_ms = self._flat_since_ms.setdefault(trade.id, now_ms)
            return now_ms - since_ms >= FLAT_FOR_MS
        self._flat_since_ms.pop(trade.id, None)
        if quantity <= 0:
            return True
        tries = self._tries[trade.id] = self._tries.get(trade.id, 0) + 1
        request = request_of(
            _with_attempt(trade, tries), Leg.CLOSE, quantity=quantity, position_side=side
        )
        outcome = await self.desk.port.submit(request)
        if outcome.kind is OutcomeClass.ACCEPTED and outcome.order is not None:
            filled = self._closed.get(trade.id, Decimal(0)) + outcome.order.filled
            self._closed[trade.id] = filled
        elif outcome.code in TARGETS_IN_THE_WAY:
            await self._take_targets_away(trade)
        log.error(
            "emergency_close",
            trade=str(trade.id),
            attempt=tries,
            outcome=outcome.kind.value,
            code=outcome.code,
        )
        return False

    async def _take_targets_away(self, trade: TradeFacts) -> None:
        """Cancel what has used the position up (EX-11); rows are told at the next reading."""
        for order in trade.orders:
            if order.leg.is_target and order.state.may_rest:
                request = order.request
                await self.desk.port.cancel(request.symbol, request.client_id, request.service)


def _with_attempt(trade: TradeFacts, tries: int) -> TradeFacts:
    """Return the trade as if so many closes more had been prepared."""
    last = trade.last(Leg.CLOSE)
    base = SKIPPED_ATTEMPTS if last is None else last.attempt + SKIPPED_ATTEMPTS
    some = trade.orders[0]
    made: OrderFacts = replace(some, leg=Leg.CLOSE, attempt=base + tries - 1)
    return replace(trade, orders=(*trade.orders, made))
