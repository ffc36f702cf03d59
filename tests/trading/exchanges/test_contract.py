"""Paper and the exchange over its sockets say the same about the same things."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal as D
from typing import Any

import pytest
import pytest_asyncio

from tests.support.exchange_process import Venue as Exchange
from tests.support.servers import until
from tests.trading.exchanges.stage import (
    BTC,
    PRICE,
    Ground,
    client_of,
    order,
    paper_account,
    port_of,
)
from trading.contracts import Venue
from trading.domain.venue import (
    AlgoEvent,
    BalanceEvent,
    OrderEvent,
    OutcomeClass,
    Service,
    StreamGap,
    VenueState,
)
from trading.exchanges.paper import PaperPort, PaperServices
from trading.exchanges.port import ExchangePort, ReadFailed
from trading.exchanges.quotes import QuoteFeed
from trading.exchanges.rules import RulesBook
from trading.models import TradingAccount

A, R, D_ = OutcomeClass.ACCEPTED, OutcomeClass.REJECTED, OutcomeClass.ALREADY


@pytest.fixture(
    params=[pytest.param("paper", marks=pytest.mark.django_db(transaction=True)), "simulated"]
)
def paper(request: pytest.FixtureRequest) -> TradingAccount | None:
    """The row of a paper account, or None for one at the exchange."""
    if request.param != "paper":
        return None
    return paper_account()


@pytest_asyncio.fixture
async def ground(exchange: Exchange, paper: TradingAccount | None) -> AsyncIterator[Ground]:
    client = client_of(exchange)
    feed, rules = QuoteFeed(exchange.ws_url, exchange.now_ms), RulesBook(client)
    await rules.refresh()
    port: ExchangePort
    if paper is not None:
        services = PaperServices(rules, feed, client, exchange.now_ms)
        port = PaperPort(paper.user_id, paper.pk, services)
    else:
        port = port_of(await asyncio.to_thread(exchange.account), client)
    feed.watch(BTC)
    held = Ground(port, exchange, feed)

    async def listen() -> None:
        async for event in port.events():
            held.told.append(event)

    tasks = [asyncio.create_task(feed.run()), asyncio.create_task(listen())]
    await until(lambda: held.told)
    while feed.quote(BTC) is None:
        await held.wait(0)
    await held.move(PRICE)
    yield held
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await port.close()
    await client.close()


async def test_a_fresh_account_is_flat_in_one_way_mode(ground: Ground) -> None:
    account = await ground.port.account()

    assert isinstance(ground.told[0], StreamGap)
    assert account.wallet == account.available == 10_000
    assert account.can_trade
    assert not account.is_hedged
    assert not account.has_multi_assets
    assert await ground.port.positions() == []
    assert await ground.port.open_orders() == []
    assert await ground.port.fees(BTC) == (D("0.0002"), D("0.0005"))
    rights = await ground.port.rights()
    assert rights.reading
    assert rights.futures
    assert not rights.withdrawals


async def test_settings_are_set_and_read_back(ground: Ground) -> None:
    assert (await ground.port.set_isolated(BTC)).kind is A
    assert (await ground.port.set_leverage(BTC, 5)).kind is A

    again = await ground.port.set_isolated(BTC)
    too_much = await ground.port.set_leverage(BTC, 500)
    settings = await ground.port.symbol_settings(BTC)

    assert (again.kind, again.code) == (R, -4046)
    assert (too_much.kind, too_much.code) == (R, -4028)
    assert (settings.is_isolated, settings.leverage) == (True, 5)


async def test_a_reduce_only_stop_stands_while_flat_and_a_closing_one_does_not(
    ground: Ground,
) -> None:
    guard = await ground.port.submit(
        order(
            "cs-guard",
            "SELL",
            "STOP_MARKET",
            quantity="0.01",
            trigger_price=58_000,
            reduce_only=True,
        )
    )
    stop = await ground.port.submit(
        order("cs-stop", "SELL", "STOP_MARKET", trigger_price=58_000, close_position=True)
    )

    assert guard.kind is A
    assert guard.order is not None
    assert guard.order.state is VenueState.NEW
    assert (stop.kind, stop.code) == (R, -4509)
    seen = await ground.port.order(BTC, "cs-guard", Service.ALGO)
    assert seen is not None
    assert (seen.client_id, seen.trigger_price, seen.reduce_only) == ("cs-guard", 58_000, True)
    assert [o.client_id for o in await ground.port.open_orders(BTC)] == ["cs-guard"]
    assert await ground.port.order(BTC, "cs-guard", Service.ORDER) is None
    assert await ground.port.order(BTC, "cs-other", Service.ALGO) is None


async def test_an_id_is_taken_while_its_order_rests(ground: Ground) -> None:
    limit = order("cs-twice", kind="LIMIT", quantity="0.01", price=59_000)

    first, second = await ground.port.submit(limit), await ground.port.submit(limit)

    assert (first.kind, second.kind) == (A, D_)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"kind": "LIMIT", "quantity": "0.01", "price": "59000.05"}, -4014),
        ({"kind": "LIMIT", "quantity": "0.0105", "price": 59_000}, -1111),
        ({"kind": "LIMIT", "quantity": "0.001", "price": 59_000}, -4164),
        ({"kind": "LIMIT", "quantity": "0.01", "price": 99_000}, -4016),
        ({"quantity": "8"}, -2019),
        ({"side": "SELL", "quantity": "0.01", "reduce_only": True}, -2022),
        (
            {
                "side": "SELL",
                "kind": "STOP_MARKET",
                "quantity": "0.01",
                "trigger_price": 61_000,
                "reduce_only": True,
            },
            -2021,
        ),
    ],
    ids=["tick", "step", "notional", "band", "margin", "reduce-only", "would-trigger"],
)
async def test_a_wrong_order_is_refused_with_the_same_code(
    ground: Ground, wrong: dict[str, Any], code: int
) -> None:
    outcome = await ground.port.submit(order("cs-wrong", **wrong))

    assert (outcome.kind, outcome.code) == (R, code)
    assert await ground.port.open_orders() == []


async def test_an_entry_fills_and_is_booked_with_its_fee(ground: Ground) -> None:
    await ground.entered()

    [position] = await ground.port.positions(BTC)
    [fill] = await ground.port.fills(BTC, 0 or ground.exchange.now_ms() - 60_000)
    account = await ground.port.account()

    assert position.quantity == D("0.010")
    assert position.entry_price == fill.price
    assert 0 < position.liquidation_price < 50_000
    assert fill.price >= PRICE
    assert fill.fee == (fill.price * fill.quantity * D("0.0005"))
    assert not fill.is_maker
    assert account.wallet == 10_000 - fill.fee
    income = await ground.port.income(ground.exchange.now_ms() - 60_000)
    assert [(f.kind, f.amount) for f in income if f.kind == "COMMISSION"] == [
        ("COMMISSION", -fill.fee)
    ]
    told = await ground.until_told(lambda e: isinstance(e, BalanceEvent) and bool(e.positions))
    assert isinstance(told, BalanceEvent)
    assert told.positions[0][2] == D("0.010")


async def test_a_stop_that_the_mark_price_reaches_closes_the_position(ground: Ground) -> None:
    await ground.entered()
    placed = await ground.port.submit(
        order("cs-stop", "SELL", "STOP_MARKET", trigger_price=58_000, close_position=True)
    )
    assert placed.kind is A
    twin = await ground.port.submit(
        order("cs-twin", "SELL", "STOP_MARKET", trigger_price=57_000, close_position=True)
    )
    assert (twin.kind, twin.code) == (R, -4130)

    await ground.move(57_900)

    ended = await ground.until_told(
        lambda e: isinstance(e, AlgoEvent) and e.order.state is VenueState.FINISHED
    )
    assert isinstance(ended, AlgoEvent)
    assert await ground.port.positions() == []
    stop = await ground.port.order(BTC, "cs-stop", Service.ALGO)
    assert stop is not None
    child = await ground.port.order_by_id(BTC, stop.actual_order_id)
    assert child is not None
    assert child.state is VenueState.FILLED
    assert child.filled == D("0.010")
    closing = [e.fill for e in ground.told if isinstance(e, OrderEvent) and e.fill][-1]
    assert closing is not None
    assert closing.order_id == stop.actual_order_id
    assert closing.realised < 0
    assert closing.price <= 57_900


async def test_a_target_fills_only_when_the_price_trades_through_it(ground: Ground) -> None:
    await ground.entered()
    target = order("cs-tp1", "SELL", "LIMIT", quantity="0.004", price=61_000, reduce_only=True)
    assert (await ground.port.submit(target)).kind is A

    await ground.move(60_990)
    resting = await ground.port.order(BTC, "cs-tp1", Service.ORDER)
    assert resting is not None
    assert resting.state is VenueState.NEW
    await ground.move(61_020)
    await ground.until_told(
        lambda e: isinstance(e, OrderEvent) and e.order.client_id == "cs-tp1" and e.fill is not None
    )

    [position] = await ground.port.positions()
    assert position.quantity == D("0.006")
    filled = await ground.port.order(BTC, "cs-tp1", Service.ORDER)
    assert filled is not None
    assert filled.state is VenueState.FILLED


async def test_a_cancelled_order_is_gone_and_a_second_cancel_says_so(ground: Ground) -> None:
    limit = order("cs-limit", kind="LIMIT", quantity="0.01", price=59_000)
    guard = order(
        "cs-guard", "SELL", "STOP_MARKET", quantity="0.01", trigger_price=58_000, reduce_only=True
    )
    for request in (limit, guard):
        assert (await ground.port.submit(request)).kind is A

    for request in (limit, guard):
        first = await ground.port.cancel(BTC, request.client_id, request.service)
        second = await ground.port.cancel(BTC, request.client_id, request.service)
        assert first.kind is A
        assert (second.kind, second.code) == (R, -2011)

    assert await ground.port.open_orders() == []


async def test_a_test_order_is_checked_and_not_placed(ground: Ground) -> None:
    good = await ground.port.test_order(order("cs-test", quantity="0.01"))
    bad = await ground.port.test_order(order("cs-test", quantity="0.001"))

    assert good.kind is A
    assert (bad.kind, bad.code) == (R, -4164)
    assert await ground.port.positions() == []


async def test_funding_is_paid_at_its_time(ground: Ground) -> None:
    await ground.entered()
    await asyncio.to_thread(ground.exchange.funding, BTC, 0.001)
    await ground.wait(1_000)
    quote = await until(
        lambda: (q := ground.feed.quote(BTC)) and q.funding_rate == D("0.001") and q
    )
    left = quote.next_funding_ms - ground.exchange.now_ms()

    await asyncio.to_thread(ground.exchange.advance, left - 2_000, 60_000)
    await ground.wait(4_000)

    since_ms = ground.exchange.now_ms() - 60_000
    while not any(f.kind == "FUNDING_FEE" for f in await ground.port.income(since_ms)):
        await ground.wait(0)
    income = await ground.port.income(since_ms)
    [flow] = [f for f in income if f.kind == "FUNDING_FEE"]
    assert flow.symbol == BTC
    assert flow.amount == -(D("0.010") * PRICE * D("0.001"))


async def test_a_position_without_a_stop_is_liquidated(ground: Ground) -> None:
    await ground.entered()
    [position] = await ground.port.positions()

    await ground.move(int(position.liquidation_price) - 200)

    forced = await ground.until_told(lambda e: isinstance(e, OrderEvent) and e.reason != "")
    assert isinstance(forced, OrderEvent)
    assert forced.reason == "autoclose"
    assert await ground.port.positions() == []


async def test_an_unknown_symbol_has_no_settings(ground: Ground) -> None:
    with pytest.raises(ReadFailed):
        await ground.port.symbol_settings("NOPEUSDT")


async def test_the_venue_is_named(ground: Ground) -> None:
    assert ground.port.venue in (Venue.PAPER, Venue.SIMULATED)
