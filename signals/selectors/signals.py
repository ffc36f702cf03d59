"""Signals for pages and API."""

from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from signals.delivery.payloads import signal_payload
from signals.models import Signal
from signals.selectors.records import record_of

MOST: Final = 100


def _all() -> "QuerySet[Signal]":
    return Signal.objects.select_related("current", "settlement")


def payload(signal: Signal) -> dict[str, Any]:
    """Return the Signal object of a row."""
    return signal_payload(signal, record_of(signal))


def list_signals(
    *,
    state: str | None = None,
    symbol: str | None = None,
    timeframe: str | None = None,
    origin: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[list[dict[str, Any]], int | None]:
    """Return (signals newest first, cursor of the next page or None)."""
    query = _all()
    if state == "open":
        query = query.filter(current__is_open=True)
    elif state == "settled":
        query = query.filter(current__is_open=False)
    for name, value in (("symbol", symbol), ("timeframe", timeframe), ("origin", origin)):
        if value:
            query = query.filter(**{name: value})
    if before is not None:
        query = query.filter(number__lt=before)
    rows = list(query.order_by("-number")[: min(limit, MOST) + 1])
    more = len(rows) > min(limit, MOST)
    rows = rows[: min(limit, MOST)]
    return [payload(row) for row in rows], rows[-1].number if more and rows else None


def signal_detail(signal_id: UUID) -> dict[str, Any] | None:
    """Return one signal, or None."""
    row = _all().filter(pk=signal_id).first()
    return None if row is None else payload(row)


def current_signal(origin: str, symbol: str | None = None) -> dict[str, Any] | None:
    """Return the strongest open signal of an origin (of a symbol, if named)."""
    query = _all().filter(origin=origin, current__is_open=True)
    if symbol:
        query = query.filter(symbol=symbol)
    row = query.order_by("-strength").first()
    return None if row is None else payload(row)


def last_losers(origin: str, limit: int = 5) -> list[dict[str, Any]]:
    """Return the newest signals that lost: they are shown as readily as the others."""
    rows = (
        _all().filter(origin=origin, settlement__result="lost").order_by("-settlement__closed_at")
    )
    return [payload(row) for row in rows[:limit]]


def newest_sequence() -> int:
    """Return the number of the newest `signals` frame: where a page that renders now resumes."""
    from signals.models import OutboxEntry

    newest = OutboxEntry.objects.filter(topic="signals").order_by("-sequence").first()
    return 0 if newest is None else newest.sequence
