"""From an example in an article to the calculator that works it again."""

from urllib.parse import parse_qs, urlsplit

import pytest

from blog.contracts import WorkedExample
from blog.domain.examples import bare
from frontend import calculators

PLAN = WorkedExample(
    "reward",
    "a plan",
    (("Entry", "60000"), ("Stop", "59100"), ("Target 1", "60900 for 40"), ("Fee a side", "0.05")),
)


@pytest.fixture(autouse=True)
def every_page_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calculators, "is_there", lambda address: True)


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
    assert parse_qs(split.query) == {
        "entry": ["60000"],
        "stop": ["59100"],
        "fee": ["0.05"],
        "target1": ["60900"],
        "share1": ["40"],
    }


def test_what_no_calculator_works_and_what_is_not_there_is_not_linked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert calculators.worked([WorkedExample("brier", "a score", ())]) == ()
    monkeypatch.setattr(calculators, "is_there", lambda address: False)
    assert calculators.worked([PLAN]) == ()
    assert calculators.embedded([PLAN]) is None
