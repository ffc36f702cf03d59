"""`manage.py bench`: the figures hang together; how large they are is not a test's business."""

import json
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from cryptosystems.management.benchmarks import (
    children,
    corpus,
    crowd,
    ingest,
    isolation,
    pipeline,
)
from signals.ingest.parse import Parser


def bench(*arguments: str) -> dict:
    out = StringIO()
    call_command("bench", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_corpus_is_the_same_every_time_and_every_frame_can_be_read():
    frames = corpus.make_corpus(corpus.WITH_TRADES, 5, 400)
    assert frames == corpus.make_corpus(corpus.WITH_TRADES, 5, 400)
    assert len(frames) == 400
    assert [f.at_ms for f in frames] == sorted(f.at_ms for f in frames)
    parser = Parser()
    read = [parser.parse(frame.payload, frame.at_ms) for frame in frames]
    assert [stream for stream, _ in read] == [frame.stream for frame in frames]
    assert all(events for _, events in read)


def test_the_corpus_holds_a_close_of_every_symbol_at_the_minute():
    frames = corpus.make_corpus(corpus.FOLLOWED, 3, 500)
    parser = Parser()
    candles = [
        event
        for frame in frames
        if "@kline" in frame.stream
        for event in parser.parse(frame.payload, frame.at_ms)[1]
    ]
    first_closes = [c.symbol for c in candles if c.is_closed][:3]
    assert sorted(first_closes) == sorted(corpus.symbol_names(3))


def test_ingest_handles_every_message_it_times_and_states_its_floors():
    found = bench("ingest", "--symbols", "6", "--messages", "400", "--rounds", "1")
    assert [c["mix"] for c in found["corpora"]] == ["followed", "with_trades"]
    for c in found["corpora"]:
        assert c["handled"] == c["messages"] == 400
        assert c["ratio_to_floor"] == pytest.approx(c["us_per_message"] / c["floor_us"])
        assert c["ratio_to_raw_parse"] == pytest.approx(c["us_per_message"] / c["raw_parse_us"])
        assert c["messages_per_core_s"] == pytest.approx(1e6 / c["us_per_message"], abs=1)
        assert sum(c["share"].values()) == pytest.approx(1.0, abs=0.001)


def test_ingest_gives_no_figure_when_a_message_was_not_understood():
    frames = corpus.make_corpus(corpus.FOLLOWED, 2, 4)
    counters = ingest.FeedCounters(frames=4, bad_frames=1, last_error="torn")
    with pytest.raises(ingest.IncompleteRun, match="1 not readable: torn"):
        ingest._check(frames, ingest.MarketState(corpus.symbol_names(2)), counters)


def test_score_closes_all_six_timeframes_and_its_parts_explain_the_score():
    found = bench("score", "--symbols", "4", "--rounds", "1")
    assert found["rows"] == 4 * 6
    assert found["midnight_closed"] == 6
    assert found["known_share"] > 0.9
    assert found["contributions_error"] < 1e-12
    assert found["close_ms"] == pytest.approx(found["factors_ms"] + found["score_ms"], abs=0.002)


def test_the_same_figures_are_printed_for_people():
    out = StringIO()
    call_command("bench", "score", "--symbols", "3", "--rounds", "1", stdout=out)
    assert "3 symbols × 6 timeframes" in out.getvalue()
    assert "all close at once" in out.getvalue()


def test_an_option_of_another_benchmark_is_refused_with_what_fits():
    with pytest.raises(CommandError, match="bench score has no --viewers; it takes --symbols"):
        bench("score", "--viewers", "3")


def test_a_size_of_nothing_is_refused():
    with pytest.raises(CommandError, match="--symbols must be above 0, was 0"):
        bench("score", "--symbols", "0")


def test_pipeline_carries_events_and_signals_to_every_viewer():
    found = bench("pipeline", "--symbols", "4", "--viewers", "3", "--seconds", "2")
    assert found["viewers"] == 3
    assert found["closed"] == 0
    assert found["errors"] == []
    arrived = found["event_to_viewer_ms"]
    assert arrived["n"] > 0
    assert 0 < arrived["p50"] <= arrived["p99"] <= arrived["max"]
    assert set(found["cores_used"]) == {"exchange", "engine", "valkey", "web", "viewers"}
    assert found["exchange"]["sent"] > 0


def test_a_benchmark_that_cannot_run_says_why_and_leaves_nothing_running(monkeypatch):
    started = []

    @contextmanager
    def start(module, *arguments, **options):
        if module.endswith("live_engine"):
            raise children.ChildFailed("the engine ended with code 1")
        with children.child(module, *arguments, **options) as (process, line):
            started.append(process)
            yield process, line

    monkeypatch.setattr(pipeline, "child", start)
    with pytest.raises(CommandError, match="the engine ended with code 1"):
        bench("pipeline", "--symbols", "4")
    assert [process.poll() is not None for process in started] == [True]


def test_a_crowd_takes_one_signal_and_no_rule_is_broken():
    found = crowd.one_venue("simulated", 6, 10_000_000)
    assert found["broken"] == []
    assert found["states"] == {"open": 6}
    assert found["entries_sent"] == found["stop_before_entry"] == found["open_with_stop"] == 6
    assert found["truth"] == {
        "entries": 6,
        "most_entries_of_one": 1,
        "positions": 6,
        "positions_without_stop": 0,
    }
    assert found["orders"] == 6 * 6, "guard, entry, stop and three targets of each"
    assert 0 < found["signal_to_entry_ms"]["max"] <= found["signal_to_stop_ms"]["max"]
    assert found["claim_and_submit_ms"] > 0
    lines = crowd.report({"users": 6, "weight": 10_000_000, "venues": [found]})
    assert "simulated: 6 open" in lines


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stop_before_entry": 2}, "an entry left before its stop was confirmed"),
        ({"open_with_stop": 2}, "a position has no confirmed stop"),
        ({"stops_that_waited": 1}, "a stop waited for request weight"),
        ({"weight_used_most": 2_401}, "more request weight was used than the address has"),
        ({"entries_sent": 4, "stop_before_entry": 4}, "our rows differ from the exchange's"),
    ],
    ids=["order", "stop", "waiting", "weight", "books"],
)
def test_a_broken_rule_is_named_and_gives_no_figures(monkeypatch, changes, said):
    told = {
        "entries_sent": 3,
        "stop_before_entry": 3,
        "open": 3,
        "open_with_stop": 3,
        "stops_that_waited": 0,
        "weight_used_most": 900,
        "weight_limit": 2_400,
        "exchange_cpu_s": 1.0,
        "truth": {
            "entries": 3,
            "most_entries_of_one": 1,
            "positions": 3,
            "positions_without_stop": 0,
        },
    }
    assert crowd.broken(told) == []
    monkeypatch.setattr(crowd, "crowd", lambda *size: told | changes)
    with pytest.raises(CommandError, match=said):
        bench("crowd", "--users", "3")


def test_isolation_tells_the_ratio_of_the_others_and_nothing_without_them(monkeypatch):
    times = {"n": 9, "p50": 1_000.0, "p99": 2_000.0, "max": 2_000.0}
    without = {"entries": 9, "entry_ms": times, "stop_ms": times}
    slower = {**times, "p99": 2_200.0}
    beside = {"entries": 9, "entry_ms": slower, "stop_ms": times}
    told = {"slow": 1, "others": 9, "calls_that_hung": 4, "without": without, "beside": beside}
    monkeypatch.setattr(isolation, "crowd", lambda *size, **more: told)
    found = bench("isolation", "--users", "10")
    assert found["ratios"] == {"entry_p50": 1.0, "entry_p99": 1.1, "stop_p50": 1.0, "stop_p99": 1.0}
    assert any("1.10 ×" in line for line in isolation.report(found))
    told["beside"] = {**beside, "entries": 8}
    with pytest.raises(CommandError, match="beside: 8 of 9 entered"):
        bench("isolation", "--users", "10")
