"""Alerts of people on prices, funding and signals: judged where prices are known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from django.db.models import Max
from django.utils import timezone

from signals.models import Signal
from signals.selectors.visibility import sees_live, visible
from workspace import api as workspace
from workspace.contracts import Observation

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class PriceWatch:
    """The extremes of every price since the last look."""

    _seen: dict[str, tuple[Decimal, Decimal, Decimal, Decimal | None]] = field(default_factory=dict)
    """Symbol → newest, highest, lowest price, newest funding rate."""

    def see(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take rows of the market list; what is stale is not a price of now."""
        for row in rows:
            if row["price"] is None or row["stale"]:
                continue
            price = Decimal(row["price"])
            rate = row["funding_rate"]
            held = self._seen.get(row["symbol"])
            self._seen[row["symbol"]] = (
                price,
                max(price, held[1]) if held else price,
                min(price, held[2]) if held else price,
                None if rate is None else Decimal(str(rate)),
            )

    def take(self) -> list[Observation]:
        """Return what was seen since the last call."""
        found = [
            Observation(symbol, price=price, high=high, low=low, funding_rate=rate)
            for symbol, (price, high, low, rate) in self._seen.items()
        ]
        self._seen.clear()
        return found


def look(origin: str, seen: Iterable[Observation], now: datetime | None = None) -> int:
    """Let alerts go off on what was seen; return how many did."""
    symbols = workspace.waiting_symbols()
    if not symbols:
        return 0
    at = now or timezone.now()
    everybody = _newest(origin, symbols, at, sees_all=False)
    payers = _newest(origin, symbols, at, sees_all=True)
    told = [
        Observation(
            one.symbol,
            price=one.price,
            high=one.high,
            low=one.low,
            funding_rate=one.funding_rate,
            signal_number=everybody.get(one.symbol, 0),
            live_signal_number=payers.get(one.symbol, 0),
        )
        for one in seen
        if one.symbol in symbols
    ]
    n_fired = workspace.look_at(told, at, sees_live)
    if n_fired:
        log.info("alerts_fired", count=n_fired)
    return n_fired


def _newest(origin: str, symbols: set[str], now: datetime, *, sees_all: bool) -> dict[str, int]:
    rows = (
        Signal.objects.filter(visible(now, sees_live=sees_all))
        .filter(origin=origin, symbol__in=symbols)
        .order_by()
        .values_list("symbol")
        .annotate(newest=Max("number"))
    )
    return dict(rows)
