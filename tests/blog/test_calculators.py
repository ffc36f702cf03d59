"""From an example in an article to the calculator that works it again."""

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from blog.contracts import WorkedExample
from blog.domain.examples import bare
from blog.domain.markdown import examples_of
from blog.services import shipped_articles
from frontend import calculators

PLAN = WorkedExample(
    "reward",
    "a plan",
    (("Entry", "60000"), ("Stop", "59100"), ("Target 1", "60900 for 40"), ("Fee a side", "0.05")),
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("60,000 USDT", "60000"),
        ("0.05 %", "0.05"),
        ("10×", "10"),
        ("long", "long"),
        ("−0.3", "-0.3"),
        ("60,900 for 40 %", "60900 for 40"),
        ("", ""),
    ],
)
def test_a_value_is_what_a_field_takes(written: str, meant: str) -> None:
    assert bare(written) == meant


def test_a_plan_becomes_the_question_of_its_calculator() -> None:
    (found,) = calculators.worked([PLAN])
    split = urlsplit(found.address)
    assert split.path == "/tools/risk-reward"
    assert parse_qs(split.query, keep_blank_values=True) == {
        "entry": ["60000"],
        "stop": ["59100"],
        "fee": ["0.05"],
        "target1": ["60900"],
        "share1": ["40"],
        **{f"{name}{number}": [""] for name in ("target", "share") for number in (2, 3)},
    }


def test_what_no_calculator_works_and_what_is_not_there_is_not_linked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert calculators.worked([WorkedExample("brier", "a score", ())]) == ()
    monkeypatch.setattr(calculators, "is_there", lambda address: False)
    assert calculators.worked([PLAN]) == ()
    assert calculators.embedded([PLAN]) is None


HEADLINES = {
    "liquidation": "Liquidation price",
    "result": "Result",
    "size": "Quantity",
    "funding": "Paid in all",
    "reward": "Reward to risk",
}
"""The line of an example that its calculator has to show in the same digits."""
LINKED = [
    (shipped.slug, example)
    for shipped in shipped_articles()
    for example in examples_of(shipped.body)
    if example.kind in HEADLINES and any(x.name == HEADLINES[example.kind] for x in example.lines)
]


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_url")
def test_every_linked_calculator_shows_what_the_article_says(client: Client) -> None:
    assert len(LINKED) >= 15
    for slug, example in LINKED:
        given = tuple((x.name, bare(x.value)) for x in example.lines if not x.is_result)
        (link,) = calculators.worked([WorkedExample(example.kind, example.title, given)])
        answer = client.get(link.address)
        html = answer.content.decode()
        shown = bare(example.text(HEADLINES[example.kind])).lstrip("-")
        digits = f"{Decimal(shown):,}"
        assert answer.status_code == 200, link.address
        assert 'aria-invalid="true"' not in html, f"{slug}: {link.address}"
        assert digits in html, f"{slug}, {example.title}: {digits} at {link.address}"
