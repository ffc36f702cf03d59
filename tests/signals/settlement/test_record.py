"""The figures of the record, worked out by hand on rows that fit on a page."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from signals.settlement import record
from signals.settlement.record import Issued

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday


def row(k: int, net_r: float | None, *, state: str = "won", confidence: float = 0.52) -> Issued:
    """Return the k-th signal: a day after the one before, four hours until its end."""
    at = NOON + timedelta(days=k)
    return Issued(
        id=f"{k:03d}",
        symbol="BTCUSDT" if k % 2 else "ETHUSDT",
        timeframe="1h",
        side="long",
        issued_at=at,
        confidence=confidence,
        break_even=0.44,
        base_rate=0.41,
        planned=2.1,
        model="m1",
        state=state,
        net_r=net_r,
        closed_at=None if net_r is None else at + timedelta(hours=4),
    )


ROWS = [row(k, r) for k, r in enumerate([1.8, -1.05, -1.05, 2.4, -0.2])]


def test_rates_count_what_was_entered_and_say_what_was_not() -> None:
    rows = [*ROWS, row(5, None, state="not_entered"), row(6, None, state="void"), row(7, None)]
    found = record.figures(rows)
    assert found["counts"] == {"issued": 8, "entered": 5, "not_entered": 1, "void": 1, "open": 1}
    told = found["summary"]
    assert (told["n"], told["wins"], told["rate"]) == (5, 2, 0.4)
    # Wilson's 95 % interval of 2 in 5, from a table.
    assert told["interval"] == [pytest.approx(0.1176, abs=1e-4), pytest.approx(0.7693, abs=1e-4)]
    assert told["sum_r"] == pytest.approx(1.9) and told["mean_r"] == pytest.approx(0.38)
    assert told["average_win"] == pytest.approx(2.1)
    assert told["average_loss"] == pytest.approx(-2.3 / 3)
    assert told["realised"] == pytest.approx(2.1 / (2.3 / 3))
    assert (told["longest_losing"], told["losing_now"]) == (2, 1)
    assert found["losers"] == ["004", "002", "001"]


def test_the_curve_falls_from_its_last_high() -> None:
    totals = [(round(total, 2), round(below, 2)) for _, total, below in record.curve(ROWS)]
    assert totals == [(1.8, 0.0), (0.75, -1.05), (-0.3, -2.1), (2.1, 0.0), (1.9, -0.2)]
    assert record.figures(ROWS)["summary"]["deepest"] == pytest.approx(-2.1)
    assert [round(mean, 2) for _, mean in record.rolling(ROWS, window=2)] == [
        0.38,
        -1.05,
        0.67,
        1.1,
    ]


def test_results_of_one_day_count_as_moving_together() -> None:
    apart = [row(k, r) for k, r in enumerate([1.0, 1.0, -1.0, -1.0])]
    together = [
        replace(one, closed_at=NOON + timedelta(days=k // 2)) for k, one in enumerate(apart)
    ]
    low, high = record.mean_interval(apart) or (0.0, 0.0)
    # Four days of deviation 1: the squares sum to 4, times 4/3, root, over 4, times 1.96.
    assert (low, high) == (pytest.approx(-1.1316, abs=1e-4), pytest.approx(1.1316, abs=1e-4))
    wide = record.mean_interval(together) or (0.0, 0.0)
    assert wide[1] == pytest.approx(1.96 * (8 * 2) ** 0.5 / 4, abs=1e-3)
    assert record.mean_interval(apart[:1]) is None


def test_stated_and_won_stand_in_the_same_bucket() -> None:
    rows = [
        *(row(k, 1.0 if k < 6 else -1.0, confidence=0.52) for k in range(10)),
        row(10, -1.0, confidence=0.6),
    ]
    buckets = record.reliability(rows)
    assert [(b["from"], b["n"], b["rate"]) for b in buckets] == [(0.5, 10, 0.6), (0.6, 1, 0.0)]
    assert record.calibration_error(rows) == pytest.approx((10 * 0.08 + 0.6) / 11)
    assert all(b["is_thin"] for b in buckets)


def test_months_without_a_result_stand_there_too() -> None:
    rows = [row(0, 1.0), row(70, -1.0)]
    assert [(m["month"], m["n"]) for m in record.months(rows)] == [
        ("2026-03", 1),
        ("2026-04", 0),
        ("2026-05", 1),
    ]


def test_weekends_stand_apart_from_thirds_of_the_day() -> None:
    at = [NOON, NOON.replace(hour=3), NOON.replace(hour=23), NOON + timedelta(days=5)]
    names = [record.session(replace(ROWS[0], issued_at=one)) for one in at]
    assert names == ["08-16", "00-08", "16-24", "weekend"]


def test_a_histogram_has_no_holes() -> None:
    assert record.histogram(ROWS) == [
        (-1.5, 2),
        (-1.0, 0),
        (-0.5, 1),
        (0.0, 0),
        (0.5, 0),
        (1.0, 0),
        (1.5, 1),
        (2.0, 1),
    ]


def test_a_simulation_of_losses_loses_and_of_too_few_says_nothing() -> None:
    losing = [row(k, -1.0) for k in range(120)]
    told = record.expectation(losing, months_ahead=6, risk_percent=0.5)
    assert told is not None
    # One loss of half a per cent a day, 183 days: every path is the same.
    assert told["losing"] == 1.0
    assert told["ends"][5] == told["ends"][95] == pytest.approx(0.995**183 - 1)
    assert record.expectation(losing[:99], months_ahead=6, risk_percent=0.5) is None
    mixed = [row(k, 1.2 if k % 2 else -1.0) for k in range(200)]
    spread = record.expectation(mixed, months_ahead=12, risk_percent=1)
    assert spread is not None
    ends = spread["ends"]
    assert ends[5] < ends[25] < ends[50] < ends[75] < ends[95] and 0 < spread["losing"] < 0.5
    assert spread["falls"][5] < spread["falls"][50] < 0


def test_nothing_is_claimed_of_nothing() -> None:
    found = record.figures([])
    assert found["summary"] is found["calibration_error"] is None
    assert found["curve"] == found["months"] == found["losers"] == []
