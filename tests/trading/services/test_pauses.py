"""Pauses beside each other: each is said once, the longer one holds, and a resume opens no limit."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core import mail
from django.db import OperationalError

from cryptosystems.kernel.errors import NotAllowed
from tests.support.people import person
from tests.support.trades import STOP, order_of
from tests.trading.services.test_breakers import MIDNIGHT, NOW, bot_of, chosen, closed, lose
from trading.contracts import StopMode
from trading.models import BotSettings, JournalEntry
from trading.selectors.ladder import BREACH
from trading.services import after, manual, permits, stops

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


@pytest.fixture(autouse=True)
def simulated_market(settings: Any) -> None:
    settings.MARKET = "simulated"


def breaches(row: BotSettings) -> int:
    return JournalEntry.objects.for_user(row.user_id).filter(kind=BREACH).count()


def said(row: BotSettings) -> list[str]:
    lines = JournalEntry.objects.for_user(row.user_id).filter(kind="paused")
    return [line.details["code"] for line in lines]


def read_again(row: BotSettings, times: int = 5) -> None:
    """Have the equity read a few times more, as the executor does every few seconds."""
    for n in range(times):
        after.check_breakers(row, NOW + timedelta(seconds=n))


def test_a_day_and_a_drawdown_at_their_limits_are_each_said_once() -> None:
    row = bot_of(person("alice"), peak_equity=D(12_000))
    lose(row, 300)
    read_again(row)
    assert sorted(said(row)) == ["daily_loss", "drawdown"]
    assert breaches(row) == 2 and len(mail.outbox) == 2
    assert (row.pause_code, row.paused_until) == ("drawdown", None), "the longer one holds"


def test_a_losing_streak_does_not_shorten_a_pause_nor_is_it_shortened() -> None:
    row = bot_of(person("alice"), pause_after_stops=2)
    lose(row, 300)
    after.check_breakers(row, NOW)
    assert row.paused_until == MIDNIGHT + timedelta(days=1)
    for number in range(2):
        at = NOW + timedelta(minutes=number)
        after.trade_closed(closed(row, -10, at), at)
    row.refresh_from_db()
    assert row.pause_code == "losing_streak"
    assert row.paused_until == NOW + timedelta(days=1, minutes=1)
    read_again(row)
    assert row.pause_code == "losing_streak" and said(row) == ["daily_loss", "losing_streak"]


def test_a_days_limit_opens_at_midnight_and_not_by_hand() -> None:
    alice = person("alice")
    row = bot_of(alice)
    lose(row, 300)
    after.check_breakers(row, NOW)
    with pytest.raises(NotAllowed, match="00:00 UTC"):
        manual.resume(alice.pk, row.account_id, NOW)
    read_again(row)
    assert breaches(row) == 1 and len(mail.outbox) == 1
    trade = chosen(alice)
    denied = permits.entry_denial(trade, NOW)
    assert denied is not None and denied.code == "daily_loss"
    assert permits.entry_denial(trade, MIDNIGHT + timedelta(days=1)) is None


def test_ending_another_pause_leaves_that_of_the_day() -> None:
    alice = person("alice")
    row = bot_of(alice, peak_equity=D(12_000))
    lose(row, 300)
    after.check_breakers(row, NOW)
    manual.resume(alice.pk, row.account_id, NOW)
    row.refresh_from_db()
    assert (row.pause_code, row.paused_until) == ("daily_loss", MIDNIGHT + timedelta(days=1))


def test_tomorrows_loss_is_said_anew() -> None:
    row = bot_of(person("alice"))
    lose(row, 300)
    after.check_breakers(row, NOW)
    tomorrow = MIDNIGHT + timedelta(days=1, hours=1)
    after.check_breakers(row, tomorrow)
    assert said(row) == ["daily_loss"]
    lose(row, 400, tomorrow)
    after.check_breakers(row, tomorrow)
    assert said(row) == ["daily_loss", "daily_loss"] and breaches(row) == 2


def test_after_a_streaks_pause_the_count_begins_anew() -> None:
    alice = person("alice")
    row = bot_of(alice, pause_after_stops=2)
    for number in range(3):
        at = NOW + timedelta(minutes=number)
        after.trade_closed(closed(row, -10, at), at)
        if number == 1:
            row.refresh_from_db()
            assert row.pause_code == "losing_streak"
            manual.resume(alice.pk, row.account_id, at)
    row.refresh_from_db()
    assert row.pause_code == "", "one loss after the pause is no streak of two"


def test_who_wants_it_is_flattened_however_the_limit_was_found() -> None:
    row = bot_of(person("alice"), on_daily_loss="flatten")
    lose(row, 250)
    after.trade_closed(closed(row, -250, NOW), NOW)
    row.refresh_from_db()
    assert row.pause_code == "daily_loss"
    assert after.check_breakers(row, NOW) is True, "what is still open is closed at the next look"


@pytest.mark.parametrize(
    ("reason", "order", "n"),
    [
        ("stop_lost", {}, 1),
        ("stop_lost", {"cancel_asked_at": NOW}, 0),
        ("stop_lost", {"not_found": 2}, 0),
        ("stop", {}, 0),
    ],
    ids=["taken away", "cancelled by us", "lost by the exchange", "hit"],
)
def test_a_stop_taken_away_costs_a_step_of_the_ladder(
    reason: str, order: dict[str, Any], n: int
) -> None:
    row = bot_of(person("alice"))
    trade = closed(row, -10, NOW)
    trade.reason = reason
    trade.save()
    order_of(trade, "stop", STOP, **{"state": "cancelled", **order})
    after.trade_closed(trade, NOW)
    assert breaches(row) == n


@pytest.mark.parametrize("table", ["limits", "switches"])
def test_what_cannot_be_read_opens_nothing_and_closes_nothing(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person("alice")
    bot_of(alice)
    trade = chosen(alice)

    def away(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("database is locked")

    if table == "switches":
        monkeypatch.setattr(stops, "mode_for", away)
        assert permits.stop_mode(trade.account, "BTCUSDT", "model-1") is StopMode.NO_ENTRIES
    else:
        monkeypatch.setattr(permits, "settings_of", away)
    denied = permits.entry_denial(trade, NOW)
    assert denied is not None and denied.code == "unreadable"
    monkeypatch.undo()
    assert permits.entry_denial(trade, NOW) is None
