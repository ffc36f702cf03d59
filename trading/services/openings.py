"""The ledger of opened secrets: each opening is written down, and must be explained.

A lane signs many requests, so its openings are gathered and written together within seconds; what
matters is that none is missing. An opening is explained by the request that is signed with it. More
than a few without one raise an alarm, as does any of a canary: an account that is never traded, made
to be stolen (`manage.py canary_key`).
"""

import threading
from collections import Counter, defaultdict, deque
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.utils import timezone

from accounts import api as accounts
from trading.models import SecretOpening, TradingAccount
from trading.services import letters
from trading.services.keys import uid_index
from trading.vault import Place

log = structlog.get_logger(__name__)

MOST_A_MINUTE: Final = 600
"""Of one account: a lane asks less than ten times a second for long."""
MOST_UNEXPLAINED: Final = 9
GRACE: Final = timedelta(seconds=5)
"""Within this the request has left, however busy the process is."""
EXPLAINED: Final = ("rotate",)
"""Purposes that open each secret once, canaries too, and sign nothing."""
_TOLD_AGAIN: Final = timedelta(hours=1)
_CANARY: Final = "canary"
_WORDS: Final = {
    "canary_opened": "The secret of a canary account was opened. Nothing of ours does that.",
    "unexplained_openings": "Secrets were opened for which no request was sent.",
    "too_many_openings": "One account's secret was opened more often than a lane ever needs.",
}


class Ledger:
    """Gathers the openings of one process."""

    def __init__(self, process: str) -> None:
        self.process = process
        self.n_opened = 0
        self.alarms: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._waiting: list[tuple[datetime, Place, str]] = []
        self._minute: tuple[int, Counter[Place]] = (0, Counter())
        self._open: defaultdict[Place, deque[datetime]] = defaultdict(deque)
        """Openings that no request has explained yet."""
        self._raised: dict[str, UUID] = {}
        """Alarms to be told with the next write: code, and an account as an example."""
        self._told_at: dict[str, datetime] = {}
        self._is_canary: dict[UUID, bool] = {}

    def note(self, place: Place, purpose: str) -> None:
        """Take one opening down; called before the secret is opened."""
        now = timezone.now()
        with self._lock:
            self.n_opened += 1
            self._waiting.append((now, place, purpose))
            if purpose in EXPLAINED:
                return
            self._open[place].append(now)
            minute = int(now.timestamp() // 60)
            if self._minute[0] != minute:
                self._minute = (minute, Counter())
            self._minute[1][place] += 1
            if self._minute[1][place] == MOST_A_MINUTE:
                self._raise("too_many_openings", place)

    def used(self, place: Place) -> None:
        """Explain an opening: the request that needed it is signed and leaves now."""
        with self._lock:
            held = self._open.get(place)
            if held:
                held.popleft()
                if not held:
                    del self._open[place]

    def write(self, *, is_last: bool = False) -> int:
        """Write what was gathered; return how many. Called every few seconds, and at the end.

        What is not explained at the end of a process is not explained at all.
        """
        now = timezone.now()
        with self._lock:
            waiting, self._waiting = self._waiting, []
            self._look(now if is_last else now - GRACE)
        SecretOpening.objects.bulk_create(
            [
                SecretOpening(
                    at=at,
                    account_id=place.account_id,
                    user_id=place.user_id,
                    process=self.process,
                    purpose=purpose,
                )
                for at, place, purpose in waiting
            ],
            batch_size=500,
        )
        self._look_for_canaries({p for _, p, purpose in waiting if purpose not in EXPLAINED})
        self._tell(now)
        return len(waiting)

    # --- alarms -----------------------------------------------------------------------------------

    def _raise(self, code: str, place: Place) -> None:
        self.alarms[code] += 1
        self._raised[code] = place.account_id

    def _look(self, until: datetime) -> None:
        """Count openings that are old enough to be explained and are not."""
        late = {place: held for place, held in self._open.items() if held[0] <= until}
        n_late = sum(1 for held in late.values() for at in held if at <= until)
        if n_late <= MOST_UNEXPLAINED:
            return
        self._raise("unexplained_openings", next(iter(late)))
        self._open.clear()

    def _look_for_canaries(self, places: set[Place]) -> None:
        unknown = [p.account_id for p in places if p.account_id not in self._is_canary]
        if unknown:
            rows = TradingAccount.objects.across_tenants("which openings are of canaries")
            for pk, index in rows.filter(pk__in=unknown).values_list("pk", "uid_index"):
                self._is_canary[pk] = index == canary_index(pk)
        for place in places:
            if self._is_canary.get(place.account_id):
                self._raise("canary_opened", place)

    def _tell(self, now: datetime) -> None:
        """Tell staff, each kind of alarm once an hour."""
        with self._lock:
            raised, self._raised = self._raised, {}
        for code, account_id in raised.items():
            told_at = self._told_at.get(code)
            if told_at is not None and now - told_at < _TOLD_AGAIN:
                continue
            self._told_at[code] = now
            log.error("execution_alarm", code=code, account=str(account_id), process=self.process)
            for person in accounts.staff():
                letters.write_to(
                    person.id,
                    "openings_alarm",
                    sentence=_WORDS[code],
                    process=self.process,
                    account=str(account_id),
                )


def canary_index(account_id: UUID) -> str:
    """Return what marks an account as a canary: without our key it looks like any other's uid."""
    return uid_index(_CANARY, str(account_id))
