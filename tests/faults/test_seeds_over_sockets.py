"""Random schedules over sockets: the name of a failing test is its seed (TB-5)."""

import pytest

from tests.faults.conftest import StageMaker
from tests.faults.schedule import play
from tests.faults.seeds import ON_SOCKETS
from tests.trading.executor.stage import Death


@pytest.mark.parametrize("seed", ON_SOCKETS)
def test_whatever_goes_wrong_ends_true(make_stage: StageMaker, death: Death, seed: int) -> None:
    play(make_stage(), death, seed)
