"""Signals as rows of a file: oldest first, one origin, read in batches of bounded size."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db.models import Q, QuerySet

from signals.delivery.payloads import exact, iso
from signals.models import Signal
from signals.selectors.visibility import visible

_BATCH: Final = 500
_N_TARGETS: Final = 3

COLUMNS: Final = (
    *("id", "symbol", "timeframe", "at", "direction", "entry_low", "entry_high", "stop"),
    *("tp1", "tp2", "tp3", "share1", "share2", "share3"),
    *("confidence", "strength", "expires_at", "model_version", "origin"),
    *("state", "result_r", "gross_r", "filled_at", "settled_at", "hash"),
    *("break_even", "base_rate", "reward_risk"),
)
"""What a row of the file holds: the promise, what became of it, and its place in the chain."""

# Read by name, so that the long texts of a signal (its snapshot, its reasons) stay in the database.
_FIELDS: Final = (
    *("issued_at", "number", "id", "symbol", "timeframe", "side", "entry_low", "entry_high"),
    *("stop", "targets", "confidence", "strength", "expires_at", "model_version", "origin"),
    *("current__state", "settlement__net_r", "settlement__gross_r", "current__filled_at"),
    *("settlement__closed_at", "hash", "break_even", "base_rate", "reward_risk"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which signals: one origin, a span of time, and what narrows it."""

    origin: str
    since: datetime
    until: datetime
    """Not itself part of the span."""
    state: str | None = None
    """open or settled."""
    symbol: str | None = None
    timeframe: str | None = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """What is shown to whom, at one moment: it holds for the file's last row as for its first."""

    sees_live: bool
    now: datetime


def cells(query: "QuerySet[Signal]") -> Iterator[tuple[Any, ...]]:
    """Yield the cells of `COLUMNS` of these signals, the oldest first."""
    for row in query.order_by("issued_at", "number").values_list(*_FIELDS).iterator(_BATCH):
        yield _cells(*row[2:], issued_at=row[0])


def count(wanted: Wanted, viewer: Viewer) -> int:
    """Return how many signals this viewer gets."""
    return _query(wanted, viewer).count()


def rows(wanted: Wanted, viewer: Viewer, most: int) -> Iterator[tuple[Any, ...]]:
    """Yield the cells of `COLUMNS`, the oldest signal first.

    Each batch goes on after the last row of the one before, so no query stays open while a slow
    reader takes the file, and no row comes twice.
    """
    query = _query(wanted, viewer).order_by("issued_at", "number").values_list(*_FIELDS)
    after = Q()
    while most > 0 and (batch := list(query.filter(after)[: min(most, _BATCH)])):
        for row in batch:
            yield _cells(*row[2:], issued_at=row[0])
        at, number = batch[-1][:2]
        after = Q(issued_at__gt=at) | Q(issued_at=at, number__gt=number)
        most -= len(batch)


def _query(wanted: Wanted, viewer: Viewer) -> "QuerySet[Signal]":
    query = Signal.objects.filter(
        visible(viewer.now, sees_live=viewer.sees_live),
        origin=wanted.origin,
        issued_at__gte=wanted.since,
        issued_at__lt=wanted.until,
    )
    if wanted.state is not None:
        query = query.filter(current__is_open=wanted.state == "open")
    if wanted.symbol is not None:
        query = query.filter(symbol=wanted.symbol)
    if wanted.timeframe is not None:
        query = query.filter(timeframe=wanted.timeframe)
    return query


def _cells(*row: Any, issued_at: datetime) -> tuple[Any, ...]:
    (signal_id, symbol, timeframe, side, low, high, stop, targets, confidence, strength) = row[:10]
    (expires_at, model, origin, state, net_r, gross_r, filled_at, closed_at, link) = row[10:19]
    ladder = [*targets, *[{}] * _N_TARGETS][:_N_TARGETS]
    return (
        str(signal_id),
        symbol,
        timeframe,
        iso(issued_at),
        side,
        exact(low),
        exact(high),
        exact(stop),
        *(exact(Decimal(step["price"])) if step else None for step in ladder),
        *(step.get("share") for step in ladder),
        confidence,
        strength,
        iso(expires_at),
        model,
        origin,
        state,
        net_r,
        gross_r,
        iso(filled_at),
        iso(closed_at),
        link,
        *row[19:],
    )
