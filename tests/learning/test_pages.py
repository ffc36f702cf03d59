"""Pages of lessons: whole without an engine, alive with one, found by search, described for machines."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from learning import api
from signals.services.publish import publish
from tests.frontend.played_engine import PlayedEngine
from tests.support.setups import make_draft

pytestmark = pytest.mark.django_db

LEARN = "/ai-trading/learn"


@pytest.fixture
def silent(settings: Any, tmp_path: Any) -> None:
    """No engine, not even a broker."""
    settings.REDIS_URL = f"unix://{tmp_path}/nobody-listens.sock"


@pytest.fixture
def told(redis_url: str) -> None:
    """An engine that has reported once and says no more."""
    PlayedEngine().report()


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("lesson", api.lessons(), ids=lambda lesson: lesson.slug)
def test_a_lesson_renders_without_an_engine(client: Client, lesson: Any) -> None:
    answer = client.get(f"{LEARN}/{lesson.slug}")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert f'<h1 class="mt-2">{lesson.title.replace(chr(39), "&#x27;")}</h1>' in html
    assert "data-live-none" in html, "an example says that there is none"
    for heading in lesson.contents:
        assert f'id="{heading.anchor}"' in html and f'href="#{heading.anchor}"' in html
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", html)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    for name in re.findall(r'name="([a-z-]+-\d)"', html):
        assert name in {question.code for question in lesson.questions}


@pytest.mark.usefixtures("told")
def test_examples_come_from_the_running_product(client: Client) -> None:
    draft = make_draft()
    publish(draft)
    html = client.get(f"{LEARN}/fields-of-a-signal").content.decode()
    assert "<b>BTCUSDT, long, 1h</b>" in html and "Takers bought 4.0 % more" in html
    assert f"{float(draft.targets()[0]['price']):,.1f}" in html
    assert "data-live-none" not in html
    assert "−0.0041%" in client.get(f"{LEARN}/funding").content.decode()
    html = client.get(f"{LEARN}/liquidation-and-heatmap").content.decode()
    assert "over 300 markets" in html and "A lower bound" in html
    assert "of 300</b> markets rose" in client.get(f"{LEARN}/correlation-and-beta").content.decode()
    assert "Takers bought" in client.get(f"{LEARN}/trend-volatility-volume").content.decode()
    html = client.get(f"{LEARN}/reading-the-record").content.decode()
    assert "too few to state a rate" in html
    for lesson in api.lessons():
        assert ">None<" not in client.get(f"{LEARN}/{lesson.slug}").content.decode()


@pytest.mark.usefixtures("silent")
def test_the_path_shows_every_lesson_and_the_search_its_finds(client: Client) -> None:
    html = client.get(LEARN).content.decode()
    assert html.count("data-lesson=") == len(api.lessons())
    assert 'aria-current="page">Learn</a>' in html
    found = client.get(LEARN, {"q": "maintenance <b>"}).content.decode()
    assert "Found for “maintenance &lt;b&gt;”" in found
    assert (
        'href="/ai-trading/learn/glossary#maintenance-margin"'
        in client.get(LEARN, {"q": "maintenance"}).content.decode()
    )
    assert "Nothing was found" in client.get(LEARN, {"q": "zzzz"}).content.decode()


@pytest.mark.usefixtures("silent")
def test_the_glossary_has_an_anchor_for_each_term(client: Client) -> None:
    html = client.get(f"{LEARN}/glossary").content.decode()
    for term in api.terms():
        assert f'<div id="{term.slug}">' in html


@pytest.mark.usefixtures("silent")
def test_a_lesson_is_described_for_machines(client: Client) -> None:
    html = client.get(f"{LEARN}/funding").content.decode()
    [text] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)
    described = json.loads(text)
    assert described["@type"] == "LearningResource" and described["name"] == "Funding"
    assert described["url"].endswith("/ai-trading/learn/funding")


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("address", ["no-such-lesson", "funding/check", "funding/read"])
def test_what_is_not_there_or_takes_only_a_form_says_so(client: Client, address: str) -> None:
    assert client.get(f"{LEARN}/{address}").status_code == (404 if "/" not in address else 405)
    assert client.post(f"{LEARN}/no-such-lesson/read").status_code == 404
    assert client.post(f"{LEARN}/no-such-lesson/check").status_code == 404


@pytest.mark.usefixtures("silent")
def test_fields_of_the_dashboard_lead_to_their_lessons(client: Client) -> None:
    html = client.get("/ai-trading/dashboard").content.decode()
    for target in ("funding", "open-interest", "liquidation-and-heatmap#reported-liquidations"):
        assert f'<a class="ask" href="{LEARN}/{target}"' in html
    assert 'template data-ask="confidence"' in html
