"""No text for people stands in a template or a module without its mark for translation."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template.base import Lexer, TokenType

ROOT = Path(__file__).parents[2]
# The name of this tag is itself chosen by the template, so what it holds cannot be read as HTML.
WITHOUT_WORDS = {"frontend/templates/allauth/elements/button.html"}
TEMPLATES = sorted(
    path
    for path in ROOT.glob("*/templates/**/*.*")
    if str(path.relative_to(ROOT)) not in WITHOUT_WORDS
)
# Blocks of the frame that stand inside a tag of it.
ATTRIBUTES = ("body_class", "body_data")
# Attributes that are read out or shown.
SPOKEN = {"title", "alt", "placeholder", "aria-label", "aria-description", "data-words"}
# What a machine reads, and the names of keys.
SILENT = {"script", "style", "code", "kbd"}
# Names, units and symbols: the same in every language.
SAME_EVERYWHERE = {
    *("CryptoSystems", "TradingView", "Binance", "Lightweight Charts", "Stripe"),
    *("USDT", "UTC", "1 R", "p50", "p99", "ms", "s"),
    *(
        "1m",
        "5m",
        "15m",
        "1h",
        "4h",
        "1d",
        "24h",
        "CSV",
        "JSON",
        "Ed25519",
        "SHA-256",
        "BTCUSDT",
        "PDF",
        "TP",
        "Lightweight Charts™",
    ),
}


class _Texts(HTMLParser):
    """Collects what a reader sees or hears of a page whose template tags are blanked out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT
        held = dict(attrs)
        spoken = SPOKEN | ({"content"} if held.get("name") == "description" else set())
        self.found += [value for name, value in attrs if name in spoken and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data)


def unmarked(source: str) -> Iterator[str]:
    """Yield each piece of words that stands outside the translation tags."""
    bare = []
    inside = ""
    for token in Lexer(source).tokenize():
        word = token.contents.split(" ")[0] if token.token_type == TokenType.BLOCK else ""
        if word in ("blocktranslate", "blocktrans", "comment"):
            inside = f"end{word}"
        elif word == "block" and token.contents.split(" ")[1] in ATTRIBUTES:
            inside = "endblock"
        elif word and word == inside:
            inside = ""
        elif token.token_type == TokenType.TEXT and not inside:
            bare.append(token.contents)
        # A value may stand in an attribute or between two words: it parts them.
        if token.token_type != TokenType.TEXT:
            bare.append("\n")
    page = _Texts()
    page.feed("".join(bare))
    page.close()
    for text in page.found:
        text = re.sub(r"(https:/)?/[\w/-]+", "", text)  # addresses
        for piece in re.split(r"[\n·,:;.()–—…×%/+]+|\s{2,}", text):
            words = piece.strip()
            if re.search(r"[A-Za-z]", words) and words not in SAME_EVERYWHERE:
                yield words


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_text_of_a_template_is_marked(path: Path) -> None:
    assert sorted(set(unmarked(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Read the market</p>", ["Read the market"]),
        ('<button aria-label="Close">{% icon %}</button>', ["Close"]),
        ("<p>{% translate 'Settled' %} {{ n }} signals</p>", ["signals"]),
        ("{% blocktranslate trimmed %}Settled{% endblocktranslate %} <b>{{ n }}</b>, UTC", []),
        ('<a title="{% translate "Open" %}" class="btn">{{ word }}</a>', []),
    ],
)
def test_an_unmarked_text_is_seen(source: str, found: list[str]) -> None:
    assert list(unmarked(source)) == found
