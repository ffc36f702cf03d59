"""The exchange's REST side, inside its weight budget, with bounded retries.

Every call ends: it answers, or raises `RetryLater` when the tries are used up, or
`NeedsOperator` where trying again cannot help.
"""

import asyncio
from collections.abc import Mapping
from random import Random
from time import monotonic
from typing import Final, TypeVar

import aiohttp
import msgspec
import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.decimals import parse_decimal
from cryptosystems.kernel.errors import InvalidInput, NeedsOperator, RetryLater
from cryptosystems.kernel.instruments import Bracket, InstrumentRules
from cryptosystems.kernel.retry import Backoff
from signals.ingest import wire
from signals.ingest.clock import Answer

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

TIMEOUT_S: Final = 10.0
START_SHARE: Final = 0.8
"""Of the published weight limit while history is loaded and nothing trades yet."""
LIVE_SHARE: Final = 0.4
"""Of the limit once the market runs; the rest is left to orders, which must always get through."""
MOST_KLINES: Final = 1500
_WINDOW_S: Final = 300.0
_DEPTH_WEIGHTS: Final = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}
_MOST_FUNDING: Final = 1000
_MOST_PAGES: Final = 30
_KLINES: Final = msgspec.json.Decoder(list[wire.KlineRow], strict=False)
_DEPTH: Final = msgspec.json.Decoder(wire.DepthAnswer, strict=False)
_TIME: Final = msgspec.json.Decoder(wire.ServerTime)
_INTEREST: Final = msgspec.json.Decoder(wire.OpenInterestAnswer, strict=False)
_INTEREST_ROWS: Final = msgspec.json.Decoder(list[wire.OpenInterestRow], strict=False)
_FUNDING: Final = msgspec.json.Decoder(list[wire.FundingRow], strict=False)
_FUNDING_INFO: Final = msgspec.json.Decoder(list[wire.FundingInfoRow], strict=False)
_DAYS: Final = msgspec.json.Decoder(list[wire.DayRow], strict=False)
_LEVERAGE: Final = msgspec.json.Decoder(list[wire.LeverageRow], strict=False)
_INFO: Final = msgspec.json.Decoder(wire.ExchangeInfo, strict=False)
_BACKOFF: Final = Backoff(first_s=0.3, cap_s=10.0, max_tries=6)
_MOST_MISREAD: Final = 3

T = TypeVar("T")


class WeightBudget:
    """Spends request weight evenly enough that no minute exceeds its share."""

    def __init__(self, limit: int, share: float = START_SHARE, window_s: float = 60.0) -> None:
        self.limit = limit
        self.share = share
        self._window_s = window_s
        self._began = monotonic()
        self._used = 0
        self.blocked_until = 0.0

    def wait_s(self, weight: int) -> float:
        """Return how long to wait before spending `weight`; 0 spends it."""
        now = monotonic()
        if now < self.blocked_until:
            return self.blocked_until - now
        if now - self._began >= self._window_s:
            self._began, self._used = now, 0
        if self._used and self._used + weight > self.limit * self.share:
            return self._window_s - (now - self._began) + 0.05
        self._used += weight
        return 0.0

    def told(self, used: int) -> None:
        """Take the exchange's own count, where it is higher than ours."""
        self._used = max(self._used, used)

    def block(self, seconds: float) -> None:
        """Stop asking for a while."""
        self.blocked_until = max(self.blocked_until, monotonic() + seconds)


