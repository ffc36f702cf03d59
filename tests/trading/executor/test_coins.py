"""Fees paid in BNB: converted at what BNB was worth at the fill, and said so."""

from decimal import Decimal as D

import pytest

from tests.trading.executor.stage import NOW, Stage, to_datetime
from trading import api
from trading.contracts import FillLine
from trading.models import Fill
from trading.selectors.standing import today_of
from trading.services.settings import settings_of

FEE = D("0.1") * 60_050 * D("0.0005")
"""USDT that the entry of the stage costs."""


def entry_line(stage: Stage) -> FillLine:
    lines = api.fill_lines(stage.account.user_id, since=to_datetime(NOW))
    return next(line for line in lines if line.filled is not None)


def test_a_fee_in_bnb_counts_at_the_price_of_its_minute(stage: Stage) -> None:
    stage.exchange.fee_asset, stage.exchange.fee_price = "BNB", D(600)
    stage.open()
    assert stage.trade().fees == 0, "not known yet, and surely not one to one"
    line = entry_line(stage)
    assert (line.fee, line.fee_paid) == (None, "0.00500417 BNB")
    stage.run(60_000)
    assert stage.trade().fees == pytest.approx(FEE, abs=D("1e-5"))
    line = entry_line(stage)
    assert line.fee == pytest.approx(FEE, abs=D("1e-5")) and line.fee_paid == "0.00500417 BNB"


def test_the_stop_is_there_before_a_price_is_asked_for(stage: Stage) -> None:
    stage.exchange.fee_asset = "BNB"
    stage.open()
    assert stage.exchange.resting() == ["stop", "tp1", "tp2", "tp3"]
    assert stage.exchange.calls.count("price") == 0


def test_a_coin_without_a_market_stays_unconverted_and_is_asked_for_once(stage: Stage) -> None:
    stage.exchange.fee_asset = "XYZ"
    stage.open()
    stage.run(120_000)
    assert stage.trade().fees == 0
    assert stage.exchange.calls.count("price") == 1


def test_the_loss_of_the_day_has_converted_fees_in_it(stage: Stage) -> None:
    stage.exchange.fee_asset, stage.exchange.fee_price = "BNB", D(600)
    stage.open()
    stage.run(60_000)
    row = settings_of(stage.account.user_id, stage.account.pk)
    paid = Fill.objects.for_user(stage.account.user_id).get().fee_converted
    lost = today_of(row, to_datetime(stage.clock.now_ms())).lost
    assert lost == paid > 0
