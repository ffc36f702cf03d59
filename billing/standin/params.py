"""Parameters as Stripe's clients encode them: `items[0][price]=…` becomes nested values."""

import re
from collections.abc import Iterable
from typing import Any, Final

from billing.standin.errors import StripeFault, needs

Params = dict[str, Any]
_DEEPEST: Final = 8
_PART: Final = re.compile(r"\[([^\]]*)\]")


def decode(pairs: Iterable[tuple[str, str]]) -> Params:
    """Return nested dicts and lists of the pairs of a form or a query."""
    tree: Params = {}
    for name, value in pairs:
        head, _, rest = name.partition("[")
        path = [head, *_PART.findall("[" + rest if rest else "")]
        if len(path) > _DEEPEST:
            raise StripeFault(f"Invalid parameter: {head}", param=head)
        place = tree
        for part in path[:-1]:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                raise StripeFault(f"Invalid parameter: {name}", param=head)
            place = inner
        last = path[-1] if path[-1] else str(len(place))
        place[last] = value
    return {name: _with_lists(value, name) for name, value in tree.items()}


def _with_lists(value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _with_lists(part, key) for key, part in value.items()}
    keys = sorted(inner, key=lambda key: (len(key), key))
    if name != "metadata" and keys == [str(place) for place in range(len(keys))]:
        return [inner[key] for key in keys]
    return inner


def required(params: Params, name: str) -> str:
    """Return a text that has to be there."""
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise needs(name)
    return value


def whole(params: Params, name: str) -> int | None:
    """Return a whole number, None if it is not given."""
    value = params.get(name)
    if value in (None, ""):
        return None
    try:
        return int(str(value))
    except ValueError:
        raise StripeFault(
            f"Invalid integer: {value}", code="parameter_invalid_integer", param=name
        ) from None


def flag(params: Params, name: str, default: bool = False) -> bool:
    """Return a yes or no."""
    value = params.get(name)
    if value in (None, ""):
        return default
    if value not in ("true", "false"):
        raise StripeFault(f"Invalid boolean: {value}", param=name)
    return bool(value == "true")


def group(params: Params, name: str) -> Params:
    """Return a group of parameters; empty if it is not given."""
    value = params.get(name)
    if value in (None, ""):
        return {}
    if not isinstance(value, dict):
        raise StripeFault("Invalid object", param=name)
    return value


def merged_metadata(old: dict[str, str], params: Params) -> dict[str, str]:
    """Return metadata after a change: an empty value takes a name out, an empty text takes all."""
    if params.get("metadata") == "":
        return {}
    new = {**old, **group(params, "metadata")}
    return {name: value for name, value in new.items() if value != ""}
