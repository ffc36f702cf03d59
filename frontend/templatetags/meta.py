"""What the head of a page says about it to those who link to it."""

import json
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.base import NodeList, Parser, Token
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from frontend.public_pages import is_public
from frontend.structured import absolute, card_image

register = template.Library()
_ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


class KeptNode(template.Node):
    """Renders its inside into a variable; blocks in it can be replaced as anywhere else."""

    def __init__(self, nodelist: NodeList, name: str) -> None:
        self.nodelist = nodelist
        self.name = name

    def render(self, context: template.Context) -> SafeString:
        context[self.name] = mark_safe(" ".join(self.nodelist.render(context).split()))  # noqa: S308  # rendered, so escaped already
        return SafeString("")


@register.tag
def kept(parser: Parser, token: Token) -> KeptNode:
    """Keep what stands between `{% kept as name %}` and `{% endkept %}` for several places."""
    name = token.split_contents()[-1]
    nodelist = parser.parse(("endkept",))
    parser.delete_first_token()
    return KeptNode(nodelist, name)


@register.simple_tag
def json_ld(graph: dict[str, Any] | None) -> SafeString | str:
    """Return structured data as a block of data: it is never run, so no policy has to allow it."""
    if not graph:
        return ""
    text = json.dumps(graph, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)
    return format_html('<script type="application/ld+json">{}</script>', mark_safe(text))  # noqa: S308  # <, > and & are escaped above


@register.inclusion_tag("frontend/components/meta.html", takes_context=True)
def page_meta(context: template.Context, title: str, description: str) -> dict[str, Any]:
    """Return canonical address and card of a public page; every other one is not to be kept."""
    request: HttpRequest | None = context.get("request")
    match = getattr(request, "resolver_match", None)
    name = "" if match is None else (match.view_name or "")
    is_open = request is not None and is_public(name) and not context.get("is_preview")
    return {
        "is_open": is_open,
        "title": title,
        "description": description,
        "address": absolute(request.path) if is_open and request is not None else "",
        "image": card_image(),
        "kind": "article" if name == "frontend:article" else "website",
        "article": context.get("article"),
    }
