"""The blog as readers meet it: index, articles, drafts, feed, and what search engines are told."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone

from blog.domain.markdown import render
from blog.models import Article
from blog.services import shipped_articles
from frontend.public_pages import is_public
from tests.tenancy.cases import who_may
from tests.tenancy.routes import all_routes

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"
NOT_FOR_SEARCH = {
    "frontend:blog-feed",
    "frontend:sitemap",
    "frontend:robots",
    "frontend:manifest",
    "frontend:worker",
    "frontend:offline",
    "frontend:tool-part",
    "frontend:record-month",
    "frontend:signal-card",
    "frontend:lesson-check",
    "frontend:lesson-read",
    "frontend:quiz",
}
"""Parts of pages, files for machines, and what changes with its reader."""
OF_THE_CONTRACT = (
    "how-to-use-trading-signals-effectively",
    "ai-crypto-signals-explained",
    "what-is-crypto-liquidation",
    "how-crypto-trading-bots-work",
    "what-is-leverage-in-crypto-trading",
)


@pytest.fixture(autouse=True)
def silent(settings: Any, tmp_path: Any) -> None:
    """No engine, not even a broker: the blog does not need one."""
    settings.REDIS_URL = f"unix://{tmp_path}/nobody-listens.sock"


def write(slug: str, **fields: Any) -> Article:
    """Store an article of staff's."""
    given = {
        "title": f"About {slug}",
        "summary": "What it is about.",
        "body": "## Part one\n\nText.\n",
        "author": "Ada",
        "is_draft": False,
        "published_at": timezone.now() - timedelta(days=1),
        **fields,
    }
    return Article.objects.create(slug=slug, **given)


