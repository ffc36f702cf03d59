"""What every test may use."""

from collections.abc import Iterator
from typing import Any

import pytest

from cryptosystems.platform import announcements
from frontend import executing, figures
from signals.delivery import bus
from tests.support.browsers import chromium_browser
from tests.support.servers import valkey


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A real Redis-protocol server, one for the session."""
    with valkey() as url:
        yield url


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """What a process keeps for some seconds is not carried from one test into the next."""
    announcements.forget()
    figures.forget()
    executing.forget()


@pytest.fixture
def redis_url(valkey_url: str, settings: Any) -> str:
    """The same server, emptied, and set as the broker between engine and web."""
    settings.REDIS_URL = valkey_url
    bus.connect().flushall()
    return valkey_url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for the module."""
    with chromium_browser() as browser:
        yield browser
