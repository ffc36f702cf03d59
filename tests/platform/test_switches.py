"""Switches: a feature is turned by one person, a kill switch is cleared by two."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from cryptosystems.platform import announcements, switches
from cryptosystems.platform.models import Announcement, Switch

pytestmark = pytest.mark.django_db

ONE, OTHER = uuid4(), uuid4()


def test_untouched_features_work_and_nothing_is_stopped() -> None:
    assert switches.is_on("sign_up")
    assert not switches.is_on("signals")
    assert {one.name for one in switches.all_switches()} == set(switches.KNOWN)


def test_a_switch_that_nobody_declared_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="no switch named"):
        switches.is_on("sign-up")


def test_a_feature_goes_off_and_on_with_a_reason() -> None:
    with pytest.raises(InvalidInput, match="reason"):
        switches.set_feature("sign_up", False, "  ", ONE)
    assert switches.set_feature("sign_up", False, "too many robots", ONE)
    assert not switches.is_on("sign_up")
    assert not switches.set_feature("sign_up", False, "too many robots", OTHER)
    assert switches.set_feature("sign_up", True, "they are gone", OTHER)
    assert switches.is_on("sign_up")


def test_a_feature_is_no_kill_switch_and_the_other_way_round() -> None:
    with pytest.raises(InvalidInput):
        switches.throw("sign_up", "a reason", ONE)
    with pytest.raises(InvalidInput):
        switches.set_feature("signals", False, "a reason", ONE)


def test_one_person_throws_and_two_clear() -> None:
    assert switches.throw("signals", "prices look wrong", ONE)
    assert not switches.throw("signals", "again", OTHER)
    with pytest.raises(NotAllowed, match="Nobody has asked"):
        switches.agree_clear("signals", ONE)
    switches.ask_clear("signals", ONE)
    with pytest.raises(NotAllowed, match="second person"):
        switches.agree_clear("signals", ONE)
    assert switches.is_on("signals")
    switches.agree_clear("signals", OTHER)
    assert not switches.is_on("signals")
    with pytest.raises(NotAllowed, match="not thrown"):
        switches.agree_clear("signals", OTHER)


def test_a_request_to_clear_is_forgotten_after_a_day() -> None:
    now: datetime = timezone.now()
    switches.throw("signals", "prices look wrong", ONE, now)
    switches.ask_clear("signals", ONE, now)
    with pytest.raises(NotAllowed, match="asked already"):
        switches.ask_clear("signals", OTHER, now + timedelta(hours=23))
    late = now + timedelta(hours=24)
    with pytest.raises(NotAllowed, match="Nobody has asked"):
        switches.agree_clear("signals", OTHER, late)
    switches.ask_clear("signals", OTHER, late)
    switches.agree_clear("signals", ONE, late)
    assert not switches.is_on("signals")


def test_throwing_again_forgets_what_was_asked_before() -> None:
    switches.throw("signals", "prices look wrong", ONE)
    switches.ask_clear("signals", ONE)
    switches.agree_clear("signals", OTHER)
    switches.throw("signals", "wrong once more", ONE)
    with pytest.raises(NotAllowed, match="Nobody has asked"):
        switches.agree_clear("signals", OTHER)


def test_the_row_is_the_truth() -> None:
    """Whatever process wrote it, and whenever: nothing is kept in memory."""
    Switch.objects.create(name="signals", kind="kill", is_on=True)
    assert switches.is_on("signals")
    Switch.objects.update(is_on=False)
    assert not switches.is_on("signals")


def test_announcements_show_in_their_time_the_gravest_first() -> None:
    announcements.forget()
    now = timezone.now()
    day = timedelta(days=1)
    for text, level, start, end in (
        ("past", "bad", -day, -day / 2),
        ("future", "bad", day / 2, day),
        ("info", "info", -day / 2, day),
        ("bad", "bad", -day, day),
        ("warn", "warn", -day, day),
        ("old info", "info", -day, day),
    ):
        Announcement.objects.create(
            text=text, level=level, starts_at=now + start, ends_at=now + end
        )
    assert [one.text for one in announcements.current(now)] == ["bad", "warn", "info"]
    assert announcements.current(now + 3 * day) == ()


def test_the_platform_clears_only_what_it_threw_and_only_where_that_is_meant() -> None:
    assert switches.throw("trading_exchange", "it does not answer", None)
    assert switches.clear_itself("trading_exchange")
    assert not switches.clear_itself("trading_exchange"), "nothing is thrown any more"
    assert switches.throw("trading_exchange", "a person threw it", ONE)
    assert not switches.clear_itself("trading_exchange")
    assert switches.throw("trading_entries", "unknown outcomes", None)
    with pytest.raises(InvalidInput, match="two people"):
        switches.clear_itself("trading_entries")
    assert switches.is_on("trading_entries")
