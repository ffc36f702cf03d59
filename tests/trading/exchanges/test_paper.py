"""What only a paper account has: a row, an absence that is caught up on, a price that may be missing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal as D
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import OperationalError
from django.utils import timezone

from tests.support.exchange_process import Venue as Exchange
from tests.support.servers import until
from tests.trading.exchanges.stage import BTC, PRICE, Ground, client_of, order, paper_account
from trading.domain.venue import OutcomeClass, Service, StreamGap
from trading.exchanges import paper_store
from trading.exchanges.paper import PaperPort, PaperServices
from trading.exchanges.port import ReadFailed
from trading.exchanges.quotes import QuoteFeed
from trading.exchanges.rules import RulesBook
from trading.models import PaperBook, TradingAccount

pytestmark = pytest.mark.django_db(transaction=True)
A, N, U = OutcomeClass.ACCEPTED, OutcomeClass.NOT_SENT, OutcomeClass.UNKNOWN
STOP = order("cs-stop", "SELL", "STOP_MARKET", trigger_price=58_000, close_position=True)


@pytest.fixture
def row() -> TradingAccount:
    return paper_account()


@pytest_asyncio.fixture
async def services(exchange: Exchange) -> AsyncIterator[PaperServices]:
    """The market, running; BTCUSDT stands at its price."""
    client = client_of(exchange)
    feed, rules = QuoteFeed(exchange.ws_url, exchange.now_ms), RulesBook(client)
    await rules.refresh()
    feed.watch(BTC)
    task = asyncio.create_task(feed.run())
    await asyncio.to_thread(exchange.price, BTC, PRICE)
    while (quote := feed.quote(BTC)) is None or quote.mark != PRICE:
        await asyncio.to_thread(exchange.advance, 1_000)
    yield PaperServices(rules, feed, client, exchange.now_ms)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await client.close()


Open = Callable[[], Any]


@pytest_asyncio.fixture
async def opened(
    exchange: Exchange, services: PaperServices, row: TradingAccount
) -> AsyncIterator[Open]:
    """Opens the account as a process would; `opened.shut()` ends that process."""
    running: list[tuple[Ground, asyncio.Task[None]]] = []

    async def open_port() -> Ground:
        port = PaperPort(row.user_id, row.pk, services)
        held = Ground(port, exchange, services.feed)

        async def listen() -> None:
            async for event in port.events():
                held.told.append(event)

        running.append((held, asyncio.create_task(listen())))
        await until(lambda: held.told)
        return held

    async def shut() -> None:
        while running:
            held, task = running.pop()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await held.port.close()

    open_port.shut = shut  # type: ignore[attr-defined]
    yield open_port
    await shut()


async def test_a_market_order_pays_a_basis_point_beyond_the_best_price(opened: Open) -> None:
    ground = await opened()

    bought = await ground.port.submit(order("cs-buy", quantity="0.010"))
    sold = await ground.port.submit(order("cs-sell", "SELL", quantity="0.010", reduce_only=True))

    quote = ground.feed.quote(BTC)
    assert quote is not None
    assert bought.order.average_price >= quote.ask * D("1.0001")
    assert sold.order.average_price <= quote.bid * D("0.9999")


async def test_everything_is_there_again_after_a_restart(opened: Open) -> None:
    ground = await opened()
    await ground.entered()
    await ground.port.submit(STOP)
    before = (await ground.port.positions(), await ground.port.open_orders())
    since_ms = ground.exchange.now_ms() - 60_000
    money = (await ground.port.account(), await ground.port.income(since_ms))

    await opened.shut()  # type: ignore[attr-defined]
    again = await opened()

    assert (await again.port.positions(), await again.port.open_orders()) == before
    assert (await again.port.account(), await again.port.income(since_ms)) == money
    assert isinstance(again.told[0], StreamGap)


async def test_a_stop_that_was_passed_while_nobody_looked_has_closed_the_position(
    opened: Open,
) -> None:
    """At the worst price of its minute: an absence never helps."""
    ground = await opened()
    await ground.entered()
    await ground.port.submit(STOP)
    await opened.shut()  # type: ignore[attr-defined]

    exchange = ground.exchange
    await asyncio.to_thread(exchange.advance, 120_000)
    await asyncio.to_thread(exchange.price, BTC, 57_000)
    await asyncio.to_thread(exchange.advance, 120_000)
    await asyncio.to_thread(exchange.price, BTC, 63_000)
    await asyncio.to_thread(exchange.advance, 120_000)
    again = await opened()
    await again.wait(0)

    while await again.port.positions():
        await again.wait(0)
    stop = await again.port.order(BTC, "cs-stop", Service.ALGO)
    assert stop is not None
    closed = await again.port.order_by_id(BTC, stop.actual_order_id)
    assert closed is not None
    assert closed.average_price is not None
    assert 56_900 <= closed.average_price <= 57_000


async def test_what_was_not_reached_while_nobody_looked_still_stands(opened: Open) -> None:
    ground = await opened()
    await ground.entered()
    await ground.port.submit(STOP)
    await opened.shut()  # type: ignore[attr-defined]

    await asyncio.to_thread(ground.exchange.advance, 240_000)
    again = await opened()
    await again.wait(1_000)
    await again.wait(1_000)

    assert [o.client_id for o in await again.port.open_orders()] == ["cs-stop"]
    assert len(await again.port.positions()) == 1


async def test_a_reset_is_noticed_and_never_repeats_an_id(
    opened: Open, row: TradingAccount
) -> None:
    ground = await opened()
    await ground.entered()
    since_ms = ground.exchange.now_ms() - 60_000
    old = {fill.trade_id for fill in await ground.port.fills(BTC, since_ms)}

    await sync_to_async(_reset)(row)
    while await ground.port.positions():
        await ground.wait(1_000)

    first = ground.told[0]
    await ground.until_told(lambda e: isinstance(e, StreamGap) and e is not first)
    assert (await ground.port.account()).wallet == 10_000
    await ground.port.submit(order("cs-new", quantity="0.010"))
    new = {fill.trade_id for fill in await ground.port.fills(BTC, since_ms)}
    assert new
    assert not old & new


def _reset(row: TradingAccount) -> None:
    held = PaperBook.objects.for_user(row.user_id).get(account=row)
    held.book, held.version, held.updated_at = {}, held.version + 1, timezone.now()
    held.save()


async def test_two_processes_never_overwrite_each_other(
    services: PaperServices, row: TradingAccount
) -> None:
    """The lease of a lane should prevent it; the row's version does."""
    ports = [PaperPort(row.user_id, row.pk, services) for _ in range(2)]
    for port in ports:
        await port.account()

    outcomes = await asyncio.gather(
        *(
            port.submit(order(f"cs-{n}-{who}", quantity="0.010"))
            for n in range(4)
            for who, port in enumerate(ports)
        )
    )

    assert [outcome.kind for outcome in outcomes] == [A] * 8
    fresh = PaperPort(row.user_id, row.pk, services)
    [position] = await fresh.positions()
    assert position.quantity == D("0.080")
    for port in (*ports, fresh):
        await port.close()


