"""SIGKILL before a trade, on the way out and while a stop moves: F-01, F-11, F-12, F-57, EX-36.

What the next process finds are rows and the exchange. The same rules make it whole again.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.faults.invariants import assert_invariants, orders_of
from tests.faults.process import dies_at
from tests.faults.stage import SYMBOL, D, Stage
from tests.support.records import make_signals
from trading.contracts import StopMode
from trading.executor import fanout
from trading.models import BotSettings, Trade
from trading.services import stops

pytestmark = pytest.mark.django_db(transaction=True)

EXITS = [
    *((p, "close", "by hand") for p in ("K1", "K2", "K3")),
    *((p, "", how) for p in ("K10", "K9") for how in ("by hand", "flatten")),
    ("K11", "", "by hand"),
]


@pytest.mark.parametrize(("point", "leg", "how"), EXITS, ids=[f"{p}-{h}" for p, _, h in EXITS])
def test_a_kill_on_the_way_out(stage: Stage, point: str, leg: str, how: str) -> None:
    """F-11, F-12, F-57: never reversed, nothing of ours left, the person's orders untouched."""
    stage.open()
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    stage.who.by_hand("POST", "/fapi/v1/order", quantity="0.01", price=50_000, **order)
    if how == "by hand":
        stage.ask_to_close()
    else:
        user, now = str(stage.user.pk), timezone.now()
        stops.throw("user", user, StopMode.FLATTEN, "a test", by=None, now=now)
    assert dies_at(stage, f"{point}:{leg}", lambda other: other.run(5_000))
    stage.venue.advance(2_000)
    stage.begin()
    stage.run(30_000)
    assert stage.position() == 0
    assert sum(D(o["executedQty"]) for o in orders_of(stage.who.truth(), "close")) == D("0.1")
    assert_invariants(stage, naked_ms=0, is_over=True, their_orders=1)


MOVES = [(p, leg) for leg in ("guard", "stop") for p in ("K1", "K2", "K4", "K6", "K7")]


def moved(stage: Stage, point: str, leg: str) -> None:
    """Die between the six steps of moving the stop to break-even."""
    stage.open()
    stage.move(61_150)
    assert dies_at(stage, f"{point}:{leg}", lambda other: other.run(5_000))
    stage.venue.advance(2_000)
    stage.begin()
    stage.run(20_000)
    assert stage.trade().stop_level == "break_even"
    assert stage.resting() == ["stop", "tp2", "tp3"]
    assert_invariants(stage, naked_ms=0)


@pytest.mark.parametrize(("point", "leg"), MOVES, ids=[f"{p}-{leg}" for p, leg in MOVES])
def test_a_kill_while_the_stop_moves(stage: Stage, point: str, leg: str) -> None:
    """EX-36: the bridge holds."""
    moved(stage, point, leg)


def test_without_the_bridge_a_kill_leaves_a_gap(stage: Stage, executor_settings: Any) -> None:
    """Sabotage of the bridge."""
    executor_settings.EXECUTOR_GUARDS_OFF = ("bridge",)
    with pytest.raises(AssertionError):
        moved(stage, "K1", "stop")


def test_a_kill_while_a_signal_is_handed_out(stage: Stage) -> None:
    """F-01: each signal becomes one trade of each bot, whoever hands it out."""
    BotSettings.objects.add_for(
        stage.user.pk, account=stage.account, mode="trading", is_automatic=True
    )
    now = timezone.now()
    make_signals(1, now - timedelta(hours=3))
    fanout.hand_out(now)  # what was issued before is nobody's
    make_signals(3, now)
    assert dies_at(stage, "K0", lambda other: fanout.hand_out(now))
    assert not Trade.objects.for_user(stage.user.pk).exists()
    for _ in range(2):
        fanout.hand_out(now)
    assert Trade.objects.for_user(stage.user.pk).count() == 3
