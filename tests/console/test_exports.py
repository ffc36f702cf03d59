"""Files: every row, safe in a spreadsheet, for those who may, and in the log."""

import asyncio
import csv
import io

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.test import Client

from accounts.models import AuditEntry, User
from cryptosystems.platform.csv_files import csv_answer, safe_cell
from tests.console.conftest import World
from tests.support.people import person, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


def _table(answer: StreamingHttpResponse) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode()  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(text)))


def test_users_are_exported_with_every_row_once(boss_browser: Client) -> None:
    for k in range(450):
        person(f"user{k}")
    answer = boss_browser.post("/admin/exports/accounts/user/")
    assert answer.streaming
    rows = _table(answer)
    assert len({row["email"] for row in rows}) == 451
    assert "password" not in rows[0]
    line = AuditEntry.objects.get(action="console_exported")
    assert line.details == {"model": "accounts.user", "rows": 451}


@pytest.mark.parametrize(
    "table",
    ["billing/subscription", "billing/providerevent", "accounts/auditentry", "signals/signal"],
)
def test_the_other_tables_too(boss_browser: Client, world: World, table: str) -> None:
    rows = _table(boss_browser.post(f"/admin/exports/{table}/"))
    assert rows


def test_chosen_rows_are_exported_from_a_table(boss_browser: Client, world: World) -> None:
    answer = boss_browser.post(
        "/admin/accounts/user/",
        {"action": "export_rows", "_selected_action": [str(world.alice.pk)]},
    )
    assert [row["email"] for row in _table(answer)] == ["alice@example.org"]


def test_a_formula_is_exported_as_text(boss_browser: Client) -> None:
    person("x", email="=cmd|'/c calc'!a1@example.org")
    rows = _table(boss_browser.post("/admin/exports/accounts/user/"))
    cells = [row["email"] for row in rows if "cmd" in row["email"]]
    assert cells == ["'=cmd|'/c calc'!a1@example.org"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\n="])
def test_every_start_of_a_formula_is_covered(start: str) -> None:
    assert safe_cell(start + "1").startswith("'")


def test_numbers_stay_numbers() -> None:
    assert [safe_cell(value) for value in (-1, -1.5, None, "a-b")] == ["-1", "-1.5", "", "a-b"]


def test_without_the_right_there_is_no_file(supporter: User, world: World) -> None:
    browser = signed_in(supporter)
    assert browser.get("/admin/exports/").status_code == 403
    assert browser.post("/admin/exports/accounts/user/").status_code == 403
    answer = browser.post(
        "/admin/accounts/user/",
        {"action": "export_rows", "_selected_action": [str(world.alice.pk)]},
        follow=True,
    )
    assert not answer.streaming
    assert not AuditEntry.objects.filter(action="console_exported").exists()


def test_what_is_no_table_of_ours_is_not_there(boss_browser: Client) -> None:
    for table in ("auth/permission", "mfa/authenticator", "no/such", "platform/announcement"):
        assert boss_browser.post(f"/admin/exports/{table}/").status_code == 404, table


def test_under_asgi_rows_are_sent_piece_by_piece() -> None:
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    answer = csv_answer(ASGIRequest(scope, io.BytesIO()), "t", ["n"], ([k] for k in range(1000)))
    assert answer.is_async

    async def read() -> list[bytes]:
        return [piece async for piece in answer]

    pieces = asyncio.run(read())
    assert len(pieces) > 3
    assert b"".join(pieces).split() == [b"n", *(str(k).encode() for k in range(1000))]
