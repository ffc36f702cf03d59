"""Files sent row by row: JSON, and CSV that a spreadsheet opens without running anything."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_ROWS_A_CHUNK: Final = 200


def safe_cell(value: Any) -> str:
    """Return a cell's text; what a spreadsheet would take for a formula is marked as text.

    Numbers stay numbers, the negative ones too: only text can carry a formula.
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return str(value)
    text = str(value).replace("\0", "")
    # Spaces in front do not keep a spreadsheet from reading a formula.
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) else text


def csv_chunks(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield the file in pieces."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([safe_cell(name) for name in header])
    for number, row in enumerate(rows, 1):
        writer.writerow([safe_cell(value) for value in row])
        if number % _ROWS_A_CHUNK == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def csv_answer(
    request: HttpRequest, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]
) -> StreamingHttpResponse:
    """Return the rows as a CSV file."""
    chunks = csv_chunks(header, rows)
    return _file_answer(request, f"{name}.csv", "text/csv; charset=utf-8", chunks)


def json_chunks(
    head: Mapping[str, Any], header: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterator[str]:
    """Yield one object in pieces: the head's fields, then `results`, a list of objects."""
    yield json.dumps(head, allow_nan=False)[:-1] + ', "results": ['
    following, between = iter(rows), ""
    while batch := list(islice(following, _ROWS_A_CHUNK)):
        objects = (
            json.dumps(dict(zip(header, row, strict=True)), allow_nan=False) for row in batch
        )
        yield between + ",\n".join(objects)
        between = ",\n"
    yield "]}\n"


def json_answer(
    request: HttpRequest,
    name: str,
    head: Mapping[str, Any],
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> StreamingHttpResponse:
    """Return the rows as a JSON file; `head` has at least one field."""
    chunks = json_chunks(head, header, rows)
    return _file_answer(request, f"{name}.json", "application/json", chunks)


def _file_answer(
    request: HttpRequest, filename: str, content_type: str, chunks: Iterator[str]
) -> StreamingHttpResponse:
    """Return an answer that is never whole in memory, under ASGI and WSGI alike."""
    body: Any = _in_threads(chunks) if isinstance(request, ASGIRequest) else chunks
    answer = StreamingHttpResponse(body, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    answer["Cache-Control"] = "no-store"
    return answer


async def _in_threads(chunks: Iterator[str]) -> AsyncIterator[str]:
    def following() -> str | None:
        return next(chunks, None)

    step = sync_to_async(following)
    while (chunk := await step()) is not None:
        yield chunk


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
