"""Reads a workspace."""

from uuid import UUID

from cryptosystems.kernel.decimals import plain
from cryptosystems.platform.http import iso
from workspace.contracts import (
    AlertKind,
    AlertView,
    DrawingsView,
    LayoutView,
    WatchListView,
    WorkspaceView,
)
from workspace.models import ChartAlert, DrawingSet, Layout, WatchList

SHOWN_ALERTS = 100
SHOWN_NEWS = 9


def workspace_of(user_id: UUID) -> WorkspaceView:
    """Return layouts, watch-lists and alerts of one person."""
    return WorkspaceView(
        tuple(layout_view(row) for row in Layout.objects.for_user(user_id)),
        watch_lists_of(user_id),
        alerts_of(user_id),
    )


def watch_lists_of(user_id: UUID) -> tuple[WatchListView, ...]:
    """Return the watch-lists in their order."""
    rows = WatchList.objects.for_user(user_id)
    return tuple(WatchListView(row.name, tuple(row.symbols)) for row in rows)


def alerts_of(user_id: UUID) -> tuple[AlertView, ...]:
    """Return the newest alerts, those that wait and those that have gone off."""
    return tuple(alert_view(row) for row in ChartAlert.objects.for_user(user_id)[:SHOWN_ALERTS])


def alert_part(user_id: UUID) -> dict[str, object]:
    """Return what the person's socket says of alerts: those that went off and were not seen."""
    rows = ChartAlert.objects.for_user(user_id).filter(fired_at__isnull=False, seen_at=None)
    newest = rows.order_by("-fired_at")[:SHOWN_NEWS]
    return {
        "unseen": [
            {
                "id": str(row.pk),
                "symbol": row.symbol,
                "kind": row.kind,
                "level": None if row.level is None else plain(row.level.normalize()),
                "value": None if row.fired_value is None else plain(row.fired_value.normalize()),
                "note": row.note,
                "at": iso(row.fired_at),
            }
            for row in newest
        ]
    }


def drawings_of(user_id: UUID, symbol: str) -> DrawingsView:
    """Return what is drawn on a symbol's chart; version 0 where nothing ever was."""
    row = DrawingSet.objects.for_user(user_id).filter(symbol=symbol).first()
    if row is None:
        return DrawingsView(symbol, 0, ())
    return DrawingsView(symbol, row.version, tuple(row.items))


def shared_layout(token: str) -> tuple[str, dict[str, object]] | None:
    """Return (name, body) of the layout that somebody shares under a token."""
    row = Layout.objects.across_tenants("a shared link").filter(share_token=token).first()
    return None if row is None else (row.name, dict(row.body))


def layout_view(row: Layout) -> LayoutView:
    """Return a row as its owner sees it."""
    return LayoutView(
        row.pk, row.name, dict(row.body), row.is_current, row.share_token, row.updated_at
    )


def alert_view(row: ChartAlert) -> AlertView:
    """Return a row as its owner sees it."""
    return AlertView(
        row.pk,
        row.symbol,
        AlertKind(row.kind),
        row.level,
        row.note,
        row.created_at,
        row.fired_at,
        row.fired_value,
        row.seen_at is not None,
    )
