"""What a visitor sees of the real market: late what is open, at once what is settled."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.test import Client

from cryptosystems.kernel.errors import NotAllowed
from frontend.pages.dashboard import make_dashboard
from signals import api
from signals.delivery import bus
from signals.models import Signal, SignalState
from signals.selectors.signals import current_signal, list_signals, signal_detail
from signals.selectors.visibility import DELAY, is_visible, visible
from signals.services.publish import publish
from tests.api.cast import end_trial, person, signed_in, token_of, with_token
from tests.support.setups import AT_MS, HOUR_MS, make_draft

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]
AT = datetime.fromtimestamp(AT_MS / 1000, UTC)
SECOND = timedelta(seconds=1)


def store(origin: str, *, at_ms: int = AT_MS, is_open: bool = True, **changes: Any) -> Signal:
    """Publish a signal, and close it where the test says so."""
    draft = make_draft(origin=origin, at_ms=at_ms, **changes)
    publish(draft)
    if not is_open:
        SignalState.objects.filter(signal_id=draft.id).update(is_open=False, state="won")
    return Signal.objects.select_related("current").get(pk=draft.id)


def store_young() -> Signal:
    """Publish an open signal of the real market that is a minute old by the wall clock."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    return store("live", at_ms=now_ms - 60_000)


def test_the_condition_on_rows_is_the_rule() -> None:
    """Every origin, state, age and right: the query and the pure function agree."""
    for n, (origin, is_open) in enumerate(
        product(("live", "simulated", "replay", "backtest"), (True, False))
    ):
        store(origin, at_ms=AT_MS + n * HOUR_MS, is_open=is_open)
    for age_s, sees_live in product((-1, 0, 899, 900, 901, 7_200), (True, False)):
        for row in Signal.objects.select_related("current"):
            now = row.issued_at + timedelta(seconds=age_s)
            expected = is_visible(
                origin=row.origin,
                is_open=row.current.is_open,
                issued_at=row.issued_at,
                now=now,
                sees_live=sees_live,
            )
            found = Signal.objects.filter(visible(now, sees_live=sees_live), pk=row.pk).exists()
            assert found == expected
            hidden = row.origin == "live" and row.current.is_open and age_s < 900 and not sees_live
            assert expected is not hidden


def test_an_open_signal_of_the_real_market_appears_after_a_quarter_of_an_hour() -> None:
    signal = store("live")
    for now, seen in ((AT + DELAY - SECOND, False), (AT + DELAY, True)):
        found, _cursor = list_signals(origin="live", now=now)
        assert bool(found) is seen
        assert (current_signal("live", now=now) is not None) is seen
        if seen:
            assert signal_detail(signal.pk, now=now) is not None
        else:
            with pytest.raises(NotAllowed, match="15 minutes"):
                signal_detail(signal.pk, now=now)
        assert list_signals(origin="live", now=now, sees_live=True)[0]


@pytest.mark.parametrize("market", ["binance", "demo"])
def test_on_the_real_market_the_api_asks_who_looks(settings: Any, market: str) -> None:
    settings.MARKET = market
    alice, lapsed = person("alice"), person("lapsed")
    script = with_token(token_of(alice))
    end_trial(lapsed)
    signal = store_young()
    path = f"/api/v1/signals/{signal.pk}"
    for client, sees in (
        (Client(), False),
        (signed_in(lapsed), False),
        (signed_in(alice), True),
        (script, True),
    ):
        listed = client.get("/api/v1/signals?state=open").json()
        assert [row["id"] for row in listed["results"]] == ([str(signal.pk)] if sees else [])
        assert listed["open_delay_s"] == (0 if sees else 900)
        for address in (path, f"{path}/recompute"):
            answer = client.get(address)
            assert answer.status_code == (200 if sees else 403)
            if not sees:
                assert answer.json()["code"] == "not_entitled"
                assert str(signal.stop) not in answer.content.decode()


def test_the_market_list_does_not_tell_the_side_of_what_is_hidden(settings: Any) -> None:
    import json

    settings.MARKET = "binance"
    signal = store_young()
    held = {"origin": "live", "at": None, "markets": [{"symbol": "BTCUSDT", "signal": "long"}]}
    bus.connect().set(bus.MARKETS, json.dumps(held))
    alice = signed_in(person("alice"))
    path = "/api/v1/markets"
    assert alice.get(path).json()["markets"][0]["signal"] == "long"
    assert Client().get(path).json()["markets"][0]["signal"] is None
    Signal.objects.filter(pk=signal.pk).update(issued_at=signal.issued_at - DELAY)
    assert Client().get(path).json()["markets"][0]["signal"] == "long"


def test_the_first_paint_follows_the_same_rule_and_says_so(settings: Any) -> None:
    settings.MARKET = "binance"
    signal, path = store_young(), "/ai-trading/dashboard"
    for client, sees in ((Client(), False), (signed_in(person("alice")), True)):
        told = client.get(path).content.decode()
        assert (str(signal.pk) in told) is sees
        assert ("15 minutes late" in told) is not sees


def test_on_a_simulated_market_everybody_sees_everything() -> None:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    signal = store("simulated", at_ms=now_ms - 1_000)
    client = Client()
    listed = client.get("/api/v1/signals?state=open").json()
    assert (listed["results"][0]["id"], listed["open_delay_s"]) == (str(signal.pk), 0)
    assert client.get(f"/api/v1/signals/{signal.pk}/recompute").status_code == 200
    assert len(make_dashboard("").open_signals) == 1
    assert api.delay_s(None) == 0
