"""When an exchange counts as away, and when as back."""

import json

import pytest

from tests.trading.exchanges.stage import hmac_credential, order
from tests.trading.exchanges.test_odd_replies import says, serving
from trading.contracts import Venue
from trading.exchanges.addresses import addresses_of
from trading.exchanges.ccxt_futures import CcxtFutures
from trading.exchanges.client import FuturesClient
from trading.exchanges.outcomes import Reply
from trading.exchanges.service import QUIET_MS, WINDOW_MS, WORD_MS, ServiceState

REFUSED = Reply(503, b"Service Unavailable")
FINE = Reply(200, b"{}")


async def test_the_client_takes_note_of_what_its_accounts_are_told() -> None:
    async with serving(says(503, b"Service Unavailable.")) as server:
        client = FuturesClient(addresses_of(Venue.SIMULATED, server.url, "ws://nowhere"), lambda: 1)
        for name in "abc":
            await CcxtFutures(client, hmac_credential(name, "s")).submit(
                order("cs-1", quantity="1")
            )
        assert client.service.look(1)
        await client.close()


def status(value: object) -> Reply:
    return Reply(200, json.dumps({"status": value, "msg": ""}).encode())


def away(*calls: tuple[str, Reply, int], now_ms: int = 5_000) -> str:
    state = ServiceState()
    for account, reply, at_ms in calls:
        state.answered(account, reply, at_ms)
    state.look(now_ms)
    return state.away


def test_three_refused_accounts_within_a_minute_tell_that_it_is_away() -> None:
    calls = [("a", FINE, 0), ("a", REFUSED, 1), ("b", REFUSED, 20_000), ("c", REFUSED, 40_000)]
    assert "refused 3 accounts" in away(*calls, now_ms=45_000)


@pytest.mark.parametrize(
    "calls",
    [
        [("a", REFUSED, at) for at in range(0, 5_000, 100)],
        [("a", REFUSED, 1), ("b", REFUSED, 2), ("", REFUSED, 3)],
        [(name, reply, at) for name in "abc" for at, reply in ((1, REFUSED), (2, FINE))],
        [(name, Reply(None, trouble="no answer in time"), 1) for name in "abcdef"],
        [*((name, REFUSED, 1) for name in "abc"), *((name, FINE, 1) for name in "defghij")],
        [("a", REFUSED, 1), ("b", REFUSED, 2), ("c", REFUSED, -WINDOW_MS)],
    ],
    ids=["one account", "no account", "answered since", "silence", "most are answered", "long ago"],
)
def test_less_than_that_tells_nothing(calls: list[tuple[str, Reply, int]]) -> None:
    assert away(*calls) == ""


def test_its_own_word_counts_until_it_takes_it_back() -> None:
    state = ServiceState()
    state.told(status(1), 0)
    assert state.look(0) and "maintenance" in state.away
    state.told(Reply(503, b""), 30_000)
    state.told(status("closed for lunch"), 59_000)
    assert not state.look(60_000) and state.away, "an answer that says nothing changes nothing"
    state.told(status(0), 61_000)
    assert state.look(61_000) and state.away == "" and state.since_ms == 61_000


def test_a_word_that_it_never_takes_back_does_not_hold_for_ever() -> None:
    state = ServiceState()
    state.told(status(1), 0)
    state.look(0)
    assert not state.look(WORD_MS) and state.away
    assert state.look(WORD_MS + 1) and state.away == ""


def test_it_is_back_once_it_answers_and_has_refused_nobody_for_a_while() -> None:
    state = ServiceState()
    for name in "abc":
        state.answered(name, REFUSED, 1_000)
    assert state.look(1_000)
    assert not state.look(600_000) and state.away, "silence is not an answer"
    state.answered("a", FINE, 600_001)
    state.answered("b", REFUSED, 600_002)
    assert not state.look(600_003 + QUIET_MS) and state.away, "the last word was a refusal"
    state.answered("b", FINE, 600_010 + QUIET_MS)
    assert state.look(600_011 + QUIET_MS) and state.away == ""
