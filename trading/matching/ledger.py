"""Wallet, positions, margin: what a fill, a settlement or a liquidation does to them."""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from trading.domain.margin import liquidation_price, maintenance, most_notional
from trading.domain.venue import (
    BalanceEvent,
    CashFlow,
    OrderEvent,
    OrderSide,
    PositionSide,
    SettingsEvent,
    SymbolSettings,
    TradingRules,
    VenueAccount,
    VenueEvent,
    VenueFill,
    VenuePosition,
)
from trading.matching.records import ZERO, Fees, Ids, Order, Position, Setting
from trading.matching.refused import Refused

SMALLEST: Final = Decimal("0.00000001")
"""The grain of money, USDT."""
_KEPT: Final = 5_000
PositionKey = tuple[str, PositionSide]


class Ledger:
    """The money side of one account, USDT."""

    def __init__(
        self,
        rules: Mapping[str, TradingRules],
        *,
        wallet: Decimal,
        fees: Fees,
        ids: Ids,
        uid: str = "",
    ) -> None:
        self.rules = rules
        self.wallet = wallet
        self.fees = fees
        self.ids = ids
        self.uid = uid
        self.is_hedged = False
        self.has_multi_assets = False
        self.can_trade = True
        self.positions: dict[PositionKey, Position] = {}
        self.settings: dict[str, Setting] = {}
        self.marks: dict[str, Decimal] = {}
        """Mark prices as last heard, of symbols with a position or an order."""
        self.trades: deque[VenueFill] = deque(maxlen=_KEPT)
        self.flows: deque[CashFlow] = deque(maxlen=_KEPT)
        self._events: list[VenueEvent] = []

    # --- reading ------------------------------------------------------------------------------

    def setting(self, symbol: str) -> Setting:
        return self.settings.setdefault(symbol, Setting())

    def held(self, symbol: str, side: PositionSide = PositionSide.BOTH) -> Decimal:
        """Return the signed quantity of a position."""
        position = self.positions.get((symbol, side))
        return position.quantity if position else ZERO

    def is_flat(self, symbol: str) -> bool:
        return not any(self.held(symbol, side) for side in PositionSide)

    def unrealised(self) -> Decimal:
        """Return the open result of all positions at the marks last heard."""
        return sum(
            (
                p.unrealised(self.marks.get(p.symbol, p.entry))
                for p in self.positions.values()
                if p.quantity
            ),
            ZERO,
        )

    def position_margin(self, position: Position) -> Decimal:
        """Return the initial margin of a position."""
        if self.setting(position.symbol).is_isolated:
            return position.isolated_wallet
        mark = self.marks.get(position.symbol, position.entry)
        return abs(position.quantity) * mark / self.setting(position.symbol).leverage

    def order_margin(self) -> Decimal:
        """Return the margin that resting orders hold; the account with orders says more."""
        return ZERO

    @property
    def available(self) -> Decimal:
        """Return what new orders may use."""
        return max(ZERO, self.free)

    @property
    def free(self) -> Decimal:
        """Return what margin leaves of the wallet; below zero where losses have eaten into it."""
        taken = sum((self.position_margin(p) for p in self.positions.values() if p.quantity), ZERO)
        crossed = sum(
            (
                p.unrealised(self.marks.get(p.symbol, p.entry))
                for p in self.positions.values()
                if p.quantity and not self.setting(p.symbol).is_isolated
            ),
            ZERO,
        )
        return self.wallet - taken - self.order_margin() + min(ZERO, crossed)

    def account(self) -> VenueAccount:
        return VenueAccount(
            wallet=self.wallet,
            available=self.available,
            margin_balance=self.wallet + self.unrealised(),
            can_trade=self.can_trade,
            is_hedged=self.is_hedged,
            has_multi_assets=self.has_multi_assets,
            uid=self.uid,
        )

    def liquidation_of(self, position: Position) -> Decimal:
        """Return the mark price at which a position would be liquidated, the others unchanged."""
        rules = self.rules[position.symbol]
        wallet = position.isolated_wallet
        if not self.setting(position.symbol).is_isolated:
            wallet = self._crossed_wallet(position)
        return liquidation_price(rules.brackets, position.quantity, position.entry, wallet)

    def _crossed_wallet(self, position: Position) -> Decimal:
        """Return the wallet that stands for one crossed position beside its siblings."""
        wallet = self.wallet
        for other in self.positions.values():
            if other is position or not other.quantity:
                continue
            if self.setting(other.symbol).is_isolated:
                wallet -= other.isolated_wallet
                continue
            mark = self.marks.get(other.symbol, other.entry)
            notional = abs(other.quantity) * mark
            wallet += other.unrealised(mark)
            wallet -= maintenance(self.rules[other.symbol].brackets, notional)
        return wallet

    def position_list(self) -> list[VenuePosition]:
        """Return positions that are not zero."""
        found = []
        for position in self.positions.values():
            if not position.quantity:
                continue
            mark = self.marks.get(position.symbol, position.entry)
            found.append(
                VenuePosition(
                    symbol=position.symbol,
                    quantity=position.quantity,
                    entry_price=position.entry,
                    mark_price=mark,
                    liquidation_price=self.liquidation_of(position),
                    unrealised=position.unrealised(mark),
                    isolated_wallet=position.isolated_wallet,
                    position_side=position.side,
                    updated_ms=position.updated_ms,
                )
            )
        return found

    def symbol_settings(self, symbol: str) -> SymbolSettings:
        held = self.setting(symbol)
        most = most_notional(self.rules[symbol].brackets, held.leverage)
        return SymbolSettings(symbol, held.is_isolated, held.leverage, most)

    def fills(self, symbol: str, since_ms: int) -> list[VenueFill]:
        return [t for t in self.trades if t.symbol == symbol and t.at_ms >= since_ms]

    def income(self, since_ms: int) -> list[CashFlow]:
        return [flow for flow in self.flows if flow.at_ms >= since_ms]

    def drain(self) -> list[VenueEvent]:
        """Return what happened since the last time, in order."""
        events, self._events = self._events, []
        return events

    # --- settings -----------------------------------------------------------------------------

    def set_leverage(self, symbol: str, leverage: int, now_ms: int) -> SymbolSettings:
        """Set the leverage; refused where a position is too large for it."""
        rules = self.rules.get(symbol)
        if rules is None:
            raise Refused(-1121, "Invalid symbol.")
        if not 1 <= leverage <= max(b.max_leverage for b in rules.brackets):
            raise Refused(-4028, f"Leverage {leverage} is not valid")
        notional = sum(
            (
                abs(p.quantity) * self.marks.get(symbol, p.entry)
                for (name, _), p in self.positions.items()
                if name == symbol
            ),
            ZERO,
        )
        if notional > most_notional(rules.brackets, leverage):
            raise Refused(-2027, "Exceeded the maximum allowable position at current leverage.")
        held = self.setting(symbol)
        if leverage < held.leverage and held.is_isolated and not self.is_flat(symbol):
            raise Refused(
                -4161,
                "Leverage reduction is not supported in Isolated Margin Mode with open positions.",
            )
        before, held.leverage = held.leverage, leverage
        if leverage < before and self.free < 0:
            held.leverage = before
            raise Refused(-2028, "Leverage is smaller than permitted: insufficient margin balance.")
        self._events.append(SettingsEvent(symbol, now_ms, leverage))
        return self.symbol_settings(symbol)

    def _check_margin_type(self, symbol: str, is_isolated: bool) -> None:
        if self.has_multi_assets and is_isolated:
            raise Refused(
                -4168, "Unable to adjust to isolated-margin mode under the Multi-Assets mode."
            )
        if self.setting(symbol).is_isolated == is_isolated:
            raise Refused(-4046, "No need to change margin type.")
        if not self.is_flat(symbol):
            raise Refused(-4048, "Margin type cannot be changed if there exists position.")

    # --- booking ------------------------------------------------------------------------------

    def _book(
        self, order: Order, quantity: Decimal, price: Decimal, *, is_maker: bool, now_ms: int
    ) -> VenueFill:
        """Book one execution of an order: position, wallet, incomes; return it."""
        r = order.request
        key = (r.symbol, r.position_side)
        position = self.positions.setdefault(key, Position(r.symbol, r.position_side))
        signed = quantity if r.side is OrderSide.BUY else -quantity
        realised = self._move(position, signed, price)
        rate = self.fees.maker if is_maker else self.fees.taker
        fee = (quantity * price * rate).quantize(SMALLEST)
        self.wallet += realised - fee
        position.realised += realised
        position.fees += fee
        position.updated_ms = now_ms
        if position.isolated_wallet:
            position.isolated_wallet = max(ZERO, position.isolated_wallet - fee)
        order.filled += quantity
        order.cost += quantity * price
        order.updated_ms = now_ms
        trade_id = str(self.ids.next_trade())
        if realised:
            self._flow("REALIZED_PNL", r.symbol, realised, now_ms, trade_id)
        self._flow("COMMISSION", r.symbol, -fee, now_ms, trade_id)
        fill = VenueFill(
            trade_id=trade_id,
            order_id=str(order.id),
            client_id=r.client_id,
            symbol=r.symbol,
            side=r.side,
            price=price,
            quantity=quantity,
            fee=fee,
            fee_asset="USDT",
            realised=realised,
            is_maker=is_maker,
            at_ms=now_ms,
            position_side=r.position_side,
        )
        self.trades.append(fill)
        return fill

    def _move(self, position: Position, signed: Decimal, price: Decimal) -> Decimal:
        """Add a signed quantity to a position; return what that realised, before fees."""
        before = position.quantity
        realised = ZERO
        if before and (before > 0) != (signed > 0):
            closing = min(abs(before), abs(signed))
            direction = 1 if before > 0 else -1
            realised = ((price - position.entry) * closing * direction).quantize(SMALLEST)
            freed = (position.isolated_wallet * closing / abs(before)).quantize(SMALLEST)
            position.isolated_wallet = max(ZERO, position.isolated_wallet - freed)
            position.quantity = before - direction * closing
            signed += direction * closing
            if not position.quantity:
                position.entry, position.isolated_wallet = ZERO, ZERO
        if signed:
            after = position.quantity + signed
            held = abs(position.quantity) * position.entry + abs(signed) * price
            position.entry = held / abs(after)
            position.quantity = after
            setting = self.setting(position.symbol)
            if setting.is_isolated:
                margin = abs(signed) * price / setting.leverage
                position.isolated_wallet += margin.quantize(SMALLEST)
        return realised

    def _flow(
        self, kind: str, symbol: str, amount: Decimal, at_ms: int, trade_id: str = ""
    ) -> None:
        number = trade_id or str(self.ids.next_flow())
        self.flows.append(CashFlow(number, kind, symbol, amount, "USDT", at_ms))

    def _tell_balance(self, reason: str, keys: list[PositionKey], now_ms: int) -> None:
        changed = tuple((name, side, self.held(name, side)) for name, side in keys)
        self._events.append(BalanceEvent(reason, self.wallet, changed, now_ms))

    def _tell_order(
        self, order: Order, fill: VenueFill | None, now_ms: int, reason: str = ""
    ) -> None:
        self._events.append(OrderEvent(order.view(), fill, now_ms, reason))

    def settle_funding(self, symbol: str, rate: Decimal, mark: Decimal, now_ms: int) -> None:
        """Pay or receive funding: longs pay while the rate is above zero."""
        for (name, side), position in self.positions.items():
            if name != symbol or not position.quantity:
                continue
            amount = -(position.quantity * mark * rate).quantize(SMALLEST)
            self.wallet += amount
            if self.setting(symbol).is_isolated:
                position.isolated_wallet = max(ZERO, position.isolated_wallet + amount)
            self._flow("FUNDING_FEE", symbol, amount, now_ms)
            self._tell_balance("FUNDING_FEE", [(name, side)], now_ms)

    def add_margin(self, symbol: str, side: PositionSide, amount: Decimal, now_ms: int) -> None:
        """Move margin into an isolated position, or out of it (negative)."""
        position = self.positions.get((symbol, side))
        if position is None or not position.quantity:
            raise Refused(-4050, "Cross balance insufficient.")
        if not self.setting(symbol).is_isolated:
            raise Refused(-4046, "Isolated margin only.")
        if amount > self.available or position.isolated_wallet + amount <= 0:
            raise Refused(-4051, "Isolated balance insufficient.")
        position.isolated_wallet += amount
        self._tell_balance("MARGIN_TRANSFER", [(symbol, side)], now_ms)

    def deposit(self, amount: Decimal, now_ms: int) -> None:
        """Add to the wallet, or take from it."""
        self.wallet += amount
        self._flow("TRANSFER", "", amount, now_ms)
        self._tell_balance("DEPOSIT" if amount > 0 else "WITHDRAW", [], now_ms)
