"""One exchange process for the tests of a module; each test opens accounts of its own."""

from collections.abc import Iterator

import pytest

from tests.support.exchange_process import Venue, exchange_process


@pytest.fixture(scope="module")
def running_venue() -> Iterator[Venue]:
    with exchange_process() as venue:
        yield venue


@pytest.fixture
def venue(running_venue: Venue) -> Iterator[Venue]:
    """The exchange, with the prices it began with and no fault in force."""
    for symbol, price in (("BTCUSDT", 67_000), ("ETHUSDT", 3_400), ("SOLUSDT", 160)):
        running_venue.price(symbol, price)
        running_venue.book(symbol)
    yield running_venue
    running_venue.heal()
    running_venue.clock_offset(0)
