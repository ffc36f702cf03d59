"""The other side: faults that matter most, played once more with a short."""

from collections.abc import Callable
from typing import Final

import pytest

from cryptosystems.kernel.instruments import Side
from tests.faults import test_close, test_entry, test_stop, test_stream
from tests.faults.conftest import StageMaker
from tests.faults.stage import Stage

FAULTS: Final[dict[str, Callable[[Stage], None]]] = {
    "F-20": lambda stage: test_entry.adopted(stage, test_entry.lose("drop", True)),
    "F-21": lambda stage: test_entry.given_up(stage, test_entry.lose("drop", False)),
    "F-32": lambda stage: test_stop.test_a_refused_stop_closes_the_position(stage, -2021),
    "F-33": test_stop.test_without_any_confirmed_stop_the_position_is_closed,
    "F-34": test_stop.test_a_stop_that_goes_without_a_word_is_missed_within_twenty_seconds,
    "F-36": test_stop.test_a_stop_refused_as_it_fires_closes_at_once,
    "F-39": test_close.test_a_close_that_is_refused_once_goes_again,
    "F-40": lambda stage: test_close.test_a_close_without_an_answer_never_reverses(stage, True),
    "F-44": test_stop.test_a_target_and_the_stop_in_one_moment_end_flat,
    "F-45": test_stream.test_a_silent_stream_is_made_up_for_within_thirty_seconds,
    "F-65": lambda stage: test_stop.test_what_a_fired_stop_became_is_booked_to_it(stage, "before"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_short_is_looked_after_as_a_long_is(make_stage: StageMaker, fault: str) -> None:
    FAULTS[fault](make_stage(side=Side.SHORT))
