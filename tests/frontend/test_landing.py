"""The front door: real values of the running market, honest figures, and the way in, before any script."""

import re
from typing import Any

import pytest
from django.test import Client

from blog.models import Article
from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from frontend.preview import draw
from signals.services.publish import publish
from signals.store.candles import store_candles
from tests.frontend.played_engine import PlayedEngine
from tests.support.setups import AT_MS, HOUR_MS, make_draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(redis_url: str) -> PlayedEngine:
    """An engine that has reported once and says no more."""
    engine = PlayedEngine()
    engine.report()
    return engine


@pytest.fixture
def silent(settings: Any, tmp_path: Any) -> None:
    """No engine, not even a broker."""
    settings.REDIS_URL = f"unix://{tmp_path}/nobody-listens.sock"


def candles(n: int, step_ms: int = HOUR_MS) -> list[tuple[str, int, tuple[float, ...]]]:
    """Return candles that rise by ten a time, up to the signal's."""
    return [
        (
            "BTCUSDT",
            AT_MS - (n - k) * step_ms,
            (
                59_000.0 + 10 * k,
                59_030.0 + 10 * k,
                58_990.0 + 10 * k,
                59_020.0 + 10 * k,
                *(1.0,) * 4,
            ),
        )
        for k in range(n)
    ]


def store(n: int) -> None:
    store_candles(Origin.SIMULATED, Timeframe("1h"), candles(n))


def landing(client: Client) -> str:
    answer = client.get("/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_preview_is_the_newest_signal_on_its_own_candles(
    client: Client, told: PlayedEngine
) -> None:
    store(40)
    draft = make_draft()
    publish(draft)
    html = landing(client)
    drawing = html.split('<figure class="pv-chart">')[1].split("</figure>")[0]
    assert drawing.count('class="pv-up"') == 40
    assert 'class="v-zone"' in drawing
    assert "pv-line pv-down" in drawing and drawing.count("pv-line pv-up") == 3
    assert "the last 40 closed candles of 1h, between 58,990.0 and 59,420.0" in drawing
    assert 'data-symbol="BTCUSDT" data-decimals="1" data-price>60,000.0<' in html
    for target in draft.targets():
        assert f"{float(target['price']):,.1f}" in html
    assert "Simulated market" in html


def test_without_a_signal_the_first_market_is_shown_and_no_levels(
    client: Client, told: PlayedEngine
) -> None:
    store_candles(Origin.SIMULATED, Timeframe("15m"), candles(30, HOUR_MS // 4))
    html = landing(client)
    assert "<strong>BTCUSDT</strong>" in html and "60,000.0" in html
    assert html.count('class="pv-up"') == 30
    assert "v-zone" not in html and "pv-line pv-down" not in html
    assert "None is open at this moment" in html


@pytest.mark.usefixtures("silent")
def test_without_an_engine_the_page_is_whole_and_claims_nothing(client: Client) -> None:
    html = landing(client)
    assert "The engine is starting or away" in html
    assert "pv-chart" not in html and "p50" not in html
    assert "too few to tell: a rate needs 100" in html
    assert "Too few to tell: 0 have settled" in html
    assert not re.search(r"\d %? ?of \d+ settled", html)


def test_the_six_stages_carry_the_times_that_were_measured(
    client: Client, told: PlayedEngine
) -> None:
    html = landing(client)
    steps = html.split('aria-labelledby="how"')[1].split("</ol>")[0]
    assert steps.count("<li>") == 6
    assert steps.count("p50 0.40 ms") == 5
    told.status["stages"][0]["count"] = 0
    told.status["stages"][2]["p50_ms"] = 0.001
    told.report()
    html = landing(client)
    assert html.count("p50 0.40 ms") == 3 and "p50 under 0.01 ms" in html


def test_a_measured_rate_stands_with_its_interval_and_origin(
    client: Client, told: PlayedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {"n": 400, "win_rate": 0.53, "interval": [0.48, 0.58], "mean_r": 0.06}
    monkeypatch.setattr(
        "signals.api.track_record",
        lambda origin: {"origin": origin, "mean_r_interval": [0.01, 0.11], **record},
    )
    html = " ".join(landing(client).split())
    assert "53.0% of 400 settled signals so far (95% CI 48.0" in html
    assert "on the simulated market. Whether that is good" in html


def test_the_ways_in_are_links_that_work_without_script(client: Client, told: PlayedEngine) -> None:
    html = landing(client)
    assert re.search(r'href="/ai-trading/dashboard"[^>]*>Open the live demo', html)
    assert re.search(r'href="/ai-trading/dashboard"[^>]*>Start free demo', html)
    assert "no deposit is ever asked for" in html
    assert html.count("<details><summary>") == 6
    assert client.get("/ai-trading/dashboard").status_code == 200


def test_articles_to_read_next_are_public_and_none_is_linked_when_taken_down(
    client: Client, told: PlayedEngine
) -> None:
    cards = re.findall(r'href="(/blog/[a-z-]+)"', landing(client).split('id="art"')[1])
    assert len(cards) == 3
    assert all(client.get(address).status_code == 200 for address in cards)
    Article.objects.update(is_draft=True)
    html = landing(client)
    assert 'href="/blog/"' in html and not re.search(r'href="/blog/[a-z]+-', html)


def test_labels_that_would_touch_are_left_out_but_price_and_stop_never() -> None:
    bars = [[k, 100.0, 101.0, 99.0, 100.5] for k in range(20)]
    signal = {
        "entry": {"low": "100.0", "high": "100.2"},
        "stop": "90",
        "targets": [{"price": "100.3"}, {"price": "110"}],
    }
    drawn = draw(bars, signal, 100.25, {"now": "100.25", "Stop": "90"}, 12.0)
    assert drawn is not None
    named = [level.name for level in drawn.levels if level.name]
    assert named == ["now", "Stop", "TP2"]
    assert 0 < drawn.begins < drawn.ends
    assert all(0 <= level.y <= 330 for level in drawn.levels)


def test_too_few_candles_are_no_chart() -> None:
    assert draw([[0, 1.0, 1.0, 1.0, 1.0]] * 5, None, 1.0, {}) is None
    flat = draw([[k, 1.0, 1.0, 1.0, 1.0] for k in range(20)], None, None, {})
    assert flat is not None and all(bar.body_height >= 1 for bar in flat.bars)
