"""Articles in the staff console: they can be written, changed and taken back to a draft."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from blog.domain.markdown import prose_of, render
from blog.models import Article, Revision
from blog.selectors import sources_of
from blog.services import article_save
from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.platform.admin import ConsoleAdmin, RecordAdmin, staff_id_of
from cryptosystems.platform.promises import promises_in
from cryptosystems.platform.text import check_plain_text

MOST_BODY = 60_000
_LINES = ("body", "sources")


class ArticleForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """An article as staff write it, with the note that readers get about the change."""

    note = forms.CharField(
        required=False,
        max_length=200,
        label=_("What changed, for readers"),
        help_text=_("Stands in the article's history. Empty: nothing that readers need to know."),
    )

    class Meta:
        model = Article
        fields: ClassVar[tuple[str, ...]] = (
            "title",
            "slug",
            "summary",
            "body",
            "sources",
            "author",
            "author_line",
            "topics",
            "related",
            "is_draft",
            "published_at",
        )
        help_texts: ClassVar[dict[str, Any]] = {
            "body": _("Markdown. Begin parts with ##. HTML is shown as text, never obeyed."),
            "sources": _("A line each: title | https://address"),
            "related": _("Slugs of up to three articles, parted by spaces."),
            "topics": _("Words parted by commas."),
        }

    def clean(self) -> dict[str, Any]:
        """Refuse what is not plain text, and what an article may not lack."""
        held = super().clean() or {}
        for name, value in list(held.items()):
            if isinstance(value, str):
                self._check_text(name, value)
        if held.get("body") is not None and not render(held["body"]).headings:
            self.add_error("body", _("An article has at least one part that begins with ##."))
        self._check_links(held)
        self._check_promises(held)
        return held

    def _check_text(self, name: str, value: str) -> None:
        lines = name in _LINES
        plain = value.replace("\r\n", "\n") if lines else value
        try:
            self.cleaned_data[name] = check_plain_text(
                plain, most=MOST_BODY if lines else 400, lines=lines
            )
        except InvalidInput as error:
            self.add_error(name, ValidationError(str(error), code="not_plain"))

    def _check_promises(self, held: dict[str, Any]) -> None:
        for name in ("title", "summary", "body"):
            text = prose_of(held.get(name) or "")
            for sentence in promises_in(text):
                self.add_error(name, _("That is a promise: “%s” Say what was measured.") % sentence)

    def _check_links(self, held: dict[str, Any]) -> None:
        sources = held.get("sources", "")
        found = sources_of(sources)
        if len(found) != len([line for line in sources.splitlines() if line.strip()]) or any(
            not source.url.startswith("https://") or not source.title for source in found
        ):
            self.add_error("sources", _("Each line is a title, a stroke | and an https address."))
        if not found and not held.get("is_draft"):
            self.add_error("sources", _("A published article names its sources."))
        slugs = set(held.get("related", "").split())
        known = set(Article.objects.filter(slug__in=slugs).values_list("slug", flat=True))
        if slugs - known:
            self.add_error(
                "related", _("No article is called: %s") % ", ".join(sorted(slugs - known))
            )


@admin.register(Article)
class ArticleAdmin(ConsoleAdmin):
    """Articles; each saving keeps the text as a revision."""

    form = ArticleForm
    kept_elsewhere = ("body", "sources")
    list_display = ("title", "slug", "is_draft", "published_at", "updated_at", "on_the_site")
    list_filter = ("is_draft", "published_at")
    search_fields = ("title", "slug", "topics")
    ordering = ("-published_at", "slug")
    readonly_fields = ("on_the_site",)

    @admin.display(description=_("On the site"))
    def on_the_site(self, row: Article) -> str:
        """Return a link to the page; a draft shows there to editors alone."""
        if not row.pk:
            return "—"
        return format_html(
            '<a href="{}">/blog/{}</a>', reverse("frontend:article", args=(row.slug,)), row.slug
        )

    def save_model(self, request: HttpRequest, obj: Article, form: Any, change: bool) -> None:
        """Store by the service, which keeps the revision."""
        note = form.cleaned_data.get("note", "")
        article_save(obj, staff_id=staff_id_of(request), note=note, now=timezone.now())


@admin.register(Revision)
class RevisionAdmin(RecordAdmin):
    """Every text that an article had."""

    list_display = ("article", "number", "at", "staff_id", "note")
    list_filter = ("at",)
    list_select_related = ("article",)
    search_fields = ("article__slug", "note")
    ordering = ("-at", "-number")
