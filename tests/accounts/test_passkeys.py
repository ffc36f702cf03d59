"""A passkey in a real browser: made, used instead of a password, and removed."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from accounts import api
from tests.accounts.browser import serving
from tests.support.people import PASSWORD, alice

pytestmark = pytest.mark.browser

_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) =>
  window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
"""


@pytest.fixture
def site(transactional_db: None, redis_url: str, settings: Any) -> Iterator[str]:
    settings.ALLOWED_HOSTS = ["localhost"]
    with serving() as url:
        yield url


@pytest.fixture
def page(chromium: Any, site: str) -> Iterator[Any]:
    """A page with a device of its own that makes passkeys and says yes."""
    context = chromium.new_context(base_url=site)
    context.set_default_timeout(15_000)
    context.add_init_script(_WATCH)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    device = context.new_cdp_session(opened)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield opened
    violations = opened.evaluate("window.violations")
    context.close()
    assert errors == [] and violations == []


def test_a_passkey_is_made_signs_in_and_is_removed(page: Any) -> None:
    user = alice()
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url("/ai-trading/dashboard")

    page.goto("/account/security")
    page.get_by_role("link", name="Add a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("Alice's laptop")
    page.get_by_role("button", name="Make the key").click()
    expect(page).to_have_url("/accounts/2fa/recovery-codes/")
    assert [key.name for key in api.factors_of(user.pk).passkeys] == ["Alice's laptop"]

    page.goto("/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url("/")
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url("/ai-trading/dashboard")
    signed_in = api.audit_of(user.pk)[0]
    assert signed_in.action == "signed_in" and signed_in.details["ways"] == ["webauthn"]

    page.goto("/accounts/2fa/webauthn/")
    page.get_by_role("link", name="Remove").click()
    # Whoever has a second factor proves that, not the password again.
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The passkey is removed.")).to_be_visible()
    assert api.factors_of(user.pk).passkeys == ()


def test_a_device_that_says_no_leaves_words_not_silence(page: Any) -> None:
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("The passkey was not used.")).to_be_visible()
