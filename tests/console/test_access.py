"""Who enters the console: staff with a second factor, each role as far as it reaches."""

from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from cryptosystems.console.people import ACTS
from cryptosystems.console.roles import EDITOR, OPERATOR, ROLES, SUPPORT, make_roles
from cryptosystems.platform.admin import RecordAdmin
from tests.console.conftest import World
from tests.support.people import PASSWORD, add_totp, alice, person, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

OWN = {
    "machine": "console.see_machine",
    "switches": "console.switch",
    "exports": "console.export",
}


def _addresses() -> dict[str, str]:
    """Every table and page of the console, with the right that opens it."""
    tables = {
        reverse(f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist"): (
            f"{m._meta.app_label}.view_{m._meta.model_name}"
        )
        for m in admin.site._registry
    }
    return {**tables, **{reverse(f"admin:{name}"): right for name, right in OWN.items()}}


def test_a_visitor_is_sent_to_the_one_sign_in() -> None:
    for address in ["/admin/", *_addresses()]:
        answer = Client().get(address)
        assert answer.status_code == 302, address
        assert answer["Location"].startswith("/accounts/login/?next=%2Fadmin%2F")


def test_for_somebody_who_is_not_staff_the_console_is_not_there() -> None:
    browser = signed_in(alice())
    for address in ["/admin/", *_addresses()]:
        assert browser.get(address).status_code == 404, address


def test_staff_without_a_second_factor_are_sent_to_set_one_up() -> None:
    user = person("new", is_staff=True, is_superuser=True)
    browser = signed_in(user)
    for address in ["/admin/", *_addresses(), f"/admin/people/{user.pk}/"]:
        answer = browser.get(address)
        assert answer.status_code == 302, address
        assert answer["Location"] == reverse("mfa_activate_totp")
    assert browser.post("/admin/switches/signals/throw/", {"reason": "a test"}).status_code == 302
    add_totp(user)
    assert browser.get("/admin/").status_code == 200


def test_from_a_network_that_is_not_listed_the_console_is_not_there(
    boss_browser: Client, settings: Any
) -> None:
    settings.CONSOLE_NETWORKS = (ip_network("203.0.113.0/24"), ip_network("2001:db8::/32"))
    for address in ["/admin/", "/admin/login/", *_addresses()]:
        for browser in (Client(), boss_browser):
            assert browser.get(address).status_code == 404, address
    for near in ("203.0.113.7", "2001:db8::7"):
        assert boss_browser.get("/admin/", REMOTE_ADDR=near).status_code == 200


