"""The JSON API: answers, refusals with a reason, and what it says while the engine is silent."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from signals.delivery import bus
from signals.services.publish import publish
from signals.store.candles import store_candles
from tests.support.setups import AT_MS, HOUR_MS, make_draft

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


@contextmanager
def engine(answer: Callable[[str, dict[str, Any]], Any]) -> Iterator[None]:
    """Stand where the engine stands: take one question from the bus and answer it."""

    def take() -> None:
        client = bus.connect()
        found = client.blpop([bus.QUESTIONS], timeout=5)
        assert found is not None
        question = json.loads(found[1])
        told = json.dumps(answer(question["kind"], question["args"]))
        client.rpush(bus.answer_key(question["id"]), told)

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield
    finally:
        thread.join(6)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that does not answer is given up at once."""
    monkeypatch.setattr(bus, "ANSWER_S", 0.05)


@pytest.mark.parametrize("path", ["status", "markets", "markets/BTCUSDT/factors"])
def test_a_silent_engine_is_said_plainly(client: Client, quick: None, path: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert told["code"] == "engine_silent"
    assert "Try again" in told["detail"]


def test_stored_candles_are_shown_when_the_engine_is_silent(client: Client, quick: None) -> None:
    row = (100.0, 101.0, 99.0, 100.5, 10.0, 1_000.0, 6.0, 40.0)
    store_candles(Origin.SIMULATED, Timeframe.M15, [("BTCUSDT", AT_MS, row)])
    told = client.get("/api/v1/markets/BTCUSDT/candles?timeframe=15m").json()
    assert told["candles"] == [[AT_MS // 1000, 100.0, 101.0, 99.0, 100.5, 10.0]]
    assert told["origin"] == "simulated"


def test_a_question_reaches_the_engine_and_its_answer_comes_back(client: Client) -> None:
    with engine(lambda kind, args: {"kind": kind, **args}):
        told = client.get("/api/v1/markets/BTCUSDT/heatmap?timeframe=15m").json()
    assert told == {"kind": "heatmap", "symbol": "BTCUSDT", "timeframe": "15m"}


def test_a_symbol_nobody_follows_is_not_found(client: Client) -> None:
    bus.connect().set(bus.MARKETS, json.dumps({"markets": [{"symbol": "BTCUSDT"}]}))
    with engine(lambda kind, args: None):
        answer = client.get("/api/v1/markets/NOPEUSDT/book")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("markets/BTCUSDT/factors?timeframe=7m", "timeframe is one of 1m, 5m"),
        ("markets/BTCUSDT/candles?limit=0", "limit is a count from 1 to 1500"),
        ("markets/BTCUSDT/candles?limit=many", "limit is a count"),
        ("signals?state=lost", "state is open or settled"),
        ("signals?origin=moon", "origin is one of"),
        ("signals?cursor=-4", "cursor is a count"),
        ("track-record?origin=all", "origin is one of"),
    ],
)
def test_a_wrong_parameter_gets_a_sentence_that_says_what_fits(
    client: Client, path: str, told: str
) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 400
    assert told in answer.json()["detail"]
    assert answer.json()["code"] == "invalid_input"


def test_signals_are_paged_by_cursor(client: Client) -> None:
    for k in range(3):
        publish(make_draft(at_ms=AT_MS + k * HOUR_MS))
    first = client.get("/api/v1/signals?limit=2").json()
    assert [row["number"] for row in first["results"]] == [3, 2]
    second = client.get(f"/api/v1/signals?limit=2&cursor={first['next']}").json()
    assert [row["number"] for row in second["results"]] == [1]
    assert second["next"] is None


def test_a_signal_is_shown_recomputed_and_bound_to_the_chain(client: Client) -> None:
    draft = make_draft()
    publish(draft)
    shown = client.get(f"/api/v1/signals/{draft.id}").json()
    assert shown["hash"]
    assert sum(reason["points"] for reason in shown["reasons"]) + shown["other"][
        "points"
    ] == pytest.approx((shown["confidence"] - shown["base_rate"]) * 100)
    assert client.get(f"/api/v1/signals/{draft.id}/recompute").json()["matches"] is True
    missing = client.get("/api/v1/signals/11111111-1111-4111-8111-111111111111")
    assert missing.status_code == 404


def test_the_schema_names_every_address(client: Client) -> None:
    answer = client.get("/api/v1/schema")
    paths = json.loads(answer.content)["paths"]
    for name in ("status", "markets", "markets/{symbol}/heatmap", "signals", "track-record"):
        assert f"/api/v1/{name}" in paths
    assert all("summary" in operation for path in paths.values() for operation in path.values())


def test_the_docs_page_has_no_inline_script(client: Client) -> None:
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert b"<script>" not in page.content
    assert b"<style" not in page.content
    assert "'unsafe" not in page["Content-Security-Policy"]


def test_ready_says_which_part_is_not(client: Client) -> None:
    told = client.get("/readyz")
    assert told.status_code == 503
    assert told.json()["checks"] == {"database": "ok", "redis": "ok", "engine": "silent"}
    assert client.get("/healthz").json() == {"status": "ok"}


def test_metrics_are_not_public(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = "a-token-for-the-scraper"
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9").status_code == 403
    wrong = client.get("/metrics", REMOTE_ADDR="10.0.0.9", HTTP_AUTHORIZATION="Bearer no")
    assert wrong.status_code == 403
    given = {"HTTP_AUTHORIZATION": "Bearer a-token-for-the-scraper"}
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9", **given).status_code == 200
