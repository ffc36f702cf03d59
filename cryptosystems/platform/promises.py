"""What no text of ours may promise: safety, profit, or a share of wins that nobody measured.

The rule is one for pages, mails, lessons and articles. A share of wins may stand in a text only as
a variable that code fills from stored rows; written out as a number it is a promise.
"""

import re
from collections.abc import Iterator
from typing import Final

_PROMISE: Final = re.compile(
    r"""
      guarantee\w*
    | (?:risk|loss)[\s-]*free | (?:without|zero|no)\s+risk\b | \bno\s+loss(?:es)?\b
    | (?:can\s?no|can['’]?)t\s+(?:lose|fail|go\s+wrong) | never\s+los(?:e|es|ing)\b
    | (?:sure|certain|assured|safe)[\s-]*(?:profits?|wins?|gains?|thing|returns?|income)\b
    | always\s+(?:wins?|profits?|profitable|right)\b | \bwins?\s+(?:always|every\s+time)\b
    | (?:easy|free|quick)\s+(?:money|profits?)\b | passive\s+income | get\s+rich
    | (?:double|triple|multiply)\s+your\s+(?:money|account|capital|deposit)
    | fixed\s+returns? | (?:daily|weekly|monthly)\s+(?:profits?|income)\s+of
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SHARE: Final = r"\d[\d.,]*\s*(?:[-–—]|to)?\s*\d*[\d.,]*\s*(?:%|per\s?cent\b)|\b(?:eight|nine|ten)\s+(?:in|out\s+of)\s+ten\b"
_WINS: Final = (
    r"\b(?:win(?:s|ning|ners?)?|won|accura\w+|success\w*|correct(?:ly)?|hit[\s-]rate|profitable)\b"
)
_RATE: Final = re.compile(
    rf"(?:{_SHARE})[^.!?]{{0,40}}{_WINS}|{_WINS}[^.!?]{{0,40}}(?:{_SHARE})", re.IGNORECASE
)
_INTERVAL: Final = re.compile(r"\b9[059]\s?%{1,2}\s*(?:CI\b|confidence|interval)", re.IGNORECASE)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|\|")
_PARAGRAPH: Final = re.compile(r"\n\s*\n")
_SPACE: Final = re.compile(r"\s+")

ALLOWED: Final = (
    # They warn of such a promise, or say what is not so.
    "And one thing to walk away from: fixed returns by the day or month.",
    "No rule earns a fixed return in a market, and whoever pays one pays it out of the next "
    "customer's deposit.",
    # They call an aim an aim; what was measured stands beside it.
    "Our target is 55 to 65% of wins at 1 : 1.8 to 1 : 2.5.",
)
"""Sentences that may stand although they hold such words, each letter by letter."""


def promises_in(text: str) -> Iterator[str]:
    """Yield each sentence that promises what nobody can keep or nobody has measured."""
    paragraphs = (_SPACE.sub(" ", part) for part in _PARAGRAPH.split(text.replace("%%", "%")))
    for paragraph in paragraphs:
        for allowed in ALLOWED:
            paragraph = paragraph.replace(allowed, " ")
        for sentence in _SENTENCE_END.split(paragraph):
            said = _INTERVAL.sub("", sentence)
            if _PROMISE.search(said) or _RATE.search(said):
                yield sentence.strip()
