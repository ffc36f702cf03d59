"""Signals to bots, plans, offers, and what the platform does to itself."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from cryptosystems.kernel.clock import SystemClock, to_datetime
from cryptosystems.platform import switches
from signals.api import newest_number
from tests.support.people import alice
from tests.support.records import make_signals
from tests.trading.executor.stage import Stage, assert_invariants, make_account, make_trade
from tests.trading.executor.test_process import chosen, signal_now
from trading.executor import fanout, hooks, selfstop
from trading.executor.selfstop import LaneFigures
from trading.models import BotSettings, ExecutorCursor, ExecutorWord, Fill, Trade, TradeOrder

D = Decimal
CALM = LaneFigures(n_lanes=100)


def bot_of(account: Any, **changes: Any) -> BotSettings:
    """Let a bot take every signal by itself."""
    values = {"mode": "trading", "is_automatic": True, **changes}
    return BotSettings.objects.add_for(account.user_id, account=account, **values)


# --- signals --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_signals_after_the_start_become_one_trade_a_bot_each() -> None:
    account = make_account(alice().pk)
    bot_of(account)
    now = timezone.now()
    make_signals(2, now - timedelta(hours=3))
    assert fanout.hand_out(now) == [], "what was issued before is nobody's"
    make_signals(3, now)
    made = fanout.hand_out(now)
    assert len(made) == 3
    assert fanout.hand_out(now) == []
    assert Trade.objects.for_user(account.user_id).count() == 3
    assert ExecutorCursor.objects.get(name="signals").number == newest_number()


@pytest.mark.django_db
def test_a_crash_while_handing_out_loses_and_doubles_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = make_account(alice().pk)
    bot_of(account)
    now = timezone.now()
    make_signals(1, now - timedelta(hours=3))
    fanout.hand_out(now)
    make_signals(3, now)
    reached = []

    def dies(point: str, leg: Any = None) -> None:
        reached.append(point)
        if len(reached) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(hooks, "reach", dies)
    with pytest.raises(KeyboardInterrupt):
        fanout.hand_out(now)
    assert Trade.objects.for_user(account.user_id).count() == 1
    fanout.hand_out(now)
    assert Trade.objects.for_user(account.user_id).count() == 3


# --- plans and offers -----------------------------------------------------------------------------


def at_wall(stage: Stage) -> Stage:
    """Let the stage's clock show today, as people's does."""
    stage.clock.advance(SystemClock().now_ms() - stage.clock.now_ms())
    return stage


def test_a_chosen_trade_is_planned_by_the_limits_and_entered(stage: Stage) -> None:
    trade = chosen(stage.account, signal_now())
    at_wall(stage).run(1_000)
    trade.refresh_from_db()
    assert trade.state == "entering", trade.sentence
    assert stage.exchange.leverage == trade.plan["leverage"]
    assert stage.exchange.is_isolated
    assert stage.exchange.resting() == ["guard", "entry"]
    risk = trade.max_quantity * D(trade.plan["r_distance"])
    assert risk <= D(50), "half a per cent of 10,000"


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda ex: setattr(ex, "is_hedged", True), "hedge_mode"),
        (lambda ex: ex.trade_by_hand("BUY", "0.2"), "foreign_position"),
        (lambda ex: setattr(ex, "mark", D(70_000)), "outside_zone"),
    ],
    ids=["hedge mode", "position by hand", "price gone"],
)
def test_what_does_not_fit_is_skipped_with_the_reason(stage: Stage, spoil: Any, code: str) -> None:
    trade = chosen(stage.account, signal_now())
    spoil(stage.exchange)
    at_wall(stage).run(1_000)
    trade.refresh_from_db()
    assert (trade.state, trade.reason) == ("skipped", code)
    assert trade.sentence
    assert stage.exchange.requests == []


def test_a_symbol_is_traded_once_at_a_time(stage: Stage) -> None:
    make_trade(stage.account, state="open")
    trade = chosen(stage.account, signal_now())
    at_wall(stage).run(0)
    trade.refresh_from_db()
    assert (trade.state, trade.reason) == ("skipped", "symbol_open")


@pytest.mark.parametrize(("answer", "state"), [("yes", "entering"), ("none", "skipped")])
def test_an_offer_waits_for_a_yes(stage: Stage, answer: str, state: str) -> None:
    from trading.services import offers

    bot_of(stage.account, is_approved_by_hand=True)
    trade = chosen(stage.account, signal_now())
    Trade.objects.for_user(trade.user_id).filter(pk=trade.pk).update(how="bot")
    at_wall(stage).run(1_000)
    trade.refresh_from_db()
    assert trade.state == "offered", trade.sentence
    assert stage.exchange.requests == []
    if answer == "yes":
        offers.approve(trade.user_id, trade.pk, to_datetime(stage.clock.now_ms()))
    stage.run(95_000 if answer == "none" else 1_000)
    trade.refresh_from_db()
    assert trade.state == state, trade.sentence


@pytest.mark.parametrize("mark", [59_800, 70_000], ids=["fallen through", "run away"])
def test_an_offer_ends_when_the_price_has_left_its_zone(stage: Stage, mark: int) -> None:
    bot_of(stage.account, is_approved_by_hand=True)
    trade = chosen(stage.account, signal_now())
    Trade.objects.for_user(trade.user_id).filter(pk=trade.pk).update(how="bot")
    at_wall(stage).run(1_000)
    trade.refresh_from_db()
    assert trade.state == "offered", trade.sentence
    stage.exchange.mark = D(mark)
    stage.run(3_000)
    trade.refresh_from_db()
    assert (trade.state, trade.reason) == ("skipped", "price_left"), trade.sentence
    assert stage.exchange.requests == []


# --- the platform stops itself --------------------------------------------------------------------


@pytest.fixture
def orders(db: None) -> Any:
    """Return a maker of entry orders that were just sent, each of a trade of its own."""
    account = make_account(alice().pk)
    now = timezone.now()

    def make(n: int, **fields: Any) -> None:
        for _ in range(n):
            trade = make_trade(account, updated_at=now)
            values = {
                "trade": trade,
                "leg": "entry",
                "client_id": f"cs-{trade.pk.hex[:20]}",
                "service": "order",
                "request": {},
                "state": "working",
                "outcome": "accepted",
                "prepared_at": now,
                "sent_at": now,
                "updated_at": now,
            }
            TradeOrder.objects.add_for(account.user_id, **{**values, **fields})

    return make


def test_calm_throws_nothing(orders: Any) -> None:
    orders(10)
    orders(4, outcome="unknown")
    assert selfstop.look(CALM, timezone.now()) == ""
    assert not switches.is_on("trading_entries")


def test_many_unknown_outcomes_stop_entries_once(orders: Any) -> None:
    orders(5, outcome="unknown")
    assert "no answer" in selfstop.look(CALM, timezone.now())
    assert switches.is_on("trading_entries")
    assert selfstop.look(CALM, timezone.now()) == "", "it is thrown once"


@pytest.mark.parametrize(
    ("figures", "word"),
    [
        (LaneFigures(100, n_mismatched=3), "differed"),
        (LaneFigures(1, is_clock_sure=False), "clock"),
    ],
    ids=["books", "clock"],
)
def test_wrong_books_and_an_unsure_clock_stop_entries(
    db: None, figures: LaneFigures, word: str
) -> None:
    assert word in selfstop.look(figures, timezone.now())


def test_a_runaway_trade_stops_entries(db: None) -> None:
    account = make_account(alice().pk)
    make_trade(account, filled=D(1), updated_at=timezone.now())
    assert "three times" in selfstop.look(CALM, timezone.now())


@pytest.mark.parametrize(
    ("release", "age_s", "waits"), [("b", 5, True), ("a", 5, False), ("b", 60, False)]
)
def test_the_newer_of_two_releases_enters_nothing(
    db: None, release: str, age_s: int, waits: bool
) -> None:
    now = timezone.now()
    ExecutorWord.objects.create(
        process="old",
        release=release,
        started_at=now - timedelta(hours=1),
        said_at=now - timedelta(seconds=age_s),
    )
    assert selfstop.other_release("new", "a", now, now) is waits
    assert not selfstop.other_release("older", "a", now - timedelta(hours=2), now)


# --- a restored backup ----------------------------------------------------------------------------


def test_a_trade_whose_rows_were_lost_is_taken_over_and_not_entered_twice(stage: Stage) -> None:
    signal = signal_now()
    trade = chosen(stage.account, signal)
    at_wall(stage).run(1_000)
    stage.exchange.fill("entry", price="60050")
    stage.run(3_000)
    stage.exchange.move("60700")
    stage.exchange.fill("tp1")
    stage.run(5_000)
    assert stage.exchange.resting() == ["tp2", "tp3", "stop"]

    for order in TradeOrder.objects.for_user(trade.user_id):
        order.delete()
    Fill.objects.for_user(trade.user_id).delete()
    Trade.objects.for_user(trade.user_id).delete()
    stage.clock.advance(240_000)
    stage.restart()
    stage.run(2_000)
    assert "stop" in stage.exchange.resting()
    again = chosen(stage.account, signal)
    stage.run(30_000)
    again.refresh_from_db()
    assert again.state == "open", again.sentence
    assert stage.exchange.sent("entry") == 1
    assert again.filled == again.max_quantity
    assert again.open_quantity == stage.exchange.position
    assert "stop" in stage.exchange.resting()
    stage.ask_to_close()
    stage.run(20_000)
    assert_invariants(stage, is_over=True)
