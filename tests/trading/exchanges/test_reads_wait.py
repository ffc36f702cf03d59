"""Who goes first when the exchange's limits run short: what proves an exit, not a comparison."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.trading.exchanges.odd import NOW_MS, serving_json
from tests.trading.exchanges.stage import BTC, hmac_credential
from trading.exchanges.budget import OPEN_SHARE, WEIGHT_LIMIT, Priority
from trading.exchanges.ccxt_futures import CcxtFutures
from trading.exchanges.port import ReadFailed

NOTHING: dict[str, Any] = {
    f"/fapi/{path}": []
    for path in ("v1/openOrders", "v1/openAlgoOrders", "v3/positionRisk", "v1/userTrades")
}
Reading = Callable[[CcxtFutures], Awaitable[Any]]


async def asked(reading: Reading, *, is_paused: bool) -> Any:
    """Read where the room for reads is used up, or after the exchange has said 429."""
    async with serving_json(NOTHING) as client:
        if is_paused:
            client.budget.answered(429, {}, NOW_MS, retry_after_s=30.0)
        else:
            client.budget.take(int(WEIGHT_LIMIT * OPEN_SHARE), Priority.EXIT, NOW_MS)
        return await reading(CcxtFutures(client, hmac_credential("k" * 20, "s" * 20)))


@pytest.mark.parametrize("is_paused", [True, False])
@pytest.mark.parametrize(
    "reading",
    [
        lambda port: port.positions(BTC),
        lambda port: port.open_orders(BTC),
        lambda port: port.fills(BTC, NOW_MS - 1_000),
    ],
    ids=["position", "orders", "fills"],
)
async def test_what_an_exit_needs_of_its_symbol_is_read(reading: Reading, is_paused: bool) -> None:
    assert await asked(reading, is_paused=is_paused) == []


@pytest.mark.parametrize("is_paused", [True, False])
@pytest.mark.parametrize(
    "reading", [lambda port: port.positions(), lambda port: port.open_orders()], ids=["p", "o"]
)
async def test_comparing_a_whole_account_waits(reading: Reading, is_paused: bool) -> None:
    with pytest.raises(ReadFailed) as failed:
        await asked(reading, is_paused=is_paused)
    assert failed.value.after_s is not None
