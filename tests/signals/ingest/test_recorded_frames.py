"""Real frames, recorded from the exchange between 2021 and 2026: all decode, books stay whole.

The recordings are not ours to publish: name their directory in REFERENCE_DATA to run this.
"""

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signals.ingest.parse import Parser
from signals.market.events import BookTop, DepthDiff, DepthSnapshot, Event
from signals.market.order_book import OrderBook

DIRECTORY = os.environ.get("REFERENCE_DATA", "")
pytestmark = pytest.mark.skipif(
    not DIRECTORY, reason="REFERENCE_DATA names no directory of recorded frames (ws/*.jsonl.gz)"
)
OTHER = ("trade",)
"""Recorded streams we never ask for: raw trades are undocumented."""


def lines(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as text:
        for line in text:
            yield json.loads(line)


def recordings() -> list[Path]:
    return sorted((Path(DIRECTORY) / "ws").glob("*.jsonl.gz"))


def snapshot(symbol: str, answer: dict[str, Any]) -> DepthSnapshot:
    def levels(side: str) -> list[tuple[float, float]]:
        return [(float(price), float(quantity)) for price, quantity in answer[side]]

    return DepthSnapshot(
        symbol, answer["E"], 0, answer["lastUpdateId"], levels("bids"), levels("asks")
    )


def test_there_are_recordings_where_they_should_be() -> None:
    assert len(recordings()) >= 6


def test_every_recorded_frame_decodes() -> None:
    parser, counts = Parser(), Counter[str]()
    for file in recordings():
        for line in lines(file):
            message = line["msg"]
            if "stream" not in message or message["data"].get("e") in OTHER:
                continue
            text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
            stream, events = parser.parse(text.encode(), 0)
            assert stream == message["stream"] and len(events) == 1
            counts[type(events[0]).__name__] += 1
    assert counts["BookTop"] > 70_000 and counts["DepthDiff"] > 11_000
    assert min(counts[k] for k in ("CandleUpdate", "MarkPrice", "Trade", "Liquidation")) >= 16


def replayed(name: str) -> Iterator[Event | DepthSnapshot]:
    """Yield diffs, best prices and snapshots of one session in the order they were received."""
    parser = Parser()
    directory = Path(DIRECTORY) / "ws"
    found: list[tuple[int, dict[str, Any], str]] = [
        (line["recv_ns"], line["msg"], line.get("url", ""))
        for file in sorted(directory.glob(f"{name}*.jsonl.gz"))
        for line in lines(file)
    ]
    symbol = "BTCUSDT"
    for _, message, url in sorted(found, key=lambda entry: entry[0]):
        if "lastUpdateId" in message:
            asked = url.partition("symbol=")[2].partition("&")[0]
            yield snapshot(asked or symbol, message)
        elif "stream" in message and message["data"]["e"] in ("depthUpdate", "bookTicker"):
            text = json.dumps(message, separators=(",", ":"))
            yield parser.parse(text.encode(), 0)[1][0]


@pytest.mark.parametrize(
    ("name", "n_books", "least_diffs"),
    [
        ("binance_um_2024-08-08_btcusdt", 1, 6_000),
        ("binance_um_2023-04-04_btcusdt", 1, 4_000),
        ("binance_um_2021-07-22", 4, 400),
    ],
)
def test_books_rebuilt_from_recorded_diffs_keep_their_chain_and_their_best_prices(
    name: str, n_books: int, least_diffs: int
) -> None:
    """Every diff follows its predecessor, and `bookTicker` at the same update id agrees."""
    held: dict[str, list[DepthDiff]] = {}
    tops: dict[tuple[str, int], BookTop] = {}
    snapshots: dict[str, DepthSnapshot] = {}
    for event in replayed(name):
        if isinstance(event, DepthDiff):
            held.setdefault(event.symbol, []).append(event)
        elif isinstance(event, DepthSnapshot):
            snapshots.setdefault(event.symbol, event)
        elif isinstance(event, BookTop):
            tops[event.symbol, event.update_id] = event
    applied = compared = 0
    assert len(snapshots) == n_books
    for symbol, first in snapshots.items():
        book = OrderBook()
        book.apply_snapshot(first)
        for diff in held[symbol]:
            applied += book.apply_diff(diff)  # raises where the chain breaks or the book crosses
            top = tops.get((symbol, diff.last_id))
            if top is not None and book.is_synced:
                (bid,), (ask,) = book.top(1)
                assert bid == (top.bid_price, top.bid_qty)
                assert ask == (top.ask_price, top.ask_qty)
                compared += 1
        assert book.is_synced
    assert applied >= least_diffs and compared >= 50
