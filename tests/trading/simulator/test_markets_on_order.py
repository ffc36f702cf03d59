"""Markets that do as they are told: the scripted one, and a push to the synthetic one."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.exchange_process import START_MS, CallRefused, Venue, exchange_process
from tests.support.servers import exchange
from trading.simulator.scripted import ScriptedWorld


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with exchange_process() as running:
        yield running


def get(venue: Venue, path: str, **query: Any) -> Any:
    return venue.http.get(path, params=query).json()


def test_it_is_ready_in_well_under_a_second() -> None:
    before = time.monotonic()
    ScriptedWorld(n=40, now_ms=START_MS, days=1.0)
    assert time.monotonic() - before < 0.5


def test_a_price_stands_until_it_is_set_and_the_book_stands_around_it(venue: Venue) -> None:
    venue.price("ETHUSDT", 3_000)
    venue.advance(30_000)
    assert get(venue, "/fapi/v2/ticker/price", symbol="ETHUSDT")["price"] == "3000.00"
    top = get(venue, "/fapi/v1/ticker/bookTicker", symbol="ETHUSDT")
    assert (top["bidPrice"], top["askPrice"]) == ("2999.99", "3000.01")
    venue.book("ETHUSDT", bids=[[2_999, 5], [2_998, 7]], asks=[[3_001, 2]])
    book = get(venue, "/fapi/v1/depth", symbol="ETHUSDT", limit=5)
    assert book["bids"] == [["2999.00", "5.000"], ["2998.00", "7.000"]]
    assert book["asks"] == [["3001.00", "2.000"]]
    venue.book("ETHUSDT", quantity=3)
    assert get(venue, "/fapi/v1/depth", symbol="ETHUSDT", limit=5)["bids"][4] == [
        "2999.95",
        "3.000",
    ]


def test_a_price_can_walk_and_a_mark_price_can_stand_apart(venue: Venue) -> None:
    venue.price("SOLUSDT", 100)
    venue.advance(120_000)
    venue.price("SOLUSDT", 110, seconds=10)
    venue.advance(5_000)
    mark = get(venue, "/fapi/v1/premiumIndex", symbol="SOLUSDT")
    assert float(mark["markPrice"]) == 105
    venue.price("SOLUSDT", 104, mark=101)
    venue.advance(60_000)
    mark = get(venue, "/fapi/v1/premiumIndex", symbol="SOLUSDT")
    assert float(mark["markPrice"]) == 101
    minute = get(venue, "/fapi/v1/klines", symbol="SOLUSDT", interval="1m", limit=2)
    highs, lows = [float(k[2]) for k in minute], [float(k[3]) for k in minute]
    assert max(highs) == 105 and min(lows) >= 100


def test_funding_is_settled_at_the_rate_that_was_set(venue: Venue) -> None:
    """Longs pay the rate on their notional at the mark price; shorts are paid."""
    venue.price("BTCUSDT", 60_000)
    venue.funding("BTCUSDT", 0.001)
    long, short = venue.account(), venue.account()
    for who, side in ((long, "BUY"), (short, "SELL")):
        who.call(
            "POST", "/fapi/v1/order", symbol="BTCUSDT", side=side, type="MARKET", quantity="0.1"
        )
    next_ms = get(venue, "/fapi/v1/premiumIndex", symbol="BTCUSDT")["nextFundingTime"]
    venue.advance(next_ms - venue.now_ms() - 1_000, step_ms=60_000)
    assert long.call("GET", "/fapi/v1/income", incomeType="FUNDING_FEE") == []
    venue.advance(61_000, step_ms=500)
    (paid,) = long.call("GET", "/fapi/v1/income", incomeType="FUNDING_FEE")
    (received,) = short.call("GET", "/fapi/v1/income", incomeType="FUNDING_FEE")
    assert (paid["income"], received["income"]) == ("-6.00000000", "6.00000000")
    assert paid["time"] == next_ms


def test_a_scripted_order_says_what_is_wrong_with_it(venue: Venue) -> None:
    with pytest.raises(CallRefused, match="must be > 0"):
        venue.price("BTCUSDT", -1)
    with pytest.raises(CallRefused, match="NOSUCHUSDT"):
        venue.price("NOSUCHUSDT", 1)


async def test_a_push_steers_one_price_of_the_synthetic_market_and_its_candles_agree() -> None:
    async with exchange() as server:
        world = server.world
        before = world.columns.price.copy()
        server.private.world.push(1, 1.05, 30)  # type: ignore[attr-defined]
        await server.advance(60_000)
        moved = world.columns.price / before
        assert 1.04 < moved[1] < 1.06
        assert abs(moved[0] - 1) < 0.01 and abs(moved[2] - 1) < 0.01
        minute = world.tape.rows(1)[-1]
        assert minute[2] <= min(minute[0], minute[3]) <= max(minute[0], minute[3]) <= minute[1]
