"""Staff write articles in the console: what they save is what readers get, and nothing is lost."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from blog.models import Article, Revision
from blog.services import seed_articles, shipped_articles
from cryptosystems.console.roles import EDITOR
from tests.console.conftest import staff_member
from tests.support.people import person, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

SLUG = "what-is-crypto-liquidation"


@pytest.fixture
def editor() -> User:
    return staff_member("editor", EDITOR)


def fields_of(row: Article, **changed: str) -> dict[str, str]:
    """Return what the form holds when it is opened."""
    held = {
        name: str(getattr(row, name))
        for name in (
            "title",
            "slug",
            "summary",
            "body",
            "sources",
            "author",
            "author_line",
            "topics",
            "related",
        )
    }
    day, time = f"{row.published_at:%Y-%m-%d %H:%M:%S}".split()
    return {**held, "published_at_0": day, "published_at_1": time, "note": "", **changed}


def save(user: User, row: Article, **changed: str) -> Any:
    address = f"/admin/blog/article/{row.pk}/change/"
    return signed_in(user).post(address, fields_of(row, **changed))


def article() -> Article:
    return Article.objects.get(slug=SLUG)


def test_what_an_editor_saves_stands_on_the_page_with_its_history(editor: User) -> None:
    before = article()
    answer = save(
        editor,
        before,
        body="## Shorter\r\n\r\nMade **anew** by staff.\r\n",
        note="Rewritten in plainer words",
    )
    assert answer.status_code == 302
    html = Client().get(f"/blog/{SLUG}").content.decode()
    assert "<p>Made <strong>anew</strong> by staff.</p>" in html
    assert "Rewritten in plainer words" in html and "First published" in html
    assert "data-updated" in html
    kept = list(Revision.objects.filter(article=before).order_by("number"))
    assert [one.staff_id for one in kept] == [None, editor.pk]
    assert kept[0].body == before.body and "anew" in kept[1].body
    line = AuditEntry.objects.get(action="console_row_changed")
    assert line.actor_id == editor.pk and "body" not in line.details["values"]


def test_an_edit_without_a_note_changes_the_text_and_says_nothing(editor: User) -> None:
    save(editor, article(), body="## One\n\nA comma, mended.\n")
    html = Client().get(f"/blog/{SLUG}").content.decode()
    assert "A comma, mended." in html
    assert html.count("<li><time") == 1


def test_a_draft_is_seen_by_editors_alone(editor: User) -> None:
    save(editor, article(), is_draft="on")
    assert Client().get(f"/blog/{SLUG}").status_code == 404
    assert signed_in(person("reader")).get(f"/blog/{SLUG}").status_code == 404
    answer = signed_in(editor).get(f"/blog/{SLUG}")
    assert "Not public" in answer.content.decode()
    assert 'content="noindex"' in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"body": "No parts at all."}, "begins with ##"),
        ({"sources": "Somebody said so"}, "an https address"),
        ({"sources": "A page | http://example.org"}, "an https address"),
        ({"sources": ""}, "names its sources"),
        ({"related": "not-there"}, "No article is called"),
        ({"body": "## One\n\nProfits are guaranteed."}, "That is a promise"),
        ({"title": "Signals that win 90 % of the time"}, "That is a promise"),
        ({"body": "## One\n\nhid\u202eden"}, "invisible or control"),
        ({"slug": "ai-crypto-signals-explained"}, "already exists"),
    ],
)
def test_what_an_article_may_not_be_is_said_and_not_stored(
    editor: User, changed: dict[str, str], said: str
) -> None:
    answer = save(editor, article(), **changed)
    assert answer.status_code == 200 and said in answer.content.decode()
    assert Revision.objects.filter(article__slug=SLUG).count() == 1


def test_every_shipped_article_could_be_saved_as_it_is(editor: User) -> None:
    for row in Article.objects.all():
        assert save(editor, row).status_code == 302, row.slug


def test_support_and_readers_cannot_edit() -> None:
    row = article()
    assert save(staff_member("support", "support"), row, title="Mine").status_code == 403
    assert save(person("reader"), row, title="Mine").status_code in (302, 404)
    assert article().title == row.title


def test_seeding_again_writes_nothing() -> None:
    assert seed_articles() == 0


def test_a_newer_file_replaces_an_older_one_and_is_told_to_readers() -> None:
    shipped = next(one for one in shipped_articles() if one.slug == SLUG)
    later = timezone.now() - timedelta(minutes=1)
    newer = replace(
        shipped, body="## New\n\nText.\n", digest="f" * 64, note="Tiers updated", changed_at=later
    )
    assert seed_articles([newer]) == 1
    assert seed_articles([newer]) == 0
    html = Client().get(f"/blog/{SLUG}").content.decode()
    assert "Tiers updated" in html and 'id="new"' in html


def test_a_newer_file_never_overwrites_what_staff_wrote(editor: User) -> None:
    save(editor, article(), title="Ours")
    shipped = next(one for one in shipped_articles() if one.slug == SLUG)
    seed_articles([replace(shipped, title="Theirs", digest="f" * 64)])
    assert article().title == "Ours"


def test_an_article_that_staff_took_down_stays_down(editor: User) -> None:
    save(editor, article(), is_draft="on")
    seed_articles()
    assert article().is_draft
