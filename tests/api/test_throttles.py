"""Over the limit, exactly the limit is let through: in parallel, over Redis, and without it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from cryptosystems.platform import throttles
from tests.api.cast import person, signed_in, token_of, with_token

AT_S = 1_764_028_810.0
"""Ten seconds into a minute."""


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, float]]:
    """The clock stands; counters begin empty."""
    clock = {"now": AT_S}
    monkeypatch.setattr(throttles.time, "time", lambda: clock["now"])
    monkeypatch.setattr(throttles, "_local", throttles.LocalCounter())
    cache.clear()
    yield clock
    cache.clear()


@pytest.fixture
def over_redis(settings: Any, valkey_url: str) -> None:
    """Counters where all processes look."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": valkey_url,
            "KEY_PREFIX": "cache",
        }
    }
    cache.clear()


@pytest.fixture
def without_redis(settings: Any) -> None:
    """The store is away."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }


def in_parallel(times: int, ask: Any) -> list[int]:
    """Ask so often at once and return what was answered."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda _: ask(), range(times)))


@pytest.mark.parametrize("store", [None, "over_redis"])
def test_fifty_at_once_over_the_limit_are_all_refused(
    request: pytest.FixtureRequest, settings: Any, store: str | None
) -> None:
    if store:
        request.getfixturevalue(store)
    settings.API_RATES = {**settings.API_RATES, "visitor": 30}
    told = in_parallel(80, lambda: Client().post("/api/v1/markets").status_code)
    assert told.count(405) + told.count(429) == 80
    assert told.count(405) == 30


def test_while_the_store_is_away_each_process_counts_strictly(
    settings: Any, without_redis: None
) -> None:
    settings.API_RATES = {**settings.API_RATES, "visitor": 40}
    told = in_parallel(60, lambda: Client().post("/api/v1/markets").status_code)
    assert told.count(405) == 10
    assert told.count(429) == 50


def test_the_refusal_says_how_long_and_the_next_window_opens(
    settings: Any, still: dict[str, float]
) -> None:
    settings.API_RATES = {**settings.API_RATES, "visitor": 1}
    client = Client()
    assert client.get("/api/v1/schema").status_code == 200
    refused = client.get("/api/v1/schema")
    assert refused.status_code == 429
    assert refused["Retry-After"] == "50"
    assert refused.json()["code"] == "too_many_requests"
    assert "50 s" in refused.json()["detail"]
    still["now"] += 50
    assert client.get("/api/v1/schema").status_code == 200


