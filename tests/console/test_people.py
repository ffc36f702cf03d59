"""What staff do for people: always with a reason, always in the log, and big things by two."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts import api as accounts
from accounts.models import AuditEntry, User
from billing import api as billing
from billing.models import Grant, ProviderEvent, Trial
from cryptosystems.console.roles import SUPPORT
from tests.console.conftest import World, staff_member
from tests.support.people import person, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


def _act(browser: Client, world: World, act: str, **typed: Any) -> str:
    answer = browser.post(f"/admin/people/{world.alice.pk}/act/{act}/", typed, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def _last(action: str) -> AuditEntry:
    return AuditEntry.objects.filter(action=action).order_by("-sequence")[0]


def test_an_act_without_a_reason_is_not_done(supporter: User, world: World) -> None:
    ends_at = Trial.objects.for_user(world.alice.pk).get().ends_at
    text = _act(signed_in(supporter), world, "extend-trial", hours=24, reason="")
    assert "Reason: " in text
    assert Trial.objects.for_user(world.alice.pk).get().ends_at == ends_at


def test_a_trial_is_extended_by_hours(supporter: User, world: World) -> None:
    before = Trial.objects.for_user(world.alice.pk).get().ends_at
    _act(signed_in(supporter), world, "extend-trial", hours=24, reason="lost a day to an outage")
    assert Trial.objects.for_user(world.alice.pk).get().ends_at == before + timedelta(hours=24)
    line = _last("grant_given")
    assert (line.actor_id, line.subject_id) == (supporter.pk, world.alice.pk)


def test_a_year_of_access_waits_for_a_second_person(supporter: User, world: World) -> None:
    browser, until = signed_in(supporter), (timezone.now() + timedelta(days=200)).date()
    text = _act(browser, world, "give-access", until=until.isoformat(), reason="works for us")
    assert "a second person has to agree" in text
    grant = billing.grants_of(world.alice.pk)[0]
    assert grant.waits
    browser.post(f"/admin/grants/{grant.id}/confirm/")
    assert billing.grants_of(world.alice.pk)[0].waits, "one's own word is no second one"
    second = signed_in(staff_member("second", SUPPORT))
    second.post(f"/admin/grants/{grant.id}/confirm/")
    assert not billing.grants_of(world.alice.pk)[0].waits
    second.post(f"/admin/grants/{grant.id}/withdraw/", {"person": str(world.alice.pk)})
    assert Grant.objects.for_user(world.alice.pk).get(pk=grant.id).withdrawn_at is not None


def test_deactivating_signs_out_and_reactivating_lets_in(supporter: User, world: World) -> None:
    hers, staff = signed_in(world.alice), signed_in(supporter)
    assert len(accounts.sessions_of(world.alice.pk)) == 1
    _act(staff, world, "deactivate", reason="asked by the police")
    world.alice.refresh_from_db()
    assert not world.alice.is_active
    assert accounts.sessions_of(world.alice.pk) == []
    assert "_auth_user_id" not in hers.session
    assert _last("staff_deactivated").details["reason"] == "asked by the police"
    _act(staff, world, "reactivate", reason="a mistake of ours")
    world.alice.refresh_from_db()
    assert world.alice.is_active


def test_a_token_is_revoked(supporter: User, world: World) -> None:
    _act(
        signed_in(supporter),
        world,
        "revoke-token",
        token=world.token_id,
        reason="leaked on a forum",
    )
    assert accounts.tokens_of(world.alice.pk)[0].revoked_at is not None
    assert _last("staff_revoked_token").actor_id == supporter.pk


def test_nobody_elses_token_is_revoked_through_her_page(supporter: User, world: World) -> None:
    charlie = person("charlie")
    view, _token = accounts.create_token(charlie.pk, name="his", scopes=["signals:read"])
    _act(signed_in(supporter), world, "revoke-token", token=view.id, reason="the wrong page")
    assert accounts.tokens_of(charlie.pk)[0].revoked_at is None


def test_only_superusers_give_roles(boss_browser: Client, supporter: User, world: World) -> None:
    answer = signed_in(supporter).post(
        f"/admin/people/{world.alice.pk}/act/roles/", {"roles": [SUPPORT], "reason": "a friend"}
    )
    assert answer.status_code == 403
    _act(boss_browser, world, "roles", roles=[SUPPORT], reason="joins support today")
    world.alice.refresh_from_db()
    assert world.alice.is_staff
    assert not world.alice.is_superuser
    assert list(world.alice.groups.all()) == [Group.objects.get(name=SUPPORT)]
    assert _last("staff_roles_changed").details["after"] == [SUPPORT]
    _act(boss_browser, world, "roles", reason="leaves support today")
    world.alice.refresh_from_db()
    assert not world.alice.is_staff


def test_the_same_device_at_another_account_is_a_hint(boss_browser: Client, world: World) -> None:
    from accounts.models import Device

    Device.objects.add_for(person("charlie").pk, hint="d" * 64, label="Chromium on Linux")
    text = boss_browser.get(f"/admin/people/{world.alice.pk}/").content.decode()
    assert "also seen at 1 other account" in text


def test_text_that_people_typed_is_shown_as_text(boss_browser: Client, world: World) -> None:
    script = "<script>alert(1)</script>"
    accounts.create_token(world.alice.pk, name=script, scopes=["signals:read"])
    _act(boss_browser, world, "end-sessions", reason=f"a reason {script}")
    ProviderEvent.objects.update(note=script, payload={"x": script})
    for page in (
        f"/admin/people/{world.alice.pk}/",
        "/admin/",
        "/admin/machine/",
        "/admin/accounts/apitoken/",
        "/admin/accounts/auditentry/",
        f"/admin/billing/providerevent/{world.event.pk}/change/",
    ):
        text = boss_browser.get(page).content.decode()
        assert script not in text, page


def test_an_event_is_replayed_by_whoever_may(operator: User, world: World) -> None:
    browser = signed_in(operator)
    page = f"/admin/billing/providerevent/{world.event.pk}/change/"
    assert "Work this event once more" in browser.get(page).content.decode()
    browser.post(f"/admin/billing/providerevent/{world.event.pk}/replay/")
    world.event.refresh_from_db()
    assert _last("event_replayed").actor_id == operator.pk
    assert world.event.note != "the provider was away"
