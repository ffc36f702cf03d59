"""The ledger of opened secrets: each opening is written down before it happens.

A lane signs many requests, so its openings are gathered and written together within seconds; what
matters is that none is missing. More openings than a lane's own requests explain raise an alarm, as
does any of a canary account (one that belongs to nobody and is never traded).
"""

import threading
from collections import Counter
from datetime import datetime
from typing import Final

import structlog
from django.utils import timezone

from trading.models import SecretOpening
from trading.vault import Place

log = structlog.get_logger(__name__)

MOST_A_MINUTE: Final = 600
"""Of one account: a lane asks less than ten times a second for long."""
CANARY_LABEL: Final = "canary"


class Ledger:
    """Gathers the openings of one process."""

    def __init__(self, process: str) -> None:
        self.process = process
        self._lock = threading.Lock()
        self._waiting: list[tuple[datetime, Place, str]] = []
        self._minute: tuple[int, Counter[Place]] = (0, Counter())
        self.alarms = 0

    def note(self, place: Place, purpose: str) -> None:
        """Take one opening down; called before the secret is opened."""
        now = timezone.now()
        with self._lock:
            self._waiting.append((now, place, purpose))
            minute = int(now.timestamp() // 60)
            if self._minute[0] != minute:
                self._minute = (minute, Counter())
            self._minute[1][place] += 1
            is_too_many = self._minute[1][place] == MOST_A_MINUTE
        if is_too_many:
            self.alarms += 1
            log.error(
                "too_many_secrets_opened", account=str(place.account_id), process=self.process
            )

    def write(self) -> int:
        """Write what was gathered; return how many. Called every few seconds, and at the end."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
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
        return len(waiting)
