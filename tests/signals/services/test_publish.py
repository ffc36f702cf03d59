"""A signal is stored whole or not at all, once, with its link and its frame."""

import json
from unittest import mock
from uuid import UUID

import pytest
from django.db import DatabaseError

from signals.models import ChainEntry, OutboxEntry, RejectedSetup, Settlement, Signal, SignalState
from signals.services.publish import apply_change, publish, record_rejected, store_backtest
from tests.support.setups import AT_MS, HOUR_MS, filled, make_draft, make_rejected, won

pytestmark = pytest.mark.django_db


def test_a_signal_is_a_row_a_state_a_link_and_a_frame() -> None:
    draft = make_draft()
    entry = publish(draft)
    signal = Signal.objects.get()
    assert signal.id == draft.id
    assert signal.number == 1
    assert SignalState.objects.get().state == "waiting"
    assert ChainEntry.objects.get().hash == signal.hash
    assert entry is not None
    told = json.loads(entry.data)
    assert told["kind"] == "issued"
    assert told["signal"]["stop"] == f"{draft.plan.stop:.1f}"
    assert told["signal"]["state"] == "waiting"


def test_the_same_signal_again_changes_nothing() -> None:
    publish(make_draft())
    assert publish(make_draft()) is None
    assert Signal.objects.count() == ChainEntry.objects.count() == OutboxEntry.objects.count() == 1


def test_if_the_frame_cannot_be_stored_nothing_is() -> None:
    """The outbox is the last to be written: without it there is no signal and no link either."""
    with (
        mock.patch("signals.services.publish.add_to_outbox", side_effect=DatabaseError("full")),
        pytest.raises(DatabaseError),
    ):
        publish(make_draft())
    assert not Signal.objects.exists()
    assert not ChainEntry.objects.exists()


def test_a_fill_moves_the_state_and_a_result_settles_it() -> None:
    draft = make_draft()
    publish(draft)
    moved = apply_change(filled(draft.id))
    assert moved is not None
    assert json.loads(moved.data)["signal"]["fill_price"] == "59950.0"
    settled = apply_change(won(draft.id))
    assert settled is not None
    told = json.loads(settled.data)
    assert told["kind"] == "settled"
    assert told["signal"]["result_r"] == 1.8
    assert not SignalState.objects.get().is_open
    assert Settlement.objects.get().hash == ChainEntry.objects.get(kind="settlement").hash


def test_a_settled_signal_stays_settled() -> None:
    draft = make_draft()
    publish(draft)
    apply_change(won(draft.id))
    assert apply_change(won(draft.id, net_r=-1.07)) is None
    assert Settlement.objects.get().net_r == 1.8


def test_a_change_of_an_unknown_signal_is_left_alone() -> None:
    assert apply_change(filled(UUID(int=7))) is None


def test_a_rejected_setup_is_kept_once_with_the_gate_that_said_no() -> None:
    for _ in range(2):
        record_rejected(make_rejected())
    row = RejectedSetup.objects.get()
    assert row.gate == "edge"
    assert row.plan["stop"]


def test_a_back_test_stores_only_what_has_settled_and_keeps_its_own_origin() -> None:
    first = make_draft(origin="backtest")
    second = make_draft(origin="backtest", at_ms=AT_MS + HOUR_MS)
    open_still = make_draft(origin="backtest", at_ms=AT_MS + 2 * HOUR_MS)
    stored = store_backtest(
        [(first, won(first.id)), (second, won(second.id, -1.05)), (open_still, None)],
        [(make_rejected(origin="backtest"), won(first.id, -1.0))],
    )
    assert stored == 2
    assert set(Signal.objects.values_list("origin", flat=True)) == {"backtest"}
    assert RejectedSetup.objects.get().net_r == -1.0
    assert not OutboxEntry.objects.exists(), "history is not news"


def test_a_back_test_run_twice_doubles_nothing() -> None:
    draft = make_draft(origin="backtest")
    store_backtest([(draft, won(draft.id))], [])
    assert store_backtest([(draft, won(draft.id))], []) == 0
    assert ChainEntry.objects.count() == 2


def test_a_later_back_test_tells_no_time_twice() -> None:
    """Another model decides differently over the same candles: its record begins after the first."""
    told = make_draft(origin="backtest", at_ms=AT_MS + HOUR_MS)
    store_backtest([(told, won(told.id))], [])
    other = make_draft(origin="backtest", symbol="ETHUSDT", at_ms=AT_MS)
    later = make_draft(origin="backtest", symbol="ETHUSDT", at_ms=AT_MS + 2 * HOUR_MS)
    assert store_backtest([(other, won(other.id)), (later, won(later.id))], []) == 1
    assert set(Signal.objects.values_list("pk", flat=True)) == {told.id, later.id}
