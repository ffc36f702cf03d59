"""From a Markdown file to a lesson: pure, and strict, so that a slip fails a test and no reader."""

import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from math import ceil
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from learning.contracts import Block, BlockKind, Heading, Lesson, Question, Term

FENCE: Final = "+++"
"""Stands alone in a line above and below the front matter, which is TOML."""
_PLACEHOLDER: Final = re.compile(r"^\{\{(live|figure):([a-z][a-z0-9_]*)\}\}$")
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
_WORDS_A_MINUTE: Final = 200


class BadLesson(ValueError):
    """A lesson file is not as it should be; the message names the file and what is wrong."""


def parse_lesson(name: str, text: str) -> Lesson:
    """Return the lesson of one file.

    Raises
    ------
    BadLesson
        If the front matter misses something or a question has no right answer.
    """
    head, body = _split(name, text)
    slug = str(head["slug"])
    blocks: list[Block] = []
    contents: list[Heading] = []
    words: list[str] = []
    for kind, part in _parts(body):
        if kind is not BlockKind.HTML:
            blocks.append(Block(kind, part))
            continue
        tokens = _MARKDOWN.parse(part)
        contents += _anchors(tokens)
        words += [_said(token) for token in tokens if token.type == "inline"]
        rendered: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
        blocks.append(Block(BlockKind.HTML, rendered))
    plain = " ".join(" ".join(words).split())
    return Lesson(
        slug=slug,
        order=int(head["order"]),
        part=str(head["part"]),
        title=str(head["title"]),
        summary=str(head["summary"]),
        minutes=ceil(len(plain.split()) / _WORDS_A_MINUTE),
        body=tuple(blocks),
        contents=tuple(contents),
        questions=_questions(name, slug, head["questions"]),
        words=plain,
    )


def parse_terms(text: str) -> tuple[Term, ...]:
    """Return the glossary in the order of the alphabet."""
    rows = tomllib.loads(text)["terms"]
    terms = (
        Term(anchor_of(row["name"]), row["name"], row["meaning"], row.get("lesson", ""))
        for row in rows
    )
    return tuple(sorted(terms, key=lambda term: term.name.casefold()))


def anchor_of(text: str) -> str:
    """Return the anchor of a heading or term: small letters and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _split(name: str, text: str) -> tuple[dict[str, Any], str]:
    parts = text.split(f"{FENCE}\n", 2)
    if len(parts) != 3 or parts[0]:
        raise BadLesson(f"{name}: expected front matter between two lines {FENCE}")
    head = tomllib.loads(parts[1])
    missing = {"slug", "order", "part", "title", "summary", "questions"} - head.keys()
    if missing:
        raise BadLesson(f"{name}: front matter misses {sorted(missing)}")
    return head, parts[2]


def _parts(body: str) -> Iterator[tuple[BlockKind, str]]:
    """Yield stretches of Markdown, and what stands alone between them."""
    held: list[str] = []
    for line in body.splitlines():
        found = _PLACEHOLDER.match(line.strip())
        if found is None:
            held.append(line)
            continue
        if any(held):
            yield BlockKind.HTML, "\n".join(held)
        held = []
        yield BlockKind(found[1]), found[2]
    if any(held):
        yield BlockKind.HTML, "\n".join(held)


def _anchors(tokens: list[Token]) -> list[Heading]:
    """Give each second-level heading an anchor; return them."""
    found = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h2":
            text = _said(inline)
            opening.attrSet("id", anchor_of(text))
            found.append(Heading(anchor_of(text), text))
    return found


def _said(inline: Token) -> str:
    """Return the words of one stretch of text, without its marks."""
    return "".join(child.content or " " for child in inline.children or ())


def _questions(name: str, slug: str, rows: list[dict[str, Any]]) -> tuple[Question, ...]:
    found = []
    for number, row in enumerate(rows, 1):
        answers = tuple(row["answers"])
        if not 1 <= row["right"] <= len(answers):
            raise BadLesson(f"{name}: question {number} has no answer {row['right']}")
        found.append(
            Question(
                code=f"{slug}-{number}",
                ask=row["ask"],
                answers=answers,
                right=row["right"],
                why=row["why"],
                in_quiz=bool(row.get("quiz", False)),
            )
        )
    return tuple(found)
