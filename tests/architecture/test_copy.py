"""No page, mail, lesson or article promises safety, profit, or a share of wins nobody measured."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryptosystems.platform.promises import promises_in

ROOT = Path(__file__).resolve().parents[2]
ROOMS = [path.parent for path in ROOT.glob("*/apps.py")]
_VARIABLE = re.compile(r"\{\{.*?\}\}|%\(\w+\)s|\{\w+\}")
_TRANSLATED = re.compile(r"\{%\s*trans(?:late)?\s+(?:\"([^\"]*)\"|'([^']*)').*?%\}")
_TAG = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.S)
_SPOKEN = re.compile(r"\b(?:title|alt|aria-label|placeholder|content)=\"([^\"<]*)\"")
_BLOCK = re.compile(
    r"</?(?:p|li|td|th|h\d|div|section|dt|dd|tr|button|title|summary|option)\b[^>]*>"
)
_EXAMPLE = re.compile(r"^```.*?^```", re.S | re.M)
_PO_TEXT = re.compile(
    r'^(?:msgid|msgid_plural|msgstr(?:\[\d\])?) ((?:"(?:[^"\\]|\\.)*"\s*)+)', re.M
)
_JS_TEXT = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`")


def words_of_template(source: str) -> Iterator[str]:
    """Yield what a template says; a variable is no number."""
    text = _TRANSLATED.sub(lambda found: found[1] or found[2] or "", source)
    text = _TAG.sub(" ", _VARIABLE.sub("…", text))
    yield from (found[1] for found in _SPOKEN.finditer(text))
    yield re.sub(r"<[^>]*>", " ", _BLOCK.sub("\n\n", text))


def words_of_markdown(source: str) -> Iterator[str]:
    """Yield the prose; a worked example states its own numbers and is no claim."""
    yield _EXAMPLE.sub("\n\n", source)


def words_of_module(source: str) -> Iterator[str]:
    """Yield each text of a Python module that is not a docstring."""
    tree = ast.parse(source)
    silent = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in silent
        ):
            yield _VARIABLE.sub("…", node.value)


def words_of_script(source: str) -> Iterator[str]:
    """Yield each text of a JavaScript module."""
    for found in _JS_TEXT.finditer(source):
        yield _VARIABLE.sub("…", found[1] or found[2] or found[3] or "")


def words_of_catalogue(source: str) -> Iterator[str]:
    """Yield each text and each translation."""
    for found in _PO_TEXT.finditer(source):
        yield _VARIABLE.sub("…", "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', found[1])))


READERS = {
    **{
        path: words_of_template
        for room in ROOMS
        for path in room.glob("**/templates/**/*")
        if path.is_file()
    },
    **{path: words_of_script for room in ROOMS for path in room.glob("static/**/*.js")},
    **{
        path: words_of_markdown
        for folder in (*ROOMS, ROOT / "docs")
        for path in folder.glob("**/*.md")
    },
    **dict.fromkeys(ROOT.glob("*.md"), words_of_markdown),
    **dict.fromkeys(ROOT.glob("locale/**/*.po"), words_of_catalogue),
    **{
        path: words_of_module
        for room in ROOMS
        for path in room.glob("**/*.py")
        if "migrations" not in path.parts and path.name != "promises.py"
    },
}


def test_nothing_we_say_is_a_promise() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {sentence}"
        for path, read in READERS.items()
        for text in read(path.read_text(encoding="utf-8"))
        for sentence in promises_in(text)
    ]
    assert found == [], "say what was measured, or nothing"


def test_the_walk_reads_pages_mails_articles_scripts_and_the_catalogue() -> None:
    read = {str(path.relative_to(ROOT)) for path in READERS}
    for name in (
        "frontend/templates/frontend/landing.html",
        "billing/templates/billing/mail/trial_reminder.txt",
        "blog/articles/ai-crypto-signals-explained.md",
        "frontend/static/frontend/js/plans.js",
        "locale/en/LC_MESSAGES/django.po",
        "billing/domain/sentences.py",
    ):
        assert name in read


@pytest.mark.parametrize(
    ("read", "source"),
    [
        (words_of_template, "<h1>{% translate 'Profit guaranteed' %}</h1>"),
        (words_of_template, "<p>Our signals have a <b>90</b> % win rate.</p>"),
        (words_of_template, '<a title="A risk-free start">x</a>'),
        (words_of_markdown, "You can’t lose with this plan."),
        (words_of_markdown, "Nine in ten of them win."),
        (words_of_markdown, "A win rate of\n55–65 % is what you get."),
        (words_of_markdown, "This is a sure profit, month by month."),
        (words_of_module, 'SENTENCE = _("It always wins.")'),
        (words_of_module, 'SENTENCE = _("Accuracy: 87 per cent")'),
        (words_of_script, 't("Easy money, every day")'),
        (words_of_catalogue, 'msgid "x"\nmsgstr "Guaranteed "\n"returns"'),
    ],
)
def test_a_promise_is_seen_wherever_it_stands(read: object, source: str) -> None:
    assert callable(read)
    assert [found for text in read(source) for found in promises_in(text)]


@pytest.mark.parametrize(
    ("read", "source"),
    [
        (words_of_template, "<p>Of {{ n }} signals {{ rate }} % won (95 % CI {{ ci }}).</p>"),
        (words_of_template, "<td>55 %</td><td>{% translate 'Won' %}</td>"),
        (words_of_markdown, "```example wilson\nT\n= Won: 65.0 %\n```"),
        (words_of_markdown, "The fee is 0.05 % a side, and it may lose you money."),
        (words_of_module, '"""A docstring may say: no risk rule was given."""'),
        (words_of_module, 'SENTENCE = "{rate} won"'),
    ],
)
def test_a_measured_figure_and_plain_words_pass(read: object, source: str) -> None:
    assert callable(read)
    assert [found for text in read(source) for found in promises_in(text)] == []


def test_a_sentence_that_warns_passes_only_word_by_word() -> None:
    warning = "And one thing to walk away from: fixed returns by the day or month."
    assert list(promises_in(warning)) == []
    assert list(promises_in("We pay fixed returns by the day or month."))