class MarketRest:
    """Public market data by REST; use as an async context manager."""

    def __init__(self, base_url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None
        self._random = Random()
        self.budget = WeightBudget(2400)
        # Two families cost no weight and are counted by calls in five minutes instead.
        self._calls = {
            "/futures/data/": WeightBudget(1000, window_s=_WINDOW_S),
            "/fapi/v1/funding": WeightBudget(500, window_s=_WINDOW_S),
        }
        self.last_error = ""
        self.shifts_ms: dict[str, int] = {}

    async def __aenter__(self) -> "MarketRest":
        connector = aiohttp.TCPConnector(limit=16, ttl_dns_cache=300)
        self._session = aiohttp.ClientSession(timeout=self._timeout, connector=connector)
        return self

    async def __aexit__(self, *failure: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, weight: int = 1, **query: str | int) -> bytes:
        """Return the body of a 200 answer.

        Raises
        ------
        RetryLater
            If the exchange kept failing.
        InvalidInput
            If it refused the request itself.
        NeedsOperator
            If it does not serve us (403, 451).
        """
        attempt = 0
        while True:
            await self._admit(path, weight)
            problem = ""
            try:
                body, problem = await self._once(path, query)
                if not problem:
                    return body
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                problem = f"{type(error).__name__}: {error}"
            self.last_error = f"{path}: {problem}"[:200]
            attempt += 1
            if _BACKOFF.is_exhausted(attempt):
                raise RetryLater(f"the exchange did not answer {path}: {problem}")
            await asyncio.sleep(_BACKOFF.pause_s(attempt, self._random))

    async def _admit(self, path: str, weight: int) -> None:
        """Wait until the budgets allow the call."""
        for family, calls in self._calls.items():
            while path.startswith(family) and (pause := calls.wait_s(1)) > 0:  # noqa: ASYNC110
                await asyncio.sleep(pause)
        while (pause := self.budget.wait_s(weight)) > 0:  # noqa: ASYNC110
            await asyncio.sleep(pause)

    async def _once(self, path: str, query: Mapping[str, str | int]) -> tuple[bytes, str]:
        """Return (body, ""), or (b"", what went wrong) where trying again makes sense."""
        if self._session is None:
            raise RuntimeError("use MarketRest as an async context manager")
        async with self._session.get(self._base_url + path, params=query) as answer:
            body = await answer.read()
            used = answer.headers.get("X-MBX-USED-WEIGHT-1M", "")
            if used.isdigit():
                self.budget.told(int(used))
            if answer.status == 200:
                if not body or body.lstrip()[:1] not in (b"{", b"["):
                    return b"", "an answer that is not JSON"
                return body, ""
            if answer.status in (429, 418):
                after = answer.headers.get("Retry-After", "")
                self.budget.block(float(after) if after.isdigit() else 30.0)
                return b"", f"limit reached ({answer.status})"
            if answer.status in (403, 451):
                raise NeedsOperator(
                    f"the exchange refuses to serve this address ({answer.status}); "
                    "check that the region is allowed and no firewall stands between"
                )
            if answer.status >= 500 or answer.status == 408:
                return b"", f"status {answer.status}"
            raise InvalidInput(f"the exchange refused {path}: {body[:200]!r}")

    async def _read(
        self,
        decoder: msgspec.json.Decoder[T],
        path: str,
        weight: int = 1,
        **query: str | int,
    ) -> T:
        """Return a typed answer; one that cannot be read is asked for again, a few times."""
        attempt = 0
        while True:
            body = await self.get(path, weight, **query)
            try:
                return decoder.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                attempt += 1
                if attempt >= _MOST_MISREAD:
                    self.last_error = f"{path}: {error}"[:200]
                    raise RetryLater(f"{path} answered what cannot be read: {error}") from error

    async def server_time(self) -> Answer:
        """Return (exchange time ms, monotonic before, monotonic after)."""
        asked = monotonic()
        answer = await self._read(_TIME, "/fapi/v1/time")
        return answer.serverTime, asked, monotonic()

    async def instruments(self) -> list[InstrumentRules]:
        """Return what trades: USDT-margined perpetuals with status TRADING.

        Brackets need a key on the real exchange: where they are refused, a cautious ladder
        made from the ordinary maximum stands in. A contract whose filters cannot be read is
        left out; the others are not its hostages.
        """
        info = await self._read(_INFO, "/fapi/v1/exchangeInfo")
        for limit in info.rateLimits:
            if limit.rateLimitType == "REQUEST_WEIGHT":
                self.budget.limit = limit.limit
        hours = {
            row.symbol: row.fundingIntervalHours
            for row in await self._read(_FUNDING_INFO, "/fapi/v1/fundingInfo", 0)
        }
        brackets = await self._brackets()
        rules = []
        for row in info.symbols:
            if (row.status, row.quoteAsset, row.contractType) != ("TRADING", "USDT", "PERPETUAL"):
                continue
            if row.replayShiftMs is not None:
                self.shifts_ms[row.symbol] = row.replayShiftMs
            try:
                rules.append(_rules(row, brackets.get(row.symbol, ()), hours.get(row.symbol, 8)))
            except (KeyError, ValueError) as error:
                self.last_error = f"exchangeInfo: {row.symbol} cannot be read: {error}"[:200]
        return rules

    async def _brackets(self) -> dict[str, tuple[Bracket, ...]]:
        try:
            rows = await self._read(_LEVERAGE, "/fapi/v1/leverageBracket", 1)
        except (InvalidInput, NeedsOperator, RetryLater):
            return {}
        return {
            row.symbol: tuple(
                Bracket(
                    b.notionalFloor, b.notionalCap, b.initialLeverage, b.maintMarginRatio, b.cum
                )
                for b in row.brackets
            )
            for row in rows
        }

    async def volumes(self) -> dict[str, float]:
        """Return each symbol's quote volume of 24 hours."""
        rows = await self._read(_DAYS, "/fapi/v1/ticker/24hr", 40)
        return {row.symbol: row.quoteVolume for row in rows}

    async def klines(
        self, symbol: str, interval: str, start_ms: int, end_ms: int, limit: int = MOST_KLINES
    ) -> tuple[IntArray, FloatArray]:
        """Return candles opened in [start_ms, end_ms], at most `limit`: (k,) and (k, 8)."""
        weight = 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10
        rows = await self._read(
            _KLINES,
            "/fapi/v1/klines",
            weight,
            symbol=symbol,
            interval=interval,
            startTime=start_ms,
            endTime=end_ms,
            limit=limit,
        )
        open_ms = np.array([row[0] for row in rows], dtype=np.int64)
        values = np.array(
            [(r[1], r[2], r[3], r[4], r[5], r[7], r[9], r[8]) for r in rows], dtype=np.float64
        ).reshape(len(rows), 8)
        return open_ms, values

    async def depth(self, symbol: str, limit: int = 1000) -> wire.DepthAnswer:
        """Return an order book snapshot; `limit` is one of 5, 10, 20, 50, 100, 500, 1000."""
        weight = _DEPTH_WEIGHTS[limit]
        return await self._read(_DEPTH, "/fapi/v1/depth", weight, symbol=symbol, limit=limit)

    async def open_interest(self, symbol: str) -> tuple[float, int] | None:
        """Return (contracts in base, exchange time), or None where there is none."""
        try:
            row = await self._read(_INTEREST, "/fapi/v1/openInterest", 1, symbol=symbol)
        except InvalidInput:
            return None
        return row.openInterest, row.time

    async def open_interest_history(
        self, symbol: str, start_ms: int, end_ms: int
    ) -> list[tuple[int, float]]:
        """Return (time, contracts in base) each five minutes; at most 500 rows."""
        rows = await self._read(
            _INTEREST_ROWS,
            "/futures/data/openInterestHist",
            0,
            symbol=symbol,
            period="5m",
            startTime=start_ms,
            endTime=end_ms,
            limit=500,
        )
        return [(row.timestamp, row.sumOpenInterest) for row in rows]

    async def funding_history(self, symbol: str, start_ms: int) -> list[tuple[int, float]]:
        """Return (time, settled rate), oldest first, at most 1000."""
        rows = await self._read(
            _FUNDING,
            "/fapi/v1/fundingRate",
            0,
            symbol=symbol,
            startTime=start_ms,
            limit=_MOST_FUNDING,
        )
        return [(row.fundingTime, row.fundingRate) for row in rows]

    async def settlements(self, start_ms: int) -> list[tuple[str, int, float]]:
        """Return (symbol, time, settled rate) of every symbol since `start_ms`, oldest first."""
        out: dict[tuple[str, int], float] = {}
        for _ in range(_MOST_PAGES):
            rows = await self._read(
                _FUNDING, "/fapi/v1/fundingRate", 0, startTime=start_ms, limit=_MOST_FUNDING
            )
            out.update({(row.symbol, row.fundingTime): row.fundingRate for row in rows})
            if len(rows) < _MOST_FUNDING:
                break
            newest = rows[-1].fundingTime
            start_ms = newest if newest > start_ms else newest + 1
        return [(symbol, at_ms, rate) for (symbol, at_ms), rate in out.items()]


def _rules(row: wire.Contract, brackets: tuple[Bracket, ...], hours: int) -> InstrumentRules:
    filters = {str(f["filterType"]): f for f in row.filters}
    return InstrumentRules(
        symbol=row.symbol,
        base_asset=row.baseAsset,
        tick_size=parse_decimal(str(filters["PRICE_FILTER"]["tickSize"])),
        step_size=parse_decimal(str(filters["LOT_SIZE"]["stepSize"])),
        min_notional=parse_decimal(str(filters.get("MIN_NOTIONAL", {}).get("notional", "5"))),
        brackets=brackets or DEFAULT_BRACKETS,
        funding_interval_hours=hours,
        onboard_ms=row.onboardDate,
    )


DEFAULT_BRACKETS: Final = (
    Bracket(0.0, 5_000.0, 20, 0.025, 0.0),
    Bracket(5_000.0, 25_000.0, 10, 0.05, 125.0),
    Bracket(25_000.0, 1e12, 5, 0.1, 1_375.0),
)
"""Where the real ones are not to be had without a key: the lowest ladder of small contracts."""
