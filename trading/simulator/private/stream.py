"""User streams: listen keys and their sockets.

Source: USDⓈ-M Futures, user data streams, and the WebSocket change notice about `/private`.
"""

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from trading.simulator.private.events import key_expired
from trading.simulator.private.faults import PrivateFaults, Subject
from trading.simulator.private.timing import Timer
from trading.simulator.streams import PING_S, Client
from trading.simulator.wire import encode

KEY_LIFE_MS: Final = 3_600_000
_PATIENCE_S: Final = 0.2


@dataclass(slots=True)
class ListenKey:
    """What a client names to hear of its account; one per account at a time."""

    text: str
    uid: str
    expires_ms: int


class Ear:
    """One socket: the listen keys it has named, and what waits to be sent to it."""

    def __init__(self, socket: web.WebSocketResponse, combined: bool) -> None:
        self.client = Client(socket, "private", combined)
        self.keys: dict[str, frozenset[str] | None] = {}
        """Listen keys and the events wanted of each; None: all."""
        self.queue: asyncio.Queue[str] = asyncio.Queue()

    async def write(self) -> None:
        """Send what is told, in order, until the socket ends."""
        while True:
            text = await self.queue.get()
            with suppress(ConnectionError, RuntimeError):
                await self.client.socket.send_str(text)
            self.queue.task_done()


class UserStreams:
    """All listen keys and all private sockets."""

    def __init__(self, faults: PrivateFaults, timer: Timer, *, life_s: float) -> None:
        self._faults = faults
        self._timer = timer
        self._life_s = life_s
        self.keys: dict[str, ListenKey] = {}
        """By account."""
        self.ears: set[Ear] = set()
        self._swapped: dict[str, dict[str, Any]] = {}
        """Events that wait for the next one to go first (fault), by account."""

    # --- listen keys --------------------------------------------------------------------------

    def open_key(self, uid: str) -> str:
        """Return the account's key, living 60 minutes from now."""
        key = self.keys.get(uid)
        if key is None:
            key = self.keys[uid] = ListenKey(secrets.token_hex(32), uid, 0)
        key.expires_ms = self._timer.now_ms() + KEY_LIFE_MS
        return key.text

    def prolong(self, uid: str) -> str | None:
        """Let the account's key live on; None where it has none."""
        return self.open_key(uid) if uid in self.keys else None

    def close_key(self, uid: str) -> None:
        """End the account's key: its sockets hear nothing more."""
        self.keys.pop(uid, None)

    def expire(self, uid: str) -> None:
        """End the account's key as its time does: with a word about it."""
        key = self.keys.pop(uid, None)
        if key is not None:
            self._send(key.text, key_expired(key.text, self._timer.now_ms()))

    def turn(self, now_ms: int) -> None:
        """End keys whose time is over."""
        for uid in [uid for uid, key in self.keys.items() if key.expires_ms <= now_ms]:
            self.expire(uid)

    # --- telling ------------------------------------------------------------------------------

    def tell(self, uid: str, payload: dict[str, Any]) -> None:
        """Tell an event to whoever listens to the account, as the faults in force allow."""
        fault = self._faults.find("user", Subject(encode(payload), uid))
        if fault is None:
            self._tell_now(uid, payload)
        elif fault.action == "duplicate":
            for _ in range(int(fault.args.get("times", 2))):
                self._tell_now(uid, payload)
        elif fault.action == "hold":
            due_ms = self._timer.now_ms() + int(fault.args.get("ms", 1_000))
            self._timer.at(due_ms, lambda: self._tell_now(uid, payload))
        elif fault.action == "reorder":
            if uid in self._swapped:
                self._tell_now(uid, payload)
            else:
                self._swapped[uid] = payload

    def _tell_now(self, uid: str, payload: dict[str, Any]) -> None:
        key = self.keys.get(uid)
        later = self._swapped.pop(uid, None)
        if key is None:
            return
        self._send(key.text, payload)
        if later is not None:
            self._send(key.text, later)

    def _send(self, listen_key: str, payload: dict[str, Any]) -> None:
        text = encode(payload)
        for ear in self.ears:
            if listen_key not in ear.keys:
                continue
            wanted = ear.keys[listen_key]
            if wanted is not None and payload["e"] not in wanted:
                continue
            is_wrapped = ear.client.combined
            shown = f'{{"stream":"{listen_key}","data":{text}}}' if is_wrapped else text
            ear.queue.put_nowait(shown)

    async def told(self) -> None:
        """Wait until all that was told has been sent, but not for a reader who sleeps."""
        waiting = [ear.queue.join() for ear in self.ears if not ear.queue.empty()]
        if waiting:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    await asyncio.gather(*waiting)

    # --- sockets ------------------------------------------------------------------------------

    async def handle(
        self, request: web.Request, combined: bool, keys: list[str], events: str | None
    ) -> web.WebSocketResponse:
        """Serve one private socket until either side ends it."""
        socket = web.WebSocketResponse(heartbeat=None, max_msg_size=64 * 1024, compress=False)
        await socket.prepare(request)
        ear = Ear(socket, combined)
        wanted = None if events is None else frozenset(events.split("/"))
        ear.keys = dict.fromkeys(filter(None, keys), wanted)
        self.ears.add(ear)
        tasks = [asyncio.create_task(ear.write()), asyncio.create_task(self._watch(ear))]
        try:
            async for message in socket:
                if not await self._receive(ear, message):
                    break
        finally:
            self.ears.discard(ear)
            for task in tasks:
                task.cancel()
        return socket

    async def _watch(self, ear: Ear) -> None:
        socket = ear.client.socket
        while not socket.closed:
            left = self._life_s - (monotonic() - ear.client.opened)
            if left <= 0:
                await socket.close(code=WSCloseCode.GOING_AWAY, message=b"24h")
                return
            await asyncio.sleep(min(PING_S, left))
            if not socket.closed:
                await socket.ping()

    async def _receive(self, ear: Ear, message: Any) -> bool:
        socket = ear.client.socket
        if message.type is WSMsgType.BINARY or ear.client.is_flooding():
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"Invalid request")
            return False
        if message.type is WSMsgType.TEXT:
            ear.queue.put_nowait(encode(self._command(ear, message.data)))
        return True

    def _command(self, ear: Ear, text: str) -> dict[str, Any]:
        """Work a command: listen keys can be joined and left like streams."""
        try:
            order = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}
        if not isinstance(order, dict) or "method" not in order:
            return {"code": 2, "msg": "Invalid request: missing field `method`"}
        method, number = order["method"], order.get("id")
        names = [str(name) for name in order.get("params") or []]
        result: list[str] | None = None
        if method == "SUBSCRIBE":
            ear.keys |= dict.fromkeys(names)
        elif method == "UNSUBSCRIBE":
            for name in names:
                ear.keys.pop(name, None)
        elif method == "LIST_SUBSCRIPTIONS":
            result = list(ear.keys)
        else:
            return {"code": 2, "msg": f"Invalid request: unknown variant `{method}`", "id": number}
        return {"result": result, "id": number}

    async def close(self, uid: str | None = None) -> int:
        """End the sockets of an account, or all of them; return how many."""
        text = self.keys[uid].text if uid in self.keys else None
        chosen = [ear for ear in self.ears if uid is None or text in ear.keys]
        for ear in chosen:
            await ear.client.socket.close(code=WSCloseCode.GOING_AWAY, message=b"restart")
        return len(chosen)
