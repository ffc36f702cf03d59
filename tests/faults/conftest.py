"""One exchange process for each module of faults; an account and a tenant for each test."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults.stage import WEIGHT, Stage
from tests.support.canary import Sinks, listening_to_everything
from tests.support.exchange_process import Venue, exchange_process
from tests.trading.executor.stage import Death
from tests.trading.keys.test_vault import pair
from trading.executor import hooks

StageMaker = Callable[..., Stage]


@pytest.fixture(scope="module")
def lane_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own, as the executor's is."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="lanes", daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture(scope="module")
def own_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that turns only while a test drives it."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def running_venue() -> Iterator[Venue]:
    with exchange_process(symbols=2, weight_limit=WEIGHT) as venue:
        yield venue


@pytest.fixture
def venue(running_venue: Venue) -> Iterator[Venue]:
    """The exchange in a minute of its own, with no fault in force."""
    running_venue.advance(60_000, 60_000)
    yield running_venue
    running_venue.heal()
    running_venue.clock_offset(0)


@pytest.fixture
def sinks() -> Iterator[Sinks]:
    with listening_to_everything() as heard:
        yield heard


@pytest.fixture
def executor_settings(settings: Any) -> Any:
    """The settings of the one process that can open secrets."""
    public, private = pair("faults")
    settings.VAULT_PUBLIC_KEY, settings.VAULT_PRIVATE_KEYS = public, (private,)
    settings.EXECUTOR_TEST_HOOKS = True
    return settings


@pytest.fixture
def make_stage(
    db: None,
    executor_settings: Any,
    venue: Venue,
    own_loop: asyncio.AbstractEventLoop,
    sinks: Sinks,
) -> Iterator[StageMaker]:
    """A stage with options of its own; closed when the test ends."""
    made: list[Stage] = []

    def make(**options: Any) -> Stage:
        made.append(Stage(venue, own_loop, sinks, **options))
        return made[-1]

    yield make
    for stage in made:
        stage.close()


@pytest.fixture
def stage(make_stage: StageMaker) -> Stage:
    return make_stage()


@pytest.fixture
def death(monkeypatch: pytest.MonkeyPatch) -> Death:
    """A kill that a test can aim at one of the points of TB-3, within this process."""
    aimed = Death()
    monkeypatch.setattr(hooks, "reach", aimed.reach)
    monkeypatch.setattr(hooks, "is_armed", aimed.is_armed)
    return aimed
