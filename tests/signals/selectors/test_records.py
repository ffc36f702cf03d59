"""Every rate has its count and interval, and no two origins are ever added up."""

from collections.abc import Iterator

import pytest

from signals.api import record_figures
from signals.models import Signal
from signals.selectors.records import forget_tables, record_of, rejected_record, track_record
from signals.selectors.signals import current_signal, last_losers, list_signals
from signals.services.publish import apply_change, publish, store_backtest
from tests.support.setups import AT_MS, HOUR_MS, filled, make_draft, make_rejected, won

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_tables() -> Iterator[None]:
    forget_tables()
    yield
    forget_tables()


def settle(origin: str, results: list[float], *, first: int = 0) -> None:
    """Store settled signals of one origin, an hour apart."""
    drafts = [
        make_draft(origin=origin, at_ms=AT_MS + (first + k) * HOUR_MS) for k in range(len(results))
    ]
    store_backtest(
        [
            (draft, won(draft.id, net_r, at_ms=draft.setup.at_ms + 5 * HOUR_MS))
            for draft, net_r in zip(drafts, results, strict=True)
        ],
        [],
    )
    forget_tables()


def test_an_empty_record_claims_nothing() -> None:
    record = track_record("live")
    assert record["n"] == 0
    assert record["win_rate"] is record["interval"] is record["mean_r"] is None


def test_a_record_counts_wins_over_all_that_were_entered() -> None:
    settle("simulated", [1.8] * 6 + [-1.05] * 4)
    record = track_record("simulated")
    assert (record["n"], record["wins"], record["win_rate"]) == (10, 6, 0.6)
    assert record["mean_r"] == pytest.approx(0.66)
    # Wilson's 95 % interval of 6 in 10, from a table.
    assert record["interval"] == [pytest.approx(0.3127, abs=1e-3), pytest.approx(0.8318, abs=1e-3)]


def test_the_api_says_what_the_page_says() -> None:
    settle("simulated", [1.8] * 6 + [-1.05] * 4 + [0.5])
    told, page = track_record("simulated"), record_figures("simulated")
    summary = page["summary"]
    assert told["mean_r"] == pytest.approx(summary["mean_r"], abs=1e-4)
    assert told["planned"] == pytest.approx(summary["planned"], abs=1e-4)
    assert told["realised"] == pytest.approx(summary["realised"], abs=1e-4)
    assert told["deepest_r"] == pytest.approx(summary["deepest"], abs=1e-4)
    assert told["deepest_r"] == pytest.approx(-4.2)
    assert told["longest_losing_run"] == 4
    assert told["calibration_error"] == pytest.approx(page["calibration_error"], abs=1e-4)
    assert told["rolling_r"] is None, "a rolling hundred needs a hundred"


def test_origins_are_never_mixed() -> None:
    settle("simulated", [1.8] * 5)
    settle("backtest", [-1.05] * 7)
    assert track_record("simulated")["win_rate"] == 1.0
    assert track_record("backtest")["win_rate"] == 0.0
    assert track_record("live")["n"] == 0


def test_not_entered_is_counted_and_is_neither_win_nor_loss() -> None:
    draft = make_draft()
    publish(draft)
    apply_change(
        filled(draft.id, state="not_entered", result="not_entered", fill_price=None, filled_ms=None)
    )
    record = track_record("simulated")
    assert (record["n"], record["not_entered"]) == (0, 1)


def test_reliability_sets_what_was_stated_beside_what_won() -> None:
    settle("simulated", [1.8] * 3 + [-1.05])
    (bucket,) = track_record("simulated")["reliability"]
    assert bucket["from"] <= 0.62 < bucket["to"]
    assert (bucket["n"], bucket["stated"], bucket["won"]) == (4, 0.62, 0.75)


def test_a_signal_shows_its_own_origins_record_only_when_that_has_twenty() -> None:
    settle("backtest", [1.8] * 15 + [-1.05] * 15)
    publish(make_draft(at_ms=AT_MS + 500 * HOUR_MS))
    signal = Signal.objects.get(origin="simulated")
    shown = record_of(signal)
    assert shown is not None
    assert (shown["origin"], shown["n"], shown["wins"]) == ("backtest", 30, 15)
    settle("simulated", [1.8] * 20, first=600)
    shown = record_of(signal)
    assert shown is not None
    assert (shown["origin"], shown["n"]) == ("simulated", 20)


def test_without_twenty_anywhere_no_rate_is_shown() -> None:
    settle("backtest", [1.8] * 19)
    publish(make_draft(at_ms=AT_MS + 500 * HOUR_MS))
    assert record_of(Signal.objects.get(origin="simulated")) is None


def test_the_shadow_ledger_tells_what_became_of_rejected_setups() -> None:
    drafts = [make_draft(origin="backtest", at_ms=AT_MS + k * HOUR_MS) for k in range(4)]
    store_backtest(
        [],
        [
            (
                make_rejected(origin="backtest", at_ms=AT_MS + k * HOUR_MS),
                won(drafts[k].id, -1.0 if k else 1.8),
            )
            for k in range(4)
        ],
    )
    told = rejected_record("simulated", "BTCUSDT", "1h")
    assert told is not None
    assert (told["origin"], told["n"], told["win_rate"]) == ("backtest", 4, 0.25)


def test_lists_are_paged_newest_first_by_cursor() -> None:
    for k in range(5):
        publish(make_draft(at_ms=AT_MS + k * HOUR_MS))
    seen, cursor = [], None
    while True:
        page, cursor = list_signals(origin="simulated", before=cursor, limit=2)
        seen += [row["number"] for row in page]
        if cursor is None:
            break
    assert seen == [5, 4, 3, 2, 1]


def test_losers_are_shown_as_readily_as_winners() -> None:
    settle("simulated", [1.8, -1.05, 1.8, -1.2])
    assert [row["result_r"] for row in last_losers("simulated")] == [-1.2, -1.05]


def test_the_current_signal_is_the_strongest_open_one() -> None:
    publish(make_draft())
    publish(make_draft(symbol="ETHUSDT", base="ETH", p_low=0.64, p_win=0.66))
    found = current_signal("simulated")
    assert found is not None
    assert found["symbol"] == "ETHUSDT"
    assert current_signal("live") is None
