"""Signals as an executor takes them, by cursor."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from cryptosystems.kernel.decimals import from_float
from cryptosystems.kernel.instruments import Side
from signals.contracts import ModelResult, TradableSignal
from signals.models import Settlement, Signal
from signals.selectors.visibility import live_origin


def after(number: int, limit: int) -> list[TradableSignal]:
    """Return signals of the live origin behind `number`, the oldest first."""
    rows = (
        Signal.objects.select_related("current")
        .filter(origin=live_origin(), number__gt=number)
        .order_by("number")[:limit]
    )
    return [_of(row) for row in rows]


def one(signal_id: UUID) -> TradableSignal | None:
    """Return one signal, whatever its origin, or None."""
    row = Signal.objects.select_related("current").filter(pk=signal_id).first()
    return None if row is None else _of(row)


def newest_number() -> int:
    """Return the highest number given so far; 0 where there is none."""
    return Signal.objects.order_by("-number").values_list("number", flat=True).first() or 0


def results(signal_ids: Iterable[UUID]) -> dict[UUID, ModelResult]:
    """Return how those were settled that were entered, by signal."""
    rows = Settlement.objects.select_related("signal__current").filter(
        signal_id__in=list(signal_ids), net_r__isnull=False
    )
    found = {}
    for row in rows:
        entry = row.signal.current.fill_price
        if row.net_r is not None and row.gross_r is not None and entry is not None:
            found[row.signal_id] = ModelResult(row.net_r, row.gross_r, entry)
    return found


def _of(row: Signal) -> TradableSignal:
    return TradableSignal(
        id=row.id,
        number=row.number,
        origin=row.origin,
        symbol=row.symbol,
        base=row.details["base"],
        timeframe=row.timeframe,
        side=Side(row.side),
        issued_ms=_ms(row.issued_at),
        entry_low=row.entry_low.normalize(),
        entry_high=row.entry_high.normalize(),
        valid_until_ms=_ms(row.valid_until),
        stop=row.stop.normalize(),
        targets=tuple(
            (Decimal(target["price"]), from_float(target["share"])) for target in row.targets
        ),
        expires_ms=_ms(row.expires_at),
        confidence=row.confidence,
        p_low=row.p_low,
        strength=row.strength,
        atr=from_float(float(row.details["atr"])),
        model_version=row.model_version,
        decimals=row.details["decimals"],
        is_open=row.current.is_open,
    )


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
