"""Taking everything along, and leaving: what goes is gone."""

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core.mail import send_mail
from django.db import connection, models
from django.utils import timezone

from accounts import api
from accounts.models import ApiToken, AuditEntry, Consent, Device, User
from accounts.services.export import safe_cell
from cryptosystems.platform.models import OutgoingMail
from cryptosystems.platform.tenancy import TenantModel
from tests.accounts.post import newest_mail
from tests.support.people import add_totp, alice, charlie, confirm_again, signed_in, staff

OUTBOX = "cryptosystems.platform.mail.OutboxBackend"
TRAITS = ("alice@example.org", "Alice's token", "Firefox on Alice's desk", "192.0.2.77")


def a_life(user: User) -> str:
    """Give someone rows in every table of this room; return what opens their second step."""
    secret = add_totp(user)
    api.record_consent(user.pk, Consent.Kind.TERMS, "1")
    ApiToken.objects.add_for(
        user.pk, name="Alice's token", prefix="cs_abc", digest="d" * 64, scopes=["trade"]
    )
    Device.objects.add_for(user.pk, hint="h" * 64, label="Firefox on Alice's desk")
    api.save_settings(user.pk, time_zone="Asia/Kathmandu")
    signed_in(user).post("/account/security/sessions/end")
    return secret


