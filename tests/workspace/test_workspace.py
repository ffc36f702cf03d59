"""What somebody keeps of their dashboard, over HTTP: theirs alone, checked, the same everywhere."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from tests.support.people import person, signed_in
from workspace import api, domain
from workspace.contracts import AlertKind, Observation

pytestmark = pytest.mark.django_db

NOON = datetime(2126, 11, 25, 12, tzinfo=UTC)
LINE = {"id": "d1", "kind": "line", "points": [[1_764_028_800, 60_000.5], [1_764_030_000, 61_000]]}
BODY = {
    "slots": {
        "markets": "side",
        "chart": "top",
        "dock": "bottom",
        "signal": "left",
        "feed": "foot",
    },
    "sizes": {"left": 300, "dock": 240},
    "hidden": ["feed"],
    "layers": ["heat", "signal"],
    "charts": [{"symbol": "ETHUSDT", "timeframe": "1h"}],
    "symbol": "BTCUSDT",
    "timeframe": "15m",
    "tab": "factors",
}


@pytest.fixture
def alice() -> Any:
    return person("alice")


@pytest.fixture
def browser(alice: Any) -> Client:
    return signed_in(alice)


def send(browser: Client, method: str, path: str, body: Any = None) -> Any:
    answer = getattr(browser, method)(
        f"/api/v1/workspace{path}", json.dumps(body), content_type="application/json"
    )
    return answer.status_code, answer.json() if answer.content else None


def test_drawings_are_kept_by_symbol_and_come_back_as_they_were(browser: Client) -> None:
    assert browser.get("/api/v1/workspace/drawings/BTCUSDT").json() == {
        "symbol": "BTCUSDT",
        "version": 0,
        "items": [],
    }
    status, saved = send(browser, "put", "/drawings/BTCUSDT", {"items": [LINE], "version": 0})
    assert (status, saved["version"], saved["items"]) == (200, 1, [LINE])
    assert browser.get("/api/v1/workspace/drawings/BTCUSDT").json() == saved
    assert browser.get("/api/v1/workspace/drawings/ETHUSDT").json()["items"] == []


def test_a_second_device_does_not_overwrite_what_it_has_not_read(browser: Client) -> None:
    send(browser, "put", "/drawings/BTCUSDT", {"items": [LINE], "version": 0})
    status, told = send(browser, "put", "/drawings/BTCUSDT", {"items": [], "version": 0})
    assert (status, told["code"]) == (403, "changed_elsewhere")
    assert browser.get("/api/v1/workspace/drawings/BTCUSDT").json()["items"] == [LINE]


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "d1", "kind": "circle", "points": LINE["points"]},
        {"id": "D 1", "kind": "line", "points": LINE["points"]},
        {"id": "d1", "kind": "line", "points": [[1, 2], [3, 4]]},
        {"id": "d1", "kind": "line", "points": [[1_764_028_800, -5], [1_764_028_900, 4]]},
        {"id": "d1", "kind": "line", "points": [[1_764_028_800, True], [1_764_028_900, 4]]},
        {**LINE, "colour": "red"},
        "line",
    ],
)
def test_what_a_chart_cannot_draw_is_refused(browser: Client, wrong: Any) -> None:
    status, told = send(browser, "put", "/drawings/BTCUSDT", {"items": [wrong], "version": 0})
    assert (status, told["code"]) == (400, "invalid_input")


def test_a_saved_layout_is_the_current_one_until_another_is(browser: Client) -> None:
    status, first = send(browser, "post", "/layouts", {"name": "Night  watch", "body": BODY})
    assert (status, first["name"], first["is_current"], first["body"]) == (
        201,
        "Night watch",
        True,
        BODY,
    )
    status, _ = send(browser, "post", "/layouts", {"name": "Day", "body": {}})
    assert status == 201
    current = {row["name"]: row["is_current"] for row in _workspace(browser)["layouts"]}
    assert current == {"Day": True, "Night watch": False}
    send(browser, "patch", f"/layouts/{first['id']}", {"is_current": True})
    current = {row["name"]: row["is_current"] for row in _workspace(browser)["layouts"]}
    assert current == {"Day": False, "Night watch": True}
    assert send(browser, "delete", f"/layouts/{first['id']}")[0] == 204
    assert send(browser, "post", "/layouts", {"name": "Day", "body": {}})[0] == 400


def test_a_shared_layout_is_seen_by_its_link_until_it_is_taken_back(browser: Client) -> None:
    _, made = send(browser, "post", "/layouts", {"name": "Mine", "body": BODY})
    _, shared = send(browser, "patch", f"/layouts/{made['id']}", {"is_shared": True})
    link = f"/api/v1/workspace/shared-layouts/{shared['share_token']}"
    assert Client().get(link).json() == {"name": "Mine", "body": BODY}
    _, again = send(browser, "patch", f"/layouts/{made['id']}", {"is_shared": True})
    assert again["share_token"] == shared["share_token"]
    send(browser, "patch", f"/layouts/{made['id']}", {"is_shared": False})
    assert Client().get(link).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"slots": {**BODY["slots"], "chart": "left"}},  # type: ignore[dict-item]
        {"sizes": {"left": 20}},
        {"hidden": ["chart"]},
        {"charts": [{"symbol": "ETHUSDT", "timeframe": "1h"}] * 2},
        {"theme": "dark"},
        [],
    ],
)
def test_a_layout_that_no_page_could_show_is_refused(browser: Client, wrong: Any) -> None:
    assert send(browser, "post", "/layouts", {"name": "Wrong", "body": wrong})[0] == 400


def test_watch_lists_are_replaced_as_a_whole(browser: Client) -> None:
    lists = [{"name": "Majors", "symbols": ["BTCUSDT", "ETHUSDT", "BTCUSDT"]}]
    status, told = send(browser, "put", "/watch-lists", {"lists": lists})
    assert status == 200
    assert told["lists"] == [{"name": "Majors", "symbols": ["BTCUSDT", "ETHUSDT"]}]
    send(browser, "put", "/watch-lists", {"lists": []})
    assert _workspace(browser)["watch_lists"] == []


def _workspace(browser: Client) -> Any:
    return browser.get("/api/v1/workspace").json()


def _watch(alice: Any, kind: AlertKind, level: str | None = None) -> Any:
    return api.add_alert(alice.pk, symbol="BTCUSDT", kind=kind, level=level)


def test_an_alert_goes_off_once_at_the_price_that_touched_its_level(
    alice: Any, browser: Client, django_capture_on_commit_callbacks: Any
) -> None:
    status, made = send(
        browser,
        "post",
        "/alerts",
        {"symbol": "BTCUSDT", "kind": "price_above", "level": "61200.5", "note": "cluster"},
    )
    assert (status, made["level"], made["fired_at"]) == (201, "61200.5", None)
    assert api.waiting_symbols() == {"BTCUSDT"}
    below = Observation("BTCUSDT", price=Decimal("61000"), high=Decimal("61200.4"))
    assert _look(below) == 0
    # The price is back below, but a minute's high has touched the level.
    touched = Observation("BTCUSDT", price=Decimal("61000"), high=Decimal("61200.5"))
    assert (_look(touched), _look(touched)) == (1, 0)
    (told,) = browser.get("/api/v1/workspace/alerts").json()["results"]
    assert (told["fired_value"], told["is_seen"]) == ("61200.5", False)
    send(browser, "post", "/alerts/seen")
    assert browser.get("/api/v1/workspace/alerts").json()["results"][0]["is_seen"]
    assert api.waiting_symbols() == set()


def _look(*seen: Observation, sees_live: bool = False) -> int:
    return api.look_at(seen, NOON, lambda _: sees_live)


def test_an_alert_for_signals_hears_of_later_ones_only(alice: Any) -> None:
    _watch(alice, AlertKind.SIGNAL)
    assert _look(Observation("BTCUSDT", signal_number=7, live_signal_number=7)) == 0
    assert _look(Observation("BTCUSDT", signal_number=7, live_signal_number=8)) == 0
    assert _look(Observation("BTCUSDT", signal_number=7, live_signal_number=8), sees_live=True) == 1


@pytest.mark.parametrize(
    ("kind", "level", "rate", "expected"),
    [
        (AlertKind.FUNDING_ABOVE, "0.0005", "0.0006", True),
        (AlertKind.FUNDING_ABOVE, "0.0005", "0.0004", False),
        (AlertKind.FUNDING_BELOW, "-0.0001", "-0.0002", True),
        (AlertKind.FUNDING_BELOW, "-0.0001", "0.0", False),
        (AlertKind.PRICE_BELOW, "100", "0.1", False),  # no price was seen: nothing is known
    ],
)
def test_rates_and_unknown_prices(kind: AlertKind, level: str, rate: str, expected: bool) -> None:
    seen = Observation("BTCUSDT", funding_rate=Decimal(rate))
    assert (domain.fires(kind, Decimal(level), seen) is not None) is expected


@pytest.mark.parametrize(
    "order",
    [
        {"symbol": "BTCUSDT", "kind": "price_above"},
        {"symbol": "BTCUSDT", "kind": "price_above", "level": "-5"},
        {"symbol": "BTCUSDT", "kind": "price_above", "level": 5},
        {"symbol": "BTCUSDT", "kind": "funding_above", "level": "5"},
        {"symbol": "BTCUSDT", "kind": "signal", "level": "5"},
        {"symbol": "BTCUSDT", "kind": "volume_above", "level": "5"},
        {"kind": "signal"},
    ],
)
def test_an_alert_that_could_never_go_off_is_refused(browser: Client, order: Any) -> None:
    assert send(browser, "post", "/alerts", order)[0] == 400


def test_alerts_that_wait_are_bounded(alice: Any, browser: Client) -> None:
    for _ in range(domain.MOST_ALERTS):
        _watch(alice, AlertKind.PRICE_ABOVE, "1")
    status, told = send(browser, "post", "/alerts", {"symbol": "BTCUSDT", "kind": "signal"})
    assert (status, told["code"]) == (403, "too_many")


def test_what_changes_something_needs_a_session(alice: Any) -> None:
    assert Client().get("/api/v1/workspace").status_code == 401
    assert send(Client(), "post", "/alerts", {"symbol": "BTCUSDT", "kind": "signal"})[0] == 401
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert send(strict, "put", "/watch-lists", {"lists": []})[0] == 403
