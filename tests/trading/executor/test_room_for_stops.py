"""An account takes 200 conditional orders, of all its symbols together; a stop needs room there."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from tests.trading.executor.stage import Stage
from tests.trading.executor.test_desk import at_wall, bot_of
from tests.trading.executor.test_process import chosen, signal_now
from trading.domain.venue import OrderSide, Service, VenueOrder, VenueState


def own(number: int) -> VenueOrder:
    """Return a conditional order that the person has placed on another symbol."""
    return VenueOrder(
        client_id=f"mine-{number}",
        exchange_id=str(number),
        symbol="XRPUSDT",
        side=OrderSide.SELL,
        kind="STOP_MARKET",
        service=Service.ALGO,
        state=VenueState.NEW,
        quantity=D(10),
        trigger_price=D(1),
        reduce_only=True,
    )


@pytest.mark.parametrize(("n", "state"), [(195, "skipped"), (194, "entering")])
def test_nothing_is_entered_where_the_account_has_no_room_for_its_stop(
    stage: Stage, n: int, state: str
) -> None:
    stage.exchange.orders = {(one := own(number)).client_id: one for number in range(n)}
    every = stage.exchange.open_orders

    async def of_symbol(symbol: str | None = None) -> list[VenueOrder]:
        return [replace(o) for o in await every() if symbol in (None, o.symbol)]

    stage.exchange.open_orders = of_symbol
    bot_of(stage.account)
    trade = chosen(stage.account, signal_now())
    at_wall(stage).run(1_000)
    trade.refresh_from_db()
    assert trade.state == state, trade.sentence
    assert trade.reason == ("too_many_orders" if state == "skipped" else "")
