"""One hub per web process: one subscription to the bus, many sockets.

A frame's text is made once by the engine and passed on as it is. Charts, prices and status keep
one slot a topic and socket (the newest wins), so a slow reader sees less often, never later;
signals are queued in order, and what a full queue loses the client asks for by number.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from time import time
from typing import Any, Final

import structlog
from asgiref.sync import sync_to_async
from redis.exceptions import RedisError

from cryptosystems.kernel.clock import SystemClock, to_datetime
from signals.delivery import bus
from signals.delivery.outbox import entries_after
from signals.delivery.payloads import iso
from signals.delivery.topics import SIGNALS, TICKERS

log = structlog.get_logger(__name__)

QUEUE: Final = 500
_TELL_S: Final = 4.0
_AGAIN_S: Final = 1.0


class Viewer:
    """One socket's part of the hub."""

    def __init__(self, send: Callable[[str], Awaitable[None]]) -> None:
        self.topics: set[str] = set()
        self.last_signal = 0
        self._send = send
        self._slots: dict[str, str] = {}
        self._queue: deque[tuple[int, str]] = deque(maxlen=QUEUE)
        self._wake = asyncio.Event()

    def offer(self, topic: str, sequence: int, text: str) -> None:
        """Take a frame for later sending; never waits."""
        if topic == SIGNALS:
            self._queue.append((sequence, text))
        else:
            self._slots[topic] = text
        self._wake.set()

    def has_waiting(self, topic: str) -> bool:
        return topic in self._slots

    async def run(self) -> None:
        """Send what is offered, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                sequence, text = self._queue.popleft()
                if sequence > self.last_signal:
                    self.last_signal = sequence
                    await self._send(text)
            slots, self._slots = self._slots, {}
            for text in slots.values():
                await self._send(text)


class Hub:
    """Passes frames from the bus to viewers, and tells the engine what is being looked at."""

    def __init__(self) -> None:
        self.viewers: set[Viewer] = set()
        self._by_topic: dict[str, set[Viewer]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._tickers: dict[str, list[Any]] = {}
        self._told: set[str] = set()
        self._newest_signal = 0
        self.is_connected = False

    def start(self) -> None:
        """Begin listening, in the running event loop."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._listen()),
                asyncio.create_task(self._tell_wanted()),
            ]

    async def stop(self) -> None:
        """End listening."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def join(self, viewer: Viewer) -> None:
        self.viewers.add(viewer)

    def leave(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)
        for topic in list(viewer.topics):
            self.unsubscribe(viewer, topic)

    def subscribe(self, viewer: Viewer, topic: str) -> None:
        viewer.topics.add(topic)
        self._by_topic.setdefault(topic, set()).add(viewer)
        if topic not in self._told:
            asyncio.get_running_loop().create_task(self._tell_now([topic]))

    def unsubscribe(self, viewer: Viewer, topic: str) -> None:
        viewer.topics.discard(topic)
        held = self._by_topic.get(topic)
        if held is not None:
            held.discard(viewer)
            if not held:
                del self._by_topic[topic]

    # --- bus ------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            client = bus.connect_async()
            try:
                async with client.pubsub() as subscription:
                    await subscription.subscribe(bus.FRAMES)
                    self.is_connected = True
                    await self._catch_up()
                    async for message in subscription.listen():
                        if message["type"] == "message":
                            self.dispatch(message["data"])
            except (RedisError, OSError) as error:
                log.warning("hub_lost_the_bus", error=str(error))
            finally:
                self.is_connected = False
                await client.aclose()
            await asyncio.sleep(_AGAIN_S)

    async def _catch_up(self) -> None:
        """Pass on the signals that went by while the bus was away: their rows are there."""
        if not self._newest_signal:
            return
        for entry in await sync_to_async(entries_after)(SIGNALS, self._newest_signal):
            text = bus.frame_text(SIGNALS, entry.sequence, str(iso(entry.at)), entry.data)
            self.dispatch(bus.pack(SIGNALS, entry.sequence, text))

    def dispatch(self, message: bytes) -> None:
        """Offer one frame to everybody who wants it."""
        topic, sequence, text = bus.unpack(message)
        if topic == SIGNALS:
            self._newest_signal = max(self._newest_signal, sequence)
        if topic == TICKERS:
            self._merge(text)
        for viewer in self._by_topic.get(topic, ()):
            if topic == TICKERS and viewer.has_waiting(TICKERS):
                # It has not taken the last change yet: give it all rows instead of losing some.
                viewer.offer(topic, sequence, self.all_tickers())
            else:
                viewer.offer(topic, sequence, text)

    def _merge(self, text: str) -> None:
        for row in json.loads(text)["data"]["rows"]:
            self._tickers[row[0]] = row

    def all_tickers(self) -> str:
        """Return a frame with every symbol's newest row."""
        rows = json.dumps({"rows": list(self._tickers.values())}, separators=(",", ":"))
        return bus.frame_text(TICKERS, 0, _now(), rows)

    async def _tell_wanted(self) -> None:
        """Tell the engine every few seconds which topics have viewers here."""
        while True:
            await self._tell_now(list(self._by_topic))
            self._told = set(self._by_topic)
            await asyncio.sleep(_TELL_S)

    async def _tell_now(self, topics: list[str]) -> None:
        if not topics:
            return
        client = bus.connect_async()
        try:
            until = int(time() * 1000) + bus.WANTED_S * 1000
            await client.zadd(bus.WANTED, dict.fromkeys(topics, until))
        except (RedisError, OSError) as error:
            log.warning("hub_cannot_tell", error=str(error))
        finally:
            await client.aclose()


def _now() -> str:
    return str(iso(to_datetime(SystemClock().now_ms())))


_hubs: dict[int, Hub] = {}


def hub_of_this_loop() -> Hub:
    """Return the hub of the running event loop, started."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(id(loop))
    if hub is None:
        hub = _hubs[id(loop)] = Hub()
        hub.start()
    return hub


def forget_hub() -> None:
    """Drop the hub of the running event loop, after it was stopped."""
    _hubs.pop(id(asyncio.get_running_loop()), None)
