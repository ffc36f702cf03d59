"""What search engines are told in their own terms: JSON-LD, read from the same rows as the pages."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse

from blog.contracts import ArticleCard, ArticleView


def blog_graph(articles: Iterable[ArticleCard]) -> dict[str, Any]:
    """Return the list of articles as a schema.org Blog."""
    return {
        "@context": "https://schema.org",
        "@type": "Blog",
        "@id": absolute(reverse("frontend:blog")),
        "url": absolute(reverse("frontend:blog")),
        "name": "CryptoSystems",
        "publisher": publisher(),
        "blogPost": [_posting(card) for card in articles],
    }


def article_graph(article: ArticleView) -> dict[str, Any]:
    """Return an article as a schema.org BlogPosting."""
    address = absolute(reverse("frontend:article", args=(article.card.slug,)))
    return {
        "@context": "https://schema.org",
        **_posting(article.card),
        "description": article.card.summary,
        "wordCount": article.words,
        "inLanguage": "en",
        "image": card_image(),
        "mainEntityOfPage": address,
        "publisher": publisher(),
        "citation": [source.url for source in article.sources],
    }


def publisher() -> dict[str, Any]:
    """Return who publishes these pages."""
    return {"@type": "Organization", "name": "CryptoSystems", "url": absolute("/")}


def absolute(path: str) -> str:
    """Return an address of ours with its host."""
    return settings.SITE_URL + path


def card_image() -> str:
    """Return the address of the picture that goes with a link to us."""
    return absolute(static("frontend/img/card.png"))


def _posting(card: ArticleCard) -> dict[str, Any]:
    return {
        "@type": "BlogPosting",
        "headline": card.title,
        "url": absolute(reverse("frontend:article", args=(card.slug,))),
        "datePublished": card.published_at.isoformat(),
        "dateModified": card.updated_at.isoformat(),
        "author": {"@type": "Organization", "name": card.author, "url": absolute("/")},
        "keywords": list(card.topics),
    }
