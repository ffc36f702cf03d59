"""Leases: one owner, a token that grows, and late writers are refused."""

import pytest

from cryptosystems.platform import leases
from cryptosystems.platform.models import Lease
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db


def test_a_lease_has_one_owner() -> None:
    first = leases.take("engine:main", "alice")
    assert first is not None
    assert leases.take("engine:main", "bob") is None
    assert leases.take("engine:other", "bob") is not None


def test_a_lease_that_ran_out_goes_to_the_next_with_a_higher_epoch() -> None:
    first = leases.take("engine:main", "alice", ttl_ms=-1)
    second = leases.take("engine:main", "bob")
    assert first is not None
    assert second is not None
    assert second.epoch > first.epoch


def test_the_former_owner_can_neither_renew_nor_write() -> None:
    first = leases.take("engine:main", "alice", ttl_ms=-1)
    leases.take("engine:main", "bob")
    assert first is not None
    with pytest.raises(leases.LeaseLost):
        leases.renew(first)
    with pytest.raises(leases.LeaseLost):
        leases.require(first)


def test_a_late_owner_cannot_give_back_what_is_no_longer_his() -> None:
    first = leases.take("engine:main", "alice", ttl_ms=-1)
    second = leases.take("engine:main", "bob")
    assert first is not None
    assert second is not None
    leases.give_back(first)
    leases.require(second)
    assert leases.take("engine:main", "carol") is None


def test_a_lease_given_back_is_free_at_once() -> None:
    first = leases.take("engine:main", "alice")
    assert first is not None
    leases.give_back(first)
    assert leases.take("engine:main", "bob") is not None


@pytest.mark.django_db(transaction=True)
def test_long_work_keeps_its_lease_and_gives_it_back() -> None:
    holding = leases.take("training:simulated", "worker", ttl_ms=300)
    assert holding is not None
    before = Lease.objects.get().until_ms
    with leases.kept(holding, ttl_ms=300):
        wait_until(lambda: Lease.objects.get().until_ms > before)
        assert leases.take("training:simulated", "another") is None
    assert leases.take("training:simulated", "another") is not None


def test_leases_of_people_are_forgotten_when_nobody_holds_them() -> None:
    held, idle = leases.take("billing:checkout:a", "one"), leases.take("billing:checkout:b", "one")
    other = leases.take("engine:main", "one")
    assert held and idle and other
    Lease.objects.exclude(name=held.name).update(until_ms=1)
    assert leases.forget_idle("billing:checkout:", 1_000) == 1
    assert set(Lease.objects.values_list("name", flat=True)) == {held.name, other.name}
