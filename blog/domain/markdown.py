"""Markdown to the HTML of our pages: no HTML of the writer's, no style, no image, safe links."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import pairwise
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from blog.contracts import Heading
from blog.domain.examples import Example, parse_example

WORDS_A_MINUTE: Final = 220
_EXAMPLE: Final = "example"
_WORD: Final = re.compile(r"[A-Za-z0-9$%€][\w.,'’%:/×-]*")
_BLOCK: Final = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_NO_ANCHOR: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a Markdown text becomes."""

    html: str
    headings: tuple[Heading, ...]
    words: int


@lru_cache(maxsize=64)
def render(text: str) -> Rendered:
    """Return the text as HTML with its table of contents."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = reader.parse(text)
    headings = tuple(_name_headings(tokens))
    _name_tables(tokens)
    for token in tokens:
        _tame(token)
        for child in token.children or ():
            _tame(child)
    html = reader.renderer.render(tokens, reader.options, {})
    return Rendered(html, headings, len(_WORD.findall(text)))


def prose_of(text: str) -> str:
    """Return a text without its blocks of sums and code."""
    return _BLOCK.sub("\n\n", text)


def examples_of(text: str) -> list[Example]:
    """Return the worked examples of a text, in order."""
    tokens = MarkdownIt("commonmark", {"html": False}).parse(text)
    return [
        parse_example(token.info.removeprefix(_EXAMPLE).strip(), token.content)
        for token in tokens
        if token.type == "fence" and token.info.split(" ")[0] == _EXAMPLE
    ]


def _name_headings(tokens: list[Token]) -> Iterator[Heading]:
    """Give each heading of the second level an anchor of its own, and yield it."""
    seen: set[str] = set()
    for token, inside in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            words = "".join(child.content for child in inside.children or ())
            stem = _NO_ANCHOR.sub("-", words.lower()).strip("-") or "part"
            anchor, count = stem, 2
            while anchor in seen:
                anchor, count = f"{stem}-{count}", count + 1
            seen.add(anchor)
            token.attrSet("id", anchor)
            yield Heading(anchor, words)


def _name_tables(tokens: list[Token]) -> None:
    """Wrap each table in a region that scrolls, named after the part it stands in."""
    place, seen = "", Counter[str]()
    for token, before in zip(tokens, [None, *tokens], strict=False):
        if before is not None and before.type == "heading_open":
            place = "".join(child.content for child in token.children or ())
        if token.type == "table_open":
            seen[place] += 1
            name = f"{place}, {seen[place]}" if seen[place] > 1 else place
            token.type = "html_block"
            token.content = _SCROLLS.format(escape(name or "Table"))
        elif token.type == "table_close":
            token.type, token.content = "html_block", "</table></div>\n"


def _tame(token: Token) -> None:
    """Bring one token to what our policy and our pages allow."""
    style = token.attrs.pop("style", None)  # the table's alignment: a style the policy refuses
    if style == "text-align:right":
        token.attrSet("class", "r")
    if token.type in ("th_open", "td_open") and token.tag == "th":
        token.attrSet("scope", "col")
    if token.type == "heading_open" and token.tag == "h1":
        token.tag = "h2"
    if token.type == "heading_close" and token.tag == "h1":
        token.tag = "h2"
    if token.type == "link_open" and str(token.attrs.get("href", "")).startswith("http"):
        token.attrSet("rel", "noopener")
    if token.type == "fence" and token.info.split(" ")[0] == _EXAMPLE:
        kind = token.info.removeprefix(_EXAMPLE).strip()
        token.type, token.content = "html_block", _table(parse_example(kind, token.content))


_SCROLLS: Final = (
    '<div class="tbl-scroll" tabindex="0" role="region" aria-label="{}"><table class="tbl num">\n'
)


def _table(example: Example) -> str:
    rows = "".join(
        f'<tr class="{"is-result" if line.is_result else "is-given"}">'
        f'<th scope="row">{escape(line.name)}</th><td class="r">{escape(line.value)}</td></tr>'
        for line in example.lines
    )
    return (
        f'<div class="example"><table class="tbl num"><caption>Example: {escape(example.title)}</caption>'
        f"<tbody>{rows}</tbody></table></div>\n"
    )
