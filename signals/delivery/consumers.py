"""The socket `/ws/stream`: subscribe, resume by number, unsubscribe."""

import asyncio
import json
from time import monotonic
from typing import Any, Final

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from signals.delivery import bus
from signals.delivery.hub import Viewer, _now, hub_of_this_loop
from signals.delivery.outbox import entries_after
from signals.delivery.payloads import iso
from signals.delivery.topics import ACCOUNT, SIGNALS, STATUS, TICKERS, is_topic

MOST_TOPICS: Final = 40
MOST_BYTES: Final = 8_192
MOST_A_SECOND: Final = 20


class StreamConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels ships no types
    """Public market data needs no account; the topic `account` needs a session."""

    async def connect(self) -> None:
        self.viewer = Viewer(self._send_text)
        self.hub = hub_of_this_loop()
        self.hub.join(self.viewer)
        self._times: list[float] = []
        await self.accept()
        self._sender = asyncio.create_task(self.viewer.run())

    async def disconnect(self, code: int) -> None:
        if hasattr(self, "viewer"):
            self.hub.leave(self.viewer)
            self._sender.cancel()

    async def _send_text(self, text: str) -> None:
        await self.send(text_data=text)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        now = monotonic()
        self._times = [at for at in self._times if now - at < 1.0] + [now]
        if len(self._times) > MOST_A_SECOND:
            await self._refuse("too_many_messages", "At most 20 messages a second.")
            await self.close(code=1008)
            return
        if text_data is None or len(text_data) > MOST_BYTES:
            await self._refuse("bad_message", "Send JSON text of at most 8 kB.")
            return
        try:
            order = json.loads(text_data)
        except ValueError:
            await self._refuse("bad_message", "That was not JSON.")
            return
        if not isinstance(order, dict):
            await self._refuse(
                "bad_message", 'Send an object, as {"op":"subscribe","topics":["signals"]}.'
            )
            return
        await self._obey(order)

    async def _obey(self, order: dict[str, Any]) -> None:
        op, topics = order.get("op"), order.get("topics", [])
        if op == "ping":
            await self._send_text(bus.frame_text("pong", 0, _now(), "{}"))
            return
        if op not in ("subscribe", "unsubscribe") or not isinstance(topics, list):
            await self._refuse(
                "bad_message", "op is subscribe, unsubscribe or ping; topics is a list."
            )
            return
        after = order.get("after")
        for topic in topics[:MOST_TOPICS]:
            if op == "unsubscribe":
                self.hub.unsubscribe(self.viewer, str(topic))
            else:
                await self._subscribe(topic, after if isinstance(after, dict) else {})

    async def _subscribe(self, topic: Any, after: dict[str, Any]) -> None:
        if not is_topic(topic):
            await self._refuse("unknown_topic", "There is no such topic.", str(topic)[:64])
            return
        if topic == ACCOUNT:
            user = self.scope.get("user")
            if user is None or not user.is_authenticated:
                await self._refuse("sign_in_first", "Sign in to follow your account.", topic)
                return
        if len(self.viewer.topics) >= MOST_TOPICS:
            await self._refuse("too_many_topics", f"At most {MOST_TOPICS} topics a socket.", topic)
            return
        self.hub.subscribe(self.viewer, topic)
        if topic == SIGNALS:
            await self._resume(after.get(SIGNALS))
        elif topic in (TICKERS, STATUS):
            await self._first(topic)

    async def _resume(self, after: Any) -> None:
        """Send what was missed since a number, then go on live without a hole or a repeat."""
        if not isinstance(after, int) or isinstance(after, bool) or after < 0:
            return
        while entries := await sync_to_async(entries_after)(SIGNALS, after):
            for entry in entries:
                after = entry.sequence
                text = bus.frame_text(SIGNALS, entry.sequence, str(iso(entry.at)), entry.data)
                self.viewer.offer(SIGNALS, entry.sequence, text)
            if len(entries) < 500:
                return

    async def _first(self, topic: str) -> None:
        key = bus.STATUS if topic == STATUS else bus.MARKETS
        held = await sync_to_async(bus.read_state)(key)
        if held is None:
            return
        if topic == TICKERS:
            held = {
                "rows": [
                    [
                        row["symbol"],
                        row["price"],
                        row["change_24h"],
                        row["funding_rate"],
                        row["oi_change_4h"],
                        row["age_s"],
                        row["mark"],
                        row["open_interest_usd"],
                    ]
                    for row in held["markets"]
                ]
            }
        data = json.dumps(held, separators=(",", ":"))
        await self._send_text(bus.frame_text(topic, 0, _now(), data))

    async def _refuse(self, code: str, detail: str, topic: str | None = None) -> None:
        data = json.dumps({"code": code, "detail": detail, "topic": topic})
        await self._send_text(bus.frame_text("error", 0, _now(), data))
