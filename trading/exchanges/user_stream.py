"""The account's own socket: a listen key, a connection, and everything read again after a gap.

There is no replay. Whatever may have been missed (a new connection, an ended key, a frame that
cannot be read) is told as `StreamGap`, and the reader asks for the whole state. Silence is
normal here: only pings that stay unanswered mean that the socket is dead.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from random import Random
from time import monotonic
from typing import Any, Final
from urllib.parse import quote

import picows
import structlog

from cryptosystems.kernel.retry import Backoff
from trading.domain.venue import STREAM_LOST, StreamGap, VenueEvent
from trading.exchanges import wire
from trading.exchanges.addresses import check_host
from trading.exchanges.budget import Priority
from trading.exchanges.client import FuturesClient
from trading.exchanges.outcomes import KEY_CODES, Reply, read_json, refusal_of
from trading.exchanges.port import KeyRefused, ReadFailed
from trading.exchanges.private_events import KeyExpired, UnknownEvent, parse
from trading.exchanges.signer import Credential

log = structlog.get_logger(__name__)
_QUIET: Final = logging.getLogger("picows.private")
_QUIET.setLevel(logging.WARNING)  # at DEBUG it would write the address, and the listen key in it

KEEP_ALIVE_S: Final = 30 * 60.0
LIFE_S: Final = 23 * 3600.0
"""The oldest a connection gets: the exchange cuts it at 24 hours."""
_AGAIN_S: Final = 60.0
"""After a keep-alive that failed for another reason than an ended key."""
_HANDSHAKE_S: Final = 10.0
_STEADY_S: Final = 60.0
_MOST_FRAME: Final = 1024 * 1024
_MOST_WAITING: Final = 10_000
_NO_KEY: Final = -1125
_BACKOFF: Final = Backoff(first_s=0.5, cap_s=30.0)


@dataclass(slots=True)
class StreamCounters:
    """What one account's stream has seen."""

    events: int = 0
    unknown: int = 0
    unreadable: int = 0
    connects: int = 0
    keys: int = 0
    last_error: str = ""


class _Socket(picows.WSListener):
    """One connection; frames wait in a queue, and None says that it has ended."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[bytes | None] = asyncio.Queue()

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == picows.WSMsgType.TEXT:
            self.waiting.put_nowait(frame.get_payload_as_bytes())
            if self.waiting.qsize() > _MOST_WAITING:
                transport.disconnect()
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport: Any) -> None:
        self.waiting.put_nowait(None)


class UserStream:
    """Yields what happens to one account until it is closed."""

    def __init__(
        self,
        client: FuturesClient,
        credential: Credential,
        *,
        counters: StreamCounters | None = None,
        backoff: Backoff = _BACKOFF,
        keep_alive_s: float = KEEP_ALIVE_S,
        life_s: float = LIFE_S,
        random: Random | None = None,
    ) -> None:
        self.counters = counters or StreamCounters()
        self._client = client
        self._credential = credential
        self._backoff = backoff
        self._keep_alive_s = keep_alive_s
        self._life_s = life_s
        self._random = random or Random()

    async def events(self) -> AsyncGenerator[VenueEvent]:
        """Yield events for ever, a `StreamGap` after each connect and after each loss.

        Raises
        ------
        KeyRefused
            If the exchange does not take the key; nothing is tried again by itself then.
        """
        attempt = 0
        while True:
            began, connects = monotonic(), self.counters.connects
            try:
                socket, transport, key = await self._open()
                try:
                    yield StreamGap("connected", self._client.now_ms)
                    async for event in self._live(socket, key):
                        yield event
                finally:
                    transport.disconnect()
            except KeyExpired:
                self.counters.last_error = "the listen key has ended"
            except (ReadFailed, OSError, TimeoutError, picows.WSError) as error:
                self.counters.last_error = f"{type(error).__name__}"
                log.warning("user_stream_lost", reason=type(error).__name__)
            if self.counters.connects > connects:
                yield StreamGap(STREAM_LOST, self._client.now_ms)
            attempt = 0 if monotonic() - began > _STEADY_S else attempt + 1
            await asyncio.sleep(self._backoff.pause_s(min(attempt, 10), self._random))

    async def _open(self) -> tuple[_Socket, Any, str]:
        key = await self._key()
        base = self._client.addresses.streams
        check_host(self._client.addresses.venue, base)
        socket = _Socket()
        transport, _ = await picows.ws_connect(
            lambda: socket,
            f"{base}/private/ws?listenKey={quote(key, safe='')}",
            websocket_handshake_timeout=_HANDSHAKE_S,
            enable_auto_ping=True,
            auto_ping_idle_timeout=30,
            auto_ping_reply_timeout=10,
            enable_auto_pong=True,
            max_frame_size=_MOST_FRAME,
            logger_name=_QUIET,
        )
        self.counters.connects += 1
        return socket, transport, key

    async def _live(self, socket: _Socket, key: str) -> AsyncIterator[VenueEvent]:
        """Yield the events of one connection until it or its key ends."""
        now = monotonic()
        renew_at = now + self._life_s * self._random.uniform(0.87, 1.0)
        alive_at = now + self._keep_alive_s
        while True:
            now = monotonic()
            if now >= renew_at:
                return
            if now >= alive_at:
                alive_at = now + (self._keep_alive_s if await self._extend() else _AGAIN_S)
                continue
            try:
                # Not `wait_for`: it may swallow a cancellation that comes with a frame.
                async with asyncio.timeout(min(renew_at, alive_at) - now):
                    payload = await socket.waiting.get()
            except TimeoutError:
                continue
            if payload is None:
                raise ReadFailed("the user stream was closed")
            event = self._read(payload)
            if event is not None:
                yield event

    def _read(self, payload: bytes) -> VenueEvent | None:
        """Read one frame; one that cannot be read may have been a fill, so it is a gap."""
        try:
            event = parse(payload)
        except UnknownEvent:
            self.counters.unknown += 1
            return None
        except wire.Unreadable as error:
            self.counters.unreadable += 1
            log.warning("user_stream_unreadable", reason=str(error))
            return StreamGap("a frame that could not be read", self._client.now_ms)
        self.counters.events += event is not None
        return event

    # --- listen key -----------------------------------------------------------------------------

    async def _key(self) -> str:
        """Return the account's listen key; while one lives it is the same again."""
        reply = await self._call("fapiPrivatePostListenKey")
        body = read_json(reply.body)
        code, message = refusal_of(body)
        if code in KEY_CODES:
            raise KeyRefused(f"the exchange refuses the key: {message}", exchange_code=code)
        key = wire.text(body, "listenKey") if isinstance(body, dict) else ""
        if reply.status != 200 or not key:
            raise ReadFailed("no listen key was given", after_s=reply.retry_after_s)
        self.counters.keys += 1
        return key

    async def _extend(self) -> bool:
        """Keep the listen key alive; False where the exchange did not answer.

        Raises
        ------
        KeyExpired
            If it does not exist any more.
        """
        reply = await self._call("fapiPrivatePutListenKey")
        code, _ = refusal_of(read_json(reply.body))
        if code == _NO_KEY:
            raise KeyExpired
        return reply.status == 200

    async def _call(self, endpoint: str) -> Reply:
        return await self._client.send(
            endpoint, credential=self._credential, priority=Priority.EXIT, is_signed=False
        )
