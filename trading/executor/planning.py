"""Planning a trade: read what it depends on, size it, ask every limit, write the plan or the no."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Final

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.errors import RetryLater
from cryptosystems.platform import bell, leases
from trading.contracts import TradeState
from trading.domain.client_ids import is_ours
from trading.domain.denied import Denied
from trading.domain.orders import TARGETS
from trading.domain.plan import TradePlan, make_plan
from trading.domain.venue import Quote, Service, TradingRules, VenueAccount
from trading.executor import reads, recover
from trading.executor.claim import Denial
from trading.executor.database import fenced
from trading.executor.memory import AccountRef
from trading.executor.numbers import terms_to_row
from trading.executor.reads import Desk
from trading.models import Trade
from trading.reconciliation.state import TargetTerms, Terms, TradeFacts
from trading.selectors.ladder import rung_of
from trading.selectors.standing import open_risk, promised_margin
from trading.services import follow, journal, permits
from trading.services.settings import limits_of, settings_of

Planner = Callable[[Desk, TradeFacts, int], Awaitable[None]]
ROOM_AGAIN_S: Final = 5.0
MOST_ALGOS: Final = 195
"""Of the account's 200 untriggered conditional orders; the rest is room for stops (EX-21)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read for a plan; nothing where the market or the account refused already."""

    account: VenueAccount
    rules: TradingRules
    quote: Quote
    fees: tuple[Decimal, Decimal]
    """Maker and taker, fractions."""
    leverage: int = 1
    """As the symbol is set at the exchange."""


class MarketPlanner:
    """Plans with the rules and quotes of the venue's market."""

    def __init__(
        self,
        rules: Callable[[str], TradingRules | None],
        quote: Callable[[str], Quote | None],
    ) -> None:
        self._rules = rules
        self._quote = quote
        self._random = Random()

    async def __call__(self, desk: Desk, trade: TradeFacts, now_ms: int) -> None:
        """Plan one chosen trade.

        Raises
        ------
        RetryLater
            If the exchange did not tell yet what a plan needs; nothing has changed then.
        """
        await desk.db.run(
            decide_plan,
            desk.ref,
            trade,
            await self._look(desk, trade, now_ms),
            now_ms=now_ms,
            wall_ms=desk.wall_ms(),
            holding=desk.holding,
        )

    async def _look(self, desk: Desk, trade: TradeFacts, now_ms: int) -> Seen | Denial:
        rules, quote = self._rules(trade.symbol), self._quote(trade.symbol)
        if rules is None or not rules.is_trading:
            return Denial("not_trading", "The exchange does not trade this symbol now.")
        if quote is None:
            return await self._without_price(desk, trade, now_ms)
        wait_s = desk.port.admit()
        if wait_s:
            return await self._without_room(desk, trade, wait_s, now_ms)
        account = desk.memory.bare or await desk.port.account()
        desk.memory.is_hedged = account.is_hedged
        refused = _of_account(account) or await self._of_symbol(desk, trade, now_ms)
        if refused is not None:
            return refused
        found = desk.memory.symbol(trade.symbol).settings
        leverage = 1 if found is None else found.leverage
        return Seen(account, rules, quote, await reads.read_fees(desk, trade.symbol), leverage)

    async def _without_price(self, desk: Desk, trade: TradeFacts, now_ms: int) -> Denial:
        """Wait for the first quote of a symbol nobody watched before; give up with the validity.

        Raises
        ------
        RetryLater
            While the signal may still be entered: it is planned again after a pause. It is no
            failure of the exchange, so no breaker counts it.
        """
        if now_ms < await desk.db.run(_valid_until, desk.ref, trade):
            raise RetryLater(f"no fresh price of {trade.symbol} yet", after_s=0.1)
        return Denial("no_price", "There was no fresh price to judge the entry by in time.")

    async def _without_room(
        self, desk: Desk, trade: TradeFacts, wait_s: float, now_ms: int
    ) -> Denial:
        """Wait for room in the exchange's limits: nothing is placed before the exits have theirs.

        Raises
        ------
        RetryLater
            While the signal may still be entered.
        """
        if now_ms < await desk.db.run(_valid_until, desk.ref, trade):
            after_s = min(wait_s, ROOM_AGAIN_S * (1 + self._random.random()))
            raise RetryLater("waiting for room in the exchange's limits", after_s=after_s)
        return Denial("no_room", "The exchange's limits left no room to enter in time.")

    async def _of_symbol(self, desk: Desk, trade: TradeFacts, now_ms: int) -> Denial | None:
        """Refuse where something stands on the symbol that is not ours (EX-18, EX-21)."""
        if desk.memory.bare is not None:
            desk.memory.saw_nothing(trade.symbol)
            return None
        await reads.read_settings(desk, trade.symbol)
        await reads.read_position(desk, trade.symbol, now_ms)
        told = await desk.port.open_orders(trade.symbol)
        await reads.take_orders(desk, trade.symbol, tuple(told), now_ms)
        readings = desk.memory.symbol(trade.symbol).positions.values()
        is_held = any(reading.quantity != 0 for reading in readings)
        if (is_held or any(is_ours(one.client_id) for one in told)) and await recover.find(
            desk, trade, now_ms
        ):
            return None
        if is_held:
            return Denial(
                "foreign_position", f"The account holds {trade.symbol} already, not by this bot."
            )
        n_here = sum(one.service is Service.ALGO for one in told)
        if max(desk.memory.n_conditional, n_here) >= MOST_ALGOS:
            return Denial(
                "too_many_orders", "The account has too many conditional orders; a stop needs room."
            )
        return None


