"""Every page of an account: nothing scrolls sideways, and axe finds nothing, in both themes."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from axe_playwright_python.sync_playwright import Axe

from accounts import api
from tests.accounts.browser import serving
from tests.support.people import add_totp, alice, confirm_again, signed_in

pytestmark = pytest.mark.browser

ANYBODY = {
    "sign-up": "/accounts/signup/",
    "sign-in": "/accounts/login/",
    "reset": "/accounts/password/reset/",
    "reset-sent": "/accounts/password/reset/done/",
    "reset-dead-link": "/accounts/password/reset/key/1-x/",
    "reset-done": "/accounts/password/reset/key/done/",
    "inactive": "/accounts/inactive/",
}
SIGNED_IN = {
    "security": "/account/security",
    "settings": "/account/settings",
    "data": "/account/data",
    "delete": "/account/data/delete",
    "password": "/accounts/password/change/",
    "email": "/accounts/email/",
    "totp-remove": "/accounts/2fa/totp/deactivate/",
    "codes": "/accounts/2fa/recovery-codes/",
    "codes-new": "/accounts/2fa/recovery-codes/generate/",
    "passkeys": "/accounts/2fa/webauthn/",
    "passkey-add": "/accounts/2fa/webauthn/add/",
    "again-code": "/accounts/2fa/reauthenticate/",
    "sign-out": "/accounts/logout/",
}
WITHOUT_APP = {"again": "/accounts/reauthenticate/", "totp-add": "/accounts/2fa/totp/activate/"}
LOOKS = ((1440, "dark"), (360, "light"))


@pytest.fixture
def site(transactional_db: None, redis_url: str, settings: Any) -> Iterator[str]:
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    with serving() as url:
        yield url


def browser_of_alice(chromium: Any, site: str, width: int, theme: str) -> Any:
    """Return a browser context in which Alice is signed in and has just proved who she is."""
    user = alice()
    add_totp(user)
    client = signed_in(user)
    confirm_again(client, user)
    client.post("/accounts/2fa/recovery-codes/generate/")
    api.record_consent(user.pk, "terms", "1")
    signed_in(user)
    context = anybody(chromium, site, width, theme)
    cookie = {"name": "sessionid", "value": client.session.session_key, "url": site}
    context.add_cookies([cookie])
    return context


def anybody(chromium: Any, site: str, width: int, theme: str) -> Any:
    context = chromium.new_context(
        base_url=site, viewport={"width": width, "height": 900}, color_scheme=theme
    )
    context.set_default_timeout(15_000)
    return context


def check(page: Any, name: str) -> list[str]:
    """Return what is wrong with the page that is open."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    found = [f"{name}: {wide} px too wide"] if wide > 0 else []
    for violation in Axe().run(page).response["violations"]:
        nodes = "; ".join(node["html"][:120] for node in violation["nodes"][:3])
        found.append(f"{name}: {violation['id']}: {nodes}")
    return found


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_pages_for_anybody_look_right(chromium: Any, site: str, width: int, theme: str) -> None:
    context = anybody(chromium, site, width, theme)
    page, found = context.new_page(), []
    for name, path in ANYBODY.items():
        answer = page.goto(path)
        assert answer.status == 200, name
        found += check(page, name)
    page.goto(ANYBODY["sign-up"])
    page.get_by_role("button", name="Create account").click()
    page.locator('[aria-invalid="true"]').first.wait_for()
    found += check(page, "sign-up refused")
    context.close()
    assert found == []


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_pages_of_an_account_look_right(chromium: Any, site: str, width: int, theme: str) -> None:
    context = browser_of_alice(chromium, site, width, theme)
    page, found = context.new_page(), []
    for name, path in SIGNED_IN.items():
        answer = page.goto(path)
        assert answer.status == 200 and answer.url.endswith(path), name
        found += check(page, name)
    Authenticator.objects.all().delete()
    for name, path in WITHOUT_APP.items():
        assert page.goto(path).url.endswith(path), name
        found += check(page, name)
    context.close()
    assert found == []
