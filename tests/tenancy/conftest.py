"""An engine that answers, so that market pages have something to show."""

from collections.abc import Iterator

import pytest

from tests.frontend.played_engine import PlayedEngine


@pytest.fixture
def engine(redis_url: str) -> Iterator[PlayedEngine]:
    """A played engine behind a real broker."""
    played = PlayedEngine().start()
    yield played
    played.stop()