def _valid_until(ref: AccountRef, trade: TradeFacts) -> int:
    held = Trade.objects.for_user(ref.user_id).values_list("signal", flat=True).get(pk=trade.id)
    return int(held["valid_until_ms"])


def _of_account(account: VenueAccount) -> Denial | None:
    if not account.can_trade:
        return Denial("cannot_trade", "The exchange does not let this account trade.")
    if account.is_hedged:
        return Denial(
            "hedge_mode",
            "The account is in hedge mode. Switch it to one-way mode at the exchange.",
        )
    if account.has_multi_assets:
        return Denial(
            "multi_assets",
            "The account is in multi-assets mode. Switch it to single-asset mode at the exchange.",
        )
    return None


def decide_plan(
    ref: AccountRef,
    trade: TradeFacts,
    seen: Seen | Denial,
    *,
    now_ms: int,
    wall_ms: int,
    holding: leases.Holding | None = None,
) -> None:
    """Ask every limit and size the trade, in one transaction; write the plan, the offer or the no."""
    with fenced(holding):
        row = Trade.objects.for_user(ref.user_id).select_related("account").get(pk=trade.id)
        if row.state not in (TradeState.CHOSEN.value, TradeState.OFFERED.value):
            return
        if isinstance(seen, Seen) and _take_over(row, seen, to_datetime(now_ms)):
            bell.ring(ref.user_id)
            return
        denial = seen if isinstance(seen, Denial) else _busy(ref, row)
        if denial is None:
            found = permits.entry_denial(row, to_datetime(now_ms))
            denial = None if found is None else Denial(found.code, found.sentence)
        if denial is None:
            assert isinstance(seen, Seen)
            denial = _write_plan(row, seen, now_ms, wall_ms)
        if denial is not None:
            _skip(row, denial, to_datetime(now_ms))
        bell.ring(ref.user_id)


def _take_over(row: Trade, seen: Seen, now: datetime) -> bool:
    """Go on with a trade whose orders were found at the exchange; no limit is asked: it is open."""
    found = recover.rebuilt(row, seen.rules, seen.leverage)
    if found is None:
        return False
    terms = terms_of(found.plan, seen.rules, seen.fees)
    recover.take_over(row, found)
    row.plan, row.updated_at = {**found.plan.to_dict(), "terms": terms_to_row(terms)}, now
    row.save(
        update_fields=[
            *("plan", "state", "max_quantity", "stop_price", "stop_level", "risk_amount"),
            *("decided_at", "sent_at", "updated_at"),
        ]
    )
    sentence = "Its orders stand at the exchange already; the trade goes on from there."
    journal.note(row, "recovered", sentence, now=now)
    return True


