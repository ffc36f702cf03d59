"""What the server sends: whole pages with and without the engine, under a strict policy."""

import json
import re
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import path

from frontend.pages import marketing
from frontend.pages.dashboard import make_dashboard
from signals.services.publish import apply_change, publish
from tests.frontend.market import make_rows, warming
from tests.frontend.played_engine import PlayedEngine
from tests.support.setups import filled, make_draft

pytestmark = pytest.mark.django_db

DASHBOARD = "/ai-trading/dashboard"


@pytest.fixture
def silent(settings: Any, tmp_path: Any) -> None:
    """No engine, not even a broker."""
    settings.REDIS_URL = f"unix://{tmp_path}/nobody-listens.sock"


@pytest.fixture
def told(redis_url: str) -> PlayedEngine:
    """An engine that has reported once and says no more."""
    engine = PlayedEngine()
    engine.report()
    return engine


def first_of(html: str) -> dict[str, Any]:
    """Return what the script of the page starts from."""
    found = re.search(r'<script id="first" type="application/json">(.*?)</script>', html, re.S)
    assert found is not None
    return json.loads(found[1])  # type: ignore[no-any-return]


@pytest.mark.usefixtures("silent")
def test_without_an_engine_the_dashboard_comes_at_once_and_says_what_is_missing(
    client: Client,
) -> None:
    answer = client.get(DASHBOARD)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "No data yet." in html
    assert 'aria-busy="true"' in html
    assert "<h2 data-sym>BTCUSDT</h2>" in html
    assert first_of(html) | {"after": 0} == {
        "symbol": "BTCUSDT",
        "now": None,
        "status": None,
        "markets": None,
        "signals": [],
        "after": 0,
        "followed": {},
        "paper": "",
        "paper_lock": "",
        "trading": None,
    }


def test_while_the_engine_warms_up_the_page_says_at_what_it_is(
    client: Client, told: PlayedEngine
) -> None:
    told.status, told.rows = warming("Training the model, 2 of 6"), []
    told._redis.flushall()
    told.report()
    html = client.get(DASHBOARD).content.decode()
    assert "<strong>Warming up:</strong> Training the model, 2 of 6." in html
    assert "Warming up: Training the model, 2 of 6." in client.get("/status").content.decode()


def test_the_first_paint_carries_head_forty_markets_and_the_signal(
    client: Client, told: PlayedEngine
) -> None:
    draft = make_draft()
    publish(draft)
    html = client.get(DASHBOARD).content.decode()
    assert "<title>BTCUSDT 60,000.0 · Dashboard · CryptoSystems</title>" in html
    assert '<span data-last>60,000.0</span><small class="up" data-chg>+1.84%</small>' in html
    assert html.count('class="mk-row is-first num"') == 40
    assert 'aria-rowcount="301"' in html
    assert 'data-side="long"' in html
    assert "Fewer than 20 signals like this have settled" in html
    for target in draft.targets():
        assert f"{float(target['price']):,.1f}" in html
    assert "Takers bought 4.0 % more than they sold." in html
    first = first_of(html)
    assert first["after"] > 0
    assert [s["id"] for s in first["signals"]] == [str(draft.id)]
    assert len(first["markets"]["markets"]) == 40  # the script reads the whole list itself
    assert len(html) < 120_000


def test_levels_are_told_by_distance_and_result(told: PlayedEngine) -> None:
    draft = make_draft()
    publish(draft)
    levels = {row.name: row for row in make_dashboard("").levels}
    assert list(levels) == ["TP3", "TP2", "TP1", "Entry", "Stop"]
    assert levels["Stop"].result == -1.0
    assert levels["Stop"].distance is not None and levels["Stop"].distance < 0
    assert levels["TP1"].distance is not None and levels["TP1"].distance > 0
    assert levels["Entry"].word in ("in zone", "waiting")
    apply_change(filled(draft.id))
    assert {row.name: row for row in make_dashboard("").levels}["Entry"].word == "entered"


def test_the_symbol_asked_for_is_opened_and_an_unknown_one_is_not(told: PlayedEngine) -> None:
    assert make_dashboard("c005usdt").symbol == "C005USDT"
    assert make_dashboard("c290usdt").markets[0]["symbol"] == "C290USDT"
    assert make_dashboard("<script>").symbol == "BTCUSDT"
    publish(make_draft(symbol="C007USDT", base="C007"))
    assert make_dashboard("").symbol == "C007USDT"


