"""What looks like a key is refused wherever people type for others to read (SE-17)."""

import base64
import random
import re
from pathlib import Path

import pytest
from django.conf import settings

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.platform.text import check_free_text, looks_like_secret

SEED = (
    "abandon bridge candle desert engine fabric galaxy hamster island jungle kitten ladder magnet "
    "napkin oxygen pepper quantum rabbit saddle tackle umbrella velvet wagon yellow zebra"
)


def keys() -> list[str]:
    """Return a hundred keys as people paste them, alone and in a sentence."""
    drawn = random.Random(17)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    made = []
    for n in range(20):
        secret = drawn.randbytes(48)
        alphanumeric = "".join(drawn.choices(letters, k=64))
        body = base64.b64encode(secret).decode()
        made += [
            alphanumeric,
            f"My secret is {alphanumeric}, it does not work",
            secret[:32].hex(),
            body if n % 2 else f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----",
            " ".join(drawn.choices(SEED.split(), k=drawn.choice((12, 15, 24)))),
        ]
    return made


def prose() -> list[str]:
    """Return some hundred sentences of our own documents, addresses and paths within."""
    found: list[str] = []
    for path in sorted((Path(settings.BASE_DIR) / "docs").glob("*.md")):
        lines = path.read_text(encoding="utf-8").splitlines()
        found += [part for line in lines for part in re.split(r"(?<=[.:;]) ", line) if part]
    return found


def test_all_of_a_hundred_keys_are_caught() -> None:
    missed = [text for text in keys() if not looks_like_secret(text)]
    assert missed == []


def test_at_most_one_in_a_hundred_sentences_is_taken_for_a_key() -> None:
    sentences = prose()
    assert len(sentences) > 200
    taken = [text for text in sentences if looks_like_secret(text)]
    assert len(taken) <= len(sentences) // 100, taken


@pytest.mark.parametrize(
    "text",
    [
        "Main account",
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamter",
        "https://cryptosystems.example/account/api-keys/0f8fad5b-d9cb-469f-a165-70867728950e",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "a" * 200,
        "please help me find where your team moved that button again today",
    ],
)
def test_names_addresses_and_questions_pass(text: str) -> None:
    assert check_free_text(text) == text


def test_the_refusal_does_not_repeat_it() -> None:
    for text in keys()[:5]:
        with pytest.raises(InvalidInput) as refusal:
            check_free_text(text, lines=True)
        assert text[:12] not in str(refusal.value)
