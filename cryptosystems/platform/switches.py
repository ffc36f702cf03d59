"""What staff turn on and off without a release: the row is the truth, and it is read each time.

Nothing is kept in memory: a switch acts at the next question in every process, and a restart
changes nothing. A kill switch is thrown by one person; to clear it one asks and another agrees.
Whoever calls writes the audit row, in the same transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from cryptosystems.platform.models import Switch
from cryptosystems.platform.text import check_free_text

ASK_HOLDS: Final = timedelta(hours=24)
"""How long a request to clear a kill switch waits for the second person."""
LEAST_REASON: Final = 5
_MOST_REASON: Final = 300

FEATURE: Final = Switch.Kind.FEATURE
KILL: Final = Switch.Kind.KILL


@dataclass(frozen=True, slots=True)
class KnownSwitch:
    """A switch that code asks for."""

    name: str
    kind: Switch.Kind
    meaning: str | Promise
    """What is different while it is on."""
    clears_itself: bool = False
    """Whether what the platform has thrown may be cleared by the platform, without two people."""

    @property
    def is_on_at_first(self) -> bool:
        """Return how it stands while nobody has touched it: features work, nothing is stopped."""
        return self.kind == FEATURE


KNOWN: Final = {
    known.name: known
    for known in (
        KnownSwitch("sign_up", FEATURE, gettext_lazy("New people can create an account.")),
        KnownSwitch("checkout", FEATURE, gettext_lazy("New subscriptions can be started.")),
        KnownSwitch("api_tokens", FEATURE, gettext_lazy("New personal API tokens can be made.")),
        KnownSwitch(
            "signals",
            KILL,
            gettext_lazy(
                "No new signal is issued. Open signals are followed and settled as before."
            ),
        ),
        KnownSwitch(
            "trading_entries",
            KILL,
            gettext_lazy(
                "No bot and no paper account opens anything. What is open is managed as before."
            ),
        ),
        KnownSwitch(
            "trading_exchange",
            KILL,
            gettext_lazy(
                "The exchange is not in service: nothing is opened, stops rest there. The platform "
                "throws it by itself, and clears it once the exchange answers again."
            ),
            clears_itself=True,
        ),
        KnownSwitch(
            "trading_close_only",
            KILL,
            gettext_lazy(
                "As above, and entries that rest at an exchange are cancelled. Stops and targets "
                "stay."
            ),
        ),
        KnownSwitch(
            "trading_flatten",
            KILL,
            gettext_lazy(
                "Every position that was opened here is closed at market, on every account."
            ),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class SwitchView:
    """A switch and how it stands."""

    name: str
    kind: str
    meaning: str
    is_on: bool
    reason: str
    changed_at: datetime | None
    changed_by: UUID | None
    clear_asked_by: UUID | None
    clear_asked_at: datetime | None


def is_on(name: str) -> bool:
    """Say whether a switch is on, by its row; without a row it stands as it began."""
    known = _known(name)
    held = Switch.objects.filter(pk=name).values_list("is_on", flat=True).first()
    return known.is_on_at_first if held is None else held


def which_are_on(names: Iterable[str]) -> frozenset[str]:
    """Return those of these switches that are on, in one query."""
    known = {name: _known(name).is_on_at_first for name in names}
    held = Switch.objects.filter(pk__in=known).values_list("name", "is_on")
    return frozenset(name for name, is_on in {**known, **dict(held)}.items() if is_on)


def all_switches(now: datetime | None = None) -> list[SwitchView]:
    """Return every known switch, in one query."""
    now = now or timezone.now()
    rows = {row.name: row for row in Switch.objects.filter(pk__in=KNOWN)}
    return [_view(known, rows.get(known.name), now) for known in KNOWN.values()]


def set_feature(
    name: str, is_on: bool, reason: str, staff_id: UUID, now: datetime | None = None
) -> bool:
    """Turn a feature on or off; False if it stood so already.

    Raises
    ------
    InvalidInput
        If it is not a feature, or the reason is missing.
    """
    row = _row_of(name, FEATURE, reason)
    return bool(
        Switch.objects.filter(pk=row.pk, is_on=not is_on).update(
            is_on=is_on,
            reason=check_reason(reason),
            changed_at=now or timezone.now(),
            changed_by=staff_id,
        )
    )


def throw(name: str, reason: str, staff_id: UUID | None, now: datetime | None = None) -> bool:
    """Throw a kill switch; False if it was thrown already. None is the platform itself.

    Raises
    ------
    InvalidInput
        If it is not a kill switch, or the reason is missing.
    """
    row = _row_of(name, KILL, reason)
    return bool(
        Switch.objects.filter(pk=row.pk, is_on=False).update(
            is_on=True,
            reason=check_reason(reason),
            changed_at=now or timezone.now(),
            changed_by=staff_id,
            clear_asked_by=None,
            clear_asked_at=None,
        )
    )


def ask_clear(name: str, staff_id: UUID, now: datetime | None = None) -> None:
    """Ask that a kill switch be cleared; somebody else has to agree within a day.

    Raises
    ------
    NotAllowed
        If it is not thrown, or somebody has asked already.
    """
    now = now or timezone.now()
    row = _thrown(name)
    if _is_asked(row, now):
        raise NotAllowed(
            _("Somebody has asked already. Another person can agree."), code="asked_already"
        )
    changed = Switch.objects.filter(
        pk=name, is_on=True, clear_asked_by=row.clear_asked_by, clear_asked_at=row.clear_asked_at
    ).update(clear_asked_by=staff_id, clear_asked_at=now)
    if not changed:
        raise NotAllowed(_("It changed meanwhile. Look again."), code="changed_meanwhile")


def agree_clear(name: str, staff_id: UUID, now: datetime | None = None) -> None:
    """Agree, as the second person: the kill switch is cleared.

    Raises
    ------
    NotAllowed
        If nobody has asked within a day, or the same person did.
    """
    now = now or timezone.now()
    row = _thrown(name)
    if not _is_asked(row, now):
        raise NotAllowed(
            _("Nobody has asked to clear it. One person asks, another agrees."),
            code="nobody_asked",
        )
    if row.clear_asked_by == staff_id:
        raise NotAllowed(_("You asked yourself. A second person has to agree."), code="same_person")
    changed = Switch.objects.filter(
        pk=name, is_on=True, clear_asked_by=row.clear_asked_by, clear_asked_at=row.clear_asked_at
    ).update(
        is_on=False,
        changed_at=now,
        changed_by=staff_id,
        clear_asked_by=None,
        clear_asked_at=None,
    )
    if not changed:
        raise NotAllowed(_("It changed meanwhile. Look again."), code="changed_meanwhile")


def clear_itself(name: str, now: datetime | None = None) -> bool:
    """Clear, as the platform, what the platform has thrown; False where a person did, or nobody.

    Raises
    ------
    InvalidInput
        If it is a switch that people clear.
    """
    if not _known(name).clears_itself:
        raise InvalidInput(f"{name} is cleared by two people")
    return bool(
        Switch.objects.filter(pk=name, kind=KILL, is_on=True, changed_by=None).update(
            is_on=False, changed_at=now or timezone.now(), clear_asked_by=None, clear_asked_at=None
        )
    )


def check_reason(reason: str) -> str:
    """Return a reason without spaces around it.

    Raises
    ------
    InvalidInput
        If it says too little to be understood later, or is not plain text.
    """
    reason = check_free_text(reason.strip()[:_MOST_REASON])
    if len(reason) < LEAST_REASON:
        raise InvalidInput(
            _("Write the reason in a few words. It is kept in the audit log."),
        )
    return reason


def _known(name: str) -> KnownSwitch:
    known = KNOWN.get(name)
    if known is None:
        raise InvalidInput(f"there is no switch named {name[:40]}; known are {', '.join(KNOWN)}")
    return known


def _row_of(name: str, kind: Switch.Kind, reason: str) -> Switch:
    known = _known(name)
    if known.kind != kind:
        raise InvalidInput(f"{name} is a {known.kind} switch, not a {kind} switch")
    check_reason(reason)
    defaults = {"kind": kind, "is_on": known.is_on_at_first}
    return Switch.objects.get_or_create(name=name, defaults=defaults)[0]


def _thrown(name: str) -> Switch:
    known = _known(name)
    row = Switch.objects.filter(pk=known.name, kind=KILL, is_on=True).first()
    if row is None:
        raise NotAllowed(_("It is not thrown, so there is nothing to clear."), code="not_thrown")
    return row


def _is_asked(row: Switch, now: datetime) -> bool:
    return row.clear_asked_at is not None and now - row.clear_asked_at < ASK_HOLDS


def _view(known: KnownSwitch, row: Switch | None, now: datetime) -> SwitchView:
    asked = row is not None and _is_asked(row, now)
    return SwitchView(
        name=known.name,
        kind=known.kind.value,
        meaning=str(known.meaning),
        is_on=known.is_on_at_first if row is None else row.is_on,
        reason="" if row is None else row.reason,
        changed_at=None if row is None else row.changed_at,
        changed_by=None if row is None else row.changed_by,
        clear_asked_by=row.clear_asked_by if row is not None and asked else None,
        clear_asked_at=row.clear_asked_at if row is not None and asked else None,
    )
