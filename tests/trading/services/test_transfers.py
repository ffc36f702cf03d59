"""Money that is put in or taken out is neither won nor lost: no limit is reached by it."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from cryptosystems.kernel.clock import to_ms
from tests.support.people import person
from tests.trading.services.test_breakers import MIDNIGHT, NOW, bot_of, lose
from trading.contracts import Venue
from trading.domain.venue import VenueAccount
from trading.executor import standing
from trading.executor.memory import AccountRef
from trading.models import BotSettings, CashFlowRow
from trading.selectors.standing import lost_percent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def bot() -> BotSettings:
    """Return a bot that had 12,000 at its best and 11,000 a minute ago."""
    return bot_of(person("alice"), equity=D(11_000), peak_equity=D(12_000), equity_at=NOW - MINUTE)


def transfer(bot: BotSettings, amount: int, *, seconds_ago: int = 30, asset: str = "USDT") -> None:
    CashFlowRow.objects.add_for(
        bot.user_id,
        account=bot.account,
        exchange_id=f"t{amount}",
        kind="TRANSFER",
        amount=D(amount),
        asset=asset,
        at=NOW - timedelta(seconds=seconds_ago),
    )


def read(bot: BotSettings, worth: int) -> BotSettings:
    """Take a reading of what the account is worth, as a lane does."""
    told = VenueAccount(D(worth), D(worth), D(worth), True, False, False)
    ref = AccountRef(bot.user_id, bot.account_id, Venue.SIMULATED)
    standing.take_equity(ref, told, now_ms=to_ms(NOW))
    bot.refresh_from_db()
    return bot


def test_a_withdrawal_is_no_drawdown(bot: BotSettings) -> None:
    transfer(bot, -5_500)
    read(bot, 5_500)
    assert bot.pause_code == ""
    assert bot.peak_equity == D(6_000), "as far below its best as before: a twelfth"


def test_without_the_transfer_the_same_fall_is_one(bot: BotSettings) -> None:
    assert read(bot, 5_500).pause_code == "drawdown"


def test_a_deposit_hides_no_loss_and_makes_none(bot: BotSettings) -> None:
    transfer(bot, 10_000)
    read(bot, 20_500)
    assert bot.pause_code == "drawdown", "500 more were lost: 10,500 of 12,000"
    assert bot.peak_equity == (D(12_000) * 20_500 / 10_500).quantize(D("1e-8"))


def test_all_of_it_taken_out_and_put_in_again(bot: BotSettings) -> None:
    transfer(bot, -11_000)
    assert read(bot, 0).pause_code == ""
    BotSettings.objects.for_user(bot.user_id).update(equity_at=NOW - timedelta(seconds=20))
    transfer(bot, 3_000, seconds_ago=10)
    read(bot, 3_000)
    assert (bot.pause_code, bot.peak_equity) == ("", D(3_000))


def test_a_transfer_of_another_coin_is_not_in_the_equity(bot: BotSettings) -> None:
    transfer(bot, -5_500, asset="BNB")
    assert read(bot, 5_500).pause_code == "drawdown"


def test_a_reading_beside_a_transfer_is_not_judged(bot: BotSettings) -> None:
    transfer(bot, -5_500, seconds_ago=1)
    read(bot, 5_500)
    assert (bot.equity, bot.pause_code) == (D(11_000), "")


def test_the_loss_of_the_day_is_measured_by_what_the_day_began_with(bot: BotSettings) -> None:
    lose(bot, 100, at=MIDNIGHT + MINUTE)  # of 11,000: 0.91 %, and the limit is 2 %
    transfer(bot, -10_000)
    read(bot, 900)
    assert bot.pause_code == ""
    assert lost_percent(bot, NOW) == D("0.91")
