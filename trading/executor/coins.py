"""Fees paid in another coin (mostly BNB) become USDT at what the coin was worth at the fill.

They are never counted one to one. Until the price is known the fee is missing from the result, and
the pages say so.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from django.db.models import QuerySet

from cryptosystems.kernel.clock import to_datetime, to_ms
from cryptosystems.platform import bell, leases
from trading.domain.fees import STABLE
from trading.exchanges.port import ReadFailed
from trading.executor import store
from trading.executor.database import fenced
from trading.executor.memory import AccountRef
from trading.executor.reads import Desk
from trading.models import Fill

_MINUTE_MS: Final = 60_000
_SMALLEST: Final = Decimal("1e-8")
AT_ONCE: Final = 5
"""Minutes that are asked for in one go; each costs weight 1."""
SETTLED_MS: Final = 10_000
"""Not before a fill is so old: first its position gets its stop."""
PATIENCE_S: Final = 2.0

Minute = tuple[str, int]
"""A coin, and the minute (ms) in which something was paid in it."""


@dataclass(slots=True)
class Coins:
    """What one lane has learnt."""

    without_market: set[str] = field(default_factory=set)

    async def convert(self, desk: Desk, now_ms: int) -> None:
        """Convert fees that were not yet. A position's stop never waits long behind it.

        Raises
        ------
        ReadFailed
            If the exchange did not tell a price.
        """
        known, settled_ms = frozenset(self.without_market), now_ms - SETTLED_MS
        due = await desk.db.run(waiting, desk.ref, settled_ms, known)
        for coin, minute_ms in sorted(due)[:AT_ONCE]:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    price = await desk.port.price_at(f"{coin}USDT", minute_ms)
            except TimeoutError:
                raise ReadFailed("the exchange did not tell a price in time") from None
            if price is None:
                self.without_market.add(coin)
                continue
            await desk.db.run(
                book, desk.ref, (coin, minute_ms), price, now_ms=now_ms, holding=desk.holding
            )


def waiting(ref: AccountRef, until_ms: int, but: Iterable[str]) -> set[Minute]:
    """Return coins and minutes of fees that were paid until then and are not converted yet."""
    rows = _unconverted(ref).filter(at__lte=to_datetime(until_ms)).exclude(fee_asset__in=but)
    told = rows.values_list("fee_asset", "at")
    return {(coin, to_ms(at) // _MINUTE_MS * _MINUTE_MS) for coin, at in told}


def book(
    ref: AccountRef,
    minute: Minute,
    price: Decimal,
    *,
    now_ms: int,
    holding: leases.Holding | None = None,
) -> None:
    """Write what the fees of one minute were worth, and add up their trades anew."""
    coin, start_ms = minute
    with fenced(holding):
        rows = _unconverted(ref).filter(
            fee_asset=coin,
            at__gte=to_datetime(start_ms),
            at__lt=to_datetime(start_ms + _MINUTE_MS),
        )
        trades = {}
        for row in rows.select_related("trade"):
            row.fee_converted = (row.fee * price).quantize(_SMALLEST)
            row.save(update_fields=["fee_converted"])
            if row.trade is not None:
                trades[row.trade.pk] = row.trade
        for trade in trades.values():
            store.total_up(trade, to_datetime(now_ms))
    bell.ring(ref.user_id)


def _unconverted(ref: AccountRef) -> QuerySet[Fill]:
    rows = Fill.objects.for_user(ref.user_id).filter(account_id=ref.account_id)
    return rows.filter(fee_converted=None).exclude(fee_asset__in=STABLE)
