"""Every worked example of a shipped article is worked again by the formulas of the product."""

from decimal import Decimal

import pytest

from blog.domain.examples import Example, Line, number_of
from blog.domain.markdown import examples_of
from blog.services import shipped_articles
from tests.blog.sums import FORMULAS

CASES = [
    (article.slug, example)
    for article in shipped_articles()
    for example in examples_of(article.body)
]


def wrong(example: Example) -> list[str]:
    """Return the results of an example that its formula does not give, at the decimals written."""
    worked = FORMULAS[example.kind](example)
    found = []
    for line in example.lines:
        if line.is_result:
            written = number_of(line.value)
            # What is written to the cent is right to the cent: half of its last digit at most.
            half = Decimal(5).scaleb(int(written.as_tuple().exponent) - 1)
            if abs(worked[line.name] - written) > half:
                found.append(f"{line.name}: written {line.value}, worked {worked[line.name]}")
    return found


@pytest.mark.parametrize(("slug", "example"), CASES, ids=[f"{s}: {e.title}" for s, e in CASES])
def test_a_worked_example_is_right_to_its_last_digit(slug: str, example: Example) -> None:
    assert any(line.is_result for line in example.lines), f"{slug} shows no result"
    assert wrong(example) == []


def test_every_article_works_something_out() -> None:
    with_sums = {slug for slug, _ in CASES}
    assert {article.slug for article in shipped_articles()} == with_sums


def test_a_wrong_digit_is_seen() -> None:
    given = (
        Line("Side", "long", False),
        Line("Entry", "60,000 USDT", False),
        Line("Quantity", "0.05 BTC", False),
        Line("Leverage", "10×", False),
        Line("Fee to open", "0.05 %", False),
    )
    right = Line("Liquidation price", "54,246.99 USDT", True)
    assert wrong(Example("liquidation", "right", (*given, right))) == []
    off = Line("Liquidation price", "54,246.97 USDT", True)
    assert len(wrong(Example("liquidation", "off", (*given, off)))) == 1
