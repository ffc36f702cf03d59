"""Breakers, switches and hands: what stops entries, what never does, and what is written down."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from cryptosystems.platform import switches
from signals import api as signals
from signals.services.publish import publish
from tests.support.lessons import pass_quiz
from tests.support.people import person, staff
from tests.support.setups import AT_MS, make_draft
from tests.support.trades import account_of, closed_of, paper_of
from tests.trading.domain.test_plan import signal
from trading import api
from trading.contracts import BotMode, StopMode, TradeState
from trading.models import BotSettings, CashFlowRow, JournalEntry, Trade
from trading.selectors.ladder import BREACH
from trading.services import after, follow, manual, offers, permits, settings, stops

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

NOW = datetime.fromtimestamp(AT_MS / 1000, UTC) + timedelta(minutes=5)
MIDNIGHT = NOW.replace(hour=0, minute=0)


@pytest.fixture(autouse=True)
def simulated_market(settings: Any) -> None:
    settings.MARKET = "simulated"


def bot_of(user: Any, **fields: Any) -> BotSettings:
    """Return a bot that trades on a connected account of the simulated exchange."""
    account = account_of(user)
    row = settings.settings_of(user.pk, account.pk)
    row.mode, row.is_automatic = BotMode.TRADING.value, True
    row.equity = D(10_000)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    return row


def chosen(user: Any) -> Trade:
    follow.choose_for_bots(signal(), NOW)
    return Trade.objects.for_user(user.pk).get()


def lose(row: BotSettings, amount: int, at: datetime = NOW) -> None:
    CashFlowRow.objects.add_for(
        row.user_id,
        account=row.account,
        exchange_id=f"{amount}-{at}",
        kind="REALIZED_PNL",
        symbol="BTCUSDT",
        amount=D(-amount),
        asset="USDT",
        at=at,
    )
    row.equity = (row.equity or D(0)) - amount
    row.save()


def closed(row: BotSettings, result: int, at: datetime) -> Trade:
    taken = signal()
    follow.choose_for_bots(taken, at)
    trade = Trade.objects.for_user(row.user_id).get(signal_id=taken.id)
    trade.state, trade.closed_at, trade.realised = TradeState.CLOSED.value, at, D(result)
    trade.save()
    return trade


def test_a_signal_makes_one_row_a_bot_however_often_it_is_given() -> None:
    alice, charlie = person("alice"), person("charlie")
    for user in (alice, charlie):
        bot_of(user)
    taken = signal()
    assert len(follow.choose_for_bots(taken, NOW)) == 2
    follow.choose_for_bots(taken, NOW)
    assert Trade.objects.across_tenants("a test").count() == 2
    trade = Trade.objects.for_user(alice.pk).get()
    assert follow.signal_from_dict(trade.signal) == taken and trade.state == "chosen"


def test_a_thousand_bots_cost_a_few_queries(django_assert_max_num_queries: Any) -> None:
    users = [person(f"u{n}") for n in range(40)]
    for user in users:
        bot_of(user)
    with django_assert_max_num_queries(4):
        assert len(follow.choose_for_bots(signal(), NOW)) == 40


def test_a_filter_makes_a_row_that_says_why_it_was_passed_over() -> None:
    alice = person("alice")
    bot_of(alice, sides="short")
    trade = chosen(alice)
    assert (trade.state, trade.reason) == ("skipped", "side") and "short" in trade.sentence


def test_the_permit_is_read_anew_each_time() -> None:
    alice = person("alice")
    row = bot_of(alice)
    trade = chosen(alice)
    assert permits.entry_denial(trade, NOW) is None
    settings.set_mode(alice.pk, row.account_id, BotMode.EXITS_ONLY, NOW)
    denied = permits.entry_denial(trade, NOW)
    assert denied is not None and denied.code == "mode"


@pytest.mark.parametrize("scope", ["user", "symbol", "model", "platform"])
def test_a_switch_of_any_scope_stops_the_entry_and_a_restart_does_not_clear_it(scope: str) -> None:
    alice, boss = person("alice"), staff()
    bot_of(alice)
    trade = chosen(alice)
    key = {"user": str(alice.pk), "symbol": "BTCUSDT", "model": "model-1"}.get(scope, "")
    if scope == "platform":
        switches.throw("trading_close_only", "a drill of ours", boss.pk)
    else:
        stops.throw(scope, key, StopMode.CLOSE_ONLY, "a drill of ours", by=boss.pk, now=NOW)
    denied = permits.entry_denial(trade, NOW)
    assert denied is not None and denied.code == "switch"
    assert permits.stop_mode(trade.account, "BTCUSDT", "model-1") is StopMode.CLOSE_ONLY
    other = permits.stop_mode(trade.account, "ETHUSDT", "model-2")
    assert (other is None) == (scope in ("symbol", "model"))


def test_the_stronger_switch_holds_and_clearing_takes_two() -> None:
    alice, boss, other = person("alice"), staff(), person("other", is_staff=True)
    key = str(alice.pk)
    held = stops.throw("user", key, StopMode.FLATTEN, "a drill of ours", by=boss.pk, now=NOW)
    stops.throw("user", key, StopMode.NO_ENTRIES, "another reason", by=boss.pk, now=NOW)
    assert stops.mode_for(alice.pk, "BTCUSDT", "m") is StopMode.FLATTEN
    with pytest.raises(NotAllowed):
        stops.agree_clear(held.pk, by=other.pk, now=NOW)
    stops.ask_clear(held.pk, by=boss.pk, now=NOW)
    with pytest.raises(NotAllowed, match="else"):
        stops.agree_clear(held.pk, by=boss.pk, now=NOW)
    stops.agree_clear(held.pk, by=other.pk, now=NOW)
    assert stops.mode_for(alice.pk, "BTCUSDT", "m") is None


def test_a_loss_of_the_day_pauses_until_midnight_and_counts_fees_and_open_results() -> None:
    row = bot_of(person("alice"))
    lose(row, 150, MIDNIGHT + timedelta(minutes=1))
    assert after.check_breakers(row, NOW) is False and row.pause_code == ""
    row.unrealised = D(-60)
    assert after.check_breakers(row, NOW) is False
    assert row.pause_code == "daily_loss" and row.paused_until == MIDNIGHT + timedelta(days=1)
    assert JournalEntry.objects.for_user(row.user_id).filter(kind=BREACH).count() == 1
    after.check_breakers(row, NOW)
    assert JournalEntry.objects.for_user(row.user_id).filter(kind=BREACH).count() == 1


def test_yesterdays_loss_is_not_todays() -> None:
    row = bot_of(person("alice"))
    lose(row, 500, MIDNIGHT - timedelta(seconds=1))
    after.check_breakers(row, NOW)
    assert row.pause_code == ""


def test_who_wants_it_is_flattened_at_the_limit() -> None:
    row = bot_of(person("alice"), on_daily_loss="flatten")
    lose(row, 250)
    assert after.check_breakers(row, NOW) is True


def test_a_drawdown_waits_for_the_persons_hand() -> None:
    alice = person("alice")
    row = bot_of(alice, peak_equity=D(12_000), daily_loss_percent=D(10))
    after.check_breakers(row, NOW)
    assert (row.pause_code, row.paused_until) == ("drawdown", None)
    trade = chosen(alice)
    denied = permits.entry_denial(trade, NOW + timedelta(days=30))
    assert denied is not None and denied.code == "drawdown"
    manual.resume(alice.pk, row.account_id, NOW)
    assert permits.entry_denial(trade, NOW) is None


def test_losing_trades_in_a_row_pause_for_a_day() -> None:
    row = bot_of(person("alice"), pause_after_stops=3)
    for number, result in enumerate((50, -10, -10, -10)):
        trade = closed(row, result, NOW + timedelta(minutes=number))
        after.trade_closed(trade, NOW + timedelta(minutes=number))
    row.refresh_from_db()
    assert row.pause_code == "losing_streak" and row.paused_until == NOW + timedelta(
        days=1, minutes=3
    )


def test_automation_opens_after_ten_paper_trades_that_ended() -> None:
    alice = person("alice")
    account = account_of(alice)
    for number in range(10):
        with pytest.raises(NotAllowed, match=f"You have {number}"):
            settings.set_automatic(alice.pk, account.pk, True, NOW)
        draft = make_draft(at_ms=AT_MS + number * 60_000)
        publish(draft)
        trade = follow.follow(alice.pk, draft.id, NOW)
        assert follow.follow(alice.pk, draft.id, NOW).pk == trade.pk
        trade.state, trade.closed_at = TradeState.CLOSED.value, NOW
        trade.save()
    pass_quiz(alice)
    settings.set_automatic(alice.pk, account.pk, True, NOW)
    assert api.bot_view(alice.pk, account.pk).is_automatic
    steps = api.progress_of(alice.pk).steps
    assert [step.state for step in steps][2:4] == ["done", "done"]


def test_the_quiz_stands_before_the_first_live_act_and_not_before_paper() -> None:
    alice, bob = person("alice"), person("bob")
    live = account_of(alice)
    for _ in range(10):
        closed_of(alice, "0.5")
    assert "quiz" in api.bot_view(alice.pk, live.pk).automation_opens
    assert [step.state for step in api.progress_of(alice.pk).steps][2] == "now"
    pass_quiz(bob)
    with pytest.raises(NotAllowed, match="Pass the quiz first") as refused:
        settings.set_automatic(alice.pk, live.pk, True, NOW)
    assert refused.value.code == "quiz_first"
    assert not settings.settings_of(alice.pk, live.pk).is_automatic
    settings.set_automatic(alice.pk, paper_of(alice).pk, True, NOW)
    pass_quiz(alice)
    assert api.bot_view(alice.pk, live.pk).automation_opens == ""
    settings.set_automatic(alice.pk, live.pk, True, NOW)
    assert settings.settings_of(alice.pk, live.pk).is_automatic


def test_what_is_too_late_or_unknown_cannot_be_followed() -> None:
    alice = person("alice")
    draft = make_draft()
    publish(draft)
    with pytest.raises(InvalidInput, match="over"):
        follow.follow(alice.pk, draft.id, NOW + timedelta(days=9))
    with pytest.raises(InvalidInput, match="no such"):
        follow.follow(alice.pk, signal().id, NOW)


@pytest.mark.parametrize("is_wanted", [True, False], ids=["taken", "passed over"])
def test_what_the_paper_bot_decided_on_cannot_be_followed_by_hand_and_says_so(
    is_wanted: bool,
) -> None:
    alice = person("alice")
    draft = make_draft()
    publish(draft)
    account = paper_of(alice)
    taken = signals.tradable_signal(draft.id)
    assert taken is not None
    row = settings.settings_of(alice.pk, account.pk)
    row.mode, row.is_automatic = BotMode.TRADING.value, True
    row.not_symbols = [] if is_wanted else [taken.symbol]
    row.save()
    follow.choose_for_bots(taken, NOW)
    words = "bot of your paper account has " + ("taken" if is_wanted else "passed")
    with pytest.raises(NotAllowed, match=words) as refused:
        follow.follow(alice.pk, draft.id, NOW)
    assert refused.value.code == "held_by_bot"
    assert "takes a signal once" in str(refused.value)
    assert "You follow" not in str(list(JournalEntry.objects.for_user(alice.pk).values("sentence")))
    line = api.followed(alice.pk, [draft.id])[draft.id]
    assert line.how == "bot", "the pages show how it stands instead of a button"


def test_flatten_asks_for_every_trade_and_switches_the_bot_off() -> None:
    alice = person("alice")
    row = bot_of(alice)
    trade = chosen(alice)
    trade.state = TradeState.OPEN.value
    trade.save()
    waiting = signal(symbol="ETHUSDT")
    follow.choose_for_bots(waiting, NOW)
    assert manual.flatten(alice.pk, row.account_id, NOW) == 2
    trade.refresh_from_db()
    row.refresh_from_db()
    assert trade.close_asked_at == NOW and row.mode == "exits_only" and not row.is_automatic
    dropped = Trade.objects.for_user(alice.pk).get(signal_id=waiting.id)
    assert (dropped.state, dropped.reason) == ("skipped", "by_hand")


def test_an_offer_is_answered_once_and_in_time() -> None:
    alice = person("alice")
    bot_of(alice)
    trade = chosen(alice)
    trade.state, trade.offer_until = TradeState.OFFERED.value, NOW + timedelta(seconds=90)
    trade.save()
    with pytest.raises(InvalidInput, match="over"):
        offers.approve(alice.pk, trade.pk, NOW + timedelta(seconds=90))
    assert offers.approve(alice.pk, trade.pk, NOW).approved_at == NOW
    assert offers.approve(alice.pk, trade.pk, NOW + timedelta(hours=1)).approved_at == NOW
    with pytest.raises(InvalidInput):
        offers.decline(alice.pk, trade.pk, NOW)


def test_nobody_touches_what_is_somebody_elses() -> None:
    alice, charlie = person("alice"), person("charlie")
    row = bot_of(alice)
    trade = chosen(alice)
    for act in (
        lambda: api.close_trade(charlie.pk, trade.pk),
        lambda: api.approve(charlie.pk, trade.pk),
        lambda: api.flatten(charlie.pk, row.account_id),
        lambda: api.set_mode(charlie.pk, row.account_id, BotMode.OFF),
        lambda: api.save_limits(charlie.pk, row.account_id, {"max_positions": 9}),
        lambda: api.bot_view(charlie.pk, row.account_id),
    ):
        with pytest.raises(InvalidInput, match="no such"):
            act()
    assert api.trade(charlie.pk, trade.pk) is None and api.positions_of(charlie.pk) == []
    assert api.live_state(charlie.pk)["bots"] == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"risk_percent": "1.01"}, "0.05 to 1.00"),
        ({"risk_percent": 0.5}, "0.05"),
        ({"risk_percent": "NaN"}, "0.05"),
        ({"max_positions": 0}, "1 to 20"),
        ({"max_positions": True}, "whole number"),
        ({"sides": "up"}, "both, long, short"),
        ({"timeframes": ["2h"]}, "among"),
        ({"only_symbols": "BTCUSDT"}, "list"),
        ({"min_confidence": 1.5}, "0.95"),
        ({"nonsense": 1}, "no limit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_limit_out_of_range_is_refused_with_the_range(changes: dict[str, Any], told: str) -> None:
    alice = person("alice")
    account = paper_of(alice)
    before = api.bot_view(alice.pk, account.pk).limits
    with pytest.raises(InvalidInput, match=told):
        api.save_limits(alice.pk, account.pk, changes)
    assert api.bot_view(alice.pk, account.pk).limits == before


def test_a_share_of_an_equity_that_nobody_knows_is_not_told() -> None:
    alice = person("alice")
    row = bot_of(alice)
    lose(row, 30, timezone.now())
    told = []
    for equity in (None, D(9_970)):
        BotSettings.objects.for_user(alice.pk).filter(pk=row.pk).update(equity=equity)
        told.append(api.live_state(alice.pk)["bots"][0]["lost_percent"])
    assert told == [None, "0.30"]
