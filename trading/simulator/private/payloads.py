"""Orders, fills and accounts as REST tells them.

Source: USDⓈ-M Futures, trade and account endpoints.
"""

from decimal import Decimal
from typing import Any, Final

from cryptosystems.kernel.decimals import plain
from trading.domain.margin import maintenance
from trading.domain.venue import CashFlow, OrderKind, PositionSide, TradingRules, VenueFill
from trading.matching.records import ZERO, Order, Position
from trading.simulator.private.account import ExchangeAccount
from trading.simulator.private.market import Market

DELETED_CODE: Final = "200"
_MONEY: Final = Decimal("0.00000001")


def money(value: Decimal) -> str:
    """Return an amount with the exchange's eight decimals."""
    return plain(value.quantize(_MONEY))


def number(value: Decimal | None) -> str:
    """Return a price or quantity as text; none is 0."""
    return plain(value) if value else "0"


def order_type(order: Order) -> str:
    return order.request.kind.value


def original_type(order: Order) -> str:
    return order.original_kind or order.request.kind.value


def placed(order: Order) -> dict[str, Any]:
    """Return what placing, amending or cancelling an ordinary order answers."""
    r = order.request
    return {
        "clientOrderId": r.client_id,
        "cumQty": number(order.filled),
        "executedQty": number(order.filled),
        "orderId": order.id,
        "origQty": number(order.quantity),
        "price": number(r.price),
        "reduceOnly": r.reduce_only,
        "side": r.side.value,
        "positionSide": r.position_side.value,
        "status": order.state.value,
        "stopPrice": number(r.trigger_price),
        "closePosition": r.close_position,
        "symbol": r.symbol,
        "timeInForce": r.time_in_force or "GTC",
        "type": order_type(order),
        "origType": original_type(order),
        "updateTime": order.updated_ms,
        "workingType": "MARK_PRICE" if r.by_mark_price and order.algo_id else "CONTRACT_PRICE",
        "priceProtect": False,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
    }


def queried(order: Order) -> dict[str, Any]:
    """Return an ordinary order as queries tell it."""
    told = placed(order)
    del told["cumQty"]
    told["avgPrice"] = number(order.average)
    told["cumQuote"] = number(order.cost)
    told["time"] = order.created_ms
    return told


