"""The exchange's income list: the truth about fees, funding, results, and money that came or went."""

from typing import Final

from cryptosystems.platform import leases
from trading.domain.venue import CashFlow
from trading.executor import lifecycle, store
from trading.executor.memory import AccountRef
from trading.executor.reads import Desk
from trading.models import CashFlowRow, Trade
from trading.selectors.standing import TRANSFERS

LEAST_BACK_MS: Final = 3_600_000
"""It is read at least so far back."""
NEAR_MS: Final = 5_000
"""The event and the line of one transfer are not further apart."""
PATIENCE_MS: Final = 60_000
"""The list may lag behind what the stream told; longer it is not waited for."""


async def read(desk: Desk, now_ms: int) -> bool:
    """Read and book what is new; say whether it tells of the transfer that the stream told of.

    Raises
    ------
    ReadFailed
        If the exchange did not tell.
    """
    memory, since = desk.memory, await desk.db.run(_since, desk.ref, now_ms)
    flows = await desk.port.income(since)
    await desk.db.run(_book, desk.ref, flows, now_ms, desk.holding)
    moved = memory.moved_ms
    if moved is None:
        return True
    is_listed = any(flow.kind in TRANSFERS and flow.at_ms >= moved - NEAR_MS for flow in flows)
    if is_listed or now_ms - moved >= PATIENCE_MS:
        memory.moved_ms = None
    return memory.moved_ms is None


def _since(ref: AccountRef, now_ms: int) -> int:
    last = (
        CashFlowRow.objects.for_user(ref.user_id)
        .filter(account_id=ref.account_id)
        .order_by("-at")
        .first()
    )
    least = now_ms - LEAST_BACK_MS
    if last is None:
        first = (
            Trade.objects.for_user(ref.user_id)
            .filter(account_id=ref.account_id)
            .order_by("decided_at")
            .first()
        )
        return least if first is None else min(least, store.ms(first.decided_at) or least)
    return min(least, (store.ms(last.at) or least) - 1)


def _book(
    ref: AccountRef, flows: list[CashFlow], now_ms: int, holding: leases.Holding | None
) -> None:
    for flow in flows:
        lifecycle.book_income(ref, flow, now_ms=now_ms, holding=holding)
