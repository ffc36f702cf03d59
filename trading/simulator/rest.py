"""The REST side: Binance's USDⓈ-M market endpoints, with their rules, weights and errors."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

import msgspec
from aiohttp import web

from trading.simulator import strangers
from trading.simulator.book import as_text
from trading.simulator.books import Snapshot
from trading.simulator.faults import ALTERING, Faults, alter
from trading.simulator.feed import World
from trading.simulator.limits import RestError, WeightMeter, kline_weight
from trading.simulator.statistics import Answer, Statistics
from trading.simulator.streams import StreamHub
from trading.simulator.tape import INTERVALS_MS, T_CLOSE
from trading.simulator.wire import mark_price, ticker

_json: Final = msgspec.json.Encoder().encode


class Rest(Statistics):
    """Answers requests from the world; `beat` is the half second the books belong to."""

    def __init__(
        self,
        world: World,
        hub: StreamHub,
        faults: Faults,
        now_ms: Callable[[], int],
        *,
        weight_limit: int,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(world, now_ms)
        self.seconds = seconds
        """What weights are counted by: seconds of the machine, or of a clock moved by hand."""
        self.hub, self.faults = hub, faults
        self.meter = WeightMeter(weight_limit)
        self.statuses: dict[str, str] = {}
        """Of contracts that are not trading; `/sim/listing` sets them."""
        self.clock_offset_ms: Callable[[], int] = lambda: 0
        """How far the time it tells is off (fault)."""
        self._behind = 0
        self._routes: dict[str, Callable[[dict[str, str]], Answer]] = {
            "/fapi/v1/ping": lambda q: (b"{}", 1),
            "/fapi/v1/time": self._time,
            "/sapi/v1/margin/allPairs": lambda q: (b"[]", 1),
            "/sapi/v1/system/status": lambda q: (b'{"status":0,"msg":"normal"}', 1),
            "/fapi/v1/exchangeInfo": self._exchange_info,
            "/fapi/v1/klines": self._klines,
            "/fapi/v1/continuousKlines": self._continuous_klines,
            "/fapi/v1/markPriceKlines": self._klines,
            "/fapi/v1/indexPriceKlines": self._continuous_klines,
            "/fapi/v1/depth": self._depth,
            "/fapi/v1/trades": self._trades,
            "/fapi/v1/aggTrades": self._agg_trades,
            "/fapi/v1/premiumIndex": self._premium_index,
            "/fapi/v1/fundingRate": self._funding_rate,
            "/fapi/v1/fundingInfo": self._funding_info,
            "/fapi/v1/openInterest": self._open_interest,
            "/fapi/v1/ticker/24hr": self._ticker,
            "/fapi/v1/ticker/price": self._price,
            "/fapi/v2/ticker/price": self._price,
            "/fapi/v1/ticker/bookTicker": self._book_ticker,
            "/fapi/v1/leverageBracket": self._brackets,
            "/futures/data/openInterestHist": self._interest_history,
            "/futures/data/takerlongshortRatio": self._taker_ratio,
            "/futures/data/globalLongShortAccountRatio": self._ratio(0.25),
            "/futures/data/topLongShortAccountRatio": self._ratio(0.35),
            "/futures/data/topLongShortPositionRatio": self._ratio(0.15),
            "/futures/data/basis": self._basis,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        path = request.path
        fault = self.faults.find("rest", f"{path}?{request.query_string}")
        self._behind = 0
        if fault is not None:
            if fault.action == "delay":
                await asyncio.sleep(float(fault.args.get("seconds", 1.0)))
            elif fault.action == "old_book":
                self._behind = int(fault.args.get("links", 4))
            elif fault.action not in ALTERING:
                return await self._broken(request, fault.action, fault.args)
        headers = {"Content-Type": "application/json;charset=UTF-8"}
        try:
            self.meter.admit(self.seconds())
            route = self._routes.get(path)
            if route is None:
                raise RestError(404, -5000, f"Path {path}, Method {request.method} is invalid")
            body, weight = route(dict(request.query))
            if fault is not None:
                body = alter(fault, body)
            headers["X-MBX-USED-WEIGHT-1M"] = str(self.meter.spend(weight, self.seconds()))
            return web.Response(body=body, headers=headers)
        except RestError as error:
            headers["X-MBX-USED-WEIGHT-1M"] = str(self.meter.used(self.seconds()))
            if error.retry_after_s is not None:
                headers["Retry-After"] = str(error.retry_after_s)
            body = _json({"code": error.code, "msg": error.message})
            return web.Response(status=error.status, body=body, headers=headers)

    async def _broken(
        self, request: web.Request, action: str, args: dict[str, Any]
    ) -> web.StreamResponse:
        status = int(args.get("status", 503))
        if action == "status":
            headers = {"Retry-After": str(args["retry_after"])} if "retry_after" in args else {}
            body = _json({"code": int(args.get("code", -1008)), "msg": "Service Unavailable."})
            return web.Response(status=status, body=body, headers=headers)
        if action == "html":
            page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
            return web.Response(
                status=int(args.get("status", 502)), text=page, content_type="text/html"
            )
        if action == "empty":
            return web.Response(body=b"")
        if action == "garbage":
            return web.Response(body=b'{"serverTime": 17', content_type="application/json")
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    # --- answers ----------------------------------------------------------------------------------

    def _time(self, query: dict[str, str]) -> Answer:
        return _json({"serverTime": self.now_ms() + self.clock_offset_ms()}), 1

    def _exchange_info(self, query: dict[str, str]) -> Answer:
        shifts = getattr(self.world, "shifts", {})
        limits = [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": self.meter.limit,
            },
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
        ]
        rows = [
            self._contract(i, shifts.get(rules.symbol)) for i, rules in enumerate(self.world.rules)
        ]
        if self.hub.mix_families and rows:
            rows += strangers.contracts(rows[0])
        return _json(
            {
                "timezone": "UTC",
                "serverTime": self.now_ms(),
                "futuresType": "U_MARGINED",
                "rateLimits": limits,
                "exchangeFilters": [],
                "assets": [
                    {"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}
                ],
                "symbols": rows,
            }
        ), 1

    def _contract(self, place: int, shift_ms: int | None) -> dict[str, Any]:
        rules = self.world.rules[place]
        tick, step = format(rules.tick_size, "f"), format(rules.step_size, "f")
        first = self.world.tape.first_ms
        row = {
            "symbol": rules.symbol,
            "pair": rules.symbol,
            "contractType": "PERPETUAL",
            "deliveryDate": 4133404800000,
            "onboardDate": rules.onboard_ms or first,
            "status": self.statuses.get(rules.symbol, "TRADING"),
            "maintMarginPercent": "2.5000",
            "requiredMarginPercent": "5.0000",
            "baseAsset": rules.base_asset,
            "quoteAsset": "USDT",
            "marginAsset": "USDT",
            "pricePrecision": rules.price_decimals,
            "quantityPrecision": self.world.tape.scales[place].quantity_decimals,
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "underlyingType": "COIN",
            "underlyingSubType": ["Layer-1"],
            "triggerProtect": "0.0500",
            "liquidationFee": "0.012500",
            "marketTakeBound": "0.05",
            "maxMoveOrderLimit": 10000,
            "filters": [
                {
                    "filterType": "PRICE_FILTER",
                    "minPrice": tick,
                    "maxPrice": "10000000",
                    "tickSize": tick,
                },
                {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "10000000", "stepSize": step},
                {
                    "filterType": "MARKET_LOT_SIZE",
                    "minQty": step,
                    "maxQty": "1000000",
                    "stepSize": step,
                },
                {"filterType": "MAX_NUM_ORDERS", "limit": 200},
                {"filterType": "MIN_NOTIONAL", "notional": format(rules.min_notional, "f")},
                {
                    "filterType": "PERCENT_PRICE",
                    "multiplierUp": "1.0500",
                    "multiplierDown": "0.9500",
                    "multiplierDecimal": "4",
                },
                {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
            ],
            "orderTypes": [
                "LIMIT",
                "MARKET",
                "STOP",
                "STOP_MARKET",
                "TAKE_PROFIT",
                "TAKE_PROFIT_MARKET",
                "TRAILING_STOP_MARKET",
            ],
            "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD", "RPI"],
            "permissionSets": ["GRID", "COPY"],
        }
        return row if shift_ms is None else {**row, "replayShiftMs": shift_ms}

    def _klines(self, query: dict[str, str]) -> Answer:
        return self._klines_of(self._symbol(query), query)

    def _continuous_klines(self, query: dict[str, str]) -> Answer:
        return self._klines_of(self._symbol(query, "pair"), query)

    def _klines_of(self, place: int, query: dict[str, str]) -> Answer:
        interval = query.get("interval", "")
        if interval not in INTERVALS_MS:
            raise RestError(400, -1120, "Invalid interval.")
        limit = self._limit(query, 500, 1500)
        forming = self.world.columns.forming[place]
        times, rows = self.world.tape.klines(
            place,
            interval,
            self._number(query, "startTime"),
            self._number(query, "endTime"),
            limit,
            forming if forming[T_CLOSE] > 0 else None,
        )
        return self.world.tape.kline_rows(place, interval, times, rows), kline_weight(limit)

    def _depth(self, query: dict[str, str]) -> Answer:
        place = self._symbol(query)
        limit = self._number(query, "limit") or 500
        if limit not in (5, 10, 20, 50, 100, 500, 1000):
            raise RestError(400, -4021, f"{limit} is not valid depth limit.")
        book = self._book(place, self._behind)
        scale, at_ms = self.world.tape.scales[place], self.now_ms()
        weight = {100: 5, 500: 10, 1000: 20}.get(limit, 2)
        return _json(
            {
                "lastUpdateId": book.last_id,
                "E": at_ms,
                "T": at_ms - 1,
                "bids": as_text(book.bids[:limit], scale),
                "asks": as_text(book.asks[:limit], scale),
            }
        ), weight

    def _book(self, place: int, behind: int = 0) -> Snapshot:
        recorded = self.world.recorded_book(place)
        return self.hub.books.snapshot(place, behind) if recorded is None else recorded

    def _prints(self, place: int) -> list[dict[str, Any]]:
        self.hub.prints.now(place, self.now_ms())
        return self.hub.prints.recent.get(place, [])

    def _trades(self, query: dict[str, str]) -> Answer:
        place = self._symbol(query)
        rows = [
            {
                "id": t["a"],
                "price": t["p"],
                "qty": t["q"],
                "quoteQty": f"{float(t['p']) * float(t['q']):.2f}",
                "time": t["T"],
                "isBuyerMaker": t["m"],
            }
            for t in self._prints(place)[-self._limit(query, 500, 1000) :]
        ]
        return _json(rows), 5

    def _agg_trades(self, query: dict[str, str]) -> Answer:
        place, start = self._symbol(query), self._number(query, "fromId")
        limit = self._limit(query, 500, 1000)
        held = self._prints(place)
        chosen = held[-limit:] if start is None else [t for t in held if t["a"] >= start][:limit]
        keys = ("a", "p", "q", "nq", "f", "l", "T", "m")
        return _json([{k: t[k] for k in keys} for t in chosen]), 20

    def _premium_index(self, query: dict[str, str]) -> Answer:
        places, single = self._places(query)
        rows = []
        for place in places:
            mark = mark_price(self.world, place, self.now_ms())
            rows.append(
                {
                    "symbol": mark["s"],
                    "markPrice": mark["p"],
                    "indexPrice": mark["i"],
                    "estimatedSettlePrice": mark["P"],
                    "lastFundingRate": mark["r"],
                    "interestRate": "0.00010000",
                    "nextFundingTime": mark["T"],
                    "time": mark["E"],
                }
            )
        return _json(rows[0] if single else rows), 1 if single else 10

    def _funding_rate(self, query: dict[str, str]) -> Answer:
        places, _ = self._places(query)
        start, end = self._number(query, "startTime"), self._number(query, "endTime")
        limit = self._limit(query, 200, 1000)
        rows = [
            (
                at,
                {
                    "symbol": self.world.rules[place].symbol,
                    "fundingRate": f"{rate:.8f}",
                    "fundingTime": at,
                    "markPrice": f"{mark:.8f}",
                    "rateType": "Regular",
                },
            )
            for place in places
            for at, rate, mark in self.world.funding_history(place)
            if (start is None or at >= start) and (end is None or at <= end)
        ]
        rows.sort(key=lambda pair: pair[0])
        chosen = rows[:limit] if start is not None else rows[-limit:]
        return _json([row for _, row in chosen]), 0

    def _funding_info(self, query: dict[str, str]) -> Answer:
        return _json(
            [
                {
                    "symbol": rules.symbol,
                    "adjustedFundingRateCap": "0.02000000",
                    "adjustedFundingRateFloor": "-0.02000000",
                    "fundingIntervalHours": rules.funding_interval_hours,
                    "disclaimer": False,
                }
                for rules in self.world.rules
                if rules.funding_interval_hours != 8
            ]
        ), 0

    def _open_interest(self, query: dict[str, str]) -> Answer:
        place = self._symbol(query)
        quantity = float(self.world.columns.open_interest[place])
        if quantity != quantity:
            raise RestError(400, -4108, "Symbol has no open interest data.")
        scale = self.world.tape.scales[place]
        return _json(
            {
                "openInterest": scale.quantity(quantity / scale.step),
                "symbol": self.world.rules[place].symbol,
                "time": self.now_ms(),
            }
        ), 1

    def _ticker(self, query: dict[str, str]) -> Answer:
        places, single = self._places(query)
        rows = []
        for place in places:
            t = ticker(self.world, place, self.now_ms())
            if t is not None:
                rows.append(
                    {
                        "symbol": t["s"],
                        "priceChange": t["p"],
                        "priceChangePercent": t["P"],
                        "weightedAvgPrice": t["w"],
                        "lastPrice": t["c"],
                        "lastQty": t["Q"],
                        "openPrice": t["o"],
                        "highPrice": t["h"],
                        "lowPrice": t["l"],
                        "volume": t["v"],
                        "quoteVolume": t["q"],
                        "openTime": t["O"],
                        "closeTime": t["C"],
                        "firstId": t["F"],
                        "lastId": t["L"],
                        "count": t["n"],
                    }
                )
        return _json(rows[0] if single and rows else rows), 1 if single else 40

    def _price(self, query: dict[str, str]) -> Answer:
        places, single = self._places(query)
        rows = [
            {
                "symbol": self.world.rules[i].symbol,
                "time": self.now_ms(),
                "price": f"{float(self.world.columns.price[i]):.{self.world.tape.scales[i].price_decimals}f}",
            }
            for i in places
            if self.world.columns.price[i] > 0
        ]
        return _json(rows[0] if single and rows else rows), 1 if single else 2

    def _book_ticker(self, query: dict[str, str]) -> Answer:
        places, single = self._places(query)
        rows = []
        for i in places:
            book = self._book(i)
            if not book.bids or not book.asks:
                continue
            scale = self.world.tape.scales[i]
            (bid,), (ask,) = as_text(book.bids[:1], scale), as_text(book.asks[:1], scale)
            rows.append(
                {
                    "lastUpdateId": book.last_id,
                    "symbol": self.world.rules[i].symbol,
                    "bidPrice": bid[0],
                    "bidQty": bid[1],
                    "askPrice": ask[0],
                    "askQty": ask[1],
                    "time": self.now_ms(),
                }
            )
        return _json(rows[0] if single and rows else rows), 2 if single else 5

    def _brackets(self, query: dict[str, str]) -> Answer:
        places, _ = self._places(query)
        rows = [
            {
                "symbol": self.world.rules[i].symbol,
                "notionalCoef": 1.0,
                "brackets": [
                    {
                        "bracket": number + 1,
                        "initialLeverage": b.max_leverage,
                        "notionalCap": b.cap,
                        "notionalFloor": b.floor,
                        "maintMarginRatio": b.maintenance_rate,
                        "cum": b.maintenance_amount,
                    }
                    for number, b in enumerate(self.world.rules[i].brackets)
                ],
            }
            for i in places
        ]
        return _json(rows), 1