async def test_without_a_fresh_price_nothing_is_placed(
    exchange: Exchange, services: PaperServices, row: TradingAccount
) -> None:
    port = PaperPort(row.user_id, row.pk, services)

    outcome = await port.submit(order("cs-entry", quantity="0.010"))
    assert outcome.kind is A
    nowhere = QuoteFeed("ws://127.0.0.1:9", exchange.now_ms)
    blind = PaperPort(
        row.user_id,
        row.pk,
        PaperServices(services.rules, nowhere, services.client, exchange.now_ms),
    )
    close = await blind.submit(order("cs-close", "SELL", quantity="0.010", reduce_only=True))

    assert (close.kind, close.code) == (N, None)
    assert close.retry_after_s is not None
    assert len(await blind.positions()) == 1
    for one in (port, blind):
        await one.close()


async def test_a_write_that_may_have_happened_is_unknown_and_the_row_tells(
    services: PaperServices, row: TradingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = PaperPort(row.user_id, row.pk, services)
    written = paper_store.save

    def write_and_fail(*args: Any) -> None:
        written(*args)
        raise OperationalError("the connection broke after the commit")

    monkeypatch.setattr(paper_store, "save", write_and_fail)
    outcome = await port.submit(order("cs-entry", quantity="0.010"))
    monkeypatch.undo()

    assert outcome.kind is U
    found = await port.order(BTC, "cs-entry", Service.ORDER)
    assert found is not None, "asked for, it is there"
    await port.close()


async def test_a_write_that_did_not_happen_leaves_nothing_behind(
    services: PaperServices, row: TradingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = PaperPort(row.user_id, row.pk, services)
    await port.account()

    def fail(*args: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(paper_store, "save", fail)
    outcome = await port.submit(order("cs-entry", quantity="0.010"))
    monkeypatch.undo()

    assert outcome.kind is U
    assert await port.order(BTC, "cs-entry", Service.ORDER) is None
    assert await port.positions() == []
    await port.close()


async def test_a_touch_that_could_not_be_written_happens_once_it_can(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = await opened()
    await ground.entered()
    await ground.port.submit(STOP)
    tried: list[Any] = []

    def fail(*args: Any) -> None:
        tried.append(args)
        raise OperationalError("database is locked")

    monkeypatch.setattr(paper_store, "save", fail)
    await ground.move(57_000)
    await ground.move(59_000)
    await until(lambda: tried)
    monkeypatch.undo()
    while await ground.port.positions():
        await ground.wait(0)

    stop = await ground.port.order(BTC, "cs-stop", Service.ALGO)
    assert stop is not None
    assert stop.actual_order_id


async def test_an_account_without_a_row_cannot_be_read(
    services: PaperServices, row: TradingAccount
) -> None:
    await sync_to_async(PaperBook.objects.for_user(row.user_id).delete)()
    port = PaperPort(row.user_id, row.pk, services)

    with pytest.raises(ReadFailed):
        await port.account()
    assert (await port.submit(order("cs-entry", quantity="0.010"))).kind is N
    await port.close()
