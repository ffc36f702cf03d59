"""From the plans page over the payment page and back, in a browser, against the stand-in."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from billing.models import Trial
from frontend import figures
from tests.frontend.axe import violations
from tests.frontend.conftest import Site
from tests.frontend.sign_in import sign_in
from tests.support.people import alice
from tests.support.stripe_standin import KEY, PRICE_ID, WEBHOOK_SECRET, stripe_standin

pytestmark = pytest.mark.browser


def test_a_subscription_is_bought_and_cancelled(page: Any, site: Site, settings: Any) -> None:
    figures.forget()
    user = alice()
    end = timezone.now() - timedelta(days=1)
    Trial.objects.add_for(user.pk, started_at=end - timedelta(days=7), ends_at=end)
    with stripe_standin() as standin:
        settings.STRIPE_SECRET_KEY = KEY
        settings.STRIPE_API_BASE = standin.base_url
        settings.STRIPE_PRICE_ID = PRICE_ID
        settings.STRIPE_WEBHOOK_SECRETS = (WEBHOOK_SECRET,)
        settings.SITE_URL = site.url
        sign_in(page, user, site.url)
        page.goto(site.url + "/ai-trading/plans-pricing")
        page.get_by_role("button", name="Subscribe").click()  # the policy lets it through
        page.locator("button[name=pay]").click()
        expect(page.locator("h1")).to_have_text("Everything is open")
        page.goto(site.url + "/account/billing")
        expect(page.locator("[data-next]")).to_be_visible()
        assert page.locator("[data-invoices] tbody tr").count() == 1
        assert violations(page) == []
        page.locator("[data-cancel]").click()
        assert violations(page) == []
        page.get_by_role("button", name="Cancel at the end of the period").click()
        expect(page.get_by_text("Cancelled. Access runs until")).to_be_visible()
        page.get_by_role("button", name="Keep it").click()
        expect(page.get_by_text("Kept. The subscription goes on")).to_be_visible()
