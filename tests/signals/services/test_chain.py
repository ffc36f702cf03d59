"""The chain shows whatever was changed, removed or put in afterwards."""

import threading
from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, connections

from signals.models import ChainEntry, Settlement, Signal
from signals.services.chain import chain_append, verify_chain
from signals.services.publish import apply_change, publish
from signals.services.recompute import recompute
from tests.support.setups import AT_MS, HOUR_MS, make_draft, won


def three_signals() -> list[Signal]:
    """Publish three signals and settle the first."""
    drafts = [make_draft(at_ms=AT_MS + k * HOUR_MS) for k in range(3)]
    for draft in drafts:
        publish(draft)
    apply_change(won(drafts[0].id, at_ms=AT_MS + 9 * HOUR_MS))
    return list(Signal.objects.order_by("number"))


@pytest.mark.django_db
def test_an_untouched_chain_holds() -> None:
    three_signals()
    report = verify_chain()
    assert (report.n_entries, report.first_fault) == (4, "")
    assert report.head == ChainEntry.objects.order_by("-sequence")[0].hash


def _raise_confidence() -> None:
    Signal.objects.filter(number=2).update(confidence=0.99)


def _win_a_loser() -> None:
    Settlement.objects.update(net_r=3.0)


def _delete_a_signal() -> None:
    Signal.objects.filter(number=3).delete()


def _delete_a_link() -> None:
    ChainEntry.objects.filter(sequence=2).delete()


def _rewrite_a_link() -> None:
    link = ChainEntry.objects.get(sequence=2)
    link.payload = link.payload.replace("0.62", "0.92")
    link.save(update_fields=["payload"])


def _insert_a_row() -> None:
    copy = Signal.objects.get(number=1)
    copy.pk, copy.number, copy.hash = "11111111-1111-4111-8111-111111111111", 99, "f" * 64
    copy.symbol = "ETHUSDT"
    copy.save(force_insert=True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (_raise_confidence, "confidence"),
        (_win_a_loser, "net_r"),
        (_delete_a_signal, "is gone"),
        (_delete_a_link, "link 2 is missing"),
        (_rewrite_a_link, "was changed after it was written"),
        (_insert_a_row, "rows stand beside"),
    ],
)
def test_every_way_of_tampering_is_named(tamper: Callable[[], None], told: str) -> None:
    three_signals()
    tamper()
    assert told in verify_chain().first_fault


@pytest.mark.django_db
def test_a_link_outside_its_transaction_is_refused(transactional_db: None) -> None:
    with pytest.raises(RuntimeError, match="inside the transaction"):
        chain_append("signal", make_draft().id, {})


@pytest.mark.django_db(transaction=True)
def test_many_writers_make_one_chain() -> None:
    """Each writer tries again when another was first; no link is lost and none has two followers."""

    def write(number: int) -> None:
        for _ in range(50):
            try:
                publish(make_draft(at_ms=AT_MS + number * HOUR_MS))
                break
            except DatabaseError:
                continue
        connections.close_all()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    report = verify_chain()
    assert (report.n_entries, report.first_fault) == (8, "")
    assert connection.vendor in ("sqlite", "postgresql")


@pytest.mark.django_db
def test_a_signal_is_recomputed_byte_for_byte_from_what_was_stored() -> None:
    (first, *_) = three_signals()
    assert recompute(first.id).matches


@pytest.mark.django_db
def test_a_changed_snapshot_is_seen_when_the_signal_is_recomputed() -> None:
    (first, *_) = three_signals()
    first.snapshot = first.snapshot.replace('"atr":600.0', '"atr":500.0')
    first.save(update_fields=["snapshot"])
    found = recompute(first.id)
    assert not found.matches
    assert any(line.startswith("stop") for line in found.differences)
