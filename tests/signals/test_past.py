"""Looking back: what `?at=` answers was known at that minute, and nothing later comes through."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from django.test import Client

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from signals.delivery import bus
from signals.models import Instrument
from signals.services.publish import apply_change, publish
from signals.store.candles import store_candles
from signals.store.judgements import pack, prune_judgements, store_judgements
from tests.support.setups import AT_MS, HOUR_MS, filled, make_draft, won

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

MINUTE_MS = 60_000
LATER = 987_654.0
"""A price that only candles after the asked moment have: it must be in no answer."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine answers here: the past is read from rows."""
    monkeypatch.setattr(bus, "ANSWER_S", 0.02)


def at(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")


def get(path: str, at_ms: int, **query: str) -> Any:
    return Client().get(f"/api/v1/{path}", {"at": at(at_ms), **query})


def candle(price: float) -> tuple[float, ...]:
    return (price, price + 1, price - 1, price, 10.0, 1_000.0, 6.0, 40.0)


def hour_of_minutes(from_ms: int, known_ms: int) -> None:
    """Store an hour of minutes at 100, 101, …; those that close after `known_ms` at LATER."""
    rows = []
    for k in range(60):
        open_ms = from_ms + k * MINUTE_MS
        price = 100.0 + k if open_ms + MINUTE_MS <= known_ms else LATER
        rows.append(("BTCUSDT", open_ms, candle(price)))
    store_candles(Origin.SIMULATED, Timeframe.M1, rows)
    quarters = [("BTCUSDT", from_ms + k * 900_000, candle(100.0 + 15 * k)) for k in range(2)]
    late = [("BTCUSDT", from_ms + k * 900_000, candle(LATER)) for k in range(2, 4)]
    store_candles(Origin.SIMULATED, Timeframe.M15, [*quarters, *late])


def test_candles_end_with_the_minute_that_had_closed() -> None:
    asked = AT_MS + 37 * MINUTE_MS
    hour_of_minutes(AT_MS, asked)
    answer = get("markets/BTCUSDT/candles", asked, timeframe="15m")
    told = answer.json()
    assert [row[0] * 1000 for row in told["candles"]] == [
        AT_MS,
        AT_MS + 900_000,
        AT_MS + 1_800_000,
    ]
    # The third was running: seven minutes of it, from 130 to 136.
    assert told["candles"][-1][1:5] == [130.0, 137.0, 129.0, 136.0]
    assert str(int(LATER)) not in answer.content.decode()
    minutes = get("markets/BTCUSDT/candles", asked, timeframe="1m").json()["candles"]
    assert minutes[-1][0] * 1000 == asked - MINUTE_MS


def test_the_market_list_has_the_price_of_then() -> None:
    asked = AT_MS + 37 * MINUTE_MS
    hour_of_minutes(AT_MS, asked)
    Instrument.objects.create(
        origin="simulated",
        symbol="BTCUSDT",
        base_asset="BTC",
        tick_size="0.1",
        step_size="0.001",
        min_notional="5",
        brackets=[],
    )
    (row,) = get("markets", asked).json()["markets"]
    assert (row["price"], row["decimals"], row["change_24h"]) == ("136.0", 1, None)


def test_a_signal_stands_as_it_stood(django_capture_on_commit_callbacks: Any) -> None:
    draft, later = make_draft(), make_draft(at_ms=AT_MS + 3 * HOUR_MS, symbol="ETHUSDT")
    for one in (draft, later):
        publish(one)
    apply_change(filled(draft.id))
    apply_change(won(draft.id))

    def seen(at_ms: int) -> list[tuple[str, str, Any, Any]]:
        found = get("signals", at_ms).json()["results"]
        return [(s["symbol"], s["state"], s["fill_price"], s["result_r"]) for s in found]

    assert seen(AT_MS - MINUTE_MS) == []
    assert seen(AT_MS + MINUTE_MS) == [("BTCUSDT", "waiting", None, None)]
    # The candle that filled it closes with the hour: a minute before, nobody knew.
    assert seen(AT_MS + HOUR_MS - MINUTE_MS) == [("BTCUSDT", "waiting", None, None)]
    assert seen(AT_MS + HOUR_MS) == [("BTCUSDT", "filled", "59950.0", None)]
    assert seen(AT_MS + 4 * HOUR_MS)[1] == ("BTCUSDT", "filled", "59950.0", None)
    assert seen(AT_MS + 5 * HOUR_MS)[1] == ("BTCUSDT", "won", "59950.0", 1.8)
    before = get("signals", AT_MS + 4 * HOUR_MS).json()["results"][1]
    assert (before["evidence"], before["settled_at"], before["record"]) == (None, None, None)
    open_then = get("signals", AT_MS + 4 * HOUR_MS, state="open").json()["results"]
    assert [s["symbol"] for s in open_then] == ["ETHUSDT", "BTCUSDT"]
    assert get("signals", AT_MS + 4 * HOUR_MS, timeframe="4h").json()["results"] == []
    assert get("signals", AT_MS + 4 * HOUR_MS, cursor="3").status_code == 400


def judged(at_ms: int, chance: float, *, is_close: bool = True) -> None:
    """Store what the engine thought of BTCUSDT on 1h."""
    factors = {
        "side": "long",
        "probability": chance,
        "interval": [chance - 0.03, chance + 0.03],
        "base_probability": 0.47,
        "other_points": 0.1,
        "factors": [
            {
                "name": "taker_imb",
                "reading": 4.0,
                "percentile": 0.9,
                "log_odds": 0.3,
                "points": 7.2,
                "sentence": "Takers bought more.",
            }
        ],
    }
    gate = {"name": "edge", "title": "Edge", "passed": False, "value": 0.4, "limit": 0.5}
    gates = {
        "break_even": 0.44,
        "strength": 0.1,
        "says_no": "edge",
        "gates": [{**gate, "sentence": "Too close."}],
    }
    body = pack(factors, gates, {"price": 60_000.0, "funding_rate": -0.0001, "percentile": 0.2})
    store_judgements(Origin.SIMULATED, [("1h", "BTCUSDT", at_ms, is_close, chance, body)])


def test_gates_and_factors_are_those_judged_last_before_the_minute() -> None:
    judged(AT_MS, 0.41)
    judged(AT_MS + 10 * MINUTE_MS, 0.58, is_close=False)
    gates = get("markets/BTCUSDT/gates", AT_MS + 9 * MINUTE_MS).json()
    assert (gates["probability"], gates["says_no"]) == (0.41, "edge")
    assert gates["at"] == "2025-11-25T00:00:00.000Z"
    assert gates["gates"][0]["sentence"] == "Too close."
    factors = get("markets/BTCUSDT/factors", AT_MS + 10 * MINUTE_MS).json()
    assert factors["probability"] == 0.58
    assert factors["factors"][0]["title"] and factors["factors"][0]["text"]
    funding = get("markets/BTCUSDT/funding", AT_MS + 9 * MINUTE_MS).json()
    assert (funding["rate"], funding["percentile"]) == (-0.0001, 0.2)
    missing = get("markets/BTCUSDT/gates", AT_MS - MINUTE_MS)
    assert (missing.status_code, missing.json()["code"]) == (404, "not_kept")
    assert "No judgement of BTCUSDT on 1h" in missing.json()["detail"]


def test_judgements_between_closes_go_first() -> None:
    judged(AT_MS, 0.41)
    judged(AT_MS + MINUTE_MS, 0.5, is_close=False)
    assert prune_judgements(Origin.SIMULATED, AT_MS - 1, AT_MS + HOUR_MS) == 1
    assert prune_judgements(Origin.SIMULATED, AT_MS + HOUR_MS, AT_MS + HOUR_MS) == 1


@pytest.mark.parametrize("wrong", ["2999-01-01T00:00Z", "yesterday", "2025-13-01"])
def test_a_minute_that_has_not_been_is_refused(wrong: str) -> None:
    answer = Client().get("/api/v1/markets", {"at": wrong})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


def test_the_book_says_that_it_is_not_kept() -> None:
    told = get("markets/BTCUSDT/book", AT_MS).json()
    assert told["bids"] == [] and "not kept" in told["reason"]


def test_the_nearest_cases_all_lie_before_the_asked_minute() -> None:
    random = np.random.default_rng(5)
    prices = 100 * np.exp(random.normal(0, 0.01, 500).cumsum())
    rows = [
        ("BTCUSDT", AT_MS + k * HOUR_MS, candle(float(price))) for k, price in enumerate(prices)
    ]
    store_candles(Origin.SIMULATED, Timeframe.H1, rows)
    asked = AT_MS + 450 * HOUR_MS
    told = get("markets/BTCUSDT/analogs", asked, timeframe="1h").json()
    assert told["at"] == at(asked).replace("Z", ":00.000Z")
    assert told["all"]["n"] >= 200
    assert len(told["cases"]) == told["near"]["n"] == 12
    horizon = told["horizon"] * HOUR_MS
    for case in told["cases"]:
        ended = datetime.fromisoformat(case["at"]).timestamp() * 1000
        assert ended + horizon <= asked - told["length"] * HOUR_MS
    few = get("markets/BTCUSDT/analogs", AT_MS + 90 * HOUR_MS, timeframe="1h")
    assert (few.status_code, few.json()["code"]) == (404, "not_kept")


def test_the_history_of_a_factor_ends_with_the_asked_minute() -> None:
    for k in range(3):
        judged(AT_MS + k * HOUR_MS, 0.4 + k / 10)
    path = "markets/BTCUSDT/factors/taker_imb/history"
    points = get(path, AT_MS + HOUR_MS, timeframe="1h").json()["points"]
    assert points == [[AT_MS // 1000, 4.0, 0.3], [(AT_MS + HOUR_MS) // 1000, 4.0, 0.3]]
    assert Client().get("/api/v1/markets/BTCUSDT/factors/nothing/history").status_code == 404
