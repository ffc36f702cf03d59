"""The door of the workspace room."""

from workspace.selectors import alerts_of, drawings_of, shared_layout, workspace_of
from workspace.services import (
    add_alert,
    add_layout,
    change_layout,
    delete_alert,
    delete_layout,
    look_at,
    save_drawings,
    save_watch_lists,
    see_alerts,
    waiting_symbols,
)

__all__ = [
    "add_alert",
    "add_layout",
    "alerts_of",
    "change_layout",
    "delete_alert",
    "delete_layout",
    "drawings_of",
    "look_at",
    "save_drawings",
    "save_watch_lists",
    "see_alerts",
    "shared_layout",
    "waiting_symbols",
    "workspace_of",
]
