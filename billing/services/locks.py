"""One business act of one person at a time, across processes and machines."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.utils.translation import gettext as _

from cryptosystems.kernel.errors import RetryLater
from cryptosystems.platform import leases

_TTL_MS: Final = 90_000
"""Longer than all calls of one act can last; a process that dies lets go after it."""
_LOOK_EVERY_S: Final = 0.05


@contextmanager
def alone(name: str, wait_s: float = 30.0) -> Iterator[None]:
    """Hold the lease `billing:<name>`; a second click waits for the first one to finish.

    No database transaction is held meanwhile: the act asks the payment provider.

    Raises
    ------
    RetryLater
        If the other one takes longer than `wait_s`.
    """
    owner = uuid.uuid4().hex
    deadline = time.monotonic() + wait_s
    while (holding := leases.take(f"billing:{name}", owner, _TTL_MS)) is None:
        if time.monotonic() >= deadline:
            raise RetryLater(
                _("The same is being done already. Try again in a minute."), after_s=60
            )
        time.sleep(_LOOK_EVERY_S)
    try:
        yield
    finally:
        leases.give_back(holding)


def forget_idle() -> int:
    """Forget the leases of people who have done nothing for a day; return how many."""
    return leases.forget_idle("billing:checkout:", 86_400_000)


@contextmanager
def alone_or_not(name: str) -> Iterator[bool]:
    """Give True while this is the only one at it, False if another one is: then do nothing."""
    holding = leases.take(f"billing:{name}", uuid.uuid4().hex, _TTL_MS)
    if holding is None:
        yield False
        return
    with leases.kept(holding, _TTL_MS):
        yield True
