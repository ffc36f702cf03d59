"""Signals for pages and API."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from cryptosystems.kernel.errors import NotAllowed
from cryptosystems.kernel.identifiers import sha256_hex
from signals.delivery.payloads import signal_payload
from signals.models import Signal
from signals.selectors.records import record_of
from signals.selectors.visibility import SENTENCE, is_visible, visible

MOST: Final = 100


def _all() -> "QuerySet[Signal]":
    return Signal.objects.select_related("current", "settlement")


def _shown(now: datetime | None, sees_live: bool) -> "QuerySet[Signal]":
    return _all().filter(visible(now or timezone.now(), sees_live=sees_live))


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
    sees_live: bool = False,
    now: datetime | None = None,
) -> tuple[list[dict[str, Any]], int | None]:
    """Return (signals newest first, cursor of the next page or None)."""
    query = _shown(now, sees_live)
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


def signal_detail(
    signal_id: UUID, *, sees_live: bool = False, now: datetime | None = None
) -> dict[str, Any] | None:
    """Return one signal, or None.

    Raises
    ------
    NotAllowed
        While it is not yet shown to everybody and the viewer does not see live ones.
    """
    row = _all().filter(pk=signal_id).first()
    if row is None:
        return None
    if not is_visible(
        origin=row.origin,
        is_open=row.current.is_open,
        issued_at=row.issued_at,
        now=now or timezone.now(),
        sees_live=sees_live,
    ):
        raise NotAllowed(SENTENCE, code="not_entitled")
    return payload(row)


def inputs_hash(signal_id: UUID) -> str:
    """Return the SHA-256 of everything the builder saw; empty without such a signal."""
    text = Signal.objects.filter(pk=signal_id).values_list("snapshot", flat=True).first()
    return "" if text is None else sha256_hex(text.encode())


def open_sides(origin: str, *, sees_live: bool, now: datetime | None = None) -> dict[str, str]:
    """Return the side of each symbol's newest open signal that this viewer sees."""
    query = _shown(now, sees_live).filter(origin=origin, current__is_open=True)
    return dict(query.order_by("number").values_list("symbol", "side"))


def current_signal(
    origin: str,
    symbol: str | None = None,
    *,
    sees_live: bool = False,
    now: datetime | None = None,
) -> dict[str, Any] | None:
    """Return the strongest open signal of an origin (of a symbol, if named)."""
    query = _shown(now, sees_live).filter(origin=origin, current__is_open=True)
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
