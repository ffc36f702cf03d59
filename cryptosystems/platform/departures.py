"""What rooms have to bring to an end before a person may be deleted.

The accounts room stands low and may not import the rooms that know more; they say at start who is
to be asked. Each is asked whenever somebody is due to go, may begin to end things then, and says
whether all is over. While one says no, the person stays; they are asked again within the hour.
"""

from collections.abc import Callable
from typing import Final
from uuid import UUID

EndOf = Callable[[UUID], bool]
_ends: Final[dict[str, EndOf]] = {}


def register(name: str, is_over: EndOf) -> None:
    """Let `is_over(user_id)` be asked before anybody is deleted; called once, when a room starts.

    Raises
    ------
    ValueError
        If another one is asked under this name.
    """
    if _ends.get(name, is_over) is not is_over:
        raise ValueError(f"something called {name!r} is asked before a deletion already")
    _ends[name] = is_over


def waits_for(user_id: UUID) -> list[str]:
    """Ask every room; return the names of those that are not at an end. Faults are raised."""
    return [name for name, is_over in _ends.items() if not is_over(user_id)]
