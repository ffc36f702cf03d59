"""Market rows beside candles: instruments as last described, and values that contradict."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.instruments import InstrumentRules
from cryptosystems.kernel.origin import Origin
from signals.models import CandleCorrection, Instrument


def store_instruments(
    origin: Origin, ranked: Iterable[tuple[int, InstrumentRules]], shifts_ms: Mapping[str, int]
) -> None:
    """Write what the exchange says about the symbols we follow; each with its place by volume."""
    Instrument.objects.bulk_create(
        [
            Instrument(
                origin=origin,
                symbol=rule.symbol,
                base_asset=rule.base_asset,
                tick_size=rule.tick_size,
                step_size=rule.step_size,
                min_notional=rule.min_notional,
                brackets=[
                    [b.floor, b.cap, b.max_leverage, b.maintenance_rate, b.maintenance_amount]
                    for b in rule.brackets
                ],
                funding_interval_hours=rule.funding_interval_hours,
                is_trading=rule.is_trading,
                shift_ms=shifts_ms.get(rule.symbol, 0),
                rank=rank,
            )
            for rank, rule in ranked
        ],
        update_conflicts=True,
        unique_fields=["origin", "symbol"],
        update_fields=[
            "base_asset",
            "tick_size",
            "step_size",
            "min_notional",
            "brackets",
            "funding_interval_hours",
            "is_trading",
            "shift_ms",
            "rank",
        ],
    )


def store_corrections(origin: Origin, found: Sequence[Any], now_ms: int) -> None:
    """Keep values that contradict closed candles; the first ones stay in force."""
    CandleCorrection.objects.bulk_create(
        [
            CandleCorrection(
                origin=origin,
                timeframe=timeframe,
                symbol=symbol,
                open_ms=open_ms,
                values=list(values),
                seen_at=to_datetime(now_ms),
            )
            for symbol, timeframe, open_ms, values in found
        ]
    )