def algo_placed(order: Order) -> dict[str, Any]:
    """Return what placing a conditional order answers."""
    r = order.request
    return {
        "algoId": order.id,
        "clientAlgoId": r.client_id,
        "algoType": "CONDITIONAL",
        "orderType": r.kind.value,
        "symbol": r.symbol,
        "side": r.side.value,
        "positionSide": r.position_side.value,
        "timeInForce": algo_force(order),
        "quantity": number(order.quantity),
        "algoStatus": order.state.value,
        "triggerPrice": number(r.trigger_price),
        "price": number(r.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": "MARK_PRICE" if r.by_mark_price else "CONTRACT_PRICE",
        "priceMatch": "NONE",
        "closePosition": r.close_position,
        "priceProtect": r.price_protect,
        "reduceOnly": r.reduce_only or r.close_position,
        "activatePrice": "" if r.activate_price is None else number(r.activate_price),
        "callbackRate": "" if r.callback_rate is None else number(r.callback_rate),
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "triggerTime": order.triggered_ms,
        "goodTillDate": 0,
    }


def algo_force(order: Order) -> str:
    if order.request.close_position:
        return "GTE_GTC"
    return order.request.time_in_force or "GTC"


def actual_kind(order: Order) -> str:
    """Return what a conditional order becomes."""
    is_limit = order.request.kind in (OrderKind.STOP, OrderKind.TAKE_PROFIT)
    return (OrderKind.LIMIT if is_limit else OrderKind.MARKET).value


def algo_queried(order: Order) -> dict[str, Any]:
    """Return a conditional order as queries tell it."""
    return {
        **algo_placed(order),
        "actualOrderId": str(order.actual_order_id or ""),
        "actualPrice": number(order.average) if order.filled else "0.00000",
        "actualQty": number(order.filled),
        "actualType": actual_kind(order) if order.actual_order_id else "",
        "tpTriggerPrice": "0.000",
        "tpPrice": "0.000",
        "slTriggerPrice": "0.000",
        "slPrice": "0.000",
        "tpOrderType": "",
    }


def trade(fill: VenueFill) -> dict[str, Any]:
    """Return a fill as `userTrades` tells it: without the client id."""
    quote = money(fill.price * fill.quantity)
    return {
        "buyer": fill.side == "BUY",
        "commission": money(fill.fee),
        "commissionAsset": fill.fee_asset,
        "id": int(fill.trade_id),
        "maker": fill.is_maker,
        "orderId": int(fill.order_id),
        "price": plain(fill.price),
        "qty": plain(fill.quantity),
        "quoteQty": quote,
        "baseQty": plain(fill.quantity),
        "marginAsset": "USDT",
        "realizedPnl": money(fill.realised),
        "side": fill.side.value,
        "positionSide": fill.position_side.value,
        "symbol": fill.symbol,
        "pair": fill.symbol,
        "time": fill.at_ms,
    }


def income(flow: CashFlow) -> dict[str, Any]:
    """Return a line of the income list."""
    is_trade = flow.kind in ("REALIZED_PNL", "COMMISSION")
    return {
        "symbol": flow.symbol,
        "incomeType": flow.kind,
        "income": money(flow.amount),
        "asset": flow.asset,
        "info": flow.id if is_trade else flow.kind,
        "time": flow.at_ms,
        "tranId": int(flow.id),
        "tradeId": flow.id if is_trade else "",
    }


class AccountTeller:
    """Balances and positions of one account at the marks of now."""

    def __init__(self, account: ExchangeAccount, market: Market) -> None:
        self.account = account
        self.market = market

    def rows(self) -> list[Position]:
        """Return positions, and empty ones for symbols that have orders only."""
        account = self.account
        found = [p for p in account.positions.values() if p.quantity]
        named = {p.symbol for p in found}
        sides = (
            [PositionSide.LONG, PositionSide.SHORT] if account.is_hedged else [PositionSide.BOTH]
        )
        bare = [s for s in sorted(account.watched) if s not in named]
        return found + [Position(symbol, side) for symbol in bare for side in sides]

    def _margins(self, p: Position) -> dict[str, str]:
        account, mark = self.account, self.market.mark(p.symbol)
        rules: TradingRules = account.rules[p.symbol]
        notional = p.quantity * mark
        setting = account.setting(p.symbol)
        initial = abs(notional) / setting.leverage
        orders = self._order_margin(p.symbol)
        isolated = p.isolated_wallet + p.unrealised(mark) if p.isolated_wallet else ZERO
        return {
            "isolatedMargin": money(isolated),
            "notional": money(notional),
            "isolatedWallet": money(p.isolated_wallet),
            "initialMargin": money(initial + orders),
            "maintMargin": money(maintenance(rules.brackets, abs(notional))),
            "positionInitialMargin": money(initial),
            "openOrderInitialMargin": money(orders),
        }

    def _order_margin(self, symbol: str) -> Decimal:
        leverage = self.account.setting(symbol).leverage
        resting = (
            o.left * o.request.price / leverage
            for o in self.account.orders.get(symbol, {}).values()
            if o.request.price is not None and not o.request.reduce_only
        )
        return sum(resting, ZERO)

    def break_even(self, p: Position) -> Decimal:
        """Return the price at which fees so far are earned back."""
        if not p.quantity:
            return ZERO
        fee = self.account.fees.taker * p.entry
        price = p.entry + (fee if p.quantity > 0 else -fee)
        return price.quantize(_MONEY)

    def position_risk(self, symbol: str | None, *, is_v2: bool) -> list[dict[str, Any]]:
        """Return positions; v2 knows leverage and margin type, v3 does not."""
        account = self.account
        told = []
        for p in self.rows():
            if symbol not in (None, p.symbol):
                continue
            account.marks[p.symbol] = mark = self.market.mark(p.symbol)
            row: dict[str, Any] = {
                "symbol": p.symbol,
                "positionSide": p.side.value,
                "positionAmt": number(p.quantity),
                "entryPrice": number(p.entry),
                "breakEvenPrice": number(self.break_even(p)),
                "markPrice": money(mark),
                "unRealizedProfit": money(p.unrealised(mark)),
                "liquidationPrice": self._liquidation(p),
                **self._margins(p),
                "marginAsset": "USDT",
                "adl": 2 if p.quantity else 0,
                "bidNotional": "0",
                "askNotional": "0",
                "updateTime": p.updated_ms,
            }
            if is_v2:
                held = account.symbol_settings(p.symbol)
                row |= {
                    "leverage": str(held.leverage),
                    "maxNotionalValue": plain(held.max_notional),
                    "marginType": "isolated" if held.is_isolated else "cross",
                    "isAutoAddMargin": "false",
                }
            told.append(row)
        return told

    def _liquidation(self, p: Position) -> str:
        if not p.quantity:
            return "0"
        tick = self.account.rules[p.symbol].tick
        return plain(self.account.liquidation_of(p).quantize(tick))

    def totals(self) -> dict[str, Decimal]:
        """Return the sums of an account, USDT."""
        account = self.account
        for p in account.positions.values():
            if p.quantity:
                account.marks[p.symbol] = self.market.mark(p.symbol)
        held = [p for p in account.positions.values() if p.quantity]
        positions = sum((account.position_margin(p) for p in held), ZERO)
        orders = account.order_margin()
        kept = sum(
            (
                maintenance(
                    account.rules[p.symbol].brackets, abs(p.quantity) * account.marks[p.symbol]
                )
                for p in held
            ),
            ZERO,
        )
        crossed = [p for p in held if not account.setting(p.symbol).is_isolated]
        set_apart = sum((p.isolated_wallet for p in held), ZERO)
        return {
            "initialMargin": positions + orders,
            "maintMargin": kept,
            "walletBalance": account.wallet,
            "unrealizedProfit": account.unrealised(),
            "marginBalance": account.wallet + account.unrealised(),
            "positionInitialMargin": positions,
            "openOrderInitialMargin": orders,
            "crossWalletBalance": account.wallet - set_apart,
            "crossUnPnl": sum((p.unrealised(account.marks[p.symbol]) for p in crossed), ZERO),
            "availableBalance": account.available,
            "maxWithdrawAmount": account.available,
        }

    def account_v3(self, now_ms: int) -> dict[str, Any]:
        """Return the account with its positions; those without position or order are left out."""
        sums = {name: money(value) for name, value in self.totals().items()}
        totals = {_total(name): value for name, value in sums.items()}
        rows = []
        for p in self.rows():
            mark, margins = self.market.mark(p.symbol), self._margins(p)
            kept = ("isolatedMargin", "notional", "isolatedWallet", "initialMargin", "maintMargin")
            rows.append(
                {
                    "symbol": p.symbol,
                    "positionSide": p.side.value,
                    "positionAmt": number(p.quantity),
                    "unrealizedProfit": money(p.unrealised(mark)),
                    **{name: margins[name] for name in kept},
                    "updateTime": p.updated_ms,
                }
            )
        asset = {"asset": "USDT", **sums, "marginAvailable": True, "updateTime": now_ms}
        return {**totals, "assets": [asset], "positions": rows}

    def account_v2(self, now_ms: int) -> dict[str, Any]:
        """Return the older form: flags of the account, and leverage with each position."""
        account, told = self.account, self.account_v3(now_ms)
        for row, p in zip(told["positions"], self.rows(), strict=True):
            held = account.symbol_settings(p.symbol)
            row |= {
                "leverage": str(held.leverage),
                "isolated": held.is_isolated,
                "entryPrice": number(p.entry),
                "breakEvenPrice": number(self.break_even(p)),
                "maxNotional": plain(held.max_notional),
                "bidNotional": "0",
                "askNotional": "0",
            }
        return {**self.flags(), **told}

    def flags(self) -> dict[str, Any]:
        account = self.account
        return {
            "feeTier": 0,
            "feeBurn": True,
            "canTrade": account.can_trade,
            "canDeposit": True,
            "canWithdraw": True,
            "updateTime": 0,
            "multiAssetsMargin": account.has_multi_assets,
            "tradeGroupId": -1,
        }

    def balance(self, now_ms: int) -> list[dict[str, Any]]:
        sums = self.totals()
        kept = ("crossWalletBalance", "crossUnPnl", "availableBalance", "maxWithdrawAmount")
        return [
            {
                "accountAlias": f"sim{self.account.uid}",
                "asset": "USDT",
                "balance": money(sums["walletBalance"]),
                **{name: money(sums[name]) for name in kept},
                "marginAvailable": True,
                "updateTime": now_ms,
            }
        ]


_RENAMED: Final = {
    "initialMargin": "totalInitialMargin",
    "maintMargin": "totalMaintMargin",
    "crossUnPnl": "totalCrossUnPnl",
    "unrealizedProfit": "totalUnrealizedProfit",
    "availableBalance": "availableBalance",
    "maxWithdrawAmount": "maxWithdrawAmount",
}


def _total(name: str) -> str:
    return _RENAMED.get(name, "total" + name[0].upper() + name[1:])
