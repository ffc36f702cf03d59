"""What the tests of billing share: payments kept in memory, and an hour that stands still."""

from collections.abc import Iterator
from typing import Any

import pytest

from billing.providers import replaced
from tests.support.payments import PRICE, Payments


@pytest.fixture
def payments(settings: Any) -> Iterator[Payments]:
    """The payment provider, in memory."""
    settings.STRIPE_SECRET_KEY = "sk_standin_tests"
    settings.STRIPE_PRICE_ID = PRICE
    settings.STRIPE_WEBHOOK_SECRETS = ("whsec_new", "whsec_old")
    kept = Payments()
    with replaced(kept):
        yield kept
