"""Planning a trade: read what it depends on, size it, ask every limit, write the plan or the no."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.platform import bell, leases
from trading.contracts import TradeState
from trading.domain.orders import TARGETS
from trading.domain.venue import Quote, TradingRules, VenueAccount
from trading.executor import reads, ties
from trading.executor.claim import Denial
from trading.executor.database import fenced
from trading.executor.memory import AccountRef
from trading.executor.numbers import terms_to_row
from trading.executor.reads import Desk
from trading.models import Trade
from trading.reconciliation.state import TargetTerms, Terms, TradeFacts

Planner = Callable[[Desk, TradeFacts, int], Awaitable[None]]
MOST_ALGOS: Final = 195
"""Of the account's 200 untriggered conditional orders; the rest is room for stops (EX-21)."""


class MarketPlanner:
    """Plans with the rules and quotes of the venue's market."""

    def __init__(
        self,
        rules: Callable[[str], TradingRules | None],
        quote: Callable[[str], Quote | None],
    ) -> None:
        self._rules = rules
        self._quote = quote

    async def __call__(self, desk: Desk, trade: TradeFacts, now_ms: int) -> None:
        """Plan one chosen trade.

        Raises
        ------
        ReadFailed
            If the exchange did not tell what a plan needs; nothing has changed then.
        """
        rules, quote = self._rules(trade.symbol), self._quote(trade.symbol)
        refused = _of_market(rules, quote)
        account: VenueAccount | None = None
        fees = (Decimal(0), Decimal(0))
        if refused is None:
            account = await desk.port.account()
            desk.memory.is_hedged = account.is_hedged
            refused = _of_account(account) or await self._of_symbol(desk, trade, now_ms)
            fees = await desk.port.fees(trade.symbol)
        await desk.db.run(
            decide_plan,
            desk.ref,
            trade,
            refused,
            account,
            rules,
            quote,
            fees,
            now_ms,
            desk.holding,
        )

    async def _of_symbol(self, desk: Desk, trade: TradeFacts, now_ms: int) -> Denial | None:
        """Refuse where something stands on the symbol that is not ours (EX-18, EX-21)."""
        await reads.read_position(desk, trade.symbol, now_ms)
        await reads.read_settings(desk, trade.symbol)
        told = await desk.port.open_orders(trade.symbol)
        await reads.take_orders(desk, trade.symbol, tuple(told), now_ms)
        readings = desk.memory.symbol(trade.symbol).positions.values()
        if any(reading.quantity != 0 for reading in readings):
            return Denial(
                "foreign_position", f"The account holds {trade.symbol} already, not by this bot."
            )
        if len(told) >= MOST_ALGOS:
            return Denial("too_many_orders", "The account has too many open orders.")
        return None


def _of_market(rules: TradingRules | None, quote: Quote | None) -> Denial | None:
    if rules is None or not rules.is_trading:
        return Denial("not_trading", "The exchange does not trade this symbol now.")
    if quote is None:
        return Denial("no_price", "There was no fresh price to judge the entry by.")
    return None


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
    refused: Denial | None,
    account: VenueAccount | None,
    rules: TradingRules | None,
    quote: Quote | None,
    fees: tuple[Decimal, Decimal],
    now_ms: int,
    holding: leases.Holding | None,
) -> None:
    """Size the trade and ask its limits, in one transaction; write what came of it."""
    now = to_datetime(now_ms)
    with fenced(holding):
        row = Trade.objects.for_user(ref.user_id).select_related("account").get(pk=trade.id)
        if row.state != TradeState.CHOSEN.value:
            return
        denial = refused or _busy(ref, row)
        if denial is None:
            found = ties.entry_denial(row, now)
            denial = None if found is None else Denial(found.code, found.sentence)
        if denial is None:
            assert account is not None and rules is not None and quote is not None
            denial = _write_plan(row, account, rules, quote, fees, now_ms)
        if denial is not None:
            row.state, row.reason, row.sentence = (
                TradeState.SKIPPED.value,
                denial.code,
                denial.sentence,
            )
            row.closed_at = now
            row.save(update_fields=["state", "reason", "sentence", "closed_at"])
            ties.note(row, "skipped", denial.sentence, details={"reason": denial.code}, now=now)
        bell.ring(ref.user_id)


def _busy(ref: AccountRef, row: Trade) -> Denial | None:
    """One trade a symbol: a close-position stop closes everything there is of it."""
    live = [state.value for state in TradeState if state.is_live]
    others = Trade.objects.for_user(ref.user_id).filter(
        account_id=ref.account_id, symbol=row.symbol, state__in=live
    )
    if others.exclude(pk=row.pk).exists():
        return Denial("symbol_busy", f"There is an open trade on {row.symbol} already.")
    return None


def _write_plan(
    row: Trade,
    account: VenueAccount,
    rules: TradingRules,
    quote: Quote,
    fees: tuple[Decimal, Decimal],
    now_ms: int,
) -> Denial | None:
    plan = ties.make_plan(row, account, rules, quote, now_ms)
    if isinstance(plan, Denial):
        return plan
    now = to_datetime(now_ms)
    terms = terms_of(plan, rules, fees, is_trailing=plan["is_trailing"])
    row.plan = {**plan, "terms": terms_to_row(terms)}
    row.state = TradeState.ENTERING.value
    row.max_quantity = terms.quantity
    row.stop_price, row.stop_level = terms.stop, "initial"
    row.risk_amount = Decimal(plan["risk_amount"])
    row.updated_at = now
    row.save(
        update_fields=[
            *("plan", "state", "max_quantity", "stop_price", "stop_level", "risk_amount"),
            "updated_at",
        ]
    )
    ties.note(
        row,
        "planned",
        f"Planned: {plan['quantity']} at {plan['entry_price']}, stop {plan['stop']}.",
        details={"plan": plan},
        now=now,
    )
    return None


def terms_of(
    plan: dict[str, Any],
    rules: TradingRules,
    fees: tuple[Decimal, Decimal],
    *,
    is_trailing: bool,
) -> Terms:
    """Return what decisions need of a plan; numbers of the plan are text."""
    maker, taker = fees
    return Terms(
        entry_low=Decimal(plan["entry_low"]),
        entry_high=Decimal(plan["entry_high"]),
        entry_price=Decimal(plan["entry_price"]),
        quantity=Decimal(plan["quantity"]),
        stop=Decimal(plan["stop"]),
        targets=tuple(
            TargetTerms(leg, Decimal(target["price"]), Decimal(target["quantity"]))
            for leg, target in zip(TARGETS, plan["targets"], strict=False)
        ),
        r_distance=Decimal(plan["r_distance"]),
        atr=Decimal(plan["atr"]),
        valid_until_ms=int(plan["valid_until_ms"]),
        expires_ms=int(plan["expires_ms"]),
        leverage=int(plan["leverage"]),
        tick=rules.tick,
        step=rules.step,
        min_quantity=rules.min_quantity,
        min_notional=rules.min_notional,
        market_max_quantity=rules.market_max_quantity,
        cost_rate=max(maker, taker) + taker,
        is_trailing=is_trailing,
    )
