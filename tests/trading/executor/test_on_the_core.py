"""Trades on the exchange's own matching: one as it should go, and many as a seed wills."""

import asyncio
from contextlib import suppress
from decimal import Decimal

import pytest

from cryptosystems.kernel.clock import FixedClock
from tests.trading.executor.core_port import CorePort, Trouble
from tests.trading.executor.small_exchange import SYMBOL
from tests.trading.executor.stage import (
    LEGS,
    NOW,
    Death,
    Died,
    Stage,
    make_trade,
)
from trading.domain import client_ids
from trading.executor import hooks
from trading.models import Fill

D = Decimal
SEEDS = range(8)


def stage_on_core(loop: asyncio.AbstractEventLoop, seed: int | None = None) -> Stage:
    clock = FixedClock(NOW)
    return Stage(loop, clock, exchange=CorePort(clock.now_ms, Trouble(seed)))


def resting(stage: Stage) -> list[str]:
    """Return the legs that rest, in the order of a trade."""
    told = stage.exchange.account_held.open_orders()
    found = [client_ids.parse(one.client_id) for one in told]
    return sorted((one.leg.value for one in found if one), key=LEGS.index)


def assert_books_are_true(stage: Stage) -> None:
    """Our rows against the exchange's own ledger."""
    core, trade = stage.exchange.account_held, stage.trade()
    rows = Fill.objects.for_user(stage.account.user_id).filter(trade=trade)
    booked = {row.exchange_trade_id: (row.price, row.quantity, row.fee) for row in rows}
    truth = {f.trade_id: (f.price, f.quantity, f.fee) for f in core.fills(SYMBOL, 0)}
    assert booked == truth, "I3: fills"
    assert trade.open_quantity == abs(stage.exchange.position), "I3: position"
    flows = core.income(0)
    realised = sum((f.amount for f in flows if f.kind == "REALIZED_PNL"), D(0))
    fees = -sum((f.amount for f in flows if f.kind == "COMMISSION"), D(0))
    assert trade.realised == pytest.approx(realised, abs=D("0.0001"))
    assert trade.fees == pytest.approx(fees, abs=D("0.0001"))
    entries = [r for r in stage.exchange.sent if client_ids.parse(r.client_id).leg.value == "entry"]
    assert len(entries) <= 1, "I1"


def test_one_trade_to_break_even(db: None, own_loop: asyncio.AbstractEventLoop) -> None:
    stage = stage_on_core(own_loop)
    make_trade(stage.account)
    stage.exchange.move(D(60_300))
    stage.run(1_000)
    assert resting(stage) == ["guard", "entry"]
    stage.exchange.move(D(60_050))
    stage.run(3_000)
    assert resting(stage) == ["stop", "tp1", "tp2", "tp3"]
    stage.exchange.move(D(61_150))
    stage.run(3_000)
    assert resting(stage) == ["stop", "tp2", "tp3"]
    assert stage.trade().stop_level == "break_even"
    stage.exchange.move(D(60_100))
    stage.run(10_000)
    assert resting(stage) == []
    trade = stage.trade()
    assert (trade.state, trade.reason) == ("closed", "break_even")
    assert trade.realised - trade.fees > 0
    assert_books_are_true(stage)
    assert stage.journal() == [
        *("guard_prepared", "guard_accepted", "stop_seen"),
        *("entry_prepared", "entry_accepted", "entry_filled", "fill", "open"),
        *("stop_prepared", "stop_accepted", "stop_seen", "guard_cancelling", "guard_cancelled"),
        *("tp1_prepared", "tp1_accepted", "tp2_prepared", "tp2_accepted"),
        *("tp3_prepared", "tp3_accepted", "tp1_filled", "fill"),
        *("stop_moves", "guard_prepared", "guard_accepted", "stop_seen"),
        *("stop_cancelling", "stop_cancelled", "stop_prepared", "stop_accepted", "stop_seen"),
        *("guard_cancelling", "guard_cancelled", "stop_triggered", "stop_filled", "fill"),
        *("tp2_cancelling", "tp2_cancelled", "tp3_cancelling", "tp3_cancelled", "closed"),
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_goes_wrong_the_books_end_true(
    db: None,
    own_loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    stage = stage_on_core(own_loop, seed)
    draw = stage.exchange.trouble.random
    death = Death()
    monkeypatch.setattr(hooks, "reach", death.reach)
    monkeypatch.setattr(hooks, "is_armed", death.is_armed)
    make_trade(stage.account)
    for _ in range(25):
        if draw.random() < 0.25:
            death.point, death.has_come = draw.choice(hooks.POINTS), False
        step = D(draw.choice((-600, -250, -100, 0, 100, 250, 600)))
        stage.exchange.move(stage.exchange.mark + step)
        with suppress(Died):
            stage.run(draw.choice((200, 1_000, 4_000, 15_000)))
            continue
        stage.restart()
    stage.exchange.trouble.is_healed = True
    death.point = ""
    stage.run(60_000)
    assert_books_are_true(stage)
    if stage.exchange.position:
        assert "stop" in resting(stage) or "guard" in resting(stage), "I2"
        assert stage.trade().naked_since is None
        stage.ask_to_close()
    stage.run(90_000)
    assert_books_are_true(stage)
    assert stage.exchange.position == 0
    assert resting(stage) == [], "EX-16"
    assert stage.trade().state in ("closed", "not_entered", "skipped")
