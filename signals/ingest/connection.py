"""One socket to the exchange: connect, watch each stream, renew before its 24 hours are over.

An acknowledged subscription is no proof of life, so each stream has a deadline for its first
message and a limit for silence. A mute stream is asked for again on the living socket; only
when most of a socket is mute is the socket itself opened anew.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from time import monotonic, perf_counter_ns
from typing import Any, Final
from urllib.parse import quote

import msgspec
import picows
import structlog

from cryptosystems.kernel.retry import Backoff
from signals.ingest.clock import MarketClock
from signals.ingest.parse import SHUTDOWN, ParseError, Parser
from signals.ingest.topics import deadline_s, limit_s
from signals.market.events import Event

log = structlog.get_logger(__name__)

LIFE_S: Final = 23 * 3600.0
"""The oldest a socket gets; each draws its own age from the last eighth before it."""
MOST_FRAME: Final = 1024 * 1024
"""Larger frames are counted and refused unread."""
MOST_BAD: Final = 100
_BAD_WINDOW_S: Final = 10.0
_PROTOCOL_MOST: Final = 16 * 1024 * 1024
_CHECK_S: Final = 1.0
_HANDSHAKE_S: Final = 10.0
_OVERLAP_S: Final = 2.0
_PATIENCE_S: Final = 30.0
_STEADY_S: Final = 60.0
_TIMED_EVERY: Final = 64
_SAMPLE_BYTES: Final = 512
_MOST_PAUSE: Final = 32
"""A stream that stays mute is asked for again after 1, 2, 4, ... 32 of its limits."""

Take = Callable[[Event], None]


@dataclass(slots=True)
class FeedCounters:
    """What the sockets have seen; read by the status page."""

    frames: int = 0
    n_bytes: int = 0
    bad_frames: int = 0
    refused_frames: int = 0
    connects: int = 0
    disconnects: int = 0
    swaps: int = 0
    dead_streams: int = 0
    resubscribed: int = 0
    last_error: str = ""
    last_error_ms: int = 0
    decode_ms: float = 0.0
    """Time of one sampled frame through decode and state."""
    streams: dict[str, float] = field(default_factory=dict)
    """Monotonic time of each stream's newest frame; of asking for it before the first."""
    samples: deque[bytes] = field(default_factory=lambda: deque(maxlen=8))
    """The beginnings of the newest frames that could not be read."""


class ConnectBudget:
    """At most so many connection attempts within a window, all sockets together.

    The futures gateway publishes no number; Spot's is 300 in five minutes.
    """

    def __init__(self, most: int = 200, window_s: float = 300.0) -> None:
        self._most = most
        self._window_s = window_s
        self._taken: deque[float] = deque()

    async def admit(self) -> None:
        """Wait until another attempt is allowed, and count it."""
        while True:
            now = monotonic()
            while self._taken and now - self._taken[0] >= self._window_s:
                self._taken.popleft()
            if len(self._taken) < self._most:
                self._taken.append(now)
                return
            await asyncio.sleep(self._window_s - (now - self._taken[0]))


class _Socket(picows.WSListener):
    """One connection; hands every frame on as it arrives, no queue in between."""

    def __init__(self, owner: "StreamConnection") -> None:
        self._owner = owner
        self.transport: Any = None
        self.closed = asyncio.Event()
        self.opened = monotonic()
        self.heard: dict[str, float] = {}
        self.asked: dict[str, float] = {}
        """When each stream was last asked for."""
        self.tries: dict[str, int] = {}
        """How often a mute stream was asked for again since it last spoke."""
        self.is_ending = False
        """The exchange said that it will close this connection."""
        self.bad: deque[float] = deque(maxlen=MOST_BAD)

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == picows.WSMsgType.TEXT:
            self._owner.take_frame(self, frame.get_payload_as_bytes())
        elif frame.msg_type == picows.WSMsgType.BINARY:
            self._owner.note_bad_frame(self, "a binary frame", frame.get_payload_as_bytes())
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport: Any) -> None:
        self.closed.set()

    def command(self, method: str, streams: Sequence[str], number: int) -> None:
        order = {"method": method, "params": list(streams), "id": number}
        self.transport.send(picows.WSMsgType.TEXT, msgspec.json.encode(order))

    @property
    def is_spoilt(self) -> bool:
        """Whether too many frames within the window could not be read."""
        return len(self.bad) == MOST_BAD and self.bad[-1] - self.bad[0] < _BAD_WINDOW_S


