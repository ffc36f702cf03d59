"""What tests of the executor share."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tests.trading.executor.stage import Death, Stage
from trading.executor import hooks


@pytest.fixture(scope="session")
def lane_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own, as the executor's is."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="lanes", daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture(scope="session")
def own_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that turns only while a test drives it."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def stage(db: None, own_loop: asyncio.AbstractEventLoop) -> Stage:
    """A lane whose rows are written in the test's own thread and transaction."""
    return Stage(own_loop)


@pytest.fixture
def death(monkeypatch: pytest.MonkeyPatch) -> Death:
    """A kill that a test can aim at one of the points of TB-3."""
    aimed = Death()
    monkeypatch.setattr(hooks, "reach", aimed.reach)
    monkeypatch.setattr(hooks, "is_armed", aimed.is_armed)
    return aimed
