"""The plans page as the server sends it: one price, buttons by state, sums that may say no."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import Subscription, Trial
from frontend import figures, worth
from frontend.context import Measured
from tests.support.people import alice, signed_in, staff

pytestmark = pytest.mark.django_db

PLANS = "/ai-trading/plans-pricing"
CASES = json.loads((Path(__file__).parent / "worth_cases.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def alone(settings: Any, tmp_path: Any) -> None:
    """No engine, and no record kept from another test."""
    settings.REDIS_URL = f"unix://{tmp_path}/nobody-listens.sock"
    settings.STRIPE_SECRET_KEY = "sk_standin_tests"
    settings.STRIPE_API_BASE = "http://127.0.0.1:9876/some/path"
    figures.forget()


def measure(monkeypatch: pytest.MonkeyPatch, n: int, n_backtest: int = 0) -> None:
    """Let the records be these."""

    def track_record(origin: str) -> dict[str, Any]:
        count = n_backtest if origin == "backtest" else n
        return {
            "origin": origin,
            "n": count,
            "win_rate": 0.53,
            "interval": [0.5, 0.56],
            "mean_r": 0.06,
            "mean_r_interval": [0.01, 0.11],
        }

    monkeypatch.setattr("signals.api.track_record", track_record)


def record(mean: float | None, interval: list[float] | None) -> Measured:
    pair = None if interval is None else (interval[0], interval[1])
    return Measured("live", 400, mean is not None, 0.5, (0.4, 0.6), mean, pair)


@pytest.mark.parametrize("case", CASES["sums"])
def test_the_sums(case: dict[str, Any]) -> None:
    made = worth.row(
        Decimal(str(case["fee"])),
        Decimal(case["account"]),
        Decimal(str(case["riskPercent"])),
        case["trades"],
    )
    assert float(made.one_r) == pytest.approx(case["oneR"])
    assert float(made.fee_r) == pytest.approx(case["feeR"])
    assert float(made.needed_r) == pytest.approx(case["needed"])


@pytest.mark.parametrize("case", CASES["verdicts"])
def test_the_verdicts(case: dict[str, Any]) -> None:
    held = record(case["mean"], case["interval"])
    assert worth.verdict_code(Decimal(str(case["needed"])), held) == case["code"]


@pytest.mark.parametrize("case", CASES["shares"])
def test_a_percentage_costs_nothing_without_profit(case: dict[str, Any]) -> None:
    amounts = [Decimal(str(case[name])) for name in ("account", "monthly", "share")]
    assert worth.percentage_fee(*amounts) == case["cost"]


def test_without_script_the_page_does_the_default_sum_and_every_account_size(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(monkeypatch, 400, n_backtest=90)
    html = client.get(PLANS).content.decode()
    assert "$59.99<small>" in html
    assert "+0.060\u2009R a trade" in html
    assert 'data-code="likely"' in html
    assert "over 400 settled, on the simulated market, 95% CI" in html
    assert "say nothing about money" in html
    assert "the walk-forward back-test has 90 signals: too few to tell" in html
    assert html.count("data-account=") == 7
    small = html.partition('data-account="500"')[2].partition("</tr>")[0]
    assert "+0.600\u2009R" in small and ">no<" in small
    assert "no money moves" in html


def test_under_a_hundred_settled_signals_no_rate_is_stated(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(monkeypatch, 99)
    html = client.get(PLANS).content.decode()
    assert "99 signals have settled so far" in html
    assert 'data-code="few"' in html
    assert "0.11" not in html.partition("data-measured")[2].partition("</p>")[0]
    assert '"mean": null' in html
    landing = client.get("/").content.decode()
    assert "too few to tell: a rate needs 100" in landing
    assert "53.0%" not in landing


def test_what_does_not_exist_is_not_sold(client: Client) -> None:
    html = client.get(PLANS).content.decode()
    assert "Not there yet: alerts." in html
    for promise in ("Telegram", "Bot for Binance", "Paper account from"):
        assert promise not in html


def test_a_visitor_is_led_to_the_trial_and_gets_no_form(client: Client) -> None:
    html = client.get(PLANS).content.decode()
    assert 'data-button="trial"' in html
    assert "<form" not in html.partition("<main")[2]


def test_buttons_follow_the_state() -> None:
    now = timezone.now()
    user = alice()
    browser = signed_in(user)
    Trial.objects.add_for(
        user.pk, started_at=now - timedelta(days=1), ends_at=now + timedelta(days=6)
    )
    html = browser.get(PLANS).content.decode()
    assert 'data-button="subscribe"' in html
    assert 'action="/account/billing/subscribe"' in html
    assert "the first payment is taken when the trial ends" in html
    Trial.objects.for_user(user.pk).update(ends_at=now)
    assert 'data-button="subscribe"' in browser.get(PLANS).content.decode()
    Subscription.objects.add_for(
        user.pk,
        provider_id="sub_1",
        provider_price_id="price_1",
        status="active",
        amount_minor=5999,
        currency="usd",
        started_at=now,
        period_ends_at=now + timedelta(days=30),
        fetched_at=now,
    )
    assert 'data-button="billing"' in browser.get(PLANS).content.decode()
    assert 'data-button="billing"' in signed_in(staff()).get(PLANS).content.decode()


def test_only_pages_with_payment_forms_may_post_to_the_provider(settings: Any) -> None:
    browser = signed_in(alice())

    def policy(address: str) -> str:
        rules = browser.get(address).headers["Content-Security-Policy"].split(";")
        return next(rule.strip() for rule in rules if "form-action" in rule)

    for address in (PLANS, "/account/billing"):
        assert policy(address) == "form-action 'self' http://127.0.0.1:9876"
    for address in ("/", "/account/", "/account/api-tokens", "/account/security"):
        assert policy(address) == "form-action 'self'"
    settings.STRIPE_SECRET_KEY = "sk_test_real"
    assert policy(PLANS) == (
        "form-action 'self' https://checkout.stripe.com https://billing.stripe.com"
    )
    assert "no money moves" not in browser.get(PLANS).content.decode()


def test_terms_and_risk_carry_the_versions_that_sign_up_records(
    client: Client, settings: Any
) -> None:
    assert settings.TERMS_VERSION in client.get("/terms").content.decode()
    assert settings.RISK_NOTICE_VERSION in client.get("/risk").content.decode()
