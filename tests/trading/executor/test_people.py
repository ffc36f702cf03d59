"""What people and the exchange do to a position behind our back: F-47 to F-50, F-56, EX-18."""

from dataclasses import replace

import pytest

from tests.trading.executor.stage import MINUTE, D, Stage, assert_invariants, make_trade
from trading.domain.venue import CashFlow, VenueState
from trading.models import Fill, TradingAccount


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("web_", "closed_by_hand"),
        ("autoclose-", "liquidation"),
        ("adl_autoclose", "adl"),
        ("settlement_autoclose-", "settlement"),
    ],
)
@pytest.mark.parametrize("is_deaf", [False, True], ids=["stream", "polling"])
def test_a_position_closed_from_outside_is_booked(
    stage: Stage, name: str, reason: str, is_deaf: bool
) -> None:
    stage.open()
    stage.is_deaf = is_deaf
    stage.exchange.trade_by_hand("SELL", "0.1", name)
    stage.lane.reconciler.ask("test")
    stage.run(30_000)
    assert stage.trade().state == "closed"
    assert stage.trade().reason == reason
    assert stage.trade().exit_price == D("60000")
    assert stage.exchange.resting() == []


def test_a_part_closed_by_hand_shrinks_the_targets(stage: Stage) -> None:
    stage.open()
    stage.exchange.trade_by_hand("SELL", "0.06")
    stage.run(5_000)
    assert stage.trade().open_quantity == D("0.04")
    rest = [leg for leg in stage.exchange.resting() if leg.startswith("tp")]
    assert sum(stage.exchange.order_of(leg).quantity for leg in rest) == D("0.04")
    assert_invariants(stage)


def test_what_the_person_adds_is_covered_and_left_to_them(stage: Stage) -> None:
    stage.open()
    stage.exchange.trade_by_hand("BUY", "0.05")
    stage.run(30_000)
    assert "position_is_larger" in stage.journal()
    assert "stop" in stage.exchange.resting()
    stage.ask_to_close()
    stage.run(10_000)
    assert stage.exchange.position == D("0.05")
    assert stage.trade().state == "closed"


def test_a_stop_taken_away_by_hand_is_told_and_placed_once_more(stage: Stage) -> None:
    stage.open()
    stage.exchange.say(stage.exchange.order_of("stop"), VenueState.CANCELED)
    stage.run(5_000)
    assert "not by us" in stage.trade().note
    assert_invariants(stage)


def test_a_refused_key_makes_no_storm_and_recovers(stage: Stage) -> None:
    stage.open()
    stage.exchange.key_works = False
    stage.ask_to_close()
    stage.run(3_000)
    before = len(stage.exchange.calls)
    stage.run(5 * MINUTE)
    assert len(stage.exchange.calls) - before <= 6
    account = TradingAccount.objects.for_user(stage.account.user_id).get()
    assert account.state == "suspended"
    assert stage.exchange.resting().count("stop") == 1
    stage.exchange.key_works = True
    stage.run(3 * MINUTE)
    account.refresh_from_db()
    assert account.state == "connected"
    assert_invariants(stage, is_over=True)


def test_a_poisoned_trade_is_parked_after_three_tries_and_others_go_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = make_trade(stage.account, signal_number=1)
    good = make_trade(stage.account, signal_number=2, symbol="ETHUSDT")
    do = stage.lane.doer.do
    stage.exchange.quote_symbols = ("BTCUSDT", "ETHUSDT")

    async def poisoned(trade, step, now_ms):  # type: ignore[no-untyped-def]
        if trade.id == bad.pk:
            raise ValueError("poison")
        await do(trade, step, now_ms)

    monkeypatch.setattr(type(stage.lane.doer), "do", lambda self, *a: poisoned(*a))
    stage.run(30_000)
    bad.refresh_from_db()
    good.refresh_from_db()
    assert bad.state == "parked"
    assert good.orders is not None
    assert stage.exchange.sent("entry") == 1


def test_hedge_mode_switched_on_mid_trade_keeps_the_exits_working(stage: Stage) -> None:
    stage.open()
    stage.exchange.hedge()
    stage.restart()
    stage.run(1_000)
    stage.ask_to_close()
    stage.run(10_000)
    close = next(one for one in stage.exchange.requests if one.kind == "MARKET")
    assert close.position_side == "LONG"
    assert not close.reduce_only
    assert stage.exchange.position == 0


def test_funding_is_booked_once_to_the_trade(stage: Stage) -> None:
    stage.open()
    flow = CashFlow("f1", "FUNDING_FEE", "BTCUSDT", D("-1.25"), "USDT", stage.clock.now_ms())
    stage.exchange.flows = [flow, replace(flow, id="f2", amount=D("0.25"))]
    for _ in range(2):
        stage.lane.reconciler.ask("test")
        stage.run(1_000)
    assert stage.trade().funding == D("-1.00")


def test_fills_of_the_person_before_us_stay_theirs(stage: Stage) -> None:
    stage.exchange.trade_by_hand("BUY", "0.5")
    stage.exchange.trade_by_hand("SELL", "0.5")
    stage.exchange.drain()
    stage.clock.advance(1_000)
    stage.open()
    rows = Fill.objects.for_user(stage.account.user_id)
    assert rows.filter(trade=None).count() in (0, 2)
    assert stage.trade().filled == D("0.1")
    assert stage.trade().open_quantity == D("0.1")
