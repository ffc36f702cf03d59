"""Typed payloads of the streams we take, as the exchange writes them; unknown fields are ignored.

Numbers come as text and are read as float64 in the same pass.
"""

from typing import Annotated

import msgspec

Price = Annotated[float, msgspec.Meta(gt=0, lt=1e15)]
Quantity = Annotated[float, msgspec.Meta(ge=0, lt=1e18)]
Level = tuple[Price, Quantity]
"""NaN, infinity and negative numbers are refused where they are read."""


class KlineData(msgspec.Struct, gc=False):
    """`k` of a kline event."""

    t: int
    o: float
    c: float
    h: float
    l: float  # noqa: E741 - the wire's own name
    v: float
    n: int
    x: bool
    q: float
    V: float


class Kline(msgspec.Struct, gc=False):
    E: int
    s: str
    k: KlineData


class KlineFrame(msgspec.Struct, gc=False):
    data: Kline


class Depth(msgspec.Struct, gc=False):
    E: int
    s: str
    U: int
    u: int
    pu: int
    b: list[Level]
    a: list[Level]
    T: int = 0


class DepthFrame(msgspec.Struct, gc=False):
    data: Depth


class Mark(msgspec.Struct, gc=False):
    E: int
    s: str
    p: float
    i: float
    r: str = ""
    T: int = 0
    st: int = 1


class MarksFrame(msgspec.Struct, gc=False):
    data: list[Mark]


class RowsFrame(msgspec.Struct, gc=False):
    """An array frame whose rows are read one by one."""

    data: list[msgspec.Raw]


class MarkFrame(msgspec.Struct, gc=False):
    data: Mark


class ForcedData(msgspec.Struct, gc=False):
    s: str
    S: str
    q: float
    p: float
    ap: float
    T: int
    z: float = 0.0


class Forced(msgspec.Struct, gc=False):
    E: int
    o: ForcedData
    st: int = 1


class ForcedFrame(msgspec.Struct, gc=False):
    data: Forced


class Aggregate(msgspec.Struct, gc=False):
    E: int
    s: str
    a: int
    p: float
    q: float
    T: int
    m: bool
    st: int = 1


class AggregateFrame(msgspec.Struct, gc=False):
    data: Aggregate


class Top(msgspec.Struct, gc=False):
    u: int
    s: str
    b: float
    B: float
    a: float
    A: float
    E: int = 0
    T: int = 0
    st: int = 1


class TopFrame(msgspec.Struct, gc=False):
    data: Top


class DepthAnswer(msgspec.Struct, gc=False):
    """`GET /fapi/v1/depth`."""

    lastUpdateId: int
    bids: list[Level]
    asks: list[Level]
    E: int = 0


KlineRow = tuple[int, float, float, float, float, float, int, float, int, float, float, str]
"""A row of `GET /fapi/v1/klines`."""


class ServerTime(msgspec.Struct, gc=False):
    """`GET /fapi/v1/time`."""

    serverTime: int


class OpenInterestAnswer(msgspec.Struct, gc=False):
    """`GET /fapi/v1/openInterest`."""

    openInterest: Quantity
    time: int


class OpenInterestRow(msgspec.Struct, gc=False):
    """A row of `GET /futures/data/openInterestHist`."""

    timestamp: int
    sumOpenInterest: Quantity


class FundingRow(msgspec.Struct, gc=False):
    """A row of `GET /fapi/v1/fundingRate`."""

    symbol: str
    fundingTime: int
    fundingRate: float


class FundingInfoRow(msgspec.Struct, gc=False):
    """A row of `GET /fapi/v1/fundingInfo`; symbols without one are settled each eight hours."""

    symbol: str
    fundingIntervalHours: int = 8


class DayRow(msgspec.Struct, gc=False):
    """A row of `GET /fapi/v1/ticker/24hr`."""

    symbol: str
    quoteVolume: float


class BracketRow(msgspec.Struct, gc=False):
    notionalFloor: float
    notionalCap: float
    initialLeverage: int
    maintMarginRatio: float
    cum: float


class LeverageRow(msgspec.Struct, gc=False):
    """A row of `GET /fapi/v1/leverageBracket`."""

    symbol: str
    brackets: list[BracketRow]


class RateLimit(msgspec.Struct, gc=False):
    rateLimitType: str
    limit: int


class Contract(msgspec.Struct, gc=False):
    """A contract of `GET /fapi/v1/exchangeInfo`; filters differ in their fields."""

    symbol: str
    status: str = ""
    contractType: str = ""
    quoteAsset: str = ""
    baseAsset: str = ""
    onboardDate: int = 0
    filters: list[dict[str, str | int | float | bool | None]] = []
    replayShiftMs: int | None = None
    """Not the exchange's: by how much a replay of ours moved the recording."""


class ExchangeInfo(msgspec.Struct, gc=False):
    """`GET /fapi/v1/exchangeInfo`."""

    symbols: list[Contract]
    rateLimits: list[RateLimit] = []
