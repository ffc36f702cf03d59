"""Signals as a file: who gets one, what stands in it, how long it may be, and how often."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEntry, User
from billing import api as billing
from billing.contracts import Feature
from cryptosystems.kernel.identifiers import chain_hash
from cryptosystems.platform import throttles
from cryptosystems.settings import base
from signals.models import ChainEntry, Signal
from signals.selectors import export as selecting
from signals.services import export as exporting
from signals.services.publish import apply_change, publish
from tests.api.cast import end_trial, person, signed_in, token_of, with_token
from tests.support.records import make_signals
from tests.support.setups import AT_MS, HOUR_MS, make_draft, won

pytestmark = pytest.mark.django_db

PATH = "/api/v1/signals/export"
DAY_ONE = datetime(2025, 11, 25, tzinfo=UTC)
SPAN = {"since": "2025-11-01", "until": "2026-11-01", "origin": "simulated"}
CONTRACT = [
    "id",
    "symbol",
    "timeframe",
    "at",
    "direction",
    "entry_low",
    "entry_high",
    "stop",
    "tp1",
    "tp2",
    "tp3",
    "share1",
    "share2",
    "share3",
    "confidence",
    "strength",
    "expires_at",
    "model_version",
    "origin",
]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice() -> User:
    return person("alice")


def address(**query: Any) -> str:
    return f"{PATH}?{urlencode({**SPAN, **query})}"


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    assert answer.streaming
    return b"".join(answer.streaming_content).decode()


def table(answer: Any) -> list[dict[str, str]]:
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(text_of(answer))))


def refusal(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = json.loads(answer.content)
    return told


def exports_noted() -> list[dict[str, Any]]:
    return list(
        AuditEntry.objects.filter(action="signals_exported").values_list("details", flat=True)
    )


def test_a_settled_and_an_open_signal_as_csv_and_json(alice: User) -> None:
    first, second = make_draft(), make_draft(at_ms=AT_MS + HOUR_MS)
    for draft in (first, second):
        publish(draft)
    apply_change(won(first.id, 1.8))
    browser = signed_in(alice)
    answer = browser.get(address())
    assert answer["Content-Disposition"] == (
        'attachment; filename="signals-simulated-20251101-20261101.csv"'
    )
    assert "no-store" in answer["Cache-Control"]
    rows = table(answer)
    assert list(rows[0]) == [
        *CONTRACT,
        *("state", "result_r", "gross_r", "filled_at", "settled_at", "hash"),
        *("break_even", "base_rate", "reward_risk"),
    ]
    assert [row["id"] for row in rows] == [str(first.id), str(second.id)]
    shown = browser.get(f"/api/v1/signals/{first.id}").json()
    row = rows[0]
    assert (row["direction"], row["at"], row["state"]) == ("long", shown["issued_at"], "won")
    assert [float(row[f"tp{n}"]) for n in (1, 2, 3)] == [
        float(t["price"]) for t in shown["targets"]
    ]
    assert [float(row[f"share{n}"]) for n in (1, 2, 3)] == [t["share"] for t in shown["targets"]]
    assert (float(row["entry_low"]), float(row["stop"])) == (
        float(shown["entry"]["low"]),
        float(shown["stop"]),
    )
    assert (float(row["result_r"]), float(row["gross_r"])) == (shown["result_r"], shown["gross_r"])
    assert (row["filled_at"], row["settled_at"]) == (shown["filled_at"], shown["settled_at"])
    assert (rows[1]["state"], rows[1]["result_r"], rows[1]["settled_at"]) == ("waiting", "", "")

    told = json.loads(text_of(browser.get(address(format="json"))))
    assert (told["origin"], told["since"]) == ("simulated", "2025-11-01T00:00:00.000Z")
    assert [r["id"] for r in told["results"]] == [row["id"] for row in rows]
    assert told["results"][0]["result_r"] == 1.8 and told["results"][1]["result_r"] is None
    for line, cells in zip(told["results"], rows, strict=True):
        assert {name: "" if v is None else str(v) for name, v in line.items()} == cells


def test_with_the_file_the_chain_can_be_followed(alice: User) -> None:
    for k in range(3):
        publish(make_draft(at_ms=AT_MS + k * HOUR_MS))
    rows = table(signed_in(alice).get(address()))
    for row, link in zip(rows, ChainEntry.objects.order_by("sequence"), strict=True):
        assert row["hash"] == link.hash == chain_hash(link.previous_hash, link.payload.encode())
        bound = json.loads(link.payload)
        assert [row["entry_low"], row["entry_high"]] == bound["entry"]
        assert row["stop"] == bound["stop"]
        assert float(row["confidence"]) == bound["confidence"]


def test_small_and_round_prices_are_plain_decimals(alice: User) -> None:
    targets = [{"price": p, "share": 0.5, "r": 1.0, "p": 0.5} for p in ("1E-8", "2.50E+3")]
    make_signals(
        1,
        DAY_ONE + timedelta(days=1),
        entry_low="0.00000001",
        entry_high=60_000,
        stop="0.000000009",
        targets=targets,
    )
    row = table(signed_in(alice).get(address()))[-1]
    assert (row["entry_low"], row["entry_high"]) == ("0.00000001", "60000")
    assert (row["stop"], row["tp1"], row["tp2"]) == ("0.000000009", "0.00000001", "2500")
    assert (row["tp3"], row["share3"]) == ("", "")


def test_a_formula_is_written_as_text_and_a_loss_stays_a_number(alice: User) -> None:
    draft = make_draft()
    publish(draft)
    apply_change(won(draft.id, -1.04))
    make_signals(1, DAY_ONE + timedelta(days=1), symbol="=1+1", model_version="@SUM(A1)")
    rows = table(signed_in(alice).get(address()))
    assert (rows[-1]["symbol"], rows[-1]["model_version"]) == ("'=1+1", "'@SUM(A1)")
    assert rows[0]["result_r"] == "-1.04"


def test_who_gets_a_file(alice: User) -> None:
    publish(make_draft())
    lapsed = person("lapsed")
    end_trial(lapsed)
    assert refusal(Client().get(address()), 401)["code"] == "not_authenticated"
    wrong = with_token(token_of(alice, "account:read")).get(address())
    assert refusal(wrong, 403)["code"] == "insufficient_scope"
    for caller in (signed_in(lapsed), with_token(token_of(lapsed))):
        told = refusal(caller.get(address()), 403)
        assert told["code"] == "not_entitled"
        assert told["detail"] == billing.entitlements_for(lapsed.pk).sentence
        assert "trial" in told["detail"]
    assert exports_noted() == []
    for caller in (signed_in(alice), with_token(token_of(alice, "signals:read"))):
        assert len(table(caller.get(address()))) == 1
    assert exports_noted() == [{"rows": 1}, {"rows": 1}]
    entry = AuditEntry.objects.filter(action="signals_exported")[0]
    assert (entry.subject_id, entry.actor_id, entry.actor_kind) == (alice.pk, alice.pk, "user")


def test_origins_are_never_mixed_and_the_rest_narrows(alice: User, settings: Any) -> None:
    settings.MARKET = "simulated"
    for k, origin in enumerate(("simulated", "backtest", "live", "replay")):
        publish(make_draft(at_ms=AT_MS + k * HOUR_MS, origin=origin))
    make_signals(1, DAY_ONE + timedelta(days=1), symbol="ETHUSDT", timeframe="4h")
    apply_change(won(Signal.objects.get(origin="simulated", symbol="BTCUSDT").pk))
    browser = signed_in(alice)
    for origin in ("simulated", "backtest", "live", "replay"):
        rows = table(browser.get(address(origin=origin)))
        assert {row["origin"] for row in rows} == {origin}
    span = {name: SPAN[name] for name in ("since", "until")}
    unsaid = table(browser.get(f"{PATH}?{urlencode(span)}"))
    assert {row["origin"] for row in unsaid} == {"simulated"}
    for query, expected in (
        ({"symbol": "ETHUSDT"}, ["ETHUSDT"]),
        ({"timeframe": "1h"}, ["BTCUSDT"]),
        ({"state": "open"}, ["ETHUSDT"]),
        ({"state": "settled"}, ["BTCUSDT"]),
    ):
        assert [row["symbol"] for row in table(browser.get(address(**query)))] == expected
    assert refusal(browser.get(address(origin="all")), 400)["detail"].startswith("origin is one of")


def test_a_young_open_signal_of_the_real_market_is_for_those_who_see_it_live(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    young, old = (
        make_signals(1, now - timedelta(minutes=age), origin="live")[0].pk for age in (5, 20)
    )
    span = urlencode({"origin": "live", "since": f"{now - timedelta(days=1):%Y-%m-%d}"})
    browser = signed_in(alice)
    assert [row["id"] for row in table(browser.get(f"{PATH}?{span}"))] == [str(old), str(young)]

    real = billing.entitlements_for

    def only_files(*asked: Any) -> Any:
        return replace(real(*asked), features=frozenset({Feature.EXPORT}))

    monkeypatch.setattr(billing, "entitlements_for", only_files)
    assert [row["id"] for row in table(browser.get(f"{PATH}?{span}"))] == [str(old)]
    assert exports_noted()[-1] == {"rows": 1}


def test_the_span_has_its_beginning_and_not_its_end(alice: User) -> None:
    made = make_signals(5, DAY_ONE + timedelta(days=1))
    query = {"since": "2025-11-26T01:00:00+00:00", "until": "2025-11-26T03:00Z"}
    rows = table(signed_in(alice).get(address(**query)))
    assert [row["id"] for row in rows] == [str(one.pk) for one in made[1:3]]
    shifted = {"since": "2025-11-26T03:00:00+02:00", "until": "2025-11-26T03:00:00"}
    assert [row["id"] for row in table(signed_in(alice).get(address(**shifted)))] == [
        row["id"] for row in rows
    ]


def test_without_times_it_is_the_last_366_days(alice: User) -> None:
    now = timezone.now()
    inside = make_signals(1, now - timedelta(days=365))[0]
    make_signals(1, now - timedelta(days=367))
    rows = table(signed_in(alice).get(f"{PATH}?origin=simulated"))
    assert str(inside.pk) in {row["id"] for row in rows}
    assert all(row["at"] > f"{now - timedelta(days=366):%Y-%m-%dT%H}" for row in rows)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"since": "2025-01-01", "until": "2026-01-03"}, "at most 366 days; these are 367"),
        ({"since": "2026-01-02", "until": "2026-01-02"}, "has to lie before until"),
        ({"since": "2099-01-01", "until": "2026-01-01"}, "has to lie before until"),
        ({"since": "yesterday"}, "since is a day or a time"),
        ({"since": "2025-02-30"}, "since is a day or a time"),
        ({"until": "2026-01-01 00:00"}, "until is a day or a time"),
        ({"until": "2026-01-01T24:01:00Z"}, "until is a day or a time"),
        ({"until": "9999-12-31T23:59:59-23:59"}, "until is a day or a time"),
        ({"until": "٢٠٢٦-01-01"}, "until is a day or a time"),
        ({"until": "2026-01-01\n"}, "until is a day or a time"),
        ({"format": "xlsx"}, "format is csv or json"),
        ({"state": "won"}, "state is open or settled"),
        ({"symbol": "A"}, "symbol is a name"),
        ({"limit": "5"}, "There is no parameter"),
    ],
)
def test_what_does_not_fit_is_refused_and_takes_no_file(
    alice: User, query: dict[str, str], said: str
) -> None:
    browser = signed_in(alice)
    assert said in refusal(browser.get(address(**query)), 400)["detail"]
    assert exports_noted() == []


def test_a_file_that_would_be_too_long_says_how_long(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MOST", 3)
    make_signals(3, DAY_ONE + timedelta(days=1))
    browser = signed_in(alice)
    assert (
        "These are 4 signals; a file holds at most 3"
        in refusal(browser.get(address()), 400)["detail"]
    )
    assert len(table(browser.get(address(since="2025-11-26")))) == 3


def test_rows_are_read_while_they_are_sent_each_once(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_signals(1_100, DAY_ONE + timedelta(days=1))
    browser = signed_in(alice)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer = browser.get(address(since="2025-11-26"))
        before = len(asked)
        pieces = iter(answer.streaming_content)
        first = next(pieces)
        assert len(asked) - before == 1, "one batch is read before the first piece leaves"
        rest = list(pieces)
        batches = [q["sql"] for q in asked.captured_queries[before:]]
    assert len(batches) == 3 and all("LIMIT" in sql for sql in batches)
    assert not any("snapshot" in sql for sql in batches)
    rows = list(csv.DictReader(io.StringIO(b"".join([first, *rest]).decode())))
    assert [row["id"] for row in rows] == [str(one.pk) for one in made]


def test_signals_of_the_same_moment_come_once_each(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selecting, "_BATCH", 2)
    for k in range(5):
        make_signals(1, DAY_ONE + timedelta(days=1), symbol=f"COIN{k}")
    rows = table(signed_in(alice).get(address(since="2025-11-26")))
    assert [row["symbol"] for row in rows] == [f"COIN{k}" for k in range(5)]


def test_ten_files_an_hour_by_browser_and_token_together(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"now": 1_764_028_800.0 + 600}
    monkeypatch.setattr(throttles.time, "time", lambda: clock["now"])
    browser, script = signed_in(alice), with_token(token_of(alice))
    assert base.EXPORTS_AN_HOUR == django_settings.EXPORTS_AN_HOUR == 10
    for _ in range(3):
        refusal(browser.get(address(since="never")), 400)  # takes nothing from the ten
    told = [caller.get(address()).status_code for caller in (browser, script) * 5]
    assert told == [200] * 10
    for caller in (browser, script):
        answer = caller.get(address())
        assert refusal(answer, 429)["code"] == "too_many_requests"
        assert answer["Retry-After"] == "3000"
    assert len(exports_noted()) == 10
    assert signed_in(person("charlie")).get(address()).status_code == 200
    clock["now"] += 3000
    assert browser.get(address()).status_code == 200


def test_a_caller_may_say_which_type_it_takes(alice: User) -> None:
    browser = signed_in(alice)
    for accept in ("text/csv", "application/json", "text/html,*/*;q=0.8"):
        assert browser.get(address(), headers={"Accept": accept}).status_code == 200
    told = refusal(browser.get(address(state="x"), headers={"Accept": "text/csv"}), 400)
    assert told["code"] == "invalid_input"


def test_the_web_server_sends_it_in_pieces(served: str) -> None:
    alice = person("alice")
    made = make_signals(700, DAY_ONE + timedelta(days=1))
    headers = {"Authorization": f"Bearer {token_of(alice)}"}
    for asked in ("csv", "json"):
        url = served + address(since="2025-11-26", format=asked)
        with httpx.stream("GET", url, headers=headers, timeout=60) as answer:
            assert answer.status_code == 200
            assert answer.headers["Transfer-Encoding"] == "chunked"
            text = "".join(answer.iter_text())
        rows = (
            list(csv.DictReader(io.StringIO(text)))
            if asked == "csv"
            else json.loads(text)["results"]
        )
        assert [row["id"] for row in rows] == [str(one.pk) for one in made]
