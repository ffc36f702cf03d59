"""What people, the exchange and a lost key do to a position: F-41, F-47 to F-50, F-56, F-59."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tests.faults.invariants import assert_invariants, orders_of
from tests.faults.stage import INSIDE, MINUTE, SYMBOL, D, Stage
from trading.domain.orders import OrderState
from trading.executor.doing import Doer
from trading.models import TradingAccount

ORDER = "/fapi/v1/order"
ALGO = "/fapi/v1/algoOrder"


def by_hand(stage: Stage, side: str, quantity: str) -> None:
    order = {"symbol": SYMBOL, "type": "MARKET", "side": side, "quantity": quantity}
    stage.who.by_hand("POST", ORDER, newClientOrderId=f"web_{side}", **order)


def row_of(stage: Stage) -> TradingAccount:
    return TradingAccount.objects.for_user(stage.user.pk).get(pk=stage.account.pk)


# --- an account that shows nothing ----------------------------------------------------------------


def test_an_account_that_shows_nothing_is_held_not_booked(stage: Stage) -> None:
    """F-41: zero balances and no positions for 33 minutes; nothing is placed, cancelled, booked."""
    stage.open()
    before = stage.who.truth()
    stage.fault("private", "zero")
    stage.fault("user", "drop", match="ACCOUNT_UPDATE")
    stage.lane.reconciler.ask("a test")
    stage.run(3 * MINUTE, step_ms=2_000)
    stage.run(30 * MINUTE, step_ms=15_000)
    after = stage.who.truth()
    for what in ("orders", "algos", "ended", "trades"):
        assert after[what] == before[what]
    assert (stage.trade().state, stage.trade().open_quantity) == ("open", D("0.1"))
    assert stage.journal().count("hold") == 1
    stage.venue.heal()
    stage.run(MINUTE)
    assert_invariants(stage)


# --- by hand --------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_deaf", [False, True], ids=["stream", "polling"])
def test_a_position_closed_by_hand_is_booked_as_that(stage: Stage, is_deaf: bool) -> None:
    """F-47."""
    stage.open()
    if is_deaf:
        stage.deafen()
    by_hand(stage, "SELL", "0.1")
    stage.run(4 * MINUTE, step_ms=2_000)
    assert (stage.trade().state, stage.trade().reason) == ("closed", "closed_by_hand")
    assert_invariants(stage, is_over=True)


def test_a_part_closed_by_hand_shrinks_the_targets(stage: Stage) -> None:
    """F-47."""
    stage.open()
    by_hand(stage, "SELL", "0.06")
    stage.run(8_000)
    targets = [o for o in stage.who.truth()["orders"] if o["reduceOnly"] in (True, "true")]
    assert sum(D(o["origQty"]) for o in targets) == D("0.04")
    assert_invariants(stage)


def test_a_stop_taken_away_by_hand_is_placed_once_more_and_then_we_leave(stage: Stage) -> None:
    """F-47: told to the person; the second time the position is closed."""
    stage.open()
    for expected in (D("0.1"), D(0)):
        name = next(a["clientAlgoId"] for a in stage.who.truth()["algos"])
        stage.who.by_hand("DELETE", ALGO, symbol=SYMBOL, clientAlgoId=name)
        stage.run(8_000)
        assert stage.position() == expected
    assert stage.journal().count("stop_gone") == 1
    assert stage.trade().reason == "stop_lost"
    assert_invariants(stage, is_over=True)


def test_what_the_person_adds_is_covered_and_left_to_them(stage: Stage) -> None:
    """F-47: the stop covers the larger size, our close takes our part only."""
    stage.open()
    by_hand(stage, "BUY", "0.05")
    stage.run(10_000)
    assert "position_is_larger" in stage.journal()
    assert_invariants(stage, theirs="0.05")
    stage.ask_to_close()
    stage.run(15_000)
    assert stage.position() == D("0.05")
    assert_invariants(stage, is_over=True, theirs="0.05")
    by_hand(stage, "SELL", "0.05")


def test_the_persons_own_close_stop_leaves_ours_by_quantity(stage: Stage) -> None:
    """F-47: -4130; the exchange has one place for a close-position stop, and it is taken."""
    stage.enter()
    args = {"status": 400, "code": -4130, "msg": "existing", "executed": False}
    stage.fault("private", "status", match="clientAlgoId=cs-s", method="POST", args=args)
    stage.move(INSIDE)
    stage.run(10_000)
    assert "guard" in stage.resting()
    assert stage.trade().state == "open"
    assert_invariants(stage, naked_ms=0)


# --- the exchange closes --------------------------------------------------------------------------


def deleverage(stage: Stage) -> None:
    stage.who.change(adl={"symbol": SYMBOL, "quantity": "0.1", "price": "60000"})


def delist(stage: Stage) -> None:
    stage.who.change(delist=SYMBOL)


def liquidate(stage: Stage) -> None:
    for algo in stage.who.truth()["algos"]:
        stage.who.by_hand("DELETE", ALGO, symbol=SYMBOL, clientAlgoId=algo["clientAlgoId"])
    stage.move(20_000)


@pytest.mark.parametrize(
    ("close", "reason"),
    [(deleverage, "adl"), (delist, "settlement"), (liquidate, "liquidation")],
    ids=["adl", "delisting", "liquidation"],
)
@pytest.mark.parametrize("is_deaf", [False, True], ids=["stream", "polling"])
def test_what_the_exchange_closes_is_booked_by_its_prefix(
    stage: Stage, close: Any, reason: str, is_deaf: bool
) -> None:
    """F-48."""
    stage.open()
    if is_deaf:
        stage.deafen()
    close(stage)
    stage.run(4 * MINUTE, step_ms=2_000)
    assert (stage.trade().state, stage.trade().reason) == ("closed", reason)
    assert stage.trade().sentence
    assert_invariants(stage, is_over=True)


# --- settings -------------------------------------------------------------------------------------


def test_a_leverage_changed_by_hand_leaves_the_exits_working(stage: Stage) -> None:
    """F-49."""
    stage.open()
    stage.who.by_hand("POST", "/fapi/v1/leverage", symbol=SYMBOL, leverage=3)
    stage.run(5_000)
    stage.ask_to_close()
    stage.run(10_000)
    assert stage.position() == 0
    assert_invariants(stage, is_over=True)


def test_hedge_mode_before_the_entry_enters_nothing(stage: Stage) -> None:
    """F-49: the position side is read, not assumed; entries stop with the reason."""
    stage.who.by_hand("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
    stage.make_trade()
    stage.run(3 * MINUTE, step_ms=2_000)
    assert orders_of(stage.who.truth(), "entry") == []
    assert stage.trade().state in ("skipped", "not_entered")
    assert stage.trade().sentence
    assert_invariants(stage, is_over=True)


# --- the key --------------------------------------------------------------------------------------


def revoke(stage: Stage) -> None:
    stage.fault("private", "status", args={"status": 401, "code": -2015, "msg": "Invalid API-key"})


def move_away(stage: Stage) -> None:
    stage.who.alter_key(addresses=["203.0.113.9"])


def lose_the_right(stage: Stage) -> None:
    stage.who.alter_key(rights=["reading"])


@pytest.mark.parametrize(
    "lose", [revoke, move_away, lose_the_right], ids=["revoked", "IP", "futures right"]
)
def test_a_key_lost_in_a_trade_makes_no_storm_and_recovers(stage: Stage, lose: Any) -> None:
    """F-50, EX-28: the stop rests, the person is told, and once a minute it is tried."""
    stage.open()
    rights = stage.who.truth()["keys"][0]["rights"]
    lose(stage)
    stage.ask_to_close()
    stage.run(2_000)
    before = len(stage.sinks.lines)
    stage.ledger.write()
    stage.run(5 * MINUTE, step_ms=2_000)
    assert stage.ledger.write() <= 5, "one signed call a minute"
    assert "stop" in stage.resting()
    assert (row_of(stage).state, row_of(stage).code) == ("suspended", "key_refused")
    told = [line for line in stage.sinks.lines[before:] if "key_refused" in line]
    assert len(told) <= 2, "told once"
    stage.venue.heal()
    stage.who.alter_key(addresses=[], rights=rights)
    stage.run(3 * MINUTE, step_ms=2_000)
    assert row_of(stage).state == "connected"
    assert stage.position() == 0
    assert_invariants(stage, is_over=True)


def test_a_key_lost_before_the_stop_leaves_the_guard(stage: Stage) -> None:
    """F-50 at K5: the entry fills while the key is refused; the guard covers it all the time."""
    stage.enter()
    revoke(stage)
    stage.move(INSIDE)
    stage.run(3 * MINUTE, step_ms=2_000)
    assert stage.resting() == ["guard"]
    stage.venue.heal()
    stage.run(2 * MINUTE, step_ms=2_000)
    assert stage.resting() == ["stop", "tp1", "tp2", "tp3"]
    assert_invariants(stage, naked_ms=0)


def test_an_entry_whose_key_is_refused_is_not_sent_twice(stage: Stage) -> None:
    """F-50 at K3: refused is not worked; it may go once the key works, while it is valid."""
    args = {"status": 401, "code": -2015, "msg": "Invalid API-key", "executed": False}
    stage.fault("private", "status", match="newClientOrderId=cs-e", count=1, args=args)
    stage.make_trade()
    stage.run(90_000)
    assert len(orders_of(stage.who.truth(), "entry")) == 1
    stage.move(INSIDE)
    stage.run(5_000)
    assert_invariants(stage)


# --- our own code ---------------------------------------------------------------------------------


def test_a_trade_that_raises_is_parked_and_keeps_its_stop(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-56: three tries, an alarm, and the stop rests."""
    stage.open()
    do = Doer.do

    async def poisoned(self: Doer, trade: Any, step: Any, now_ms: int) -> None:
        if type(step).__name__ in ("Close", "Prepare"):
            raise ValueError("poison")
        await do(self, trade, step, now_ms)

    monkeypatch.setattr(Doer, "do", poisoned)
    stage.ask_to_close()
    stage.run(30_000)
    assert stage.trade().state == "parked"
    assert "stop" in stage.resting()
    assert_invariants(stage)


def test_one_signal_is_one_trade_and_one_entry(stage: Stage) -> None:
    """F-59: published twice, or changed after the entry, it moves nothing."""
    row = stage.make_trade()
    with pytest.raises(IntegrityError), transaction.atomic():
        stage.make_trade(signal_id=row.signal_id)
    stage.run(1_000)
    stage.move(INSIDE)
    stage.run(4_000)
    row = stage.trade()
    row.signal = {"stop": "1", "edited": True}
    row.save(update_fields=["signal"])
    rested = stage.who.truth()["algos"]
    stage.run(30_000)
    assert stage.who.truth()["algos"] == rested
    assert {OrderState(o.state) for o in [stage.order("entry")]} == {OrderState.FILLED}
    assert_invariants(stage)
