"""Each test begins with empty rate limits: they live in the cache."""

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _no_limits_left_over(db: None) -> None:
    cache.clear()
