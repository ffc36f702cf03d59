"""One market socket whose streams come and go while it lives."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from time import monotonic
from typing import Any, Final

import msgspec
import picows
import structlog

from cryptosystems.kernel.retry import Backoff

log = structlog.get_logger(__name__)

FIRST_S: Final = 10.0
"""A stream without a first message for so long is asked for again: an ACK proves nothing."""
_UNTIMED: Final = "@aggTrade"
"""Trades may be rare: their silence says nothing."""
_CLOCKWORK: Final = "@markPrice"
"""Sent each second, whatever the market does."""
_COMMANDS_EVERY_S: Final = 0.25
"""Four messages a second; the exchange closes a connection above ten."""
_MOST_PARAMS: Final = 100
_LIFE_S: Final = 23 * 3600.0
_HANDSHAKE_S: Final = 10.0
_STEADY_S: Final = 60.0
_MOST_FRAME: Final = 4 * 1024 * 1024
_MOST_BAD: Final = 100

Read = Callable[[bytes], str]
"""Reads a frame and returns its stream's name; raises ValueError where it cannot."""


@dataclass(slots=True)
class LineCounters:
    """What the market sockets have seen."""

    frames: int = 0
    bad_frames: int = 0
    connects: int = 0
    disconnects: int = 0
    asked_again: int = 0
    last_error: str = ""


class _Socket(picows.WSListener):
    """One connection; every frame is read as it arrives."""

    def __init__(self, line: "Line") -> None:
        self._line = line
        self.transport: Any = None
        self.closed = asyncio.Event()

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == picows.WSMsgType.TEXT:
            self._line.take(frame.get_payload_as_bytes())
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport: Any) -> None:
        self.closed.set()


class Line:
    """Keeps one connection and its streams; `run` it in a task."""

    def __init__(
        self,
        url: str,
        read: Read,
        counters: LineCounters,
        *,
        backoff: Backoff | None = None,
        first_s: float = FIRST_S,
        life_s: float = _LIFE_S,
        random: Random | None = None,
    ) -> None:
        self.streams: dict[str, None] = {}
        self.heard: dict[str, float] = {}
        """When each stream last spoke on the connection of now; monotonic."""
        self.is_up = False
        self._url = url
        self._read = read
        self._counters = counters
        self._backoff = backoff or Backoff(first_s=0.25, cap_s=15.0)
        self._first_s = first_s
        self._life_s = life_s
        self._random = random or Random()
        self._asked: dict[str, float] = {}
        """When each stream was asked for on the connection of now."""
        self._leaving: dict[str, None] = {}
        self._changed = asyncio.Event()
        self._bad = 0
        self._number = 0

    def add(self, streams: Iterable[str]) -> None:
        """Listen to more; takes effect within a quarter of a second."""
        for stream in streams:
            self.streams[stream] = None
        self._changed.set()

    def drop(self, streams: Iterable[str]) -> None:
        """Listen to these no more."""
        for stream in streams:
            if stream in self.streams:
                del self.streams[stream]
                self.heard.pop(stream, None)
                if self._asked.pop(stream, None) is not None:
                    self._leaving[stream] = None
        self._changed.set()

    def take(self, payload: bytes) -> None:
        """Read one frame; one that cannot be read is counted, and the line lives on."""
        self._counters.frames += 1
        try:
            stream = self._read(payload)
        except (msgspec.MsgspecError, ValueError):
            if not payload.startswith((b'{"result"', b'{"id"')):
                self._bad += 1
                self._counters.bad_frames += 1
            return
        if stream in self.streams:
            self.heard[stream] = monotonic()

    def doubt(self, stream: str) -> None:
        """Ask for a stream again that should have spoken."""
        if stream in self._asked:
            self.heard.pop(stream, None)
            self._asked[stream] = float("-inf")

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        attempt = 0
        while True:
            await self._wanted()
            began = monotonic()
            try:
                await self._live()
            except (OSError, TimeoutError, picows.WSError) as error:
                self._counters.last_error = type(error).__name__
                log.warning("quote_line_lost", reason=type(error).__name__)
            self.is_up = False
            self._counters.disconnects += 1
            attempt = 0 if monotonic() - began > _STEADY_S else attempt + 1
            await asyncio.sleep(self._backoff.pause_s(min(attempt, 10), self._random))

    async def _wanted(self) -> None:
        """Wait until there is something to listen to."""
        while not self.streams:
            self._changed.clear()
            await self._changed.wait()

    async def _live(self) -> None:
        """Serve one connection until it ends, mutes, or is old."""
        self.heard.clear()
        self._asked.clear()
        self._leaving.clear()
        self._bad = 0
        socket = _Socket(self)
        socket.transport, _ = await picows.ws_connect(
            lambda: socket,
            self._url,
            websocket_handshake_timeout=_HANDSHAKE_S,
            enable_auto_ping=True,
            auto_ping_idle_timeout=5,
            auto_ping_reply_timeout=5,
            enable_auto_pong=True,
            max_frame_size=_MOST_FRAME,
        )
        self._counters.connects += 1
        self.is_up = True
        ends_at = monotonic() + self._life_s * self._random.uniform(0.87, 1.0)
        try:
            while not socket.closed.is_set() and monotonic() < ends_at and self._bad < _MOST_BAD:
                if self._is_mostly_mute():
                    return
                self._command(socket)
                try:
                    async with asyncio.timeout(_COMMANDS_EVERY_S):
                        await socket.closed.wait()
                except TimeoutError:
                    continue
        finally:
            self.is_up = False
            socket.transport.disconnect()

    def _is_mostly_mute(self) -> bool:
        """Forget having asked for what is mute; say whether the connection is beyond such help."""
        now = monotonic()
        mute = [stream for stream in self._asked if now > self._due_s(stream)]
        if not mute:
            return False
        self._counters.asked_again += len(mute)
        log.warning("quote_streams_mute", streams=mute[:5], n=len(mute))
        for stream in mute:
            del self._asked[stream]
            self._leaving[stream] = None
        timed = [stream for stream in self.streams if not stream.endswith(_UNTIMED)]
        return len(mute) * 2 > len(timed)

    def _due_s(self, stream: str) -> float:
        """Return until when a stream must have spoken: books are quiet, marks never."""
        if stream.endswith(_UNTIMED):
            return float("inf")
        heard = self.heard.get(stream)
        if heard is None:
            return self._asked[stream] + self._first_s
        return heard + self._first_s if _CLOCKWORK in stream else float("inf")

    def _command(self, socket: _Socket) -> None:
        """Send at most one message: what is to go first, then what is to come."""
        now = monotonic()
        if self._leaving:
            gone = list(self._leaving)[:_MOST_PARAMS]
            for stream in gone:
                del self._leaving[stream]
            self._send(socket, "UNSUBSCRIBE", gone)
            return
        fresh = [s for s in self.streams if s not in self._asked][:_MOST_PARAMS]
        if fresh:
            self._asked.update(dict.fromkeys(fresh, now))
            self._send(socket, "SUBSCRIBE", fresh)

    def _send(self, socket: _Socket, method: str, streams: list[str]) -> None:
        self._number += 1
        order = {"method": method, "params": streams, "id": self._number}
        socket.transport.send(picows.WSMsgType.TEXT, msgspec.json.encode(order))
