"""What rooms above the socket add to a person's own frame: read for those who follow, sent on change."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from accounts.models import User
from cryptosystems.platform import account_parts, bell
from signals.delivery import hub
from tests.api.cast import person
from tests.support.servers import until
from tests.support.sockets import Browser, browser, session_of
from tests.support.trades import order_of, trade_of
from trading.models import Trade

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]
FOLLOW = {"op": "subscribe", "topics": ["account"]}


class Part:
    """A room's part that the test turns."""

    def __init__(self) -> None:
        self.value = 0
        self.read_for: list[UUID] = []
        self.fault: Exception | None = None

    def __call__(self, user_id: UUID) -> dict[str, Any]:
        self.read_for.append(user_id)
        if self.fault is not None:
            raise self.fault
        return {"value": self.value}


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Iterator[Part]:
    """One part beside the product's own."""
    monkeypatch.setattr(account_parts, "_parts", dict(account_parts._parts))
    made = Part()
    account_parts.register("played", made)
    yield made


async def new(name: str) -> User:
    return await sync_to_async(person)(name)


async def ring(user: User) -> None:
    await sync_to_async(bell.ring)(user.pk)


async def heard(socket: Browser) -> list[dict[str, Any]]:
    """Return every frame that is on its way."""
    await socket.say(op="ping")
    found = []
    while (frame := await socket.hear())["topic"] != "pong":
        found.append(frame)
    return found


def test_a_name_that_the_frame_has_already_is_refused(part: Part) -> None:
    account_parts.register("played", part)  # a room that starts twice changes nothing
    for name in ("state", "sentence", "played"):
        with pytest.raises(ValueError, match="already"):
            account_parts.register(name, Part())


async def test_a_change_is_sent_once_and_the_same_state_never_again(part: Part) -> None:
    alice = await new("alice")
    _client, session = await session_of(alice)
    async with browser(alice, session) as one:
        await one.say(**FOLLOW)
        assert (await one.hear())["data"]["played"] == {"value": 0}
        part.value = 1
        await ring(alice)
        assert (await one.hear())["data"]["played"] == {"value": 1}
        looks = len(part.read_for)
        await ring(alice)
        await until(lambda: len(part.read_for) > looks)
        assert await heard(one) == []


async def test_a_storm_of_bells_is_read_a_few_times_only(
    part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "BREATH_S", 0.3)
    alice = await new("alice")
    _client, session = await session_of(alice)
    async with browser(alice, session) as one:
        await one.say(**FOLLOW)
        await one.hear()
        looks = len(part.read_for)
        for value in range(1, 101):
            part.value = value
            await ring(alice)
        frame = await one.hear()
        while frame["data"]["played"]["value"] != 100:
            frame = await one.hear()
        assert len(part.read_for) - looks <= 10


async def test_a_part_that_fails_is_left_out_and_the_others_go_on(part: Part) -> None:
    alice = await new("alice")
    _client, session = await session_of(alice)
    async with browser(alice, session) as one:
        await one.say(**FOLLOW)
        await one.hear()
        part.fault = RuntimeError("broken on purpose")
        await ring(alice)
        frame = await one.hear()
        assert "played" not in frame["data"] and "trading" in frame["data"]
        part.fault, part.value = None, 2
        await ring(alice)
        assert (await one.hear())["data"]["played"] == {"value": 2}


async def test_nothing_is_read_for_whoever_does_not_follow(part: Part) -> None:
    alice, charlie = await new("alice"), await new("charlie")
    _a, hers = await session_of(alice)
    _c, his = await session_of(charlie)
    async with browser(alice, hers) as one:
        two = Browser(charlie, his)
        await two.open()
        await one.say(**FOLLOW)
        await one.hear()
        for user in (charlie, alice):
            await ring(user)
        part.value = 5
        await ring(alice)
        while (await one.hear())["data"]["played"]["value"] != 5:
            pass
        assert set(part.read_for) == {alice.pk}
        assert await heard(two) == []
        await two.close()


async def test_open_positions_travel_with_the_proof_of_their_stops() -> None:
    alice, charlie = await new("alice"), await new("charlie")
    trade = await sync_to_async(trade_of)(alice)
    await sync_to_async(order_of)(trade, "stop", trade.stop_price)
    _a, hers = await session_of(alice)
    _c, his = await session_of(charlie)
    async with browser(alice, hers) as one:
        two = Browser(charlie, his)
        await two.open()
        for socket in (one, two):
            await socket.say(**FOLLOW)
        mine, theirs = (await one.hear())["data"], (await two.hear())["data"]
        assert [(p["trade"], p["proof"]) for p in mine["trading"]["positions"]] == [
            (str(trade.pk), "verified")
        ]
        assert theirs["trading"]["positions"] == []

        def lose_the_stop() -> None:
            rows = Trade.objects.for_user(alice.pk).filter(pk=trade.pk)
            rows.update(naked_since=timezone.now())
            for user in (alice, charlie):
                bell.ring(user.pk)

        await sync_to_async(lose_the_stop)()
        [position] = (await one.hear())["data"]["trading"]["positions"]
        assert position["proof"] == "unconfirmed" and position["close_at"] is not None
        assert str(trade.pk) not in str(await heard(two))
        await two.close()
