"""Works the record's figures out again, from the files beside this one and nothing else.

    python3 rebuild.py [DIRECTORY]

Three things are checked: that no file was changed (`manifest.json`), that the links of the chain
fit each other and the rows (`chain.jsonl`), and that the published figures (`figures.json`) come
out of the rows (`signals.csv`). It needs Python 3.11 and no package.
"""

import csv
import hashlib
import importlib.util
import json
import math
import sys
from datetime import datetime
from pathlib import Path
from typing import Any


def the_record(directory: Path) -> Any:
    """Load the module beside this one that holds every formula."""
    spec = importlib.util.spec_from_file_location("record", directory / "record.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["record"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def rows_of(directory: Path) -> list[dict[str, str]]:
    with (directory / "signals.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def number(text: str) -> float | None:
    return float(text) if text else None


def issued(record: Any, row: dict[str, str]) -> Any:
    """Return one row of the file as the formulas take it."""
    return record.Issued(
        id=row["id"],
        symbol=row["symbol"],
        timeframe=row["timeframe"],
        side=row["direction"],
        issued_at=moment(row["at"]),
        confidence=float(row["confidence"]),
        break_even=float(row["break_even"]),
        base_rate=float(row["base_rate"]),
        planned=float(row["reward_risk"]),
        model=row["model_version"],
        state=row["state"],
        net_r=number(row["result_r"]),
        closed_at=moment(row["settled_at"]) if row["result_r"] else None,
    )


def figures(directory: Path) -> dict[str, Any]:
    """Return every figure, as JSON has it."""
    record = the_record(directory)
    found = record.figures([issued(record, row) for row in rows_of(directory)])
    told: dict[str, Any] = json.loads(json.dumps(found))
    return told


def differences(told: Any, found: Any, where: str = "") -> list[str]:
    """Return where two values differ; numbers may differ in the ninth digit."""
    if isinstance(told, dict) and isinstance(found, dict):
        names = sorted(told.keys() | found.keys())
        return [d for n in names for d in differences(told.get(n), found.get(n), f"{where}/{n}")]
    if isinstance(told, list) and isinstance(found, list) and len(told) == len(found):
        pairs = enumerate(zip(told, found, strict=True))
        return [d for k, (a, b) in pairs for d in differences(a, b, f"{where}/{k}")]
    if isinstance(told, float) and isinstance(found, int | float):
        is_close = math.isclose(told, found, rel_tol=1e-9, abs_tol=1e-9)
        return [] if is_close else [f"{where}: published {told}, found {found}"]
    return [] if told == found else [f"{where}: published {told!r}, found {found!r}"]


def changed_files(directory: Path) -> list[str]:
    """Return the files that are not what the manifest says."""
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    return [
        f"{name} was changed"
        for name, digest in manifest["sha256"].items()
        if hashlib.sha256((directory / name).read_bytes()).hexdigest() != digest
    ]


def broken_links(directory: Path) -> list[str]:
    """Return what is wrong with the chain's links, and rows that say other than their link."""
    faults: list[str] = []
    rows = {row["id"]: row for row in rows_of(directory)}
    hashes: dict[int, str] = {}
    linked = set()
    with (directory / "chain.jsonl").open(encoding="utf-8") as file:
        for line in file:
            link = json.loads(line)
            name = f"link {link['sequence']}"
            text = f"{link['previous']}\n{link['payload']}".encode()
            if hashlib.sha256(text).hexdigest() != link["hash"]:
                faults.append(f"{name}: its fingerprint does not fit its text")
            if hashes.get(link["sequence"] - 1, link["previous"]) != link["previous"]:
                faults.append(f"{name}: it does not follow the link before it")
            hashes[link["sequence"]] = link["hash"]
            told = json.loads(link["payload"])
            row = rows.get(link["signal"])
            if row is None:
                faults.append(f"{name}: its signal is not among the rows")
            elif link["kind"] == "signal":
                linked.add(link["signal"])
                if row["hash"] != link["hash"] or float(row["confidence"]) != told["confidence"]:
                    faults.append(f"{name}: the row says something else")
            elif number(row["result_r"]) != told["net_r"]:
                faults.append(f"{name}: the row has another result")
    faults += [f"signal {one}: no link binds it" for one in rows.keys() - linked]
    return faults


def main() -> int:
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    published = json.loads((directory / "figures.json").read_text(encoding="utf-8"))
    faults = changed_files(directory) + broken_links(directory)
    found = figures(directory)
    faults += differences(published, found)
    for fault in faults:
        print(fault)
    counts = found["counts"]
    print(
        f"{counts['issued']} signals, {counts['entered']} entered and ended: "
        + ("everything fits." if not faults else f"{len(faults)} faults.")
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
