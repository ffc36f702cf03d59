"""Every kind of topic of the socket has a case here, and nobody hears another's account."""

import re
from datetime import timedelta
from typing import Any, Final

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from accounts.models import User
from billing.models import Trial
from cryptosystems.platform import bell
from signals.delivery import bus, topics
from tests.api.cast import end_trial, person
from tests.support.sockets import Browser, browser, session_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]

PUBLIC, ENTITLED, OWN = "public", "entitled", "own"
CASES: Final = {
    # kind: who hears it, and a name of it
    "signals": (ENTITLED, "signals"),
    "tickers": (PUBLIC, "tickers"),
    "status": (PUBLIC, "status"),
    "account": (OWN, "account"),
    "market": (PUBLIC, "market:BTCUSDT:1m"),
    "heatmap": (PUBLIC, "heatmap:BTCUSDT"),
}
LAST: Final = "market:LAST:1m"
DATA: Final = {"tickers": '{"rows":[["BTCUSDT","7","0",null,null,0,"7",null]]}'}
ALICE_DAYS, CHARLIE_DAYS, LATER_DAYS = 3.0, 5.0, 6.0
ENDED = -1.0


def kinds() -> set[str]:
    """Return every kind that the grammar of names knows: its alternatives, without their parts."""
    bare = re.sub(r"\[[^\]]*\]|\([^)]*\)", "", topics._TOPIC.pattern)
    return {name.split(":")[0] for name in bare.split("|")}


def test_every_kind_of_topic_has_a_case() -> None:
    assert kinds() == set(CASES), "say in CASES who hears this kind"
    assert all(topics.is_topic(name) for _who, name in CASES.values())


async def new(name: str, days: float | None) -> User:
    return await sync_to_async(person)(name, trial_days=days)


async def heard(socket: Browser) -> list[dict[str, Any]]:
    """Return every frame that is on its way: a pong comes after all that was sent before."""
    await socket.say(op="ping")
    found = []
    while (frame := await socket.hear())["topic"] != "pong":
        found.append(frame)
    return found


def publish(topic: str, data: str) -> None:
    """Publish a frame as the engine does."""
    text = bus.frame_text(topic, 1, "2026-01-01T00:00:00.000Z", data)
    bus.connect().publish(bus.FRAMES, bus.pack(topic, 1, text))


@pytest.mark.parametrize("kind", sorted(CASES))
async def test_each_topic_is_heard_by_those_it_is_for(kind: str, settings: Any) -> None:
    settings.MARKET = "binance"  # signals of a simulated market are for everybody
    who, name = CASES[kind]
    alice, charlie = await new("alice", ALICE_DAYS), await new("charlie", ENDED)
    _a, hers = await session_of(alice)
    _c, his = await session_of(charlie)
    async with browser(alice, hers) as one:
        two, three = Browser(charlie, his), Browser()
        for socket in (two, three):
            await socket.open()
        for socket in (one, two, three):
            await socket.say(op="subscribe", topics=[name])
        first = [await heard(socket) for socket in (one, two, three)]
        for socket in (one, two, three):
            await socket.say(op="subscribe", topics=[LAST])
            await heard(socket)
        publish(name, DATA.get(kind, '{"word":"from-the-bus"}'))
        later = []
        for socket in (one, two, three):
            # The bus keeps its order: once the last frame has come, all before it have.
            publish(LAST, "{}")
            frames = [await socket.hear()]
            while frames[-1]["topic"] != LAST:
                frames.append(await socket.hear())
            later.append([frame["topic"] for frame in frames if frame["topic"] != LAST])
        for socket in (two, three):
            await socket.close()
    codes = [{f["data"].get("code") for f in frames if f["topic"] == "error"} for frames in first]
    if who == PUBLIC:
        assert later == [[name]] * 3 and codes == [set()] * 3
    elif who == ENTITLED:
        assert later == [[name], [], []]
        assert codes == [set(), {"not_entitled"}, {"not_entitled"}]
    else:
        assert later == [[], [], []], "the bus is for everybody: what is somebody's is not on it"
        assert codes == [set(), set(), {"sign_in_first"}]
        assert [[f["data"]["state"] for f in frames if f["topic"] == name] for frames in first] == [
            ["trial"],
            ["ended"],
            [],
        ]


def forged(alice: User) -> list[Any]:
    """Return names by which somebody could hope to hear Alice."""
    return [
        f"account:{alice.pk}",
        f"account:{alice.pk.hex}",
        f"user:{alice.pk}",
        f"{alice.pk}",
        alice.email,
        "ACCOUNT",
        "Account",
        " account",
        "account ",
        "account\n",
        "account\0",
        "account\u200b",
        "\uff41ccount",
        "account*",
        "*",
        "",
        "cs:bell",
        f"market:{alice.pk}:1m",
        "market:account:1m",
        "heatmap:account",
        ["account", str(alice.pk)],
        {"account": str(alice.pk)},
        None,
        7,
    ]


async def test_nobody_hears_alices_account_by_whatever_name() -> None:
    alice, charlie = await new("alice", ALICE_DAYS), await new("charlie", CHARLIE_DAYS)
    _a, hers = await session_of(alice)
    _c, his = await session_of(charlie)
    async with browser(alice, hers) as one:
        await one.say(op="subscribe", topics=["account"])
        mine = [await one.hear()]
        two, three = Browser(charlie, his), Browser(address="198.51.100.7")
        others: list[dict[str, Any]] = []
        for socket in (two, three):
            await socket.open()
            await socket.say(op="subscribe", topics=["account"])
            await socket.say(
                op="subscribe", topics=["account"], user=str(alice.pk), user_id=str(alice.pk)
            )
            # Fewer names a message than the most a socket may follow, fewer messages than a flood.
            names = forged(alice)
            await socket.say(op="subscribe", topics=names[:12], after={"account": 0})
            await socket.say(op="subscribe", topics=names[12:])
            others += await heard(socket)
        refused = [f for f in others if f["topic"] == "error"]
        assert len(refused) >= 2 * (len(forged(alice)) - 3)

        await sync_to_async(end_trial)(alice)
        for user in (alice, charlie):
            await sync_to_async(bell.ring)(user.pk)
        mine.append(await one.hear())
        await sync_to_async(_renew)(alice)
        await sync_to_async(bell.ring)(alice.pk)
        mine.append(await one.hear())
        for socket in (two, three):
            others += await heard(socket)
            await socket.close()
    assert [frame["data"]["state"] for frame in mine] == ["trial", "ended", "trial"]
    held = [frame for frame in others if frame["topic"] == "account"]
    assert [frame["data"]["until"] for frame in held], "Charlie heard of himself"
    theirs = {str(frame["data"]["until"]) for frame in mine} - {"None"}
    assert theirs and not theirs & {str(frame["data"]["until"]) for frame in held}
    assert {frame["data"]["state"] for frame in held} == {"trial"}
    text = str([frame for frame in others if frame["topic"] != "error"])
    assert alice.email not in text and str(alice.pk) not in text


def _renew(user: User) -> None:
    Trial.objects.for_user(user.pk).update(ends_at=timezone.now() + timedelta(days=LATER_DAYS))
