"""`/sim` for accounts and for the script of the market: what tests and operators ask for."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final

from trading.domain.venue import Service
from trading.simulator.private import payloads
from trading.simulator.private.account import START_WALLET, ExchangeAccount
from trading.simulator.private.keys import ApiKey
from trading.simulator.private.params import Asked, as_texts
from trading.simulator.private.payloads import AccountTeller
from trading.simulator.private.side import PrivateSide
from trading.simulator.scripted import ScriptedWorld, shape_of

_ORDERS: Final = ("accounts", "price", "book", "funding", "push", "clock")


def is_ours(what: str) -> bool:
    """Say whether a control path is answered here."""
    return what.partition("/")[0] in _ORDERS


class Control:
    """Works orders of `/sim`; raises ValueError or KeyError with what is wrong."""

    def __init__(self, side: PrivateSide, refresh: Callable[[], Awaitable[None]]) -> None:
        self._side = side
        self._refresh = refresh
        """Lets books, streams and accounts see a market that was changed between two beats."""

    async def work(self, method: str, what: str, order: dict[str, Any]) -> Any:
        """Return the answer of one control order."""
        name, _, rest = what.partition("/")
        if name == "accounts":
            return await self._accounts(method, rest, order)
        if name == "clock":
            self._side.clock_offset_ms = int(order["offset_ms"])
            return {"offset_ms": self._side.clock_offset_ms}
        told = self._push(order) if name == "push" else self._script(name, order)
        await self._refresh()
        await self._side.streams.told()
        return told

    # --- accounts and keys --------------------------------------------------------------------

    async def _accounts(self, method: str, rest: str, order: dict[str, Any]) -> Any:
        book = self._side.book
        uid, _, rest = rest.partition("/")
        if not uid:
            if method == "POST":
                return self._open(order)
            return [self.told(account) for account in book.accounts.values()]
        account = book.account(uid)
        if rest == "keys" and method == "POST":
            return book.add_key(uid, order, self._side.now_ms()).to_dict()
        if rest.startswith("keys/"):
            return self._key(method, rest.removeprefix("keys/"), order)
        if rest == "call":
            return await self._call(account, order)
        if not rest and method == "POST":
            await self._change(account, order)
        elif rest:
            raise ValueError(f"an account has nothing called {rest}")
        return self.told(account)

    def _open(self, order: dict[str, Any]) -> Any:
        book, side = self._side.book, self._side
        wallet = Decimal(str(order.get("wallet", START_WALLET)))
        account = book.open(wallet=wallet, label=str(order.get("label", "")))
        side.watch(account)
        key = book.add_key(account.uid, dict(order.get("key", {})), side.now_ms())
        book.keep()
        return {**self.told(account), "key": key.to_dict()}

    def _key(self, method: str, api_key: str, order: dict[str, Any]) -> Any:
        book = self._side.book
        changed = book.drop_key(api_key) if method == "DELETE" else book.alter_key(api_key, order)
        book.keep()
        return shown(changed)

    async def _change(self, account: ExchangeAccount, order: dict[str, Any]) -> None:
        """Change an account from outside: money, modes, forced closes, its user stream."""
        now_ms, side = self._side.now_ms(), self._side
        if "deposit" in order:
            account.deposit(Decimal(str(order["deposit"])), now_ms)
        if "can_trade" in order:
            account.can_trade = bool(order["can_trade"])
        if "adl" in order:
            what = order["adl"]
            symbol = str(what["symbol"])
            price = Decimal(str(what.get("price", side.market.price(symbol))))
            account.adl(symbol, Decimal(str(what["quantity"])), price, now_ms)
        if "delist" in order:
            symbol = str(order["delist"])
            account.delist(symbol, side.market.mark(symbol), now_ms)
        account.is_dirty = True
        side.beat(now_ms)
        if order.get("expire_listen_key"):
            side.streams.expire(account.uid)
        await side.streams.told()
        if order.get("close_streams"):
            await side.streams.close(account.uid)

    async def _call(self, account: ExchangeAccount, order: dict[str, Any]) -> Any:
        """Do as the account's owner does by hand: any private call, without a key."""
        route = self._side.routes[str(order.get("method", "POST")), str(order["path"])]
        params = as_texts(dict(order.get("params", {})))
        told = route.answer(Asked(account, self._side.market, params, self._side.now_ms()))
        self._side.beat(self._side.now_ms())
        await self._side.streams.told()
        return told

    def told(self, account: ExchangeAccount) -> dict[str, Any]:
        """Return the truth about an account, whatever faults hide of it."""
        teller = AccountTeller(account, self._side.market)
        never = 2**62
        return {
            "uid": account.uid,
            "label": account.label,
            "wallet": payloads.money(account.wallet),
            "positions": [
                row for row in teller.position_risk(None, is_v2=True) if Decimal(row["positionAmt"])
            ],
            "orders": [payloads.queried(o) for o in account.resting(Service.ORDER, None, never)],
            "algos": [payloads.algo_queried(o) for o in account.resting(Service.ALGO, None, never)],
            "ended": [
                payloads.queried(o) if o.service is Service.ORDER else payloads.algo_queried(o)
                for o in account.ended.values()
            ],
            "trades": [{**payloads.trade(t), "clientOrderId": t.client_id} for t in account.trades],
            "income": [payloads.income(flow) for flow in account.flows],
            "keys": [shown(key) for key in self._side.book.keys_of(account.uid)],
        }

    # --- the market ---------------------------------------------------------------------------

    def _script(self, name: str, order: dict[str, Any]) -> Any:
        world = self._side.world
        if not isinstance(world, ScriptedWorld):
            raise ValueError(f"/sim/{name} is for --world scripted")
        symbol = str(order["symbol"])
        place = self._side.market.places[symbol]
        if name == "price":
            price, mark = order.get("price"), order.get("mark")
            world.set_price(
                place,
                None if price is None else float(price),
                mark=None if mark is None else float(mark),
                seconds=float(order.get("seconds", 0)),
            )
        elif name == "book":
            world.set_book(place, shape_of(order))
        else:
            world.set_funding(place, float(order["rate"]))
        return {"symbol": symbol, "price": str(self._side.market.price(symbol))}

    def _push(self, order: dict[str, Any]) -> Any:
        """Steer one price of the synthetic market, or of the scripted one."""
        world, symbol = self._side.world, str(order["symbol"])
        place = self._side.market.places[symbol]
        ratio, seconds = float(order["ratio"]), float(order.get("seconds", 15))
        if not 0.2 <= ratio <= 5:
            raise ValueError(f"ratio must be in 0.2..5, was {ratio}")
        if isinstance(world, ScriptedWorld):
            price = float(self._side.market.price(symbol)) * ratio
            world.set_price(place, price, seconds=seconds)
        else:
            push = getattr(world, "push", None)
            if push is None:
                raise ValueError("/sim/push is for a synthetic or scripted world")
            push(place, ratio, seconds)
        return {"symbol": symbol, "ratio": ratio}


def shown(key: ApiKey) -> dict[str, Any]:
    """Return a key without its secret."""
    told = key.to_dict()
    del told["secret"]
    return told