class StreamConnection:
    """Keeps the streams of one route alive for ever; `run` it in a task."""

    def __init__(
        self,
        base_url: str,
        route: str,
        streams: Sequence[str],
        take: Take,
        clock: MarketClock,
        counters: FeedCounters,
        *,
        budget: ConnectBudget | None = None,
        life_s: float = LIFE_S,
        backoff: Backoff | None = None,
        time_scale: float = 1.0,
        random: Random | None = None,
    ) -> None:
        self.route = route
        self.streams = tuple(streams)
        self._base_url = base_url
        self._take = take
        self._clock = clock
        self._counters = counters
        self._budget = budget or ConnectBudget()
        self._life_s = life_s
        self._backoff = backoff or Backoff(first_s=0.5, cap_s=30.0)
        self._scale = time_scale
        self._random = random or Random()
        self._parser = Parser()
        self._socket: _Socket | None = None
        self._n = 0
        self._commands = 0
        self._note_streams()

    def _note_streams(self) -> None:
        now = monotonic()
        for stream in self.streams:
            self._counters.streams.setdefault(stream, now)

    def listen(self, streams: Sequence[str]) -> None:
        """Change what is listened to, on the living socket if there is one."""
        gone = [stream for stream in self.streams if stream not in streams]
        fresh = [stream for stream in streams if stream not in self.streams]
        self.streams = tuple(streams)
        for stream in gone:
            self._counters.streams.pop(stream, None)
        self._note_streams()
        if self._socket is None:
            return
        if gone:
            self._ask(self._socket, "UNSUBSCRIBE", gone)
        if fresh:
            self._ask(self._socket, "SUBSCRIBE", fresh)

    def _ask(self, socket: _Socket, method: str, streams: Sequence[str]) -> None:
        self._commands += 1
        now = monotonic()
        for stream in streams:
            if method == "SUBSCRIBE":
                socket.asked[stream] = now
            else:
                socket.heard.pop(stream, None)
        socket.command(method, streams, self._commands)

    # --- frames ---------------------------------------------------------------------------------

    def take_frame(self, socket: _Socket, payload: bytes) -> None:
        """Read one frame and apply its events."""
        counters = self._counters
        self._n += 1
        started = perf_counter_ns() if self._n % _TIMED_EVERY == 0 else 0
        counters.frames += 1
        counters.n_bytes += len(payload)
        if len(payload) > MOST_FRAME:
            counters.refused_frames += 1
            self.note_bad_frame(socket, f"a frame of {len(payload)} bytes", payload)
            return
        try:
            stream, events = self._parser.parse(payload, self._clock.now_ms())
        except ParseError as error:
            self.note_bad_frame(socket, str(error), payload)
            return
        if stream == SHUTDOWN:
            socket.is_ending = True
            return
        socket.heard[stream] = monotonic()
        for event in events:
            self._take(event)
        if started:
            counters.decode_ms = (perf_counter_ns() - started) / 1e6

    def note_bad_frame(self, socket: _Socket, reason: str, payload: bytes) -> None:
        """Count a frame that cannot be read; the connection lives on."""
        self._counters.bad_frames += 1
        self._counters.samples.append(payload[:_SAMPLE_BYTES])
        socket.bad.append(monotonic())
        self._note_error(reason)

    def _note_error(self, reason: str) -> None:
        self._counters.last_error = f"{self.route}: {reason}"[:200]
        self._counters.last_error_ms = self._clock.now_ms()

    # --- life -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        attempt = 0
        while True:
            began = monotonic()
            try:
                await self._live()
            except (OSError, TimeoutError, picows.WSError) as error:
                self._note_error(f"{type(error).__name__}: {error}")
            self._counters.disconnects += 1
            attempt = 0 if monotonic() - began > _STEADY_S * self._scale else attempt + 1
            pause = self._backoff.pause_s(min(attempt, 10), self._random)
            await asyncio.sleep(pause * min(1.0, self._scale))

    async def _open(self) -> _Socket:
        await self._budget.admit()
        names = "/".join(quote(stream, safe="!@") for stream in self.streams)
        socket = _Socket(self)
        socket.transport, _ = await picows.ws_connect(
            lambda: socket,
            f"{self._base_url}/{self.route}/stream?streams={names}",
            websocket_handshake_timeout=_HANDSHAKE_S,
            enable_auto_ping=True,
            auto_ping_idle_timeout=30,
            auto_ping_reply_timeout=10,
            enable_auto_pong=True,
            max_frame_size=_PROTOCOL_MOST,
        )
        self._counters.connects += 1
        socket.opened = monotonic()
        socket.asked = dict.fromkeys(self.streams, socket.opened)
        return socket

    async def _live(self) -> None:
        """Serve one connection; swap it for a fresh one before the exchange would cut it."""
        socket = self._socket = await self._open()
        life_s = self._life_s * self._random.uniform(0.87, 1.0)
        try:
            while not await self._ended(socket):
                self._counters.streams.update(
                    (s, at) for s, at in socket.heard.items() if s in self._counters.streams
                )
                if socket.is_spoilt or self._is_mostly_mute(socket):
                    return
                if socket.is_ending or monotonic() - socket.opened > life_s:
                    socket = self._socket = await self._swap(socket)
                    life_s = self._life_s * self._random.uniform(0.87, 1.0)
        finally:
            self._socket = None
            socket.transport.disconnect()

    async def _ended(self, socket: _Socket) -> bool:
        try:
            async with asyncio.timeout(_CHECK_S * min(1.0, self._scale)):
                await socket.closed.wait()
        except TimeoutError:
            return False
        return True

    async def _swap(self, old: _Socket) -> _Socket:
        """Open a new socket and let it speak before the old one is closed.

        Nothing is missed, and what comes twice is recognised by the state. Where no new one is
        to be had the old one goes on.
        """
        try:
            fresh = await self._open()
        except (OSError, TimeoutError, picows.WSError) as error:
            self._note_error(f"no new socket to swap to: {error}")
            old.opened = monotonic() - self._life_s * 0.99
            old.is_ending = False
            return old
        began = monotonic()
        await asyncio.sleep(_OVERLAP_S * self._scale)
        while monotonic() - began < _PATIENCE_S * self._scale and not fresh.closed.is_set():
            if all(s in fresh.heard for s in self.streams if deadline_s(s) is not None):
                break
            await asyncio.sleep(0.1 * self._scale)
        self._counters.swaps += 1
        old.transport.disconnect()
        return fresh

    def _is_mostly_mute(self, socket: _Socket) -> bool:
        """Ask mute streams anew; say whether the socket is beyond such help."""
        now = monotonic()
        watched = [stream for stream in self.streams if limit_s(stream) is not None]
        mute = [stream for stream in watched if self._is_mute(socket, stream, now)]
        if not mute:
            return False
        self._counters.dead_streams += len(mute)
        log.warning("streams_mute", streams=mute[:5], n=len(mute), route=self.route)
        self._note_error(f"{mute[0]} is silent")
        if len(mute) * 2 > len(watched):
            return True
        for stream in mute:
            socket.tries[stream] = socket.tries.get(stream, 0) + 1
        self._counters.resubscribed += len(mute)
        self._ask(socket, "UNSUBSCRIBE", mute)
        self._ask(socket, "SUBSCRIBE", mute)
        return False

    def _is_mute(self, socket: _Socket, stream: str, now: float) -> bool:
        heard, asked = socket.heard.get(stream, 0.0), socket.asked.get(stream, socket.opened)
        if heard > asked:
            socket.tries.pop(stream, None)
            limit = limit_s(stream) or 0.0
            return bool(now - heard > limit * self._scale)
        limit = deadline_s(stream) or 0.0
        pause = min(_MOST_PAUSE, 2 ** socket.tries.get(stream, 0))
        return bool(now - asked > limit * pause * self._scale)
