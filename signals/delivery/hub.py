"""One hub per web process: one subscription to the bus, many sockets.

A frame's text is made once by the engine and passed on as it is. Charts, prices and status keep
one slot a topic and socket (the newest wins), so a slow reader sees less often, never later;
signals are queued in order, and what a full queue loses the client asks for by number.

One task a hub asks again, each minute and when somebody's bell rings, whether the sessions behind
its sockets still stand and what their owners may see.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, time
from typing import Any, Final
from uuid import UUID

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError
from redis.exceptions import RedisError

from cryptosystems.kernel.clock import SystemClock, to_datetime
from cryptosystems.platform import bell
from signals.delivery import bus
from signals.delivery.outbox import entries_after
from signals.delivery.payloads import iso
from signals.delivery.standing import Standing, standing_in_session
from signals.delivery.topics import ACCOUNT, SIGNALS, TICKERS
from signals.selectors.visibility import SENTENCE

log = structlog.get_logger(__name__)

QUEUE: Final = 500
_TELL_S: Final = 4.0
_AGAIN_S: Final = 1.0
CHECK_S: Final = 50.0
"""How often every signed-in socket is looked at: with the time a look takes, within a minute."""
BREATH_S: Final = 0.2
"""Between two looks: an account whose orders fill in a burst is read five times a second, no more."""
_ONCE_MORE_S: Final = 2.0
"""A bell may ring just before the session's row is gone; one more look finds it gone."""
MOST_OF_A_USER: Final = 5
SESSION_OVER: Final = 4401
TOO_MANY: Final = 4429


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose socket it is; of a visitor only the address is known."""

    user_id: UUID | None = None
    session_key: str = ""
    address: str = ""


VISITOR: Final = Owner()


class Viewer:
    """One socket's part of the hub."""

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        owner: Owner = VISITOR,
        close: Callable[[int], Awaitable[None]] | None = None,
    ) -> None:
        self.owner = owner
        self.close = close
        self.told_account = ""
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

    def drop_signals(self) -> None:
        """Forget signals that wait to be sent: they are not this viewer's any more."""
        self._queue.clear()

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
        self._account_sequence = 0
        self._rung: set[UUID] = set()
        self._bell = asyncio.Event()
        self._must_look = False
        self.is_connected = False

    def start(self) -> None:
        """Begin listening, in the running event loop."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._listen()),
                asyncio.create_task(self._tell_wanted()),
                asyncio.create_task(self._look_after_owners()),
            ]

    async def stop(self) -> None:
        """End listening."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def join(self, viewer: Viewer) -> bool:
        """Take a viewer in; False where its owner or address holds as many sockets as they may."""
        owner = viewer.owner
        if owner.user_id is not None:
            held = sum(one.owner.user_id == owner.user_id for one in self.viewers)
            if held >= MOST_OF_A_USER:
                return False
        elif owner.address:
            held = sum(one.owner == owner for one in self.viewers)
            if held >= settings.SOCKETS_PER_ADDRESS:
                return False
        self.viewers.add(viewer)
        return True

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
                    await subscription.subscribe(bus.FRAMES, bell.CHANNEL)
                    self.is_connected = True
                    # Bells that rang while the bus was away were not heard.
                    self._must_look = True
                    self._bell.set()
                    await self._catch_up()
                    async for message in subscription.listen():
                        if message["type"] != "message":
                            continue
                        if message["channel"] == bell.CHANNEL.encode():
                            self._hear_bell(message["data"])
                        else:
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
        if topic == ACCOUNT:
            return  # the bus is for everybody; what is somebody's is made here, for one socket
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
        return bus.frame_text(TICKERS, 0, now_text(), rows)

    # --- owners ---------------------------------------------------------------------------------

    def _hear_bell(self, data: bytes) -> None:
        try:
            self._rung.add(UUID(data.decode()))
        except ValueError:
            log.warning("hub_heard_a_strange_bell")
            return
        self._bell.set()

    async def _look_after_owners(self) -> None:
        again: set[UUID] = set()
        next_round = monotonic() + CHECK_S
        while True:
            wait_s = next_round - monotonic()
            if again:
                wait_s = min(wait_s, _ONCE_MORE_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, wait_s)):
                    await self._bell.wait()
            self._bell.clear()
            if self._must_look or monotonic() >= next_round:
                self._must_look = False
                next_round = monotonic() + CHECK_S
                users, again = None, self._rung
            else:
                users, again = again | self._rung, self._rung
            self._rung = set()
            try:
                await self._look(users)
            except (DatabaseError, RedisError) as error:
                log.warning("hub_cannot_look", error=type(error).__name__)
            await asyncio.sleep(BREATH_S)  # bells that ring meanwhile are heard together

    async def _look(self, users: "set[UUID] | None") -> None:
        """Ask again what the owners of sockets may see; None: of all sockets."""
        by_owner: dict[Owner, list[Viewer]] = {}
        for viewer in self.viewers:
            user_id = viewer.owner.user_id
            if user_id is not None and (users is None or user_id in users):
                by_owner.setdefault(viewer.owner, []).append(viewer)
        for owner, viewers in by_owner.items():
            assert owner.user_id is not None
            follows = any(ACCOUNT in viewer.topics for viewer in viewers)
            found = await sync_to_async(standing_in_session)(
                owner.user_id, owner.session_key, with_parts=follows
            )
            await self._apply(found, viewers)

    async def _apply(self, found: Standing | None, viewers: Iterable[Viewer]) -> None:
        for viewer in viewers:
            if found is None:
                self.leave(viewer)
                if viewer.close is not None:
                    await viewer.close(SESSION_OVER)
                continue
            if ACCOUNT in viewer.topics:
                self.tell_account(viewer, found)
            if SIGNALS in viewer.topics and not found.may_follow_signals:
                self.unsubscribe(viewer, SIGNALS)
                viewer.drop_signals()
                viewer.offer(f"error:{SIGNALS}", 0, error_text("not_entitled", SENTENCE, SIGNALS))

    def tell_account(self, viewer: Viewer, found: Standing) -> None:
        """Send the owner's state to one socket, if it differs from what that has been told."""
        if viewer.told_account == found.account:
            return
        viewer.told_account = found.account
        self._account_sequence += 1
        text = bus.frame_text(ACCOUNT, self._account_sequence, now_text(), found.account)
        viewer.offer(ACCOUNT, self._account_sequence, text)

    # --- engine ---------------------------------------------------------------------------------

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


def error_text(code: str, detail: str, topic: str | None = None) -> str:
    """Return an error frame."""
    data = json.dumps({"code": code, "detail": detail, "topic": topic})
    return bus.frame_text("error", 0, now_text(), data)


def now_text() -> str:
    """Return the time now as frames carry it."""
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