def opened(archive: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        return {name: found.read(name).decode() for name in found.namelist()}


def test_an_export_holds_every_table_with_rows_of_the_person() -> None:
    user, other = alice(), charlie()
    secret = a_life(user)
    a_life_of_charlie = add_totp(other)
    files = opened(api.export_of(user.pk))
    told = {name for name in files if name.endswith(".json")} - {"about.json"}
    with_rows = {
        f"{model._meta.label_lower}.json"
        for model in apps.get_models()
        for field in model._meta.fields
        if isinstance(field, models.ForeignKey)
        and field.related_model is User
        and _rows(model).filter(**{field.name: user.pk}).exists()
    }
    assert told == with_rows | {"accounts.user.json", "accounts.auditentry.json"}
    assert {"accounts.apitoken.json", "accounts.device.json", "mfa.authenticator.json"} <= told
    whole = "".join(files.values())
    assert "alice@example.org" in whole and "Asia/Kathmandu" in whole
    assert "charlie" not in whole
    for hidden in (secret, a_life_of_charlie, user.password, "d" * 64, "h" * 64, "v1:test"):
        assert hidden not in whole
    about = json.loads(files["about.json"])
    assert {entry["table"] for entry in about["tables"]} == {n.removesuffix(".json") for n in told}


def _rows(model: Any) -> Any:
    if issubclass(model, TenantModel):
        return model.objects.across_tenants("a test counts")
    return model._base_manager.all()


def test_csv_and_json_tell_the_same_and_no_cell_is_a_formula() -> None:
    user = alice()
    ApiToken.objects.add_for(user.pk, name="=cmd|' /C calc'!A0", prefix="-1+1", digest="d" * 64)
    files = opened(api.export_of(user.pk))
    rows = list(csv.DictReader(io.StringIO(files["accounts.apitoken.csv"])))
    told = json.loads(files["accounts.apitoken.json"])
    assert [row["id"] for row in rows] == [row["id"] for row in told]
    assert rows[0]["name"] == "'=cmd|' /C calc'!A0" and rows[0]["prefix"] == "'-1+1"
    assert told[0]["name"] == "=cmd|' /C calc'!A0"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_a_spreadsheet_would_run_is_text(start: str) -> None:
    assert safe_cell(f"{start}1+1") == f"'{start}1+1"
    assert safe_cell("1+1") == "1+1" and safe_cell(-5) == -5


def test_a_download_needs_a_fresh_proof_and_is_logged() -> None:
    user = alice()
    client = signed_in(user)
    assert client.get("/account/data/export").url.startswith("/accounts/reauthenticate/")
    confirm_again(client, user)
    answer = client.get("/account/data/export")
    assert answer["Content-Type"] == "application/zip"
    assert "attachment" in answer["Content-Disposition"]
    assert json.loads(opened(answer.content)["accounts.user.json"])[0]["email"] == user.email
    assert api.audit_of(user.pk)[0].action == "data_exported"


def test_asking_to_leave_gives_thirty_days_and_closes_side_doors() -> None:
    user = alice()
    a_life(user)
    here, there = signed_in(user), signed_in(user)
    assert here.post("/account/data/delete").url.startswith("/accounts/2fa/reauthenticate/")
    confirm_again(here, user)
    assert "What stays" in here.get("/account/data/delete").content.decode()
    here.post("/account/data/delete")
    user.refresh_from_db()
    assert user.deletion_due_at is not None
    assert abs(user.deletion_due_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    assert here.get("/account/data").status_code == 200
    assert there.get("/account/data").status_code == 302
    assert ApiToken.objects.for_user(user.pk).get().revoked_at is not None
    mail = newest_mail(user.email)
    assert mail.subject == "Your account will be deleted" and "/account/data" in str(mail.body)
    assert "<a href=" in str(mail.alternatives[0][0])
    assert "deletion_requested" in {row.action for row in api.audit_of(user.pk)}


def test_a_second_request_keeps_the_first_day() -> None:
    user = alice()
    first = api.request_deletion(user.pk, timezone.now() - timedelta(days=3))
    assert api.request_deletion(user.pk) == first


def test_one_may_think_again() -> None:
    user = alice()
    client = signed_in(user)
    api.request_deletion(user.pk, keep_session=client.session.session_key)
    assert "Keep the account" in client.get("/account/data").content.decode()
    client.post("/account/data/keep")
    assert api.deletions_due(timezone.now() + timedelta(days=365)) == []
    assert api.withdraw_deletion(user.pk) is False
    assert api.audit_of(user.pk)[0].action == "deletion_withdrawn"


def test_who_is_due_is_told_when_the_days_are_over() -> None:
    user, _other = alice(), charlie()
    due = api.request_deletion(user.pk)
    assert api.deletions_due(due - timedelta(seconds=1)) == []
    assert api.deletions_due(due) == [user.pk]


def everywhere(text: str) -> list[str]:
    """Return each table and column of the whole database that holds a text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            columns = connection.introspection.get_table_description(cursor, table)
            for column in columns:
                name = connection.ops.quote_name(column.name)
                cursor.execute(
                    f"SELECT count(*) FROM {connection.ops.quote_name(table)} "  # noqa: S608
                    f"WHERE LOWER(CAST({name} AS TEXT)) LIKE %s",
                    [f"%{text.lower()}%"],
                )
                if cursor.fetchone()[0]:
                    found.append(f"{table}.{column.name}")
    return found


def test_after_deletion_no_trait_is_left_anywhere(settings: Any) -> None:
    settings.EMAIL_BACKEND = OUTBOX
    user, other, member = alice(), charlie(), staff()
    a_life(user)
    client = signed_in(user)
    UserSession.objects.filter(user=user).update(ip="192.0.2.77")
    send_mail("Hello", "To Charlie about alice@example.org", None, [other.email])
    api.request_deletion(user.pk, keep_session=client.session.session_key)
    LogEntry.objects.create(
        user=member,
        object_id=str(user.pk),
        object_repr=str(user),
        action_flag=2,
        change_message="looked at alice@example.org",
    )
    assert OutgoingMail.objects.filter(to=user.email).exists()
    assert all(everywhere(trait) for trait in TRAITS)  # the search finds what is there
    user_id = user.pk

    api.delete_everything(user_id)

    assert {trait: everywhere(trait) for trait in TRAITS} == {key: [] for key in TRAITS}
    assert everywhere("charlie@example.org")
    # The log still stands, whole, with a number that leads to nobody.
    assert AuditEntry.objects.filter(subject_id=user_id).exists()
    assert api.verify_audit() == ""
    assert api.user_by_id(user_id) is None
    api.delete_everything(user_id)  # a second run finds nothing to do


def test_nobody_elses_rows_go() -> None:
    user, other = alice(), charlie()
    a_life(other)
    api.delete_everything(user.pk)
    assert Device.objects.for_user(other.pk).count() == 1
    assert signed_in(other).get("/account/data").status_code == 200
