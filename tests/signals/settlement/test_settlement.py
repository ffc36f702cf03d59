"""An open signal walked through closed minutes: filled, moved on, settled, or never entered."""

from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest

from cryptosystems.kernel.timeframes import MINUTE_MS
from signals.barriers import COST, FEE, SLIPPAGE
from signals.settlement.rules import Change, OpenSignal, SettlementBook
from tests.signals.cases import START_MS

Candle = tuple[float, float, float, float]
NONE: Candle = (float("nan"),) * 4


def signal(**changes: object) -> OpenSignal:
    """Return a long: zone 99.5 to 100.5, stop 90, targets 110, 120, 130, 6 minutes for the entry."""
    made = OpenSignal(
        id=uuid4(),
        row=0,
        sign=1,
        zone_low=99.5,
        zone_high=100.5,
        reference=100.0,
        stop=90.0,
        targets=(110.0, 120.0, 130.0),
        issued_ms=START_MS,
        valid_until_ms=START_MS + 6 * MINUTE_MS,
        expires_ms=START_MS + 48 * MINUTE_MS,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def minute(candle: Candle, n: int = 1) -> np.ndarray:
    return np.tile(np.array([*candle, 1.0, 1.0, 0.5, 1.0])[:, None], n)


def play(book: SettlementBook, candles: list[Candle], first: int = 0) -> list[Change]:
    changes: list[Change] = []
    for place, candle in enumerate(candles, start=first):
        changes += book.step(START_MS + place * MINUTE_MS, minute(candle))
    return changes


def settle(candles: list[Candle], **changes: object) -> list[Change]:
    book = SettlementBook()
    book.add(signal(**changes))
    return play(book, candles)


QUIET: Candle = (105, 106, 104, 105)

STORIES: list[tuple[str, list[Candle], list[str], str, float | None]] = [
    ("it opens in the zone and reaches every target",
     [(100, 101, 99, 101), (101, 131, 100.5, 130)], ["filled", "won"], "won", 1.9),
    ("the price comes down into the zone",
     [QUIET, (105, 106, 100, 104), (104, 111, 103, 110), (110, 111, 99, 100)],
     ["filled", "tp1", "won"], "won", 0.4 * 0.95 + 0.6 * 0.012 * 10.05 / 10.05),
    ("it is stopped", [(100, 101, 99, 100), (100, 101, 89, 90)], ["filled", "lost"], "lost", -1.0),
    ("it is stopped in the minute of its entry", [(105, 106, 89, 91)], ["lost"], "lost", -1.05),
    ("the high before the entry is not counted", [(112, 113, 100, 101)], ["filled"], "", None),
    ("it is never touched", [QUIET] * 6, ["not_entered"], "not_entered", None),
    ("it is touched too late", [QUIET] * 7 + [(100, 101, 99, 100)], ["not_entered"],
     "not_entered", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("candles", "states", "result", "gross"),
    [story[1:] for story in STORIES],
    ids=[story[0] for story in STORIES],
)
def test_stories(
    candles: list[Candle], states: list[str], result: str, gross: float | None
) -> None:
    changes = settle(candles)
    assert [change.state for change in changes] == states
    assert changes[-1].result == result
    if gross is not None:
        assert changes[-1].gross_r == pytest.approx(gross, abs=1e-3)


def test_time_runs_out() -> None:
    last = settle([(100, 101, 99, 100)] * 47 + [(100, 104, 99, 103)])[-1]
    assert last.result == "timed_out"
    assert last.gross_r == pytest.approx(0.3)
    assert last.at_ms == START_MS + 48 * MINUTE_MS
    assert last.net_r == pytest.approx(0.3 - (1 + 1.03) * (FEE + SLIPPAGE) * 10)


def test_a_stop_at_break_even_wins_by_what_the_first_target_brought() -> None:
    changes = settle([(100, 101, 99, 100), (100, 111, 99, 110), (110, 110, 95, 96)])
    assert [change.state for change in changes] == ["filled", "tp1", "won"]
    assert changes[-1].gross_r == pytest.approx(0.4 + 0.6 * 2 * COST * 10)


def test_minutes_that_began_before_the_issue_are_not_looked_at() -> None:
    book = SettlementBook()
    book.add(signal(issued_ms=START_MS + 30_000))
    assert play(book, [(100, 101, 89, 90)]) == []
    assert [c.state for c in play(book, [(100, 101, 99, 100)], first=1)] == ["filled"]


def test_a_minute_twice_or_late_changes_nothing() -> None:
    book = SettlementBook()
    book.add(signal())
    play(book, [(100, 101, 99, 100), (100, 101, 99, 100)])
    assert book.step(START_MS, minute((100, 101, 80, 85))) == []
    assert book.step(START_MS + MINUTE_MS, minute((100, 101, 80, 85))) == []
    assert len(book) == 1


def test_a_signal_waits_for_a_missing_minute_and_goes_on_once_it_is_repaired() -> None:
    book = SettlementBook(patience_ms=10 * MINUTE_MS)
    book.add(signal())
    play(book, [(100, 101, 99, 100), NONE, (100, 131, 99, 130)])
    assert book.first_wanted_ms() == START_MS + MINUTE_MS
    assert len(book) == 1, "what the missing minute held is not known yet"
    lost = book.step(START_MS + MINUTE_MS, minute((100, 101, 89, 100)))
    assert lost[-1].result == "lost"
    assert lost[-1].evidence["n_missing"] == 0


def test_after_its_patience_it_goes_on_and_counts_what_is_missing() -> None:
    book = SettlementBook(patience_ms=3 * MINUTE_MS)
    book.add(signal())
    quiet: Candle = (100, 101, 99, 100)
    changes = play(book, [quiet, NONE, quiet, quiet, (100, 131, 99, 130)])
    assert changes[-1].result == "won"
    assert changes[-1].evidence["n_missing"] == 3


def test_once_patience_is_over_the_minutes_after_the_hole_are_all_walked() -> None:
    book = SettlementBook(patience_ms=3 * MINUTE_MS)
    book.add(signal())
    quiet: Candle = (100, 101, 99, 100)
    candles = [quiet, NONE, quiet, (100, 101, 89, 90), (90, 131, 90, 130)]
    changes: list[Change] = []
    for newest in range(len(candles)):
        newest_ms = START_MS + newest * MINUTE_MS
        for at_ms in range(book.first_wanted_ms() or newest_ms, newest_ms + 1, MINUTE_MS):
            place = (at_ms - START_MS) // MINUTE_MS
            changes += book.step(at_ms, minute(candles[place]), newest_ms)
    assert changes[-1].result == "lost"
    assert changes[-1].at_ms == START_MS + 4 * MINUTE_MS
    assert changes[-1].evidence["n_missing"] == 1


def test_a_symbol_that_never_trades_again_is_void_a_day_after_the_limit() -> None:
    book = SettlementBook()
    book.add(signal())
    play(book, [(100, 101, 99, 100)])
    day = 1_440
    assert play(book, [NONE], first=47 + day) == []
    gone = play(book, [NONE], first=49 + day)
    assert gone[-1].result == "void"
    assert gone[-1].net_r is None
    assert len(book) == 0


def paid(at_ms: int, *, told_after: int, rate: float = 0.001) -> float:
    """Return the funding charged to a long filled in the first of six minutes."""
    book = SettlementBook()
    book.add(signal())
    for place in range(6):
        if place == told_after:
            book.add_funding(0, at_ms, rate)
        book.step(START_MS + place * MINUTE_MS, minute((100, 101, 99, 100)))
    return float(book._state.funding[0])


@pytest.mark.parametrize(
    ("what", "at_ms", "told_after", "charge"),
    [
        ("once, on the minute", START_MS + 2 * MINUTE_MS, 2, 0.001),
        ("once, told before", START_MS + 2 * MINUTE_MS, 1, 0.001),
        ("once, told late", START_MS + 2 * MINUTE_MS, 5, 0.001),
        ("once, three milliseconds past", START_MS + 2 * MINUTE_MS + 3, 3, 0.001),
        ("not as it is filled", START_MS, 0, 0.0),
        ("not as it is filled, told late", START_MS, 3, 0.0),
        ("not before it is filled", START_MS - MINUTE_MS, 1, 0.0),
        ("not what lies ahead", START_MS + 9 * MINUTE_MS, 1, 0.0),
    ],
)
def test_funding_is_charged(what: str, at_ms: int, told_after: int, charge: float) -> None:
    assert paid(at_ms, told_after=told_after) == pytest.approx(charge), what


def test_funding_lowers_the_net_result_of_a_long_and_of_nobody_else() -> None:
    book = SettlementBook()
    book.add(signal())
    book.add(signal(sign=-1, stop=110.0, targets=(90.0, 80.0, 70.0)))
    book.add(signal(row=1))
    flat = minute((100, 101, 99, 100), n=2)
    book.step(START_MS, flat)
    book.add_funding(0, START_MS + MINUTE_MS, 0.002)
    changes: list[Change] = []
    for place in range(1, 48):
        changes += book.step(START_MS + place * MINUTE_MS, flat)
    long, short, other = (change.net_r for change in changes)
    assert other is not None
    assert long == pytest.approx(other - 0.02)
    assert short == pytest.approx(other + 0.02)


def test_a_restart_goes_on_where_it_was() -> None:
    candles: list[Candle] = [
        (100, 101, 99, 100), (100, 111, 99, 110), (110, 121, 109, 120), (120, 121, 108, 109),
    ]  # fmt: skip
    whole = settle(candles)
    for cut in range(1, 4):
        book = SettlementBook()
        book.add(signal())
        book.add_funding(0, START_MS + MINUTE_MS, 0.001)
        before = play(book, candles[:cut])
        revived = SettlementBook()
        revived.add(signal(running=before[-1].running))
        after = play(revived, candles[cut:], first=cut)
        assert [c.state for c in before + after] == [c.state for c in whole]
        assert after[-1].gross_r == pytest.approx(whole[-1].gross_r)


def test_coarse_candles_settle_as_they_close() -> None:
    hour = 60 * MINUTE_MS
    book = SettlementBook(duration_ms=hour)
    book.add(signal(valid_until_ms=START_MS + 6 * hour, expires_ms=START_MS + 48 * hour))
    changes = []
    for place in range(48):
        changes += book.step(START_MS + place * hour, minute((100, 101, 99, 100)))
    assert [c.result for c in changes] == ["", "timed_out"]
    assert changes[-1].at_ms == START_MS + 48 * hour
