"""What the engine thinks is kept once a minute, and given back as it was told."""

from collections.abc import Iterator

import pytest

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from signals.engine.memory import MINUTE_MS, Memory
from signals.engine.views import MarketViews
from signals.store.judgements import (
    JudgementRow,
    factors_of,
    gates_of,
    market_of,
    read_judgement,
    store_judgements,
)
from tests.signals.pipeline.markets import Market, model

SETTLED_MS = 5_000


@pytest.fixture(scope="module")
def market() -> Market:
    """Two symbols, judged at the close of a 15m candle."""
    made = Market()
    made.run(15 * 18)
    made.pipeline.use_model(model(p_long=0.5))
    made.run(15)
    return made


def a_round(memory: Memory, market: Market, after_ms: int = SETTLED_MS) -> Iterator[JudgementRow]:
    views = MarketViews(market.pipeline)
    now_ms = market.now_ms + after_ms
    memory.bite(views, now_ms)
    while not memory.is_idle:
        yield from memory.bite(views, now_ms)


@pytest.mark.django_db
def test_a_judgement_comes_back_as_the_engine_told_it(market: Market) -> None:
    rows = list(a_round(Memory(), market))
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("15m", "BTCUSDT", True),
        ("15m", "ALT1USDT", True),
    ]
    assert max(len(row[5]) for row in rows) < 4_000, "a body is small: there are very many"
    store_judgements(Origin.SIMULATED, rows)
    store_judgements(Origin.SIMULATED, rows)
    views = MarketViews(market.pipeline)
    held = read_judgement("simulated", "BTCUSDT", "15m", market.now_ms)
    assert held is not None
    told = views.factors("BTCUSDT", "15m")
    again = factors_of(held)
    assert told is not None
    for place, factor in enumerate(told["factors"]):
        kept = {**factor, "sentence": factor["sentence"] if place < 8 else ""}
        assert again["factors"][place] == kept
    assert {**told, "factors": None} == {**again, "factors": None}
    assert gates_of(held) == views.gates("BTCUSDT", "15m")
    assert market_of(held)["price"] == pytest.approx(float(market.state.price[0]), abs=0.01)
    assert read_judgement("simulated", "BTCUSDT", "15m", market.now_ms - 1) is None


def test_between_closes_only_what_is_new_is_kept(market: Market) -> None:
    memory = Memory()
    assert len(list(a_round(memory, market))) == 2
    assert list(a_round(memory, market)) == [], "this minute has had its round"
    assert list(a_round(memory, market, SETTLED_MS + MINUTE_MS)) == [], "nothing has changed"
    market.pipeline.use_model(model(p_long=0.6))
    market.pipeline.advance(market.form(seconds=59))
    (row, _) = list(a_round(memory, market, SETTLED_MS + 2 * MINUTE_MS))
    assert (row[0], row[3]) == (Timeframe.M15.value, False)


def test_who_follows_btc_is_measured_by_the_minute(market: Market) -> None:
    told = MarketViews(market.pipeline).correlation("ALT1USDT")
    assert told is not None
    shock = told["knock_on"]
    assert shock is None or {row["symbol"] for row in shock["markets"]} == {"ALT1USDT"}
    assert told["symbol"] == "ALT1USDT"
