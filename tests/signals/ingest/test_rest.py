"""REST when the exchange is in trouble: bounded tries, honest errors, no call while blocked."""

from collections.abc import AsyncIterator

import pytest

from cryptosystems.kernel.errors import InvalidInput, NeedsOperator, RetryLater
from cryptosystems.kernel.retry import Backoff
from signals.ingest import rest as rest_module
from signals.ingest.rest import MarketRest, WeightBudget
from tests.support.servers import START_MS, exchange
from trading.simulator.server import ExchangeServer


@pytest.fixture
async def server() -> AsyncIterator[ExchangeServer]:
    async with exchange(symbols=2, days=0.05) as started:
        yield started


@pytest.fixture
async def rest(
    server: ExchangeServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[MarketRest]:
    quick = Backoff(first_s=0.01, cap_s=0.02, max_tries=4)
    monkeypatch.setattr(rest_module, "_BACKOFF", quick)
    async with MarketRest(server.base_url, timeout_s=0.3) as client:
        yield client


def trouble(server: ExchangeServer, action: str, count: int | None = None, **args: object) -> None:
    server.faults.add(
        {"channel": "rest", "match": "/fapi", "action": action, "count": count, "args": args}
    )


CASES = [
    ("status", {"status": 503}),
    ("status", {"status": 500}),
    ("status", {"status": 408}),
    ("html", {"status": 502}),
    ("html", {"status": 200}),
    ("empty", {}),
    ("garbage", {}),
    ("cut", {}),
    ("delay", {"seconds": 0.5}),
]


@pytest.mark.parametrize(("action", "args"), CASES)
async def test_a_passing_trouble_is_sat_out(
    server: ExchangeServer, rest: MarketRest, action: str, args: dict[str, object]
) -> None:
    trouble(server, action, count=2, **args)
    told, _, _ = await rest.server_time()
    assert told == START_MS


@pytest.mark.parametrize(("action", "args"), CASES)
async def test_a_lasting_trouble_ends_in_an_error_that_says_what_came(
    server: ExchangeServer, rest: MarketRest, action: str, args: dict[str, object]
) -> None:
    trouble(server, action, **args)
    with pytest.raises(RetryLater, match="/fapi/v1/time"):
        await rest.server_time()
    assert rest.last_error.startswith("/fapi/v1/time")


async def test_json_of_another_shape_is_an_error_not_a_crash(
    server: ExchangeServer, rest: MarketRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(server.rest._routes, "/fapi/v1/time", lambda q: (b'{"time":"soon"}', 1))
    with pytest.raises(RetryLater, match="cannot be read"):
        await rest.server_time()


@pytest.mark.parametrize("status", [429, 418])
async def test_after_a_limit_nothing_is_asked_before_the_time_given(
    server: ExchangeServer, rest: MarketRest, status: int
) -> None:
    trouble(server, "status", count=1, status=status, retry_after=1, code=-1003)
    began = rest_module.monotonic()
    await rest.server_time()
    assert rest_module.monotonic() - began >= 0.99
    assert server.faults.find("rest", "/fapi/v1/time") is None


@pytest.mark.parametrize("status", [403, 451])
async def test_a_refused_address_is_the_operators_business(
    server: ExchangeServer, rest: MarketRest, status: int
) -> None:
    trouble(server, "status", status=status)
    with pytest.raises(NeedsOperator, match=str(status)):
        await rest.server_time()


async def test_a_refused_request_is_not_repeated(server: ExchangeServer, rest: MarketRest) -> None:
    with pytest.raises(InvalidInput, match="Invalid symbol"):
        await rest.klines("NOSUCHUSDT", "1m", START_MS - 600_000, START_MS)
    assert await rest.open_interest("NOSUCHUSDT") is None


async def test_an_exchange_that_is_not_there_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rest_module, "_BACKOFF", Backoff(first_s=0.01, cap_s=0.01, max_tries=2))
    async with MarketRest("http://127.0.0.1:9", timeout_s=0.3) as rest:
        with pytest.raises(RetryLater, match="did not answer"):
            await rest.server_time()


async def test_the_universe_is_usd_margined_perpetuals_that_trade(
    server: ExchangeServer, rest: MarketRest
) -> None:
    rules = await rest.instruments()
    assert [rule.symbol for rule in rules] == ["BTCUSDT", "ETHUSDT"]
    assert str(rules[0].tick_size) == "0.10"
    assert rules[0].max_leverage == 125
    assert rest.budget.limit == 2400


async def test_one_contract_with_unreadable_filters_does_not_hide_the_others(
    server: ExchangeServer, rest: MarketRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = server.rest._contract
    monkeypatch.setattr(
        server.rest,
        "_contract",
        lambda i, shift: {**make(i, shift), "filters": []} if i == 1 else make(i, shift),
    )
    assert [rule.symbol for rule in await rest.instruments()] == ["BTCUSDT"]
    assert "ETHUSDT" in rest.last_error


def test_the_weight_of_a_minute_stays_within_its_share() -> None:
    budget = WeightBudget(2400, share=0.4)
    spent = 0
    while budget.wait_s(20) == 0.0:
        spent += 20
    assert spent == 960
    assert 59.0 < budget.wait_s(20) <= 60.1


def test_the_exchanges_own_count_corrects_ours() -> None:
    budget = WeightBudget(2400, share=0.4)
    budget.told(955)
    assert budget.wait_s(5) == 0.0
    assert budget.wait_s(5) > 0.0


async def test_backfilling_a_day_of_every_symbol_counts_as_the_exchange_counts(
    server: ExchangeServer, rest: MarketRest
) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT"):
        await rest.klines(symbol, "1m", START_MS - 3_600_000, START_MS, 1500)
        await rest.klines(symbol, "1m", START_MS - 3_600_000, START_MS, 60)
    assert rest.budget._used == 22
    assert server.rest.meter.used(rest_module.monotonic()) == 22
