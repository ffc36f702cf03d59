"""Templates of lessons: links from a field to its lesson, drawings, examples."""

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from frontend.lesson_links import LESSON_OF
from learning.contracts import Block, Lesson

register = template.Library()


@register.simple_tag
def lesson_link(field: str) -> SafeString | str:
    """Return the small question mark beside a field, which leads to its lesson; blank without one."""
    if field not in LESSON_OF:
        return ""
    slug, anchor, words = LESSON_OF[field]
    target = reverse("frontend:lesson", args=[slug]) + (f"#{anchor}" if anchor else "")
    name = _("What is this? Lesson: %(words)s") % {"words": _(words)}
    return format_html(
        '<a class="ask" href="{}" title="{}"><span aria-hidden="true">?</span>'
        '<span class="vh">{}</span></a>',
        target,
        name,
        name,
    )


@register.simple_tag
def lesson_links() -> SafeString:
    """Return every such mark as a template, for what a script draws."""
    return format_html_join(
        "",
        '<template data-ask="{}">{}</template>',
        ((field, lesson_link(field)) for field in LESSON_OF),
    )


@register.filter
def template_of(block: Block) -> str:
    """Return the template of a drawing or an example."""
    folder = "figures" if block.kind.value == "figure" else "live"
    return f"frontend/learn/{folder}/{block.value}.html"


@register.filter
def lesson_by(lessons: dict[str, Lesson], slug: str) -> Lesson | None:
    """Return the lesson of a slug."""
    return lessons.get(slug)
