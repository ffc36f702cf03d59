"""Typed payloads of the streams we take, as the exchange writes them; unknown fields are ignored.

Numbers come as text and are read as float64 in the same pass.
"""

import msgspec

Level = tuple[float, float]


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
