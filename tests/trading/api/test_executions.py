"""Trades over the API: pages, files, and what a token may do."""

import csv
import io
import json
from typing import Any

import pytest
from django.core.cache import cache

from accounts.models import AuditEntry, User
from cryptosystems.settings import base
from tests.api.cast import person, token_of, with_token
from tests.support.trades import account_of, closed_of, paper_of, trade_of
from trading.contracts import TradeState

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

FILE = "/api/v1/executions/export"


@pytest.fixture(autouse=True)
def fresh_counters() -> None:
    cache.clear()


def reader(user: User, *scopes: str) -> Any:
    return with_token(token_of(user, *(scopes or ("account:read",))))


def text_of(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


def test_a_file_for_a_spreadsheet_has_numbers_as_numbers_and_no_formula() -> None:
    alice = person("alice")
    account = account_of(alice)
    closed_of(alice, "-1.1", account)
    trade_of(alice, account, "skipped", sentence="=HYPERLINK(1)", reason="side")
    rows = list(csv.DictReader(io.StringIO(text_of(reader(alice).get(FILE)))))
    lost = next(row for row in rows if row["state"] == "closed")
    passed = next(row for row in rows if row["state"] == "skipped")
    assert float(lost["realised"]) == -30 and float(lost["result_r"]) == -1.1
    assert passed["sentence"] == "'=HYPERLINK(1)" and passed["exit_price"] == ""


def test_the_same_as_json_is_exact() -> None:
    alice = person("alice")
    account = account_of(alice)
    closed_of(alice, "-1.1", account)
    trade_of(alice)
    told = json.loads(text_of(reader(alice).get(f"{FILE}?format=json&account={account.pk}")))
    assert told["count"] == 1 == len(told["results"])
    assert told["results"][0]["result_r"] == "-1.1"
    assert told["results"][0]["account"] == str(account.pk)


def test_a_file_holds_every_trade_of_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trading.selectors.trades.MOST", 5)
    alice = person("alice")
    made = {str(trade_of(alice, state="skipped").pk) for _ in range(12)}
    told = json.loads(text_of(reader(alice).get(f"{FILE}?format=json")))
    assert {row["trade"] for row in told["results"]} == made and told["count"] == 12


def test_files_are_counted_by_the_hour_and_noted() -> None:
    alice = person("alice")
    client = reader(alice)
    for _ in range(base.EXPORTS_AN_HOUR):
        assert client.get(FILE).status_code == 200
    over = client.get(FILE)
    assert over.status_code == 429 and int(over["Retry-After"]) > 0
    noted = AuditEntry.objects.filter(action="trades_exported", subject_id=alice.pk)
    assert noted.count() == base.EXPORTS_AN_HOUR
    assert reader(person("charlie")).get(FILE).status_code == 200, "each person for themselves"


def test_pages_follow_each_other_to_the_end() -> None:
    alice = person("alice")
    for state in TradeState:
        trade_of(alice, state=state.value)
    client, path, seen = reader(alice), "/api/v1/executions?limit=4", []
    following: str | None = ""
    while following is not None:
        told = client.get(path + (f"&cursor={following}" if following else "")).json()
        seen += [row["id"] for row in told["results"]]
        following = told["next"]
    assert len(seen) == len(set(seen)) == len(TradeState)


def test_reading_is_not_acting() -> None:
    alice = person("alice")
    trade = trade_of(alice)
    assert reader(alice).get(f"/api/v1/trades/{trade.pk}").status_code == 200
    assert reader(alice).post(f"/api/v1/trades/{trade.pk}/close").status_code == 403
    acts = reader(alice, "account:read", "trade")
    told = acts.post(f"/api/v1/trades/{trade.pk}/close")
    assert told.status_code == 200, told.content
    trade.refresh_from_db()
    assert trade.close_asked_at is not None


def test_somebody_elses_ids_are_as_if_they_were_not() -> None:
    alice, charlie = person("alice"), person("charlie")
    account = account_of(alice)
    trade = trade_of(alice, account)
    client = reader(charlie, "account:read", "trade")
    for path in (f"/api/v1/trades/{trade.pk}", f"/api/v1/bot/{account.pk}"):
        assert client.get(path).status_code == 404
    for path in (
        f"/api/v1/trades/{trade.pk}/close",
        f"/api/v1/trades/{trade.pk}/approve",
        f"/api/v1/trades/{trade.pk}/decline",
        f"/api/v1/bot/{account.pk}/flatten",
    ):
        assert client.post(path).status_code == 404, path
    assert client.get(f"/api/v1/executions?account={account.pk}").json()["results"] == []
    assert text_of(client.get(f"{FILE}?account={account.pk}")).count("\n") == 1
    trade.refresh_from_db()
    assert trade.close_asked_at is None


def test_more_risk_on_an_exchange_is_no_matter_for_a_token() -> None:
    alice = person("alice")
    account = account_of(alice)
    client = reader(alice, "account:read", "trade")
    bot = f"/api/v1/bot/{account.pk}"
    more = client.patch(bot, {"max_positions": 9}, content_type="application/json")
    assert (more.status_code, more.json()["code"]) == (403, "second_factor")
    less = client.patch(bot, {"max_positions": 1}, content_type="application/json")
    assert less.status_code == 200 and less.json()["limits"]["max_positions"] == 1
    on = client.post(f"{bot}/automation", {"is_automatic": True}, content_type="application/json")
    assert on.status_code == 403
    off = client.post(f"{bot}/mode", {"mode": "exits_only"}, content_type="application/json")
    assert off.status_code == 200 and off.json()["mode"] == "exits_only"


def test_a_bot_on_paper_waits_for_ten_trades_by_hand() -> None:
    alice = person("alice")
    client = reader(alice, "account:read", "trade")
    client.get("/api/v1/bot")
    path = f"/api/v1/bot/{paper_of(alice).pk}/automation"
    told = client.post(path, {"is_automatic": True}, content_type="application/json")
    assert (told.status_code, told.json()["code"]) == (403, "paper_first")
    assert "You have 0; 10 more paper trades to go." in told.json()["detail"]
    for _ in range(10):
        closed_of(alice, "0.5")
    told = client.post(path, {"is_automatic": True}, content_type="application/json")
    assert told.status_code == 200 and told.json()["is_automatic"] is True
