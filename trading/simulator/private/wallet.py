"""Endpoints about an account itself: balances, positions, settings, what was earned and paid.

Source: USDⓈ-M Futures, account endpoints.
"""

from typing import Any

from cryptosystems.kernel.decimals import plain
from trading.domain.venue import PositionSide
from trading.matching.records import Order
from trading.matching.refused import Refused
from trading.simulator.private import payloads
from trading.simulator.private.events import modes_changed
from trading.simulator.private.params import Asked, missing
from trading.simulator.private.payloads import AccountTeller
from trading.simulator.private.stream import UserStreams

DONE = {"code": 200, "msg": "success"}


class WalletCalls:
    """Answers about accounts."""

    def __init__(self, streams: UserStreams) -> None:
        self._streams = streams

    @staticmethod
    def _teller(asked: Asked) -> AccountTeller:
        return AccountTeller(asked.account, asked.market)

    # --- balances and positions ---------------------------------------------------------------

    def account_v3(self, asked: Asked) -> Any:
        return self._teller(asked).account_v3(asked.now_ms)

    def account_v2(self, asked: Asked) -> Any:
        return self._teller(asked).account_v2(asked.now_ms)

    def balance(self, asked: Asked) -> Any:
        return self._teller(asked).balance(asked.now_ms)

    def positions_v3(self, asked: Asked) -> Any:
        return self._teller(asked).position_risk(asked.any_symbol(), is_v2=False)

    def positions_v2(self, asked: Asked) -> Any:
        return self._teller(asked).position_risk(asked.any_symbol(), is_v2=True)

    def account_config(self, asked: Asked) -> Any:
        flags = self._teller(asked).flags()
        return {**flags, "dualSidePosition": asked.account.is_hedged}

    def symbol_config(self, asked: Asked) -> Any:
        named = asked.any_symbol()
        told = []
        for symbol in [named] if named else asked.market.places:
            held = asked.account.symbol_settings(symbol)
            told.append(
                {
                    "symbol": symbol,
                    "marginType": "ISOLATED" if held.is_isolated else "CROSSED",
                    "isAutoAddMargin": False,
                    "leverage": held.leverage,
                    "maxNotionalValue": plain(held.max_notional),
                }
            )
        return told

    def commission_rate(self, asked: Asked) -> Any:
        fees = asked.account.fees
        return {
            "symbol": asked.symbol(),
            "makerCommissionRate": plain(fees.maker),
            "takerCommissionRate": plain(fees.taker),
            "rpiCommissionRate": "0.00005",
        }

    def adl_quantile(self, asked: Asked) -> Any:
        named = asked.any_symbol()
        return [
            {"symbol": p.symbol, "adlQuantile": {p.side.value: 2}}
            for p in asked.account.positions.values()
            if p.quantity and named in (None, p.symbol)
        ]

    def order_limits(self, asked: Asked) -> Any:
        return [
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
        ]

    # --- settings -----------------------------------------------------------------------------

    def position_mode(self, asked: Asked) -> Any:
        return {"dualSidePosition": asked.account.is_hedged}

    def set_position_mode(self, asked: Asked) -> Any:
        asked.account.set_hedged(_flag(asked, "dualSidePosition"))
        return DONE

    def assets_mode(self, asked: Asked) -> Any:
        return {"multiAssetsMargin": asked.account.has_multi_assets}

    def set_assets_mode(self, asked: Asked) -> Any:
        account, wanted = asked.account, _flag(asked, "multiAssetsMargin")
        if account.has_multi_assets == wanted:
            raise Refused(-4171, "No need to change multi-assets mode.")
        if wanted and any(held.is_isolated for held in account.settings.values()):
            raise Refused(
                -4167, "Unable to adjust to Multi-Assets mode with symbols of isolated-margin mode."
            )
        account.has_multi_assets = wanted
        self._streams.tell(account.uid, modes_changed(asked.now_ms, wanted))
        return DONE

    def set_leverage(self, asked: Asked) -> Any:
        symbol, leverage = asked.symbol(), asked.whole("leverage")
        if leverage is None:
            raise missing("leverage")
        held = asked.account.set_leverage(symbol, leverage, asked.now_ms)
        return {
            "leverage": held.leverage,
            "maxNotionalValue": plain(held.max_notional),
            "symbol": symbol,
        }

    def set_margin_type(self, asked: Asked) -> Any:
        kinds = ("ISOLATED", "CROSSED")
        kind = asked.choice("marginType", kinds, -4049, "Invalid margin type.")
        asked.account.set_isolated(asked.symbol(), kind == "ISOLATED", asked.now_ms)
        return DONE

    def move_margin(self, asked: Asked) -> Any:
        """Add margin to an isolated position, or take some out."""
        symbol, amount, kind = asked.symbol(), asked.decimal("amount"), asked.whole("type")
        if amount is None or amount <= 0:
            raise Refused(-4052, "Amount must be positive.")
        if kind not in (1, 2):
            raise Refused(-4053, "Add or reduce margin: type must be 1 or 2.")
        side = PositionSide(asked.params.get("positionSide", "BOTH"))
        signed = amount if kind == 1 else -amount
        asked.account.add_margin(symbol, side, signed, asked.now_ms)
        return {
            "amount": float(amount),
            "code": 200,
            "msg": "Successfully modify position margin.",
            "type": kind,
        }

    def countdown(self, asked: Asked) -> Any:
        """Cancel a symbol's ordinary orders after a time, unless told again; 0 ends it."""
        symbol, ms = asked.symbol(), asked.whole("countdownTime")
        if ms is None:
            raise missing("countdownTime")
        if ms:
            asked.account.countdowns[symbol] = asked.now_ms + ms
        else:
            asked.account.countdowns.pop(symbol, None)
        return {"symbol": symbol, "countdownTime": str(ms)}

    # --- what happened ------------------------------------------------------------------------

    def trades(self, asked: Asked) -> Any:
        start, end = asked.window()
        order_id, first = asked.whole("orderId"), asked.whole("fromId")
        hidden = {
            str(number)
            for number, until_ms in asked.account.hidden_until.items()
            if asked.now_ms < until_ms
        }
        is_open = first is not None or order_id is not None
        rows = [
            payloads.trade(t)
            for t in asked.account.trades
            if t.symbol == asked.symbol()
            and (is_open or start <= t.at_ms <= end)
            and (order_id is None or int(t.order_id) == order_id)
            and (first is None or int(t.trade_id) >= first)
            and t.order_id not in hidden
        ]
        limit = asked.limit(500, 1_000)
        has_start = first is not None or asked.params.get("startTime")
        return rows[:limit] if has_start else rows[-limit:]

    def income(self, asked: Asked) -> Any:
        start, end = asked.window()
        kind, symbol = asked.params.get("incomeType"), asked.any_symbol()
        rows = [
            payloads.income(flow)
            for flow in asked.account.flows
            if start <= flow.at_ms <= end
            and kind in (None, "", flow.kind)
            and symbol in (None, flow.symbol)
        ]
        limit, page = asked.limit(100, 1_000), asked.whole("page")
        if page:
            return rows[(page - 1) * limit : page * limit]
        return rows[:limit] if asked.params.get("startTime") else rows[-limit:]

    def forced(self, asked: Asked) -> Any:
        """Return the account's own liquidations and forced reductions."""
        kind, named = asked.params.get("autoCloseType"), asked.any_symbol()
        prefixes = {"LIQUIDATION": ("autoclose-",), "ADL": ("adl_autoclose",)}
        wanted = prefixes.get(kind or "", ("autoclose-", "adl_autoclose"))
        return [
            payloads.queried(order)
            for order in asked.account.ended.values()
            if _is_forced(order, wanted) and named in (None, order.request.symbol)
        ][-asked.limit(50, 100) :]

    # --- other hosts --------------------------------------------------------------------------

    def coins(self, asked: Asked) -> Any:
        """Return the spot wallet's coins: there is none here."""
        return []


def _is_forced(order: Order, prefixes: tuple[str, ...]) -> bool:
    return order.request.client_id.startswith(prefixes)


def _flag(asked: Asked, name: str) -> bool:
    text = asked.text(name).lower()
    if text not in ("true", "false"):
        raise Refused(-1130, f"Data sent for parameter '{name}' is not valid.")
    return text == "true"
