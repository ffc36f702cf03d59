"""Which private call is answered by what, its weight, and what a key needs for it.

Source: USDⓈ-M Futures, account and trade endpoints; weights of `binance-futures-connector`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from trading.simulator.private.orders import OrderCalls
from trading.simulator.private.params import Asked
from trading.simulator.private.wallet import WalletCalls

READ: Final = frozenset({"reading", "futures"})
TRADE: Final = frozenset({"futures"})
ANY: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint."""

    answer: Callable[[Asked], Any]
    weight: int = 1
    weight_of_all: int | None = None
    """Where no symbol is named; None: the same."""
    rights: frozenset[str] = READ
    counts_orders: bool = False
    is_algo: bool = False

    def cost(self, params: dict[str, str]) -> int:
        if self.weight_of_all is not None and not params.get("symbol"):
            return self.weight_of_all
        return self.weight


def order_routes(calls: OrderCalls) -> dict[tuple[str, str], Route]:
    """Return the endpoints of both order services."""
    order, batch, algo = "/fapi/v1/order", "/fapi/v1/batchOrders", "/fapi/v1/algoOrder"

    def trades(answer: Callable[[Asked], Any], weight: int, **more: Any) -> Route:
        return Route(answer, weight, rights=TRADE, counts_orders=True, **more)

    return {
        ("POST", order): trades(calls.place, 0),
        ("PUT", order): trades(calls.amend, 0),
        ("GET", order): Route(calls.query),
        ("DELETE", order): trades(calls.cancel, 1),
        ("POST", "/fapi/v1/order/test"): Route(calls.test, 0, rights=TRADE),
        ("POST", batch): trades(calls.place_batch, 5),
        ("PUT", batch): trades(calls.amend_batch, 5),
        ("DELETE", batch): trades(calls.cancel_batch, 1),
        ("GET", "/fapi/v1/openOrders"): Route(calls.open_orders, 1, 40),
        ("GET", "/fapi/v1/openOrder"): Route(calls.open_order),
        ("GET", "/fapi/v1/allOrders"): Route(calls.all_orders, 5),
        ("DELETE", "/fapi/v1/allOpenOrders"): trades(calls.cancel_all, 1),
        ("POST", algo): trades(calls.place_algo, 0, is_algo=True),
        ("GET", algo): Route(calls.query_algo, is_algo=True),
        ("DELETE", algo): trades(calls.cancel_algo, 1, is_algo=True),
        ("GET", "/fapi/v1/openAlgoOrders"): Route(calls.open_algo, 1, 40, is_algo=True),
        ("GET", "/fapi/v1/allAlgoOrders"): Route(calls.all_algo, 5, is_algo=True),
        ("DELETE", "/fapi/v1/algoOpenOrders"): trades(calls.cancel_all_algo, 1, is_algo=True),
    }


def wallet_routes(calls: WalletCalls) -> dict[tuple[str, str], Route]:
    """Return the endpoints about accounts."""
    dual, assets = "/fapi/v1/positionSide/dual", "/fapi/v1/multiAssetsMargin"
    return {
        ("GET", "/fapi/v3/account"): Route(calls.account_v3, 5),
        ("GET", "/fapi/v2/account"): Route(calls.account_v2, 5),
        ("GET", "/fapi/v3/balance"): Route(calls.balance, 5),
        ("GET", "/fapi/v2/balance"): Route(calls.balance, 5),
        ("GET", "/fapi/v3/positionRisk"): Route(calls.positions_v3, 5),
        ("GET", "/fapi/v2/positionRisk"): Route(calls.positions_v2, 5),
        ("GET", "/fapi/v1/accountConfig"): Route(calls.account_config, 5),
        ("GET", "/fapi/v1/symbolConfig"): Route(calls.symbol_config, 5),
        ("GET", dual): Route(calls.position_mode, 30),
        ("POST", dual): Route(calls.set_position_mode, rights=TRADE),
        ("GET", assets): Route(calls.assets_mode, 30),
        ("POST", assets): Route(calls.set_assets_mode, rights=TRADE),
        ("POST", "/fapi/v1/leverage"): Route(calls.set_leverage, rights=TRADE),
        ("POST", "/fapi/v1/marginType"): Route(calls.set_margin_type, rights=TRADE),
        ("POST", "/fapi/v1/positionMargin"): Route(calls.move_margin, rights=TRADE),
        ("POST", "/fapi/v1/countdownCancelAll"): Route(calls.countdown, 10, rights=TRADE),
        ("GET", "/fapi/v1/commissionRate"): Route(calls.commission_rate, 20),
        ("GET", "/fapi/v1/adlQuantile"): Route(calls.adl_quantile, 5),
        ("GET", "/fapi/v1/rateLimit/order"): Route(calls.order_limits),
        ("GET", "/fapi/v1/userTrades"): Route(calls.trades, 5),
        ("GET", "/fapi/v1/income"): Route(calls.income, 30),
        ("GET", "/fapi/v1/forceOrders"): Route(calls.forced, 20, 50),
        ("GET", "/sapi/v1/capital/config/getall"): Route(calls.coins, 10, rights=ANY),
    }
