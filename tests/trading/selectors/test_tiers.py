"""The tiers that calculators count with: what the executor read, with its date, or an example."""

from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.cache import cache

from trading import api
from trading.contracts import Venue
from trading.domain.calculators import EXAMPLE_TIERS
from trading.domain.venue import RiskBracket, TradingRules
from trading.services import tiers

READ = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
OWN = (
    RiskBracket(D(0), D(5_000), 50, D("0.0125"), D(0)),
    RiskBracket(D(5_000), D(10_000_000), 20, D("0.025"), D("62.5")),
)
SOL = TradingRules(
    symbol="SOLUSDT",
    base_asset="SOL",
    tick=D("0.010"),
    step=D(1),
    min_quantity=D(1),
    max_quantity=D(1_000),
    market_max_quantity=D(500),
    min_notional=D(5),
    price_up=D("1.05"),
    price_down=D("0.95"),
    market_bound=D("0.05"),
    liquidation_fee=D("0.0125"),
    brackets=OWN,
)


@pytest.fixture(autouse=True)
def simulated(settings: Any) -> None:
    settings.MARKET = "simulated"
    cache.clear()


def test_what_the_executor_read_comes_back_exactly_with_its_date() -> None:
    rules = {"SOLUSDT": SOL}
    assert tiers.keep(Venue.SIMULATED, rules, READ, has_real_brackets=True) == 1
    table = api.tier_table("SOLUSDT")
    assert (table.tiers, table.read_at, table.is_example) == (OWN, READ, False)
    assert (table.base, table.tick, table.step) == ("SOL", D("0.010"), D(1))
    assert (table.max_leverage, table.max_notional) == (50, D(10_000_000))


def test_without_a_key_the_filters_are_real_and_the_tiers_a_stated_example() -> None:
    tiers.keep(Venue.SIMULATED, {"SOLUSDT": SOL}, READ, has_real_brackets=False)
    table = api.tier_table("SOLUSDT")
    assert (table.tiers, table.is_example) == (EXAMPLE_TIERS, True)
    assert (table.step, table.read_at) == (D(1), READ)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "NEWUSDT"])
def test_an_unread_exchange_leaves_the_example(symbol: str) -> None:
    table = api.tier_table(symbol)
    assert table.is_example and table.read_at is None and table.tiers == EXAMPLE_TIERS


def test_one_market_never_answers_for_another(settings: Any) -> None:
    tiers.keep(Venue.SIMULATED, {"SOLUSDT": SOL}, READ, has_real_brackets=True)
    settings.MARKET = "binance"
    assert api.tier_table("SOLUSDT").is_example
