"""From a frame's bytes to market events; what cannot be read raises `ParseError`."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from cryptosystems.kernel.instruments import Side
from signals.ingest import wire
from signals.market.events import (
    BookPartial,
    BookTop,
    CandleUpdate,
    DepthDiff,
    Event,
    Liquidation,
    MarkPrice,
    Trade,
)

USD_MARGINED: Final = 1
"""`st` of our family; all-market arrays carry the coin-margined contracts too."""
_PREFIX: Final = b'{"stream":"'
_NAN: Final = float("nan")
SHUTDOWN: Final = "serverShutdown"
"""What `Parser.parse` calls the exchange's notice that it will close this connection."""

_MOST_STREAMS: Final = 4_096

Make = Callable[[Any, int], Event | None]


class ParseError(ValueError):
    """The frame is not what its stream promises."""


def _decoder(shape: Any) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(shape, strict=False).decode


_kline, _depth = _decoder(wire.KlineFrame), _decoder(wire.DepthFrame)
_marks, _mark, _forced = (
    _decoder(wire.MarksFrame),
    _decoder(wire.MarkFrame),
    _decoder(wire.ForcedFrame),
)
_rows, _one_mark = _decoder(wire.RowsFrame), _decoder(wire.Mark)
_aggregate, _top = _decoder(wire.AggregateFrame), _decoder(wire.TopFrame)


def candle(data: wire.Kline, received_ms: int) -> CandleUpdate:
    k = data.k
    return CandleUpdate(
        data.s, data.E, received_ms, k.t, k.o, k.h, k.l, k.c, k.v, k.q, k.V, float(k.n), k.x
    )


def partial(data: wire.Depth, received_ms: int) -> BookPartial:
    return BookPartial(data.s, data.E, received_ms, data.u, data.b, data.a)


def diff(data: wire.Depth, received_ms: int) -> DepthDiff:
    return DepthDiff(data.s, data.E, received_ms, data.U, data.u, data.pu, data.b, data.a)


def mark(data: wire.Mark, received_ms: int) -> MarkPrice | None:
    if data.st != USD_MARGINED:
        return None
    rate = float(data.r) if data.r else _NAN
    return MarkPrice(data.s, data.E, received_ms, data.p, data.i, rate, data.T)


def forced(data: wire.Forced, received_ms: int) -> Liquidation | None:
    if data.st != USD_MARGINED:
        return None
    o = data.o
    side = Side.LONG if o.S == "SELL" else Side.SHORT
    return Liquidation(o.s, o.T, received_ms, side, o.ap or o.p, o.z or o.q)


def aggregate(data: wire.Aggregate, received_ms: int) -> Trade | None:
    if data.st != USD_MARGINED:
        return None
    return Trade(data.s, data.E, received_ms, data.a, data.p, data.q, not data.m)


def top(data: wire.Top, received_ms: int) -> BookTop | None:
    if data.st != USD_MARGINED:
        return None
    return BookTop(data.s, data.E or data.T, received_ms, data.u, data.b, data.B, data.a, data.A)


def _of(stream: str) -> tuple[Callable[[bytes], Any], Make, bool]:
    """Return (decoder, maker, whether the data is a list) of a stream, by its name."""
    kind = stream.partition("@")[2]
    if kind.startswith("kline_1m"):
        return _kline, candle, False
    if kind.startswith("depth"):
        digits = kind.removeprefix("depth").partition("@")[0]
        return (_depth, partial if digits else diff, False)
    if stream.startswith("!markPrice@arr"):
        return _marks, mark, True
    if kind.startswith("markPrice"):
        return _mark, mark, False
    if kind.startswith("forceOrder") or stream == "!forceOrder@arr":
        return _forced, forced, False
    if kind == "aggTrade":
        return _aggregate, aggregate, False
    if kind == "bookTicker" or stream == "!bookTicker":
        return _top, top, False
    raise ParseError(f"no reader for the stream {stream!r}")


class Parser:
    """Reads frames of combined sockets (`/stream`)."""

    def __init__(self) -> None:
        self._kinds: dict[bytes, tuple[str, Callable[[bytes], Any], Make, bool]] = {}

    def parse(self, frame: bytes, received_ms: int) -> tuple[str, list[Event]]:
        """Return (stream, events) of one frame; no events for an answer to a command.

        Raises
        ------
        ParseError
            If the frame cannot be read.
        """
        if not frame.startswith(_PREFIX):
            return self._answer(frame, received_ms)
        end = frame.find(b'"', len(_PREFIX))
        name = frame[len(_PREFIX) : end]
        kind = self._kinds.get(name)
        if kind is None:
            stream = name.decode("utf-8", "replace")
            if len(self._kinds) >= _MOST_STREAMS:
                self._kinds.clear()
            kind = self._kinds[name] = (stream, *_of(stream))
        stream, decode, make, is_list = kind
        try:
            data = decode(frame).data
            if not is_list:
                event = make(data, received_ms)
                return stream, [] if event is None else [event]
            events = [make(row, received_ms) for row in data]
        except (msgspec.DecodeError, ValueError, UnicodeDecodeError) as error:
            if is_list and (found := self._readable(frame, received_ms)):
                return stream, found
            raise ParseError(f"{stream}: {error}") from error
        return stream, [event for event in events if event is not None]

    @staticmethod
    def _readable(frame: bytes, received_ms: int) -> list[Event]:
        """Return what can be read of an array: one symbol's bad row is not another's."""
        found: list[Event] = []
        try:
            rows = _rows(frame).data
        except (msgspec.DecodeError, UnicodeDecodeError):
            return []
        for row in rows:
            try:
                event = mark(_one_mark(row), received_ms)
            except (msgspec.DecodeError, ValueError, UnicodeDecodeError):
                continue
            if event is not None:
                found.append(event)
        return found

    def _answer(self, frame: bytes, received_ms: int) -> tuple[str, list[Event]]:
        try:
            answer = msgspec.json.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ParseError(f"not JSON: {error}") from error
        if isinstance(answer, dict):
            if answer.get("e") == SHUTDOWN:
                return SHUTDOWN, []
            if "result" in answer or "code" in answer:
                return "", []
            stream = answer.get("stream")
            if isinstance(stream, str) and "data" in answer:
                # The same frame with its keys in another order, or spaces between them.
                rest = msgspec.json.encode(answer["data"])
                return self.parse(
                    _PREFIX + stream.encode() + b'","data":' + rest + b"}", received_ms
                )
        raise ParseError("neither a stream's frame nor an answer")
