"""JSON from outside, read strictly: what is doubtful is refused instead of guessed."""

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any, Final, NoReturn

from rest_framework.exceptions import APIException, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from cryptosystems.kernel.errors import InvalidInput

MOST_BYTES: Final = 64 * 1024
MOST_DEPTH: Final = 32
MOST_ITEMS: Final = 10_000
_MOST_DIGITS: Final = 18
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


class TooLarge(APIException):
    """The body is longer than any request of ours needs."""

    status_code = 413
    default_detail = "The body is longer than 64 KiB. Send less."
    default_code = "too_large"


class StrictJSONParser(BaseParser):
    """Reads one JSON object: bounded, without repeated names, numbers finite, text clean."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return what the body says.

        Raises
        ------
        InvalidInput, TooLarge, UnsupportedMediaType
            With a sentence that says what fits.
        """
        request = (parser_context or {}).get("request")
        if request is not None:
            _check_headers(request.META, media_type or "")
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise TooLarge
        return read_json(body)


def _check_headers(meta: Mapping[str, Any], media_type: str) -> None:
    charset = _parameter(meta.get("CONTENT_TYPE", ""), "charset")
    if charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMediaType(media_type, "Send JSON in UTF-8.")
    if meta.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
        raise UnsupportedMediaType(media_type, "Send the body without compression.")
    length = str(meta.get("CONTENT_LENGTH") or "0")
    if length.isascii() and length.isdigit() and len(length) < 12 and int(length) > MOST_BYTES:
        raise TooLarge


def _parameter(content_type: str, name: str) -> str:
    for part in content_type.split(";")[1:]:
        key, _, value = part.partition("=")
        if key.strip().lower() == name:
            return value.strip().strip('"').lower()
    return ""


def read_json(body: bytes) -> Any:
    """Return the value of a JSON text, or refuse it with a sentence."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput("The body is not UTF-8.") from None
    if text.startswith("\ufeff"):
        raise InvalidInput("The body begins with a byte order mark; leave it out.")
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
    except json.JSONDecodeError as error:
        raise InvalidInput(f"The body is not JSON: {error.msg} at character {error.pos}.") from None
    _check_items(value)
    return value


def _check_depth(text: str) -> None:
    """Count brackets before anything recurses into them."""
    depth = 0
    for sign in _STRING.sub("", text):
        if sign in "[{":
            depth += 1
            if depth > MOST_DEPTH:
                raise InvalidInput(f"The JSON is nested too deeply; at most {MOST_DEPTH} levels.")
        elif sign in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(f"The name {twice[:40]!a} is given twice; give it once.")
    return found


def _no_constant(word: str) -> NoReturn:
    raise InvalidInput(f"{word} is not a JSON number.")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value) or len(digits) > 40:
        raise InvalidInput("A number is too large or too long.")
    return value


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise InvalidInput(f"A whole number has at most {_MOST_DIGITS} digits.")
    return int(digits)


def _check_items(value: Any) -> None:
    n_items, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        n_items += 1
        if n_items + len(waiting) > MOST_ITEMS:
            raise InvalidInput(f"The JSON has too many items; at most {MOST_ITEMS}.")
        if isinstance(one, dict):
            waiting.extend(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str) and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in one):
            raise InvalidInput("A text holds a NUL or half a character; send whole characters.")