def _skip(row: Trade, denial: Denial, now: datetime) -> None:
    row.state, row.reason, row.sentence = TradeState.SKIPPED.value, denial.code, denial.sentence
    row.closed_at = row.updated_at = now
    row.save(update_fields=["state", "reason", "sentence", "closed_at", "updated_at"])
    journal.note(row, "skipped", denial.sentence, details={"reason": denial.code}, now=now)


def _busy(ref: AccountRef, row: Trade) -> Denial | None:
    """One trade a symbol: a close-position stop closes everything there is of it."""
    live = [state.value for state in TradeState if state.is_live]
    others = Trade.objects.for_user(ref.user_id).filter(
        account_id=ref.account_id, symbol=row.symbol, state__in=live
    )
    if others.exclude(pk=row.pk).exists():
        return Denial("symbol_open", f"There is an open trade on {row.symbol} already.")
    return None


def _write_plan(row: Trade, seen: Seen, now_ms: int, wall_ms: int) -> Denial | None:
    bot = settings_of(row.user_id, row.account_id)
    # What other entries were sized to take is not taken at the exchange yet.
    free = max(Decimal(0), seen.account.available - promised_margin(row.user_id, row.account_id))
    plan = make_plan(
        follow.signal_from_dict(row.signal),
        limits_of(bot),
        replace(seen.account, available=free),
        seen.rules,
        seen.quote,
        now_ms,
        cap_percent=rung_of(row.user_id, row.account_id).cap_percent,
        open_risk=open_risk(row.user_id, row.account_id, row.pk),
    )
    if isinstance(plan, Denied):
        return Denial(plan.code, plan.sentence)
    now = to_datetime(now_ms)
    terms = terms_of(plan, seen.rules, seen.fees)
    row.plan = {**plan.to_dict(), "terms": terms_to_row(terms)}
    row.max_quantity, row.risk_amount = terms.quantity, plan.risk_amount
    row.stop_price, row.stop_level, row.updated_at = terms.stop, "initial", now
    if row.how == "bot" and bot.is_approved_by_hand and row.approved_at is None:
        row.state = TradeState.OFFERED.value
        valid_ms = wall_ms + plan.valid_until_ms - now_ms
        row.offer_until = to_datetime(min(wall_ms + bot.offer_s * 1_000, valid_ms))
    else:
        row.state = TradeState.ENTERING.value
    row.save(
        update_fields=[
            *("plan", "state", "max_quantity", "stop_price", "stop_level", "risk_amount"),
            *("offer_until", "updated_at"),
        ]
    )
    journal.note(
        row,
        "offered" if row.state == TradeState.OFFERED.value else "planned",
        f"Planned: {plan.quantity} at {plan.entry_price}, stop {plan.stop}.",
        details={"plan": plan.to_dict()},
        now=now,
    )
    return None


def terms_of(plan: TradePlan, rules: TradingRules, fees: tuple[Decimal, Decimal]) -> Terms:
    """Return what decisions need of a plan and of the symbol."""
    maker, taker = fees
    return Terms(
        entry_low=plan.entry_low,
        entry_high=plan.entry_high,
        entry_price=plan.entry_price,
        quantity=plan.quantity,
        stop=plan.stop,
        targets=tuple(
            TargetTerms(leg, target.price, target.quantity)
            for leg, target in zip(TARGETS, plan.targets, strict=False)
        ),
        r_distance=plan.r_distance,
        atr=plan.atr,
        valid_until_ms=plan.valid_until_ms,
        expires_ms=plan.expires_ms,
        leverage=plan.leverage,
        tick=rules.tick,
        step=rules.step,
        min_quantity=rules.min_quantity,
        min_notional=rules.min_notional,
        market_max_quantity=rules.market_max_quantity,
        cost_rate=max(maker, taker) + taker,
        is_trailing=plan.is_trailing,
    )
