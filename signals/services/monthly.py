"""The record as an archive: rows, links, figures, and the script that works them out again."""

import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db.models import QuerySet

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.platform.csv_files import csv_chunks
from signals.delivery.payloads import iso
from signals.models import ChainEntry, Signal
from signals.selectors import export, ledger
from signals.selectors.visibility import visible
from signals.settlement import record

_MONTH: Final = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
_KIT: Final = Path(__file__).parent.parent
ALL: Final = "all"
"""In place of a month: everything of an origin."""
_BATCH: Final = 5_000


@dataclass(frozen=True, slots=True)
class MonthFile:
    """An archive, whole, and what it is called."""

    name: str
    content: bytes
    n: int


def month_file(origin: str, month: str, now: datetime) -> MonthFile:
    """Return one origin's signals of a month (or `all`) with everything needed to check them.

    Signals that are not public yet are left out; they are in the file once they are.

    Raises
    ------
    InvalidInput
        If it is no month, or no signal was issued in it.
    """
    files, n = contents(origin, month, now)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return MonthFile(f"record-{origin}-{month}.zip", buffer.getvalue(), n)


def contents(origin: str, month: str, now: datetime) -> tuple[dict[str, bytes], int]:
    """Return the files of an archive by name, and how many signals they hold."""
    query = _signals(origin, month).filter(visible(now, sees_live=False))
    rows = ledger.issued(query)
    if not rows:
        raise InvalidInput(f"No signal of this record was issued in {month}.")
    figures = json.dumps(record.figures(rows), indent=1, allow_nan=False)
    files = {
        "signals.csv": "".join(csv_chunks(export.COLUMNS, export.cells(query))).encode(),
        "chain.jsonl": "".join(_links([row.id for row in rows])).encode(),
        "figures.json": figures.encode(),
        "record.py": (_KIT / "settlement" / "record.py").read_bytes(),
        "rebuild.py": (_KIT / "record_kit" / "rebuild.py").read_bytes(),
    }
    files["manifest.json"] = _manifest(origin, month, now, files, len(rows))
    return files, len(rows)


def _signals(origin: str, month: str) -> "QuerySet[Signal]":
    if month == ALL:
        return Signal.objects.filter(origin=origin)
    if not _MONTH.fullmatch(month):
        raise InvalidInput("Write a month as YYYY-MM, or all.")
    return ledger.month_of(origin, month)


def _links(ids: list[str]) -> list[str]:
    """Return the links of signals as lines, in the order of the chain."""
    found: list[tuple[int, str]] = []
    for start in range(0, len(ids), _BATCH):
        for link in ChainEntry.objects.filter(signal_id__in=ids[start : start + _BATCH]):
            told: dict[str, Any] = {
                "sequence": link.sequence,
                "kind": link.kind,
                "signal": str(link.signal_id),
                "previous": link.previous_hash,
                "hash": link.hash,
                "payload": link.payload,
            }
            found.append((link.sequence, json.dumps(told) + "\n"))
    return [line for _, line in sorted(found)]


def _manifest(origin: str, month: str, now: datetime, files: dict[str, bytes], n: int) -> bytes:
    number, newest = ledger.head()
    told = {
        "origin": origin,
        "month": month,
        "signals": n,
        "made_at": iso(now),
        "chain_head": {"sequence": number, "hash": newest},
        "check": "python3 rebuild.py",
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    return json.dumps(told, indent=1).encode()
