"""What rooms above the socket add to a person's frame of the topic `account`.

The hub stands low and may not import the rooms that know more; they say at start how their part is
read. A part is asked when the person's bell rings and at the regular look, only for people who
follow their account, and is sent only where it differs from what was sent last. So it must be
small, cheap, and the same text as long as nothing has changed: moments, never ages.
"""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError

log = structlog.get_logger(__name__)

Read = Callable[[UUID], dict[str, Any]]
TAKEN: Final = frozenset({"state", "until", "features", "sentence"})
"""What the frame itself says of a person."""
_parts: dict[str, Read] = {}


def register(name: str, read: Read) -> None:
    """Let `read(user_id)` fill the field `name`; called once, when a room starts.

    Raises
    ------
    ValueError
        If the frame has such a field already, of its own or another room's.
    """
    if name in TAKEN or _parts.get(name, read) is not read:
        raise ValueError(f"the account frame has a field {name!r} already")
    _parts[name] = read


def parts_of(user_id: UUID) -> dict[str, Any]:
    """Return every room's part. One that fails is left out: a page keeps what it was told last."""
    found = {}
    for name, read in _parts.items():
        try:
            found[name] = read(user_id)
        except DatabaseError:
            raise  # the hub waits and asks again
        except Exception as error:  # one room's fault must not end everybody's frames
            log.warning("account_part_failed", part=name, error=type(error).__name__)
    return found
