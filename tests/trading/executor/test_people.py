"""What people and the exchange do to a position behind our back, where sockets add nothing: F-49, F-56, EX-18."""

from dataclasses import replace

import pytest

from tests.trading.executor.stage import D, Stage, make_trade
from trading.domain.venue import CashFlow
from trading.models import Fill


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
