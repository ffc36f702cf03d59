"""Django's registration of the room, and the articles that ship with the product."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BlogConfig(AppConfig):
    """The room `blog`."""

    name = "blog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(_seed, sender=self, dispatch_uid="blog_articles")


def _seed(**_more: Any) -> None:
    """Store the articles that ship with the product, after their tables exist."""
    from blog.services import seed_articles

    seed_articles()
