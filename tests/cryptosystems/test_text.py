"""Text that people type."""

import pytest

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.platform.text import check_plain_text


@pytest.mark.parametrize(
    "text",
    ["Laptop", "Büro", "<b>bold</b>", "名前", "می\u200cخواهم", "👩\u200d💻", "a" * 2_000, ""],
)
def test_plain_text_passes(text: str) -> None:
    assert check_plain_text(text) == text


@pytest.mark.parametrize(
    "sign", ["\0", "\n", "\r", "\x1b", "\u202e", "\u2066", "\u200f", "\u200b", "\ufeff", "\u2028"]
)
def test_hidden_characters_are_refused(sign: str) -> None:
    with pytest.raises(InvalidInput, match="invisible or control"):
        check_plain_text(f"a{sign}b")


def test_lines_pass_where_lines_are_meant() -> None:
    assert check_plain_text("a\nb", lines=True) == "a\nb"


def test_text_is_bounded_and_composed() -> None:
    with pytest.raises(InvalidInput, match="at most 10"):
        check_plain_text("a" * 11, most=10)
    assert check_plain_text("u\u0308") == "ü"
