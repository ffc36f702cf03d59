"""Changes a workspace; each call is one transaction."""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils import timezone

from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from cryptosystems.platform import bell
from workspace import domain
from workspace.contracts import (
    AlertKind,
    AlertView,
    DrawingsView,
    LayoutView,
    Observation,
    WatchListView,
)
from workspace.models import ChartAlert, DrawingSet, Layout, WatchList
from workspace.selectors import alert_view, drawings_of, layout_view, watch_lists_of


class Changed(NotAllowed):
    """Another device was faster: read again, then change."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"The drawings were changed on another device (version {version}). Read them again.",
            code="changed_elsewhere",
        )


def _lock_person(user_id: UUID) -> None:
    """Let one change at a time through: limits are counted, then rows are made."""
    get_user_model().objects.select_for_update().filter(pk=user_id).first()


@transaction.atomic
def save_drawings(user_id: UUID, symbol: str, items: Any, version: int) -> DrawingsView:
    """Store the drawings of one symbol over version `version`.

    Raises
    ------
    Changed
        If they are no longer at this version.
    """
    checked = domain.drawings_of(items)
    _lock_person(user_id)
    rows = DrawingSet.objects.for_user(user_id).filter(symbol=domain.symbol_of(symbol))
    held = rows.first()
    now = timezone.now()
    if (0 if held is None else held.version) != version:
        raise Changed(0 if held is None else held.version)
    if held is None:
        DrawingSet.objects.add_for(user_id, symbol=symbol, items=checked, updated_at=now)
    else:
        rows.update(items=checked, version=version + 1, updated_at=now)
    return drawings_of(user_id, symbol)


def add_layout(user_id: UUID, name: Any, body: Any) -> LayoutView:
    """Save a new layout and let it be the current one."""
    fields = {"name": domain.name_of(name), "body": domain.layout_of(body)}
    try:
        with transaction.atomic():
            _lock_person(user_id)
            rows = Layout.objects.for_user(user_id)
            if rows.count() >= domain.MOST_LAYOUTS:
                raise NotAllowed(
                    f"At most {domain.MOST_LAYOUTS} layouts are kept. Delete one first.",
                    code="too_many",
                )
            rows.update(is_current=False)
            row = Layout.objects.add_for(
                user_id, **fields, is_current=True, updated_at=timezone.now()
            )
            return layout_view(row)
    except IntegrityError:
        raise InvalidInput(
            f"There is a layout named {fields['name']!r} already; take another name."
        ) from None


def change_layout(user_id: UUID, layout_id: UUID, changes: dict[str, Any]) -> LayoutView | None:
    """Change name, body or whether it is the current one; None if it is not this person's."""
    fields: dict[str, Any] = {}
    if "name" in changes:
        fields["name"] = domain.name_of(changes["name"])
    if "body" in changes:
        fields["body"] = domain.layout_of(changes["body"])
    if "is_current" in changes:
        fields["is_current"] = bool(changes["is_current"])
    if "is_shared" in changes:
        fields["share_token"] = token_urlsafe(24) if changes["is_shared"] else ""
    try:
        with transaction.atomic():
            rows = Layout.objects.for_user(user_id)
            row = rows.filter(pk=layout_id).first()
            if row is None:
                return None
            if fields.get("is_current"):
                rows.update(is_current=False)
            if row.share_token and fields.get("share_token"):
                del fields["share_token"]  # a link that was given away stays as it is
            for field_name, value in fields.items():
                setattr(row, field_name, value)
            row.updated_at = timezone.now()
            row.save()
            return layout_view(row)
    except IntegrityError:
        raise InvalidInput(
            f"There is a layout named {fields.get('name')!r} already; take another name."
        ) from None


def delete_layout(user_id: UUID, layout_id: UUID) -> bool:
    """Delete a layout; say whether there was one."""
    return bool(Layout.objects.for_user(user_id).filter(pk=layout_id).delete()[0])


@transaction.atomic
def save_watch_lists(user_id: UUID, lists: Any) -> tuple[WatchListView, ...]:
    """Replace the watch-lists by these."""
    checked = domain.lists_of(lists)
    _lock_person(user_id)
    WatchList.objects.for_user(user_id).delete()
    for place, (name, symbols) in enumerate(checked):
        WatchList.objects.add_for(user_id, name=name, place=place, symbols=symbols)
    return watch_lists_of(user_id)


@transaction.atomic
def add_alert(
    user_id: UUID, *, symbol: Any, kind: AlertKind, level: Any = None, note: Any = ""
) -> AlertView:
    """Store an alert that waits from now on; it goes off once."""
    checked = domain.level_of(kind, level)
    text = domain.name_of(note, 120) if note else ""
    _lock_person(user_id)
    waiting = ChartAlert.objects.for_user(user_id).filter(fired_at=None).count()
    if waiting >= domain.MOST_ALERTS:
        raise NotAllowed(
            f"At most {domain.MOST_ALERTS} alerts wait at a time. Delete one first.",
            code="too_many",
        )
    row = ChartAlert.objects.add_for(
        user_id,
        symbol=domain.symbol_of(symbol),
        kind=kind.value,
        level=checked,
        note=text,
        created_at=timezone.now(),
    )
    return alert_view(row)


def delete_alert(user_id: UUID, alert_id: UUID) -> bool:
    """Delete an alert; say whether there was one."""
    return bool(ChartAlert.objects.for_user(user_id).filter(pk=alert_id).delete()[0])


def see_alerts(user_id: UUID) -> None:
    """Note that the person has seen every alert that has gone off."""
    with transaction.atomic():
        ChartAlert.objects.for_user(user_id).filter(fired_at__isnull=False, seen_at=None).update(
            seen_at=timezone.now()
        )
        bell.ring(user_id)  # the other devices take the mark off


def waiting_symbols() -> set[str]:
    """Return the symbols on which anybody's alert waits."""
    rows = ChartAlert.objects.across_tenants("alerts that wait").filter(fired_at=None)
    return set(rows.order_by().values_list("symbol", flat=True).distinct())


def look_at(
    observations: Iterable[Observation], now: datetime, sees_live: Callable[[UUID], bool]
) -> int:
    """Let every alert go off whose condition was seen; return how many did.

    An alert goes off once: the row is claimed by its own empty `fired_at`, so two lookers never
    tell the same thing twice. Its owner's bell is rung after the commit.
    """
    seen = {one.symbol: one for one in observations}
    waiting = ChartAlert.objects.across_tenants("alerts that wait").filter(
        fired_at=None, symbol__in=list(seen), created_at__lte=now
    )
    n_fired = 0
    for row in waiting:
        kind = AlertKind(row.kind)
        one = seen[row.symbol]
        if kind is AlertKind.SIGNAL:
            number = one.live_signal_number if sees_live(row.user_id) else one.signal_number
            if row.after_signal is None:
                _begin(row, number)
                continue
            value = Decimal(number) if number > row.after_signal else None
        else:
            value = domain.fires(kind, row.level, one)
        if value is not None and _claim(row, value, now):
            n_fired += 1
    return n_fired


def _begin(row: ChartAlert, number: int) -> None:
    """Let an alert for signals count from what is known now."""
    ChartAlert.objects.for_user(row.user_id).filter(pk=row.pk).update(after_signal=number)


def _claim(row: ChartAlert, value: Decimal, now: datetime) -> bool:
    with transaction.atomic():
        mine = ChartAlert.objects.for_user(row.user_id).filter(pk=row.pk, fired_at=None)
        if not mine.update(fired_at=now, fired_value=value):
            return False
        bell.ring(row.user_id)
    return True
