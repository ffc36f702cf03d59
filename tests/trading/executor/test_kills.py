"""The process dies at every point, with the entry filled, partly filled or not: F-01 to F-13.

What the next process finds are rows and the exchange; the same rules make it whole again.
"""

from contextlib import suppress

import pytest

from tests.trading.executor.stage import MINUTE, Death, Died, Stage, assert_invariants, make_trade

FILLED = [
    *(("K1", "guard"), ("K2", "guard"), ("K6", "guard"), ("K4", "guard"), ("K7", "guard")),
    *(("K1", "entry"), ("K2", "entry"), ("K3", "entry"), ("K4", "entry"), ("K5", "")),
    *(("K11", ""), ("K1", "stop"), ("K2", "stop"), ("K6", "stop"), ("K4", "stop"), ("K7", "stop")),
    *(("K1", "tp1"), ("K4", "tp1"), ("K8", ""), ("K2", "tp2"), ("K3", "tp3")),
]
PARTLY = [("K3", "entry"), ("K5", ""), ("K11", ""), ("K2", "stop"), ("K6", "stop"), ("K8", "")]
NOT_FILLED = [("K2", "guard"), ("K1", "entry"), ("K2", "entry"), ("K3", "entry"), ("K5", "")]
CASES = [
    pytest.param(point, leg, quantity, id=f"{point} {leg} {name}")
    for name, quantity, points in (
        ("filled", None, FILLED),
        ("partly", "0.037", PARTLY),
        ("not filled", "0", NOT_FILLED),
    )
    for point, leg in points
]


def run_until_death(stage: Stage, quantity: str | None) -> None:
    """Go on as the market fills the entry, until the process dies."""
    stage.run()
    if stage.exchange.sent("entry") and quantity != "0":
        stage.exchange.fill("entry", quantity, "60050")
    stage.run(4_000)


@pytest.mark.parametrize(("point", "leg", "quantity"), CASES)
def test_a_kill_leaves_one_entry_and_never_a_naked_position(
    stage: Stage, death: Death, point: str, leg: str, quantity: str | None
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


@pytest.mark.parametrize("point", ["K9", "K10", "K1", "K2", "K3"])
def test_a_kill_on_the_way_out(stage: Stage, death: Death, point: str) -> None:
    row = make_trade(stage.account)
    stage.run()
    stage.exchange.fill("entry", price="60050")
    stage.run(3_000)
    stage.exchange.rest_by_hand()
    death.point = point
    row.refresh_from_db()
    row.close_asked_at = row.decided_at
    row.save(update_fields=["close_asked_at"])
    with pytest.raises(Died):
        stage.run(5_000)
    stage.restart()
    stage.run(30_000)
    assert stage.exchange.position == 0
    assert_invariants(stage, is_over=True)
    assert stage.exchange.resting() == ["web_limit"]
    assert stage.trade().reason == "by_hand"