def test_the_admin_sign_in_takes_no_password_of_its_own(boss: User) -> None:
    """So the limits and the second step of the one sign-in cannot be walked around."""
    browser = Client()
    answer = browser.post("/admin/login/", {"username": boss.email, "password": PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")
    assert "_auth_user_id" not in browser.session


def test_wrong_passwords_for_the_console_meet_the_limits_of_the_sign_in(boss: User) -> None:
    """At the limit the right password does not help either, until the time is over."""
    cache.clear()
    browser = Client()
    address = browser.get("/admin/login/?next=/admin/")["Location"]
    for k in range(12):
        answer = browser.post(address, {"login": boss.email, "password": f"wrong {k}"})
    assert answer.status_code == 429
    refused = browser.post(address, {"login": boss.email, "password": PASSWORD})
    assert refused.status_code == 429
    cache.clear()
    let_in = browser.post(address, {"login": boss.email, "password": PASSWORD})
    assert let_in.status_code == 302
    assert "2fa" in let_in["Location"], "the password alone opens nothing"
    assert browser.get("/admin/").status_code == 302


@pytest.mark.parametrize("role", [SUPPORT, OPERATOR, EDITOR])
def test_a_role_opens_what_it_names_and_nothing_else(role: str, world: World) -> None:
    user = person("member", is_staff=True)
    add_totp(user)
    user.groups.add(Group.objects.get(name=role))
    browser = signed_in(user)
    for address, right in _addresses().items():
        wanted = 200 if right in ROLES[role] else 403
        assert browser.get(address).status_code == wanted, (role, address)
    wanted = 200 if "accounts.view_user" in ROLES[role] else 403
    assert browser.get(f"/admin/people/{world.alice.pk}/").status_code == wanted


def test_a_role_that_somebody_widened_by_hand_is_brought_back() -> None:
    group = Group.objects.get(name=SUPPORT)
    group.permissions.set([])
    make_roles()
    held = {
        f"{p.content_type.app_label}.{p.codename}"
        for p in group.permissions.select_related("content_type")
    }
    assert held == ROLES[SUPPORT]


def test_support_may_not_turn_switches_replay_or_export(supporter: User, world: World) -> None:
    browser = signed_in(supporter)
    for address in (
        "/admin/switches/signals/throw/",
        f"/admin/billing/providerevent/{world.event.pk}/replay/",
        f"/admin/signals/modelversion/{world.model.pk}/promote/",
        "/admin/exports/accounts/user/",
        f"/admin/people/{world.alice.pk}/act/roles/",
    ):
        answer = browser.post(address, {"reason": "because I can", "roles": [OPERATOR]})
        assert answer.status_code == 403, address


def test_an_operator_may_not_act_on_people(operator: User, world: World) -> None:
    browser = signed_in(operator)
    for act in ACTS:
        answer = browser.post(f"/admin/people/{world.alice.pk}/act/{act}/", {"reason": "a reason"})
        assert answer.status_code == 403, act
    assert browser.post(f"/admin/grants/{world.grant.pk}/confirm/").status_code == 403


def test_support_may_not_touch_other_staff(supporter: User, boss: User) -> None:
    browser = signed_in(supporter)
    for act in ("deactivate", "end-sessions", "give-access"):
        answer = browser.post(f"/admin/people/{boss.pk}/act/{act}/", {"reason": "a coup"})
        assert answer.status_code == 403, act
    boss.refresh_from_db()
    assert boss.is_active


def test_rows_of_record_cannot_be_added_changed_or_deleted(
    boss_browser: Client, world: World
) -> None:
    """Superusers neither: not by the pages, not by their addresses, not by chosen rows."""
    records = [(m, t) for m, t in admin.site._registry.items() if isinstance(t, RecordAdmin)]
    assert len(records) > 12
    for model, table in records:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert boss_browser.get(reverse(f"{name}_add")).status_code == 403, name
        assert boss_browser.post(reverse(f"{name}_add"), {}).status_code == 403, name
        row: Any = table.get_queryset(_request(boss_browser)).first()
        if row is None:
            continue
        delete = reverse(f"{name}_delete", args=[row.pk])
        assert boss_browser.post(delete, {"post": "yes"}).status_code == 403, name
        if model is not User:  # its row leads to the page of a person
            change = boss_browser.post(reverse(f"{name}_change", args=[row.pk]), {})
            assert change.status_code == 403, name
        listed = reverse(f"{name}_changelist")
        boss_browser.post(
            listed, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        )
        assert table.get_queryset(_request(boss_browser)).filter(pk=row.pk).exists(), name


def test_what_staff_see_and_do_is_in_the_audit_log(boss: User, boss_browser: Client) -> None:
    boss_browser.get("/admin/accounts/user/?q=secret-search")
    boss_browser.post(
        "/admin/platform/announcement/add/",
        {
            "text": "Hello",
            "level": "info",
            "starts_at_0": "2026-11-25",
            "starts_at_1": "10:00",
            "ends_at_0": "2026-11-26",
            "ends_at_1": "10:00",
        },
    )
    lines = list(AuditEntry.objects.order_by("sequence"))
    assert all(line.actor_id == boss.pk for line in lines if line.actor_kind == "staff")
    told = {line.action: line.details for line in lines}
    assert told["console_seen"] == {"path": "/admin/accounts/user/"}
    assert told["console_row_added"]["values"]["text"] == "Hello"


def _request(browser: Client) -> Any:
    return browser.get("/admin/").wsgi_request