@pytest.mark.django_db
def test_each_caller_has_a_limit_of_their_own(settings: Any) -> None:
    settings.API_RATES = {"visitor": 1, "user": 2, "token": 3, "refused": 1}
    alice, charlie = person("alice"), person("charlie")
    path = "/api/v1/schema"
    browser, script, other = signed_in(alice), with_token(token_of(alice)), signed_in(charlie)
    assert [browser.get(path).status_code for _ in range(3)] == [200, 200, 429]
    assert [script.get(path).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert other.get(path).status_code == 200
    assert [Client().get(path).status_code for _ in range(2)] == [200, 429]
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    assert elsewhere.get(path).status_code == 200


@pytest.mark.django_db
def test_trying_tokens_is_slowed_down(settings: Any) -> None:
    settings.API_RATES = {**settings.API_RATES, "refused": 3}
    told = [with_token(f"cs_{n:043d}").get("/api/v1/account").status_code for n in range(5)]
    assert told == [401, 401, 401, 429, 429]
    good = with_token(token_of(person("alice")))
    assert good.get("/api/v1/account").status_code == 200


@pytest.mark.parametrize("hops", range(1, 6))
def test_a_forged_forwarded_for_gives_no_new_limit(settings: Any, hops: int) -> None:
    settings.API_RATES = {**settings.API_RATES, "visitor": 1}
    told = []
    for n in range(3):
        forged = ", ".join(f"198.51.100.{n * 10 + hop}" for hop in range(hops))
        client = Client(headers={"X-Forwarded-For": forged})
        told.append(client.get("/api/v1/schema").status_code)
    assert told == [200, 429, 429]


def test_behind_our_proxy_each_client_is_counted_alone(settings: Any) -> None:
    settings.API_RATES = {**settings.API_RATES, "visitor": 1}
    settings.TRUSTED_PROXIES = 1
    told = []
    for forwarded in ("9.9.9.9, 203.0.113.1", "8.8.8.8, 203.0.113.1", "9.9.9.9, 203.0.113.2"):
        client = Client(headers={"X-Forwarded-For": forwarded})
        told.append(client.get("/api/v1/schema").status_code)
    assert told == [200, 429, 200]


def test_the_limits_are_those_that_are_promised() -> None:
    from cryptosystems.settings import base

    assert base.API_RATES == {"token": 120, "user": 600, "visitor": 300, "refused": 60}


@pytest.mark.django_db
def test_what_is_refused_counts_as_well(settings: Any) -> None:
    """401, 403, 400 and 406 come before DRF asks its throttles."""
    settings.API_RATES = {"visitor": 3, "user": 2, "token": 2, "refused": 100}
    alice = person("alice")
    told = [Client().get("/api/v1/account").status_code for _ in range(5)]
    assert told == [401, 401, 401, 429, 429]
    refused = Client().get("/api/v1/account")
    assert refused["Retry-After"] == "50" and refused.json()["code"] == "too_many_requests"
    assert Client().get("/api/v1/schema").status_code == 429  # one limit for all it asks
    narrow = with_token(token_of(alice, "account:read"))
    assert [narrow.get("/api/v1/signals").status_code for _ in range(3)] == [403, 403, 429]
    browser = signed_in(alice)
    asked = ["/api/v1/account?x=1", "/api/v1/account", "/api/v1/account"]
    assert [browser.get(path).status_code for path in asked] == [400, 200, 429]


@pytest.mark.django_db
def test_invalid_tokens_and_forged_sessions_count_for_their_address(settings: Any) -> None:
    settings.API_RATES = {"visitor": 4, "user": 100, "token": 100, "refused": 100}
    alice = person("alice")
    bad = with_token("cs_" + "b" * 43)
    assert [bad.get("/api/v1/account").status_code for _ in range(2)] == [401, 401]
    other_type = {"Accept": "text/html", "Authorization": "Bearer cs_none"}
    assert Client().get("/api/v1/status", headers=other_type).status_code == 406
    strict = signed_in(alice, enforce_csrf_checks=True)
    told = [strict.patch("/api/v1/account", "{}", content_type="application/json") for _ in "ab"]
    assert [answer.status_code for answer in told] == [403, 429]
    assert signed_in(alice).get("/api/v1/account").status_code == 200
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    assert elsewhere.get("/api/v1/account").status_code == 401


@pytest.mark.django_db
def test_each_request_counts_once(settings: Any) -> None:
    """An error of a view comes after the throttle: it is not counted again."""
    settings.API_RATES = {"visitor": 4, "user": 4, "token": 100, "refused": 100}
    browser = signed_in(person("alice"))
    told = [browser.get("/api/v1/signals?limit=0").status_code for _ in range(5)]
    assert told == [400, 400, 400, 400, 429]
    told = [Client().get("/api/v1/signals?limit=0").status_code for _ in range(5)]
    assert told == [400, 400, 400, 400, 429]


def test_windows_of_two_lengths_do_not_empty_each_other() -> None:
    counter = throttles.LocalCounter()
    drawn = []
    for _ in range(3):
        drawn.append((counter.take("a", 7), counter.take("a", 1, throttles.HOUR_S)))
    assert drawn == [(1, 1), (2, 2), (3, 3)]
    assert (counter.take("a", 8), counter.take("a", 1, throttles.HOUR_S)) == (1, 4)
