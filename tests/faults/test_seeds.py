"""Random schedules in process, the first half: the name of a failing test is its seed (TB-5)."""

import asyncio
from typing import Any

import pytest

from tests.faults.seeds import IN_PROCESS
from tests.trading.executor.test_on_the_core import (
    test_whatever_goes_wrong_the_books_end_true as play,
)


@pytest.mark.parametrize("seed", IN_PROCESS[0::2])
def test_whatever_goes_wrong_ends_true(
    db: None, own_loop: asyncio.AbstractEventLoop, monkeypatch: Any, seed: int
) -> None:
    play(db, own_loop, monkeypatch, 1_000 + seed)
