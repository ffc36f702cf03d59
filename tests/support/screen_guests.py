"""Somebody in the trial with three paper trades, and a member of staff, in a running product.

Run as a process with that product's environment: `python -m tests.support.screen_guests`.
Prints {"trial": session key, "staff": session key, "signal": id, "trade": id}.
"""

import json
import os
import sys
from datetime import timedelta
from typing import Any, Final

FOLLOWED: Final = 3


def make_guests() -> dict[str, str]:
    """Make the people and what they follow; return how to come in as them."""
    from django.conf import settings
    from django.utils import timezone

    from billing.models import Trial
    from signals.models import Instrument
    from tests.support.issue_signals import issue
    from tests.support.people import add_totp, person, signed_in
    from trading import api as trading

    now = timezone.now()
    name = f"guest-{now:%H%M%S}"
    guest = person(name)
    Trial.objects.add_for(guest.pk, started_at=now, ends_at=now + timedelta(days=5))
    staff = person(f"staff-{now:%H%M%S}", is_staff=True, is_superuser=True)
    add_totp(staff)
    symbols = list(Instrument.objects.order_by("rank").values_list("symbol", flat=True)[:FOLLOWED])
    ids = issue(symbols)
    trades = [trading.follow(guest.pk, signal_id) for signal_id in _uuids(ids)]
    cookie = settings.SESSION_COOKIE_NAME
    return {
        "trial": signed_in(guest).cookies[cookie].value,
        "staff": signed_in(staff).cookies[cookie].value,
        "signal": ids[symbols[0]],
        "trade": str(trades[0].id),
    }


def _uuids(ids: dict[str, str]) -> list[Any]:
    from uuid import UUID

    return [UUID(one) for one in ids.values()]


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptosystems.settings.local")
    django.setup()
    sys.stdout.write(json.dumps(make_guests()))
