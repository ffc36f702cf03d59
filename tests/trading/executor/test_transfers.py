"""Money is put in or taken out while a lane runs: it asks before it believes a loss."""

from decimal import Decimal as D

from cryptosystems.kernel.clock import to_datetime
from tests.trading.executor.stage import Stage
from trading.domain.venue import BalanceEvent, CashFlow
from trading.models import BotSettings
from trading.services.settings import settings_of


def test_the_lane_asks_for_transfers_before_it_believes_a_fall(stage: Stage) -> None:
    stage.open()
    now = stage.clock.now_ms()
    bot = bot_of_stage(stage)
    stage.exchange.wallet = D(4_000)
    stage.exchange.flows.append(CashFlow("t1", "TRANSFER", "", D(-6_000), "USDT", now + 20_000))
    stage.run(90_000)
    bot.refresh_from_db()
    assert (bot.equity, bot.pause_code) == (D(4_000), "")
    assert stage.exchange.resting() == ["stop", "tp1", "tp2", "tp3"]


def test_what_the_stream_tells_is_waited_for_in_the_income_list(stage: Stage) -> None:
    stage.open()
    now = stage.clock.now_ms()
    bot = bot_of_stage(stage)
    stage.exchange.wallet = D(4_000)
    stage.lane.inbox.append(BalanceEvent("WITHDRAW", D(4_000), (), now + 1))
    stage.run(30_000)
    bot.refresh_from_db()
    assert (bot.equity, bot.pause_code) == (D(10_000), ""), "the list lags behind"
    stage.exchange.flows.append(CashFlow("t1", "TRANSFER", "", D(-6_000), "USDT", now + 1))
    stage.run(90_000)
    bot.refresh_from_db()
    assert (bot.equity, bot.pause_code) == (D(4_000), "")


def bot_of_stage(stage: Stage) -> BotSettings:
    """Return the settings of the stage's account, which was worth 10,000 so far."""
    row = settings_of(stage.account.user_id, stage.account.pk)
    row.equity = row.peak_equity = D(10_000)
    row.equity_at = to_datetime(stage.clock.now_ms())
    row.save()
    return row
