"""The key wizard in a browser: readable in both themes and on a phone, at every step of the way."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.accounts.browser import serving
from tests.frontend.axe import sideways, violations
from tests.support.people import add_totp, alice, confirm_again, signed_in
from tests.trading.keys.test_vault import executor  # noqa: F401 - a fixture
from trading.contracts import AccountState
from trading.models import BotSettings, TradingAccount
from trading.services import keys

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("executor")]

KEY_ID = "k" * 40 + "q7Rd"
LOOKS = ((1440, "dark"), (390, "light"))
RIGHTS = {"reading": True, "futures": True, "withdrawals": False}


@pytest.fixture
def site(transactional_db: None, redis_url: str, settings: Any) -> Iterator[str]:
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    settings.MARKET_REST_URL = "http://127.0.0.1:9"
    with serving() as url:
        yield url


def account(user: Any, label: str, kind: str = "ed25519") -> TradingAccount:
    made = keys.begin_key(user.pk, kind=kind, venue="simulated", label=label)
    if label != "Drafted":
        TradingAccount.objects.for_user(user.pk).filter(pk=made.pk).update(state="refused")
    return made


def at_every_step(user: Any) -> dict[str, str]:
    """Return an address for each place on the way, each with an account that stands there."""
    now = timezone.now()
    refused, connected, lost = (account(user, name) for name in ("Refused", "Connected", "Lost"))
    for row in (refused, connected, lost):
        keys.finish_key(user.pk, row.pk, KEY_ID)
    told: dict[str, Any] = {"rights": RIGHTS, "is_ip_restricted": True, "now": now}
    advice = "This key may withdraw. Clear “Enable Withdrawals”."
    for name in keys.CHECKS[:6]:
        state = "failed" if name == "withdrawals" else "passed"
        sentence = advice if state == "failed" else "As it should be."
        keys.record_check(refused, name, state, sentence, now=now, took_ms=48)
    keys.conclude(
        refused,
        failed=[("right_withdrawals", advice)],
        uid="1",
        expires_at=now + timedelta(days=25),
        **{**told, "rights": {**RIGHTS, "withdrawals": True}},
    )
    for row, uid in ((connected, "2"), (lost, "3")):
        keys.conclude(row, failed=[], uid=uid, expires_at=None, **told)
    BotSettings.objects.for_user(user.pk).filter(account=connected).update(changed_at=now)
    TradingAccount.objects.for_user(user.pk).filter(pk=lost.pk).update(
        state=AccountState.SUSPENDED.value,
        code=keys.KEY_LOST,
        sentence="The exchange refuses this key.",
    )
    asked = account(user, "Being tested", "hmac")
    keys.finish_key(user.pk, asked.pk, KEY_ID, "s" * 63 + "!")
    draft = account(user, "Drafted")
    page = "/account/api-keys"
    return {
        "list": page,
        "draft": f"{page}/{draft.pk}",
        "testing": f"{page}/{asked.pk}",
        "refused": f"{page}/{refused.pk}",
        "connected": f"{page}/{connected.pk}",
        "lost": f"{page}/{lost.pk}",
        "revoke": f"{page}/{connected.pk}/revoke",
    }


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_every_step_can_be_read(chromium: Any, site: str, width: int, theme: str) -> None:
    user = alice()
    add_totp(user)
    client = signed_in(user)
    confirm_again(client, user)
    context = chromium.new_context(
        base_url=site, viewport={"width": width, "height": 900}, color_scheme=theme
    )
    context.set_default_timeout(15_000)
    context.add_cookies([{"name": "sessionid", "value": client.session.session_key, "url": site}])
    page, found = context.new_page(), []
    for name, path in at_every_step(user).items():
        answer = page.goto(path)
        assert answer.status == 200, name
        found += [f"{name}: {one}" for one in violations(page)]
        found += [f"{name}: too wide"] if sideways(page) > 0 else []
    context.close()
    assert found == []
