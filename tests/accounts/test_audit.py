"""The audit log: only added to, each row bound to the one before."""

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import api
from accounts.models import AuditEntry
from accounts.services import audit
from cryptosystems.kernel.errors import RetryLater
from tests.support.people import alice, charlie, signed_in


def some_rows(count: int = 5) -> None:
    for number in range(count):
        api.audit("password_changed", subject_id=uuid4(), details={"n": number, "why": "a\r\nb"})


def test_a_whole_log_has_no_fault() -> None:
    assert api.verify_audit() == ""
    some_rows()
    assert api.verify_audit() == ""


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("UPDATE {t} SET action = 'signed_in' WHERE sequence = 3", "row 3 (signed_in) was changed"),
        (
            "UPDATE {t} SET details = '{{}}' WHERE sequence = 2",
            "row 2 (password_changed) was changed",
        ),
        ("DELETE FROM {t} WHERE sequence = 3", "row 3 is missing"),
        ("DELETE FROM {t} WHERE sequence = 1", "row 1 is missing"),
        ("UPDATE {t} SET previous_hash = 'x' WHERE sequence = 4", "row 4 names another"),
    ],
)
def test_a_broken_chain_is_found(change: str, fault: str) -> None:
    some_rows()
    with connection.cursor() as cursor:
        cursor.execute(change.format(t=AuditEntry._meta.db_table))
    assert api.verify_audit().startswith(fault)


def test_rows_are_neither_changed_nor_deleted() -> None:
    some_rows(1)
    row = AuditEntry.objects.get()
    with pytest.raises(TypeError):
        row.save()
    with pytest.raises(TypeError):
        row.delete()


def test_a_lost_race_is_run_again_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, losses = AuditEntry.save, iter([IntegrityError] * 3)

    def save(entry: AuditEntry, **options: object) -> None:
        error = next(losses, None)
        if error:
            raise error
        kept(entry, **options)

    monkeypatch.setattr(AuditEntry, "save", save)
    some_rows(1)
    assert AuditEntry.objects.count() == 1
    losses = iter([IntegrityError] * 100)
    with pytest.raises(RetryLater):
        some_rows(1)
    assert api.verify_audit() == ""


def test_an_injected_line_stays_one_line() -> None:
    some_rows(1)
    assert "\n" not in json.dumps(AuditEntry.objects.get().details)


def test_an_action_is_a_code() -> None:
    with pytest.raises(ValueError, match="action code"):
        api.audit("Signed in\r\nroot", subject_id=None)


def test_a_row_carries_the_request_it_came_from() -> None:
    user = alice()
    signed_in(user).post("/accounts/logout/", headers={"X-Request-ID": "req-12345678"})
    assert AuditEntry.objects.get().request_id == "req-12345678"


def test_people_see_their_own_rows_and_nobody_elses() -> None:
    user, other = alice(), charlie()
    for number in range(35):
        api.audit("password_changed", subject_id=user.pk, details={"n": number})
    api.audit("email_changed", subject_id=other.pk)
    page = signed_in(user).get("/account/security").context["page"]
    assert len(page.activity) == 30
    assert {row.action for row in page.activity} == {"password_changed"}
    rest = signed_in(user).get(f"/account/security?before={page.older}").context["page"]
    assert [row.details["n"] for row in rest.activity] == [4, 3, 2, 1, 0]
    assert rest.older is None
    assert "E-mail address changed" in signed_in(other).get("/account/security").content.decode()


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "٣", ""])
def test_a_strange_place_to_page_from_is_the_beginning(before: str) -> None:
    user = alice()
    api.audit("password_changed", subject_id=user.pk)
    page = signed_in(user).get("/account/security", {"before": before}).context["page"]
    assert len(page.activity) == 1


def test_every_action_has_a_title_and_a_strange_one_reads_as_its_words() -> None:
    assert audit.title_of("password_changed") == "Password changed"
    assert audit.title_of("trial_extended") == "Trial extended"


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_make_one_chain() -> None:
    def write(number: int) -> None:
        try:
            with transaction.atomic():
                api.audit("password_changed", subject_id=uuid4(), details={"n": number})
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert AuditEntry.objects.count() == 40
    assert api.verify_audit() == ""
