"""Kill switches: for a person, a symbol, a model version, and the platform's own.

Rows are read each time, so a switch acts on the next order in every process and a restart
changes nothing. What cannot be read counts as thrown.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import api as accounts
from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from cryptosystems.platform import switches
from cryptosystems.platform.bell import ring
from cryptosystems.platform.text import check_plain_text
from trading.contracts import StopMode
from trading.models import KillSwitch, TradingAccount

SCOPES: Final = ("user", "symbol", "model")
PLATFORM: Final = {
    StopMode.NO_ENTRIES: "trading_entries",
    StopMode.CLOSE_ONLY: "trading_close_only",
    StopMode.FLATTEN: "trading_flatten",
}
EXCHANGE: Final = "trading_exchange"
"""Thrown by the platform while the exchange is away: no entries, as long as it lasts."""
_ORDER: Final = tuple(StopMode)
ASK_HOLDS: Final = timedelta(hours=24)


def strongest(modes: Iterable[StopMode]) -> StopMode | None:
    """Return the mode that holds all the others; None of none."""
    return max(modes, key=_ORDER.index, default=None)


def platform_mode() -> StopMode | None:
    """Return what the platform's own switches forbid."""
    names = [*PLATFORM.items(), (StopMode.NO_ENTRIES, EXCHANGE)]
    on = switches.which_are_on(name for _, name in names)
    return strongest(mode for mode, name in names if name in on)


def mode_for(user_id: UUID, symbol: str, model_version: str) -> StopMode | None:
    """Return the strongest switch in force for one trade, the platform's among them."""
    keys = {"user": str(user_id), "symbol": symbol, "model": model_version}
    rows = KillSwitch.objects.filter(cleared_at=None, key__in=keys.values())
    found = [StopMode(row.mode) for row in rows if keys.get(row.scope) == row.key]
    own = platform_mode()
    return strongest([*found, own] if own else found)


Modes = Mapping[tuple[str, str], StopMode]
"""Switches in force by (scope, key), as they were read together."""


def of_modes(modes: Modes, user_id: UUID, symbol: str, model_version: str) -> StopMode | None:
    """Return the strongest of switches that were read already, for one trade."""
    keys = (("user", str(user_id)), ("symbol", symbol), ("model", model_version), ("platform", ""))
    return strongest(modes[key] for key in keys if key in modes)


def modes_in_force() -> dict[tuple[str, str], StopMode]:
    """Return every switch in force by (scope, key); the platform's under ("platform", "")."""
    rows = KillSwitch.objects.filter(cleared_at=None)
    found = {(row.scope, row.key): StopMode(row.mode) for row in rows}
    own = platform_mode()
    return {**found, ("platform", ""): own} if own else found


def throw(
    scope: str, key: str, mode: StopMode, reason: str, *, by: UUID | None, now: datetime
) -> KillSwitch:
    """Throw a switch, or make one in force stronger.

    Raises
    ------
    InvalidInput
        If the scope is unknown, the key empty or not plain text, or the reason missing.
    """
    key = check_plain_text(key.strip(), most=64)
    if scope not in SCOPES or not key:
        raise InvalidInput(_("Name a person, a symbol or a model version."))
    if scope == "symbol":
        key = key.upper()  # as the exchange writes it: a switch must not miss by a letter's case
    reason = switches.check_reason(reason)
    with transaction.atomic():
        held = (
            KillSwitch.objects.select_for_update()
            .filter(scope=scope, key=key, cleared_at=None)
            .first()
        )
        if held is None:
            held = KillSwitch(scope=scope, key=key, mode=mode.value)
        held.mode = max(StopMode(held.mode), mode, key=_ORDER.index).value
        held.reason, held.thrown_at, held.thrown_by = reason, now, by
        held.clear_asked_by, held.clear_asked_at = None, None
        held.save()
        _audit("trading_switch_thrown", held, by)
    _wake(held)
    return held


def ask_clear(switch_id: int, *, by: UUID, now: datetime) -> None:
    """Ask that a switch be cleared; somebody else has to agree within a day."""
    with transaction.atomic():
        held = _in_force(switch_id)
        held.clear_asked_by, held.clear_asked_at = by, now
        held.save(update_fields=["clear_asked_by", "clear_asked_at"])
        _audit("trading_switch_clear_asked", held, by)


def agree_clear(switch_id: int, *, by: UUID, now: datetime) -> None:
    """Agree that a switch be cleared.

    Raises
    ------
    NotAllowed
        If nobody asked within a day, or the same person asked.
    """
    with transaction.atomic():
        held = _in_force(switch_id)
        if held.clear_asked_at is None or now - held.clear_asked_at > ASK_HOLDS:
            raise NotAllowed(_("Nobody has asked to clear it within the last day."))
        if held.clear_asked_by == by:
            raise NotAllowed(_("Somebody else has to agree."))
        held.cleared_at, held.cleared_by = now, by
        held.save(update_fields=["cleared_at", "cleared_by"])
        _audit("trading_switch_cleared", held, by)
    _wake(held)


def _in_force(switch_id: int) -> KillSwitch:
    held = KillSwitch.objects.select_for_update().filter(pk=switch_id, cleared_at=None).first()
    if held is None:
        raise InvalidInput(_("That switch is not thrown."))
    return held


def _audit(action: str, held: KillSwitch, by: UUID | None) -> None:
    accounts.audit(
        action,
        subject_id=UUID(held.key) if held.scope == "user" else None,
        actor_id=by,
        actor_kind="staff" if by else "system",
        details={"scope": held.scope, "key": held.key, "mode": held.mode, "why": held.reason},
    )


def _wake(held: KillSwitch) -> None:
    """Let open pages show it; the executor reads the row by itself."""
    if held.scope == "user":
        ring(UUID(held.key))
        return
    rows = TradingAccount.objects.across_tenants("pages of everybody a switch concerns")
    for user_id in set(rows.values_list("user_id", flat=True)):
        ring(user_id)