def test_a_market_with_nothing_known_shows_dashes(client: Client, told: PlayedEngine) -> None:
    told.rows = make_rows(1)
    unknown = ("price", "change_24h", "funding_rate", "next_funding_at", "oi_change_4h", "mark")
    told.rows[0].update(dict.fromkeys(unknown), open_interest_usd=None, volume_24h=None)
    told.report()
    html = client.get(DASHBOARD).content.decode()
    assert "<span data-last>—</span>" in html
    assert "None" not in re.sub(r"<script.*?</script>", "", html, flags=re.S)


def test_status_shows_six_stages_with_their_times(client: Client, told: PlayedEngine) -> None:
    html = client.get("/status").content.decode()
    assert html.count("data-stage=") == 6
    assert "0.40 ms" in html
    assert "12.3 ms" in html
    assert "26 of 26" in html


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("address", ["/", DASHBOARD, "/status", "/no-such-page"])
def test_every_page_keeps_the_strict_policy(client: Client, address: str) -> None:
    answer = client.get(address)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    html = answer.content.decode()
    scripts = re.findall(r"<script([^>]*)>", html)
    assert all("src=" in s or 'type="application/json"' in s for s in scripts)
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", html)
    assert "<style" not in html


@pytest.mark.usefixtures("silent")
def test_a_page_that_is_not_there_leads_back(client: Client) -> None:
    answer = client.get("/no-such-page")
    assert answer.status_code == 404
    assert DASHBOARD in answer.content.decode()


def broken(request: Any) -> Any:
    raise ValueError("a fault of ours")


urlpatterns = [path("broken", broken)]


@pytest.mark.usefixtures("silent")
def test_a_page_that_fails_says_what_works_meanwhile(settings: Any) -> None:
    import cryptosystems.urls as real

    urlpatterns[1:] = real.urlpatterns
    settings.ROOT_URLCONF = __name__
    answer = Client(raise_request_exception=False).get("/broken")
    assert answer.status_code == 500
    assert "goes on following the market" in answer.content.decode()


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize(
    ("market", "words"),
    [
        ("simulated", ["Demo", "Simulated market", "not from Binance"]),
        ("replay", ["Demo", "Replay", "derived from them"]),
        ("binance", ["Live", "Prices come from Binance"]),
        ("demo", ["Live", "Binance demo"]),
    ],
)
def test_where_prices_come_from_is_said_on_every_page(
    client: Client, settings: Any, market: str, words: list[str]
) -> None:
    settings.MARKET = market
    for address in ("/", DASHBOARD, "/status"):
        html = client.get(address).content.decode()
        assert [w for w in words if w not in html] == []
        assert ("Simulated market" in html) == (market == "simulated")


@pytest.mark.usefixtures("silent")
def test_links_lead_only_to_pages_that_exist(client: Client) -> None:
    for address in ("/", DASHBOARD, "/status"):
        html = client.get(address).content.decode()
        for target in set(re.findall(r'<a [^>]*href="(/[^"]*)"', html)):
            assert client.get(target).status_code == 200, target
        assert 'href="https://www.tradingview.com/"' in html  # the chart library's attribution


def test_a_form_that_was_open_too_long_says_what_to_do() -> None:
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a"})
    text = answer.content.decode()
    assert answer.status_code == 403
    assert "Please send that once more" in text and "<style" not in text


def test_a_refusal_says_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any) -> None:
        raise PermissionDenied("You see this as somebody else, <b>read-only</b>.")

    monkeypatch.setattr(marketing, "_document", refuse)
    answer = Client().get("/terms")
    assert answer.status_code == 403
    assert "somebody else, &lt;b&gt;read-only" in answer.content.decode()


@pytest.mark.parametrize("host", ["evil.example", "testserver"])
def test_what_cannot_be_used_is_said_plainly(host: str) -> None:
    many = {f"field{n}": "x" for n in range(1_001)}
    answer = Client().post("/accounts/login/", many, headers={"Host": host})
    assert answer.status_code == 400
    assert "something we cannot use" in answer.content.decode()
