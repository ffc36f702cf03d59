"""Each test begins with empty rate limits: they live in the cache."""

import pytest
from django.core.cache import cache
from django.test import Client


@pytest.fixture(autouse=True)
def _no_limits_left_over(db: None) -> None:
    cache.clear()


@pytest.fixture
def anybody() -> Client:
    """A browser nobody is signed in with."""
    return Client()
