"""One simulated exchange for each file of tests."""

from collections.abc import Iterator

import pytest

from tests.support.exchange_process import Venue as Exchange
from tests.support.exchange_process import exchange_process


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with exchange_process(options=("--weight-limit", "100000")) as running:
        yield running