def page(client: Client, slug: str) -> str:
    answer = client.get(f"/blog/{slug}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_article_that_ships_is_public_after_a_migration(client: Client) -> None:
    html = client.get("/blog/").content.decode()
    assert {shipped.slug for shipped in shipped_articles()} >= set(OF_THE_CONTRACT)
    for shipped in shipped_articles():
        assert f'href="/blog/{shipped.slug}"' in html
        assert f"<title>{shipped.title} ·" in page(client, shipped.slug)


def test_an_article_carries_author_dates_contents_sources_history_and_what_to_read_next(
    client: Client,
) -> None:
    for slug in "abc":
        write(slug, topics="leverage")
    html = page(client, "what-is-leverage-in-crypto-trading")
    assert "The CryptoSystems team" in html
    assert re.search(r"Published <time[^>]*>25 Nov 2026</time>", html)
    assert "First published" in html
    contents = re.findall(r'<a href="#([^"]+)"', html.split("<article")[0])
    assert len(contents) >= 5
    assert all(f'<h2 id="{anchor}"' in html for anchor in contents)
    assert html.count('rel="noopener">') >= 3
    cards = re.findall(r'href="(/blog/[a-z-]+)"', html.split('id="rel-h"')[1])
    assert len(cards) == 3
    assert all(client.get(address).status_code == 200 for address in cards)


def test_drafts_and_articles_of_tomorrow_are_nowhere(client: Client) -> None:
    write("unfinished", is_draft=True)
    write("tomorrow", published_at=timezone.now() + timedelta(hours=1))
    for slug in ("unfinished", "tomorrow", "never-written"):
        assert client.get(f"/blog/{slug}").status_code == 404
        for address in ("/blog/", "/blog/feed", "/sitemap.xml"):
            assert slug not in client.get(address).content.decode()


def test_an_article_without_topics_still_leads_on_to_what_is_public(client: Client) -> None:
    write("hidden", is_draft=True)
    write("lonely", related="hidden gone-for-good")
    html = page(client, "lonely")
    assert "/blog/hidden" not in html and "/blog/gone-for-good" not in html


def test_what_a_writer_types_cannot_become_markup_or_break_the_policy(client: Client) -> None:
    body = (
        "## One\n\n<script>alert(1)</script> [go](javascript:alert(1)) ![x](https://evil.example/x.png)\n\n"
        "| a | b |\n|---|--:|\n| 1 | 2 |\n\n```example size\nT: <b>\nEntry: <i>1\n```\n"
    )
    write("wild", body=body, title="</script><b>wild</b>", summary='"><img src=x>')
    html = page(client, "wild")
    assert "<script>alert" not in html
    assert 'href="javascript' not in html
    assert "<b>wild" not in html and "<img" not in html and "<i>" not in html
    assert " style=" not in html
    assert '<td class="r">2</td>' in html


def test_the_feed_is_atom_with_every_article(client: Client) -> None:
    answer = client.get("/blog/feed")
    assert answer["Content-Type"].startswith("application/atom+xml")
    feed = ElementTree.fromstring(answer.content)  # noqa: S314  # our own answer
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == len(shipped_articles())
    for entry in entries:
        link = entry.find(f"{ATOM}link")
        assert link is not None and link.attrib["href"].startswith("http")
        assert entry.findtext(f"{ATOM}summary") and entry.findtext(f"{ATOM}updated")


def test_the_sitemap_holds_every_public_page_and_each_is_there(
    client: Client, settings: Any
) -> None:
    settings.SITE_URL = "https://example.org"
    found = ElementTree.fromstring(client.get("/sitemap.xml").content)  # noqa: S314
    paths = [
        (node.text or "").removeprefix("https://example.org")
        for node in found.iter()
        if node.tag.endswith("loc")
    ]
    assert len(paths) == len(set(paths)) and "/" in paths and "/ai-trading/dashboard" in paths
    assert {f"/blog/{one.slug}" for one in shipped_articles()} <= set(paths)
    for path in paths:
        assert client.get(path).status_code == 200, path


def test_every_page_for_everybody_says_whether_it_may_be_found() -> None:
    for_all = {route.name for route in all_routes() if who_may(route.name) == "everyone"}
    pages = {name for name in for_all if name.startswith("frontend:")}
    told = {name for name in pages if is_public(name)}
    assert pages - told == NOT_FOR_SEARCH, "say in frontend/public_pages.py which of these may be"


def test_robots_are_kept_from_what_is_somebodys(client: Client) -> None:
    text = client.get("/robots.txt").content.decode()
    assert "Disallow: /account/\n" in text and "Disallow: /admin/\n" in text
    assert "Disallow: /blog" not in text and "Disallow: /\n" not in text
    assert re.search(r"^Sitemap: http\S+/sitemap.xml$", text, re.M)


def test_public_pages_name_their_address_and_card_and_private_ones_ask_not_to_be_kept(
    client: Client, settings: Any
) -> None:
    settings.SITE_URL = "https://example.org"
    for address in (
        "/",
        "/blog/",
        "/ai-trading/plans-pricing",
        "/blog/what-is-leverage-in-crypto-trading",
    ):
        html = client.get(address + "?from=elsewhere").content.decode()
        assert f'<link rel="canonical" href="https://example.org{address}">' in html
        title = re.search(r"<title>(.*?)</title>", html)
        assert title and f'<meta property="og:title" content="{title[1]}">' in html
        assert 'name="twitter:card" content="summary_large_image"' in html
        assert re.search(r'og:image" content="https://example.org/static/\S+card\S*png"', html)
        assert "noindex" not in html
    for address in ("/accounts/login/", "/no-such-page"):
        html = client.get(address).content.decode()
        assert '<meta name="robots" content="noindex">' in html and "canonical" not in html


def test_the_card_is_a_picture_of_the_size_that_is_named() -> None:
    from django.contrib.staticfiles import finders

    path = finders.find("frontend/img/card.png")
    with open(str(path), "rb") as file:  # noqa: PTH123
        head = file.read(24)
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (1200, 630)


def test_structured_data_says_what_the_page_says(client: Client) -> None:
    html = page(client, "what-is-leverage-in-crypto-trading")
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.S)
    assert found is not None
    graph = json.loads(found[1])
    assert graph["@type"] == "BlogPosting"
    assert graph["headline"] == "What is leverage in crypto trading?"
    assert datetime.fromisoformat(graph["datePublished"]) == datetime(2026, 11, 25, tzinfo=UTC)
    assert len(graph["citation"]) >= 2


def test_articles_are_long_enough_to_be_of_use_and_short_enough_to_be_read() -> None:
    for shipped in shipped_articles():
        assert 900 <= len(shipped.body.split()) <= 1_650, shipped.slug
        assert len(render(shipped.body).headings) >= 6, shipped.slug
        assert len(shipped.related.split()) == 3, shipped.slug


def test_links_inside_articles_lead_somewhere(client: Client) -> None:
    slugs = {shipped.slug for shipped in shipped_articles()}
    for shipped in shipped_articles():
        assert set(shipped.related.split()) <= slugs - {shipped.slug}
        found = re.findall(r"\]\((/[^)#]*)", shipped.body)
        assert found, f"{shipped.slug} leads nowhere on the site"
        for address in found:
            assert client.get(address).status_code == 200, f"{shipped.slug}: {address}"
