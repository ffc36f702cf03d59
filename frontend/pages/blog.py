"""The blog: its index, its articles, and the feed of both."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import feedgenerator
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from blog import api as blog
from blog.contracts import ArticleView
from frontend.calculators import embedded, worked
from frontend.shell import make_shell
from frontend.structured import article_graph, blog_graph

FEED_LENGTH = 30
EDIT_RIGHT = "blog.change_article"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Render the list of all public articles."""
    articles = blog.articles()
    context = {
        "shell": make_shell("blog", request),
        "articles": articles,
        "graph": blog_graph(articles),
    }
    return render(request, "frontend/blog.html", context)


@require_safe
def article(request: HttpRequest, slug: str) -> HttpResponse:
    """Render one article; a draft shows to those who may edit it, and is not there for others."""
    found = blog.article(slug)
    is_preview = found is None and request.user.has_perm(EDIT_RIGHT)
    if is_preview:
        found = blog.preview(slug)
    if found is None:
        raise Http404
    answer = _article(request, found, is_preview=is_preview)
    if is_preview:
        patch_cache_control(answer, private=True, no_store=True)
    return answer


def _article(request: HttpRequest, found: ArticleView, *, is_preview: bool) -> HttpResponse:
    context = {
        "shell": make_shell("article", request),
        "article": found,
        "graph": article_graph(found),
        "worked": worked(found.examples),
        "embedded": embedded(found.examples),
        "is_preview": is_preview,
    }
    return render(request, "frontend/article.html", context)


@require_safe
def feed(_request: HttpRequest) -> HttpResponse:
    """Send the newest articles as an Atom feed, whole."""
    made = feedgenerator.Atom1Feed(
        title="CryptoSystems",
        link=settings.SITE_URL + reverse("frontend:blog"),
        feed_url=settings.SITE_URL + reverse("frontend:blog-feed"),
        description=_("Trading futures with open eyes: how things work, with the sums done."),
        language="en",
        author_name=_("The CryptoSystems team"),
    )
    for card in blog.articles()[:FEED_LENGTH]:
        address = settings.SITE_URL + reverse("frontend:article", args=(card.slug,))
        made.add_item(
            title=card.title,
            link=address,
            unique_id=address,
            description=card.summary,
            author_name=card.author,
            pubdate=card.published_at,
            updateddate=card.updated_at,
            categories=card.topics,
        )
    return HttpResponse(
        made.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8"
    )
