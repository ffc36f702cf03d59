"""What every test may use."""

from collections.abc import Iterator
from typing import Any

import pytest

from signals.delivery import bus
from tests.support.servers import valkey


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A real Redis-protocol server, one for the session."""
    with valkey() as url:
        yield url


@pytest.fixture
def redis_url(valkey_url: str, settings: Any) -> str:
    """The same server, emptied, and set as the broker between engine and web."""
    settings.REDIS_URL = valkey_url
    bus.connect().flushall()
    return valkey_url
