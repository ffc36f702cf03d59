"""One socket to the exchange: connect, watch, renew before its 24 hours are over.

An acknowledged subscription is no proof of life, so each stream has a deadline for its first
message and a limit for silence; a socket with a dead stream is opened anew.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from time import monotonic, perf_counter_ns
from typing import Any, Final

import picows
import structlog

from cryptosystems.kernel.retry import Backoff
from signals.ingest.clock import MarketClock
from signals.ingest.parse import ParseError, Parser
from signals.ingest.topics import SocketPlan, deadline_s, limit_s
from signals.market.events import Event

log = structlog.get_logger(__name__)

LIFE_S: Final = 23 * 3600.0
_CHECK_S: Final = 1.0
_HANDSHAKE_S: Final = 10.0
_OVERLAP_S: Final = 5.0
_MOST_FRAME: Final = 16 * 1024 * 1024
_STEADY_S: Final = 60.0
_TIMED_EVERY: Final = 64

Take = Callable[[Event], None]


@dataclass(slots=True)
class FeedCounters:
    """What the sockets have seen; read by the status page."""

    frames: int = 0
    bytes: int = 0
    bad_frames: int = 0
    connects: int = 0
    disconnects: int = 0
    dead_streams: int = 0
    last_error: str = ""
    last_error_ms: int = 0
    decode_ms: float = 0.0
    """Time of one sampled frame through decode and state."""
    streams: dict[str, float] = field(default_factory=dict)
    """Monotonic time of each stream's newest frame."""


class _Listener(picows.WSListener):  # type: ignore[misc]  # compiled class without types
    """Hands every frame on as it arrives; no queue stands between socket and state."""

    def __init__(self, owner: "StreamConnection") -> None:
        self._owner = owner
        self.closed = asyncio.Event()
        self.heard: dict[str, float] = {}

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == picows.WSMsgType.TEXT:
            self._owner.take_frame(self, frame.get_payload_as_bytes())
        elif frame.msg_type == picows.WSMsgType.BINARY:
            self._owner.note_bad_frame("a binary frame")
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport: Any) -> None:
        self.closed.set()


class StreamConnection:
    """Keeps one `SocketPlan` alive for ever; `run` it in a task."""

    def __init__(
        self,
        base_url: str,
        plan: SocketPlan,
        take: Take,
        clock: MarketClock,
        counters: FeedCounters,
        *,
        life_s: float = LIFE_S,
        on_connected: Callable[[SocketPlan], None] | None = None,
        backoff: Backoff | None = None,
        deadline_scale: float = 1.0,
    ) -> None:
        self.plan = plan
        self._url = f"{base_url}/{plan.route}/stream?streams={'/'.join(plan.streams)}"
        self._take = take
        self._clock = clock
        self._counters = counters
        self._life_s = life_s
        self._on_connected = on_connected
        self._backoff = backoff or Backoff(first_s=0.25, cap_s=30.0)
        self._scale = deadline_scale
        self._random = Random()
        self._parser = Parser()
        self._n = 0

    def take_frame(self, listener: _Listener, payload: bytes) -> None:
        """Read one frame and apply its events."""
        counters = self._counters
        self._n += 1
        started = perf_counter_ns() if self._n % _TIMED_EVERY == 0 else 0
        counters.frames += 1
        counters.bytes += len(payload)
        try:
            stream, events = self._parser.parse(payload, self._clock.now_ms())
        except ParseError as error:
            self.note_bad_frame(str(error))
            return
        listener.heard[stream] = monotonic()
        for event in events:
            self._take(event)
        if started:
            counters.decode_ms = (perf_counter_ns() - started) / 1e6

    def note_bad_frame(self, reason: str) -> None:
        """Count a frame that cannot be read; the connection lives on."""
        self._counters.bad_frames += 1
        self._counters.last_error = reason[:200]
        self._counters.last_error_ms = self._clock.now_ms()

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        attempt = 0
        while True:
            began = monotonic()
            try:
                await self._live()
            except (OSError, TimeoutError, picows.WSError) as error:
                self._counters.last_error = f"{self.plan.route}: {type(error).__name__}: {error}"[
                    :200
                ]
                self._counters.last_error_ms = self._clock.now_ms()
            self._counters.disconnects += 1
            attempt = 0 if monotonic() - began > _STEADY_S else attempt + 1
            await asyncio.sleep(self._backoff.pause_s(min(attempt, 10), self._random))

    async def _open(self) -> tuple[Any, _Listener]:
        transport, listener = await picows.ws_connect(
            lambda: _Listener(self),
            self._url,
            websocket_handshake_timeout=_HANDSHAKE_S,
            enable_auto_ping=True,
            auto_ping_idle_timeout=30,
            auto_ping_reply_timeout=10,
            enable_auto_pong=True,
            max_frame_size=_MOST_FRAME,
        )
        self._counters.connects += 1
        if self._on_connected is not None:
            self._on_connected(self.plan)
        return transport, listener

    async def _live(self) -> None:
        """Serve one connection; swap it for a fresh one before the exchange would cut it."""
        transport, listener = await self._open()
        opened = monotonic()
        try:
            while not listener.closed.is_set():
                try:
                    await asyncio.wait_for(listener.closed.wait(), _CHECK_S)
                    return
                except TimeoutError:
                    pass
                self._counters.streams.update(listener.heard)
                dead = self._dead_stream(listener, opened)
                if dead:
                    self._counters.dead_streams += 1
                    log.warning("stream_dead", stream=dead, route=self.plan.route)
                    return
                if monotonic() - opened > self._life_s:
                    # The new socket speaks before the old one is closed: nothing is missed,
                    # and what comes twice is recognised by the state.
                    fresh = await self._open()
                    await asyncio.sleep(min(_OVERLAP_S, self._life_s / 4))
                    transport.disconnect()
                    (transport, listener), opened = fresh, monotonic()
        finally:
            transport.disconnect()

    def _dead_stream(self, listener: _Listener, opened: float) -> str:
        now = monotonic()
        for stream in self.plan.streams:
            heard = listener.heard.get(stream)
            limit = deadline_s(stream) if heard is None else limit_s(stream)
            if limit is not None and now - (heard or opened) > limit * self._scale:
                return stream
        return ""
