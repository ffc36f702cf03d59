"""One account at Binance USDⓈ-M futures, its demo exchange, or the simulated one."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any, Final, TypeVar

from cryptosystems.kernel.decimals import plain
from trading.contracts import Venue
from trading.domain.venue import (
    CashFlow,
    KeyRights,
    OrderRequest,
    Outcome,
    OutcomeClass,
    RiskBracket,
    Service,
    SymbolSettings,
    VenueAccount,
    VenueEvent,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from trading.exchanges import wire
from trading.exchanges.budget import EXIT_WEIGHT, Priority
from trading.exchanges.client import FuturesClient, Params
from trading.exchanges.outcomes import (
    KEY_CODES,
    Call,
    Reply,
    cancelling,
    classify,
    placing,
    read_json,
    refusal_of,
)
from trading.exchanges.port import ExchangePort, KeyRefused, ReadFailed
from trading.exchanges.signer import Credential
from trading.exchanges.user_stream import UserStream

_NOT_THERE: Final = (-2011, -2013)
_CLOCK: Final = -1021
_NO_MARKET: Final = -1121
_MINUTE_MS: Final = 60_000
_PAGE: Final = 1_000
_MOST_PAGES: Final = 50
_WEEK_MS: Final = 7 * 86_400_000 - 1
T = TypeVar("T")


class CcxtFutures(ExchangePort):
    """The port over HTTP and a user stream of its own; keys are given with each call."""

    def __init__(
        self,
        client: FuturesClient,
        credential: Credential,
        *,
        clock_refused: Callable[[], None] = lambda: None,
    ) -> None:
        self.venue: Venue = client.addresses.venue
        self._client = client
        self._credential = credential
        self._clock_refused = clock_refused
        self._uid = ""

    # --- calls that change something --------------------------------------------------------------

    def admit(self) -> float:
        """Hold back room for an entry with its exits; return 0, or the seconds to wait for it."""
        budget, account = self._client.budget, self._credential.account
        return budget.reserve(self._client.budget_ms, account=account) / 1_000

    async def submit(self, request: OrderRequest) -> Outcome:
        """Send one order, once. An entry goes only where the room for its exits is there too."""
        is_exit = request.reduce_only or request.close_position or request.service is Service.ALGO
        if not is_exit:
            wait_ms = self._client.budget.reserve(
                self._client.budget_ms, account=self._credential.account, weight=EXIT_WEIGHT
            )
            if wait_ms:
                return Outcome(
                    OutcomeClass.NOT_SENT,
                    message="waiting for room in the exchange's limits",
                    retry_after_s=wait_ms / 1_000,
                )
        call = placing(request.service)
        name = "AlgoOrder" if call is Call.ALGO else "Order"
        return await self._change(
            f"fapiPrivatePost{name}",
            order_params(request),
            call,
            request.client_id,
            request.symbol,
            priority=Priority.EXIT if is_exit else Priority.ENTRY,
            weight=0,
            orders=1,
        )

    async def cancel(self, symbol: str, client_id: str, service: Service) -> Outcome:
        """Cancel by our id. REJECTED with -2011 or -2013 means: not resting (any more)."""
        call = cancelling(service)
        name, field = (
            ("AlgoOrder", "clientAlgoId")
            if call is Call.CANCEL_ALGO
            else ("Order", "origClientOrderId")
        )
        params: Params = {"symbol": symbol, field: client_id}
        return await self._change(f"fapiPrivateDelete{name}", params, call, client_id, symbol)

    async def set_leverage(self, symbol: str, leverage: int) -> Outcome:
        params = {"symbol": symbol, "leverage": leverage}
        return await self._change(
            "fapiPrivatePostLeverage", params, Call.LEVERAGE, "", symbol, priority=Priority.ENTRY
        )

    async def set_isolated(self, symbol: str) -> Outcome:
        """REJECTED with -4046 means: it is so already."""
        params = {"symbol": symbol, "marginType": "ISOLATED"}
        return await self._change(
            "fapiPrivatePostMarginType",
            params,
            Call.MARGIN_TYPE,
            "",
            symbol,
            priority=Priority.ENTRY,
        )

    async def test_order(self, request: OrderRequest) -> Outcome:
        """Let the exchange check an ordinary order without placing it."""
        params = order_params(request)
        return await self._change(
            "fapiPrivatePostOrderTest",
            params,
            Call.TEST,
            request.client_id,
            request.symbol,
            priority=Priority.READ,
        )

    async def _change(
        self,
        endpoint: str,
        params: Params,
        call: Call,
        client_id: str,
        symbol: str,
        *,
        priority: Priority = Priority.EXIT,
        weight: int = 1,
        orders: int = 0,
    ) -> Outcome:
        reply = await self._client.send(
            endpoint,
            params,
            credential=self._credential,
            weight=weight,
            priority=priority,
            orders=orders,
        )
        outcome = classify(reply, call, client_id, symbol)
        if outcome.code == _CLOCK:
            self._clock_refused()
        return outcome

    # --- reads ------------------------------------------------------------------------------------

    async def order(self, symbol: str, client_id: str, service: Service) -> VenueOrder | None:
        """Return one order by our id; None where the exchange says that there is none."""
        if service is Service.ALGO:
            params = {"symbol": symbol, "clientAlgoId": client_id}
            return await self._one("fapiPrivateGetAlgoOrder", params, wire.algo_of)
        params = {"symbol": symbol, "origClientOrderId": client_id}
        return await self._one("fapiPrivateGetOrder", params, wire.order_of)

    async def order_by_id(self, symbol: str, exchange_id: str) -> VenueOrder | None:
        """Return one ordinary order by the exchange's id."""
        params = {"symbol": symbol, "orderId": exchange_id}
        return await self._one("fapiPrivateGetOrder", params, wire.order_of)

    async def _one(
        self, endpoint: str, params: Params, read: Callable[[wire.Row], VenueOrder]
    ) -> VenueOrder | None:
        reply = await self._client.send(
            endpoint, params, credential=self._credential, priority=Priority.EXIT
        )
        code, _ = refusal_of(read_json(reply.body))
        if reply.status is not None and 400 <= reply.status < 500 and code in _NOT_THERE:
            return None
        return self._understood(reply, read)

    async def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        """Return what rests at both services.

        What is asked of one symbol proves an exit. All symbols at once are dear, and their readers
        (comparing an account) can wait: a thousand of them would take the room of every stop.
        """
        params = {"symbol": symbol} if symbol else {}
        weight, priority = (1, Priority.EXIT) if symbol else (40, Priority.READ)
        ordinary = await self._rows(
            "fapiPrivateGetOpenOrders", params, wire.order_of, weight, priority
        )
        algos = await self._rows(
            "fapiPrivateGetOpenAlgoOrders", params, wire.algo_of, weight, priority
        )
        return sorted([*ordinary, *algos], key=lambda o: (o.updated_ms, o.exchange_id))

    async def positions(self, symbol: str | None = None) -> list[VenuePosition]:
        """Return positions that are not zero; resting orders alone make zero rows."""
        params = {"symbol": symbol} if symbol else {}
        priority = Priority.EXIT if symbol else Priority.READ
        found = await self._rows(
            "fapiPrivateV3GetPositionRisk", params, wire.position_of, 5, priority
        )
        return [p for p in found if p.quantity and symbol in (None, p.symbol)]

    async def account(self) -> VenueAccount:
        """Return balances of USDT and the modes of the account."""
        held = await self._read("fapiPrivateV3GetAccount", {}, _balances, 5)
        modes = await self._read("fapiPrivateGetAccountConfig", {}, _modes, 5)
        if not self._uid:
            self._uid = await self._alias()
        return replace(
            held,
            uid=self._uid,
            can_trade=modes["canTrade"],
            is_hedged=modes["dualSidePosition"],
            has_multi_assets=modes["multiAssetsMargin"],
        )

    async def _alias(self) -> str:
        """Return the exchange's name of the account: the same for all keys of it."""
        rows = await self._read("fapiPrivateV3GetBalance", {}, _dicts, 5)
        return next((wire.text(row, "accountAlias") for row in rows), "")

    async def symbol_settings(self, symbol: str) -> SymbolSettings:
        found = await self._rows(
            "fapiPrivateGetSymbolConfig", {"symbol": symbol}, wire.settings_of, 5
        )
        for settings in found:
            if settings.symbol == symbol:
                return settings
        raise ReadFailed(f"the exchange did not tell how {symbol} is set")

    async def fills(self, symbol: str, since_ms: int) -> list[VenueFill]:
        """Return executions since then, the oldest first; the exchange keeps three months."""
        found: dict[str, VenueFill] = {}
        start, now_ms = since_ms, self._client.now_ms
        for _ in range(_MOST_PAGES):
            end = min(start + _WEEK_MS, max(now_ms, start))
            page = await self._rows(
                "fapiPrivateGetUserTrades",
                {"symbol": symbol, "startTime": start, "endTime": end, "limit": _PAGE},
                wire.fill_of,
                5,
                Priority.EXIT,  # a close that was filled in part goes on only once it is booked
            )
            found.update((fill.trade_id, fill) for fill in page)
            if len(page) >= _PAGE:
                newest = max(fill.at_ms for fill in page)
                start = newest if newest > start else newest + 1
            elif end >= now_ms:
                return sorted(found.values(), key=lambda f: (f.at_ms, int(f.trade_id)))
            else:
                start = end + 1
        raise ReadFailed(f"more fills of {symbol} than could be read")

    async def income(self, since_ms: int) -> list[CashFlow]:
        """Return the lines of the income list since then, the oldest first."""
        found: dict[str, CashFlow] = {}
        start = since_ms
        for _ in range(_MOST_PAGES):
            page = await self._rows(
                "fapiPrivateGetIncome", {"startTime": start, "limit": _PAGE}, wire.flow_of, 30
            )
            found.update((flow.id, flow) for flow in page)
            if len(page) < _PAGE:
                return sorted(found.values(), key=lambda f: (f.at_ms, f.id))
            newest = max(flow.at_ms for flow in page)
            start = newest if newest > start else newest + 1
        raise ReadFailed("more income lines than could be read")

    async def fees(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Return (maker, taker) as fractions."""
        return await self._read("fapiPrivateGetCommissionRate", {"symbol": symbol}, _fees, 20)

    async def price_at(self, symbol: str, at_ms: int) -> Decimal | None:
        """Return the middle of the minute's open and close; None where there is no such market."""
        start = at_ms - at_ms % _MINUTE_MS
        params = {"symbol": symbol, "interval": "1m", "startTime": start, "limit": 1}
        reply = await self._client.send("fapiPublicGetKlines", params, is_signed=False)
        if refusal_of(read_json(reply.body))[0] == _NO_MARKET:
            return None
        return self._understood(reply, partial(_middle, start))

    async def brackets(self) -> dict[str, tuple[RiskBracket, ...]]:
        """Return the leverage brackets of all symbols."""
        rows = await self._read("fapiPrivateGetLeverageBracket", {}, _dicts)
        return {wire.text(row, "symbol"): wire.brackets_of(row) for row in rows}

    async def rights(self) -> KeyRights:
        """Return what the key may do.

        The demo exchange has no such call: there, what its account shows is all that a key has.
        """
        if not self._client.addresses.rights:
            held = await self.account()
            return KeyRights(
                reading=True,
                futures=held.can_trade,
                withdrawals=False,
                internal_transfer=False,
                universal_transfer=False,
                spot_and_margin=False,
                margin_loans=False,
                options=False,
                portfolio_margin=False,
                is_ip_restricted=False,
                created_ms=0,
            )
        return await self._read("sapiGetAccountApiRestrictions", {}, wire.rights_of)

    async def _rows(
        self,
        endpoint: str,
        params: Params,
        read: Callable[[wire.Row], T],
        weight: int = 1,
        priority: Priority = Priority.READ,
    ) -> list[T]:
        def all_of(body: Any) -> list[T]:
            return [read(row) for row in _dicts(body)]

        return await self._read(endpoint, params, all_of, weight, priority)

    async def _read(
        self,
        endpoint: str,
        params: Params,
        read: Callable[[Any], T],
        weight: int = 1,
        priority: Priority = Priority.READ,
    ) -> T:
        reply = await self._client.send(
            endpoint, params, credential=self._credential, weight=weight, priority=priority
        )
        return self._understood(reply, read)

    def _understood(self, reply: Reply, read: Callable[[Any], T]) -> T:
        """Return what a good answer says.

        Raises
        ------
        KeyRefused
            If the exchange does not take the key.
        ReadFailed
            For everything else that is not the answer.
        """
        body = read_json(reply.body)
        code, message = refusal_of(body)
        if code == _CLOCK:
            self._clock_refused()
        if code in KEY_CODES and reply.status != 200:
            raise KeyRefused(f"the exchange refuses the key: {message}", exchange_code=code)
        if reply.status != 200:
            why = message or reply.trouble or f"status {reply.status}"
            raise ReadFailed(f"the exchange did not tell: {why}", after_s=reply.retry_after_s)
        try:
            return read(body)
        except (wire.Unreadable, KeyError, TypeError, AttributeError) as error:
            why = str(error) if isinstance(error, wire.Unreadable) else "the answer is odd"
            raise ReadFailed(f"the exchange did not tell: {why}") from None

    # --- what happens to the account ----------------------------------------------------------------

    async def events(self) -> AsyncIterator[VenueEvent]:
        """Yield what happens to the account, for ever; a `StreamGap` first after each connect."""
        stream = UserStream(self._client, self._credential)
        async with aclosing(stream.events()) as events:
            async for event in events:
                yield event

    async def close(self) -> None:
        """The client is shared and stays; streams end with their iterators."""


def order_params(request: OrderRequest) -> dict[str, Any]:
    """Return the parameters of an order, in the exchange's words."""
    is_algo = request.service is Service.ALGO
    params: dict[str, Any] = {
        "symbol": request.symbol,
        "side": request.side.value,
        "type": request.kind.value,
        "positionSide": request.position_side.value,
    }
    if is_algo:
        params["algoType"] = "CONDITIONAL"
        params["clientAlgoId"] = request.client_id
        params["workingType"] = "MARK_PRICE" if request.by_mark_price else "CONTRACT_PRICE"
        params["priceProtect"] = False
    else:
        params["newClientOrderId"] = request.client_id
        params["newOrderRespType"] = "RESULT"
    if request.trigger_price is not None:
        params["triggerPrice"] = plain(request.trigger_price)
    if request.close_position:
        params["closePosition"] = True
    elif request.quantity is not None:
        params["quantity"] = plain(request.quantity)
    if request.price is not None:
        params["price"] = plain(request.price)
    if request.time_in_force:
        params["timeInForce"] = request.time_in_force
    if request.reduce_only and not request.close_position:
        params["reduceOnly"] = True
    return params


def _dicts(body: Any) -> list[dict[str, Any]]:
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise wire.Unreadable("the answer is no list of rows")
    return body


def _balances(body: Any) -> VenueAccount:
    assets = {wire.text(row, "asset"): row for row in _dicts(body["assets"])}
    usdt = assets.get("USDT")
    if usdt is None:
        raise wire.Unreadable("the account's USDT is missing")
    return VenueAccount(
        wallet=wire.number(usdt, "walletBalance"),
        available=wire.number(usdt, "availableBalance"),
        margin_balance=wire.number(usdt, "marginBalance"),
        can_trade=False,
        is_hedged=False,
        has_multi_assets=False,
    )


def _modes(body: Any) -> dict[str, bool]:
    names = ("canTrade", "dualSidePosition", "multiAssetsMargin")
    for name in names:
        if name not in body:
            raise wire.Unreadable(f"{name} is missing")
    return {name: wire.flag(body, name) for name in names}


def _middle(start_ms: int, body: Any) -> Decimal | None:
    """Return the middle of open and close, if the first candle is of this minute."""
    if not isinstance(body, list) or (body and not isinstance(body[0], list)):
        raise wire.Unreadable("the answer is no list of candles")
    if not body or body[0][0] != start_ms:
        return None
    return (Decimal(str(body[0][1])) + Decimal(str(body[0][4]))) / 2


def _fees(body: Any) -> tuple[Decimal, Decimal]:
    return wire.number(body, "makerCommissionRate"), wire.number(body, "takerCommissionRate")
