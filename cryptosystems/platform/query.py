"""Query parameters: read as what they have to be, refused with what fits."""

import re
from datetime import UTC, datetime
from typing import Final

from rest_framework.request import Request

from cryptosystems.kernel.errors import InvalidInput

MOST_CURSOR: Final = 10**12
"""No list of ours grows longer than this."""
_HOUR_MINUTE: Final = "([01][0-9]|2[0-3]):[0-5][0-9]"
MOMENT_PATTERN: Final = (
    r"^(20[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    r"|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    r"|20([02468][048]|[13579][26])-02-29)"
    rf"(T{_HOUR_MINUTE}(:[0-5][0-9](\.[0-9]{{1,6}})?)?(Z|[+-]{_HOUR_MINUTE})?)?$"
)
"""Days that a calendar has and times that a clock has: what fits is taken."""
_MOMENT: Final = re.compile(MOMENT_PATTERN)
_MOST_DIGITS: Final = 15


def count(request: Request, name: str, default: int, most: int) -> int:
    """Return a count from 1 to `most`; `default` where the parameter is absent."""
    text = request.query_params.get(name)
    if text is None:
        return default
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    if not is_number or not 1 <= int(text) <= most:
        raise InvalidInput(f"{name} is a count from 1 to {most}; got {text[:20]!r}")
    return int(text)


def one_of(
    request: Request, name: str, allowed: tuple[str, ...], default: str | None
) -> str | None:
    """Return one of a few words; `default` where the parameter is absent."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if text not in allowed:
        words = " or ".join(allowed) if len(allowed) == 2 else f"one of {', '.join(allowed)}"
        raise InvalidInput(f"{name} is {words}; got {text[:20]!r}")
    return text


def moment(request: Request, name: str) -> datetime | None:
    """Return a day or a time in UTC, where none is said; None where the parameter is absent."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{name} is a day or a time such as 2026-01-31 or 2026-01-31T14:00:00Z; "
            f"got {text[:30]!r}"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
