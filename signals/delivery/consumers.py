"""The socket `/ws/stream`: subscribe, resume by number, unsubscribe."""

import asyncio
import json
from time import monotonic
from typing import Any, Final

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from cryptosystems.kernel.clock import SystemClock, to_datetime
from cryptosystems.platform.origins import address_of_scope, has_origin, is_own_host, is_own_origin
from signals.delivery import bus
from signals.delivery.hub import (
    SESSION_OVER,
    TOO_MANY,
    Owner,
    Viewer,
    error_text,
    hub_of_this_loop,
    now_text,
)
from signals.delivery.outbox import entries_after
from signals.delivery.payloads import iso
from signals.delivery.standing import Standing, may_resume, standing_in_session, standing_of
from signals.delivery.topics import ACCOUNT, SIGNALS, STATUS, TICKERS, is_topic
from signals.selectors.visibility import SENTENCE

MOST_TOPICS: Final = 40
MOST_BYTES: Final = 4_096
MOST_A_SECOND: Final = 20
FLOOD: Final = 1008
_LARGEST_SEQUENCE: Final = 2**63 - 1


class StreamConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels ships no types
    """Public market data needs no account; the topic `account` needs a session.

    A session is only believed with the origin of our own pages beside it: a browser sends cookies
    from any page, and it never leaves the origin out. Without a session no origin is needed.
    """

    async def connect(self) -> None:
        owner = self._owner()
        is_foreign = has_origin(self.scope) and not is_own_origin(self.scope)
        if (
            is_foreign
            or not is_own_host(self.scope)
            or (owner.user_id and not has_origin(self.scope))
        ):
            await self.close()
            return
        viewer = Viewer(self._send_text, owner, self._end)
        self.hub = hub_of_this_loop()
        self._times: list[float] = []
        await self.accept()
        if not self.hub.join(viewer):
            await self._refuse("too_many_sockets", "Close another page of ours first.")
            await self.close(code=TOO_MANY)
            return
        self.viewer = viewer
        self._sender = asyncio.create_task(self.viewer.run())

    def _owner(self) -> Owner:
        user, session = self.scope.get("user"), self.scope.get("session")
        if user is None or not user.is_authenticated:
            return Owner(address=address_of_scope(self.scope))
        return Owner(user.pk, getattr(session, "session_key", None) or "")

    async def _end(self, code: int) -> None:
        if code == SESSION_OVER:
            await self._refuse("session_over", "You are signed out. Sign in again.")
        await self.close(code=code)

    async def _standing(self, *, with_parts: bool) -> Standing | None:
        """Return what the owner may see; None once the session is over."""
        owner = self.viewer.owner
        if owner.user_id is None:
            return await sync_to_async(standing_of)(None)
        return await sync_to_async(standing_in_session)(
            owner.user_id, owner.session_key, with_parts=with_parts
        )

    async def disconnect(self, code: int) -> None:
        if hasattr(self, "viewer"):
            self.hub.leave(self.viewer)
            self._sender.cancel()

    async def _send_text(self, text: str) -> None:
        await self.send(text_data=text)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not hasattr(self, "viewer"):
            return  # refused, and on its way out
        now = monotonic()
        self._times = [at for at in self._times if now - at < 1.0] + [now]
        if len(self._times) > MOST_A_SECOND:
            await self._refuse("too_many_messages", "At most 20 messages a second.")
            await self.close(code=FLOOD)
            return
        if text_data is None or len(text_data.encode("utf-8", "replace")) > MOST_BYTES:
            await self._refuse("bad_message", "Send JSON text of at most 4 kB.")
            return
        try:
            order = json.loads(text_data)
        except (ValueError, RecursionError):
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
            await self._send_text(bus.frame_text("pong", 0, now_text(), "{}"))
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
        if len(self.viewer.topics) >= MOST_TOPICS:
            await self._refuse("too_many_topics", f"At most {MOST_TOPICS} topics a socket.", topic)
            return
        if topic in (ACCOUNT, SIGNALS):
            await self._subscribe_own(topic, after)
            return
        self.hub.subscribe(self.viewer, topic)
        if topic in (TICKERS, STATUS):
            await self._first(topic)

    async def _subscribe_own(self, topic: str, after: dict[str, Any]) -> None:
        """Open a topic that depends on who asks."""
        if topic == ACCOUNT and self.viewer.owner.user_id is None:
            await self._refuse("sign_in_first", "Sign in to follow your account.", topic)
            return
        standing = await self._standing(with_parts=topic == ACCOUNT)
        if standing is None:
            await self._end(SESSION_OVER)
        elif topic == ACCOUNT:
            self.viewer.told_account = ""
            self.hub.subscribe(self.viewer, topic)
            self.hub.tell_account(self.viewer, standing)
        elif not standing.may_follow_signals:
            await self._refuse("not_entitled", SENTENCE, topic)
        else:
            self.hub.subscribe(self.viewer, topic)
            await self._resume(after.get(SIGNALS), standing)

    async def _resume(self, after: Any, standing: Standing) -> None:
        """Send what was missed since a number, then go on live without a hole or a repeat."""
        if not isinstance(after, int) or isinstance(after, bool):
            return
        if not 0 <= after <= _LARGEST_SEQUENCE:
            return
        now = to_datetime(SystemClock().now_ms())
        while entries := await sync_to_async(entries_after)(SIGNALS, after):
            for entry in entries:
                after = entry.sequence
                if not may_resume(entry.data, standing, now):
                    continue
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
        await self._send_text(bus.frame_text(topic, 0, now_text(), data))

    async def _refuse(self, code: str, detail: str, topic: str | None = None) -> None:
        await self._send_text(error_text(code, detail, topic))
