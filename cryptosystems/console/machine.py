"""How the machine stands: engine, feeds, queues, workers, mail, and the last errors."""

from dataclasses import dataclass
from typing import Any, Final

import redis
from celery import current_app
from django.conf import settings
from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from billing import api as billing
from cryptosystems.platform.models import Lease, OutgoingMail
from signals import api as signals
from trading import api as trading

QUEUES: Final = ("default", "mail", "notify", "training", "stream", "trading")
LONG_QUEUE: Final = 100
PING_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """Tasks that wait, by queue; None: the broker does not answer."""

    lengths: dict[str, int] | None
    error: str

    @property
    def longest(self) -> int:
        """Return the length of the longest queue."""
        return max((self.lengths or {"": 0}).values())


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that went wrong last, and where."""

    where: str
    text: str
    at: Any


def queue_health() -> QueueHealth:
    """Return how many tasks wait in each queue."""
    try:
        with redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as held:
            pipe = held.pipeline(transaction=False)
            for queue in QUEUES:
                pipe.llen(queue)
            lengths = dict(zip(QUEUES, pipe.execute(), strict=True))
    except (redis.RedisError, OSError, ValueError) as error:
        return QueueHealth(None, type(error).__name__)
    return QueueHealth(lengths, "")


def workers() -> list[str]:
    """Return the workers that answer within a second; none if the broker is away."""
    try:
        answers = current_app.control.ping(timeout=PING_S) or []
    except (OperationalError, redis.RedisError, OSError):
        return []
    return sorted(name for answer in answers for name in answer)


def mail_health() -> dict[str, int]:
    """Return mail that waits and mail that was given up."""
    found: dict[str, int] = OutgoingMail.objects.aggregate(
        waiting=Count("pk", filter=Q(sent_at=None, given_up_at=None)),
        given_up=Count("pk", filter=~Q(given_up_at=None)),
    )
    return found


def last_faults(told: dict[str, Any] | None) -> list[Fault]:
    """Return the newest error of each part that keeps one."""
    faults = []
    if told is not None and told.get("last_error"):
        error = told["last_error"]
        faults.append(Fault(_("Engine"), error["text"], error["at"]))
    mail = OutgoingMail.objects.exclude(last_error="").order_by("-next_try_at").first()
    if mail is not None:
        faults.append(Fault(_("Mail"), mail.last_error, mail.created_at))
    note = billing.last_event_fault()
    if note is not None:
        faults.append(Fault(_("Webhook inbox"), note[0], note[1]))
    return faults


def machine(request: HttpRequest) -> HttpResponse:
    """Show it."""
    told = signals.status()
    context = {
        **admin.site.each_context(request),
        "title": _("Machine"),
        "told": told,
        "feeds": [] if told is None else told["feeds"]["stale"],
        "queues": queue_health(),
        "workers": workers(),
        "leases": Lease.objects.exclude(owner="").order_by("name"),
        "mail": mail_health(),
        "events": billing.events_by_state(),
        "execution": trading.executor_status(),
        "faults": last_faults(told),
    }
    return render(request, "console/machine.html", context)
