"""The process dies with the entry partly filled, or not: what `tests/faults/test_kills` leaves out.

What the next process finds are rows and the exchange; the same rules make it whole again.
"""

from contextlib import suppress

import pytest

from tests.trading.executor.stage import MINUTE, Death, Died, Stage, assert_invariants, make_trade

CASES = [
    *((point, leg, "0.037") for point, leg in (("K5", ""), ("K2", "stop"), ("K8", ""))),
    *((point, leg, "0") for point, leg in (("K1", "entry"), ("K2", "entry"), ("K5", ""))),
]


def run_until_death(stage: Stage, quantity: str) -> None:
    """Go on as the market fills the entry, until the process dies."""
    stage.run()
    if stage.exchange.sent("entry") and quantity != "0":
        stage.exchange.fill("entry", quantity, "60050")
    stage.run(4_000)


@pytest.mark.parametrize(("point", "leg", "quantity"), CASES)
def test_a_kill_leaves_one_entry_and_never_a_naked_position(
    stage: Stage, death: Death, point: str, leg: str, quantity: str
) -> None:
    make_trade(stage.account)
    death.point, death.leg = point, leg
    with suppress(Died):
        run_until_death(stage, quantity)
    exchange = stage.exchange
    has_entry = bool(exchange.sent("entry"))
    if death.has_come and has_entry and quantity != "0" and exchange.position == 0:
        exchange.fill("entry", quantity, "60050")  # the market goes on while we are dead
    stage.restart()
    stage.run(20_000)
    assert_invariants(stage)
    if exchange.position:
        assert "stop" in exchange.resting()
        assert {"tp1", "tp2", "tp3"} <= set(exchange.resting())
    stage.run(3 * MINUTE)  # the entry's validity ends
    assert_invariants(stage)
    if exchange.position:
        exchange.move("58000")
        stage.run(10_000)
    assert_invariants(stage, is_over=True)
