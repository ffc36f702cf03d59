"""Random schedules: the name of a failing test is its seed. FAULT_SEEDS=20000 runs more (TB-5)."""

import asyncio
import os
from typing import Any, Final

import pytest

from tests.faults.conftest import StageMaker
from tests.faults.schedule import play
from tests.trading.executor.stage import Death
from tests.trading.executor.test_on_the_core import (
    test_whatever_goes_wrong_the_books_end_true as play_on_the_core,
)

SEEDS: Final = int(os.environ.get("FAULT_SEEDS", "200"))
OVER_SOCKETS: Final = 8
"""Each so many-th seed is played over sockets; the others on the same matching, in process."""

KEPT: Final = {90, 875, 1225, 1245, 1270, 1720}
"""Seeds that have found something: a hidden stop that came back, a position that showed again."""


@pytest.mark.parametrize("seed", sorted({*range(0, SEEDS, OVER_SOCKETS), *KEPT}))
def test_over_sockets_whatever_goes_wrong_ends_true(
    make_stage: StageMaker, death: Death, seed: int
) -> None:
    play(make_stage(), death, seed)


@pytest.mark.parametrize("seed", [s for s in range(SEEDS) if s % OVER_SOCKETS])
def test_in_process_whatever_goes_wrong_ends_true(
    db: None, own_loop: asyncio.AbstractEventLoop, monkeypatch: Any, seed: int
) -> None:
    play_on_the_core(db, own_loop, monkeypatch, 1_000 + seed)
