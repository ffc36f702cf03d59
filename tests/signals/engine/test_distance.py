"""What passes while a pipeline is warmed is told in order before it goes live."""

import numpy as np
import pytest

from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from signals.engine import warm
from signals.engine.distance import close_distance, even_end
from signals.ingest.rest import MarketRest
from signals.market.history import History, stack
from signals.market.state import MarketState
from signals.pipeline.fold import Pipeline
from signals.pipeline.outputs import CandlesClosed, Output
from tests.support.servers import START_MS, ExchangeClock, exchange

HOUR_MS = 60 * MINUTE_MS


async def history_of(rest: MarketRest, timeframe: Timeframe) -> History:
    """Return the exchange's last day of `timeframe`, up to START_MS."""
    rules = await rest.instruments()
    symbols = tuple(rule.symbol for rule in rules)
    parts = []
    for symbol in symbols:
        last = START_MS - timeframe.duration_ms
        parts.append(await rest.klines(symbol, timeframe.value, START_MS - 20 * HOUR_MS, last))
    return stack(symbols, timeframe, parts)


@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M5])
async def test_candles_that_end_meanwhile_are_whole_and_in_order(timeframe: Timeframe) -> None:
    async with exchange(days=1.0) as server, MarketRest(server.base_url, timeout_s=5.0) as rest:
        history = await history_of(rest, timeframe)
        state = MarketState(list(history.symbols))
        pipeline = Pipeline(state, await rest.instruments(), origin="simulated", speed=1.0)
        warm.warm(pipeline, history)
        await server.advance(65 * MINUTE_MS, 5_000)  # a four-hour candle ends at the hour

        given: list[Output] = []
        told = await close_distance(pipeline, rest, ExchangeClock(server), history, given.append)

        assert told == 65
        closed = [(o.timeframe, o.open_ms) for o in given if isinstance(o, CandlesClosed)]
        ends = [timeframe.close_of(open_ms) for timeframe, open_ms in closed]
        assert ends == sorted(ends)
        four_hours = START_MS - 3 * HOUR_MS
        assert (Timeframe.H4, four_hours) in closed
        assert pipeline.engines[Timeframe.H4].last_open_ms == four_hours
        for row, symbol in enumerate(history.symbols):
            _, own = await rest.klines(symbol, "4h", four_hours, four_hours)
            assert np.allclose(state.panels[Timeframe.H4].at(four_hours)[:, row], own[0])


async def test_a_minute_or_two_are_left_to_the_feed() -> None:
    async with exchange(days=1.0) as server, MarketRest(server.base_url, timeout_s=5.0) as rest:
        history = await history_of(rest, Timeframe.M1)
        state = MarketState(list(history.symbols))
        pipeline = Pipeline(state, await rest.instruments(), origin="simulated", speed=1.0)
        warm.warm(pipeline, history)
        await server.advance(2 * MINUTE_MS, 5_000)
        clock = ExchangeClock(server)
        assert await close_distance(pipeline, rest, clock, history, lambda output: None) == 0


def test_history_ends_where_every_traded_symbol_has_its_candles() -> None:
    times = START_MS + np.arange(600) * MINUTE_MS
    candles = np.ones((600, 8))
    parts = [(times, candles), (times[:598], candles[:598]), (times[:30], candles[:30])]
    history = stack(("LATE", "EARLY", "HALTED"), Timeframe.M1, parts)
    assert even_end(history).open_ms[-1] == times[597]
