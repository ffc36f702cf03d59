"""No page and no file of the console ever shows a secret, whoever looks."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import ApiToken, User
from billing.models import ProviderEvent
from cryptosystems.platform.admin import masked
from cryptosystems.platform.models import OutgoingMail
from tests.console.conftest import World
from tests.support.people import add_totp

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


def _plant(world: World, boss: User) -> list[str]:
    """Return what must appear nowhere: digests, hashes, factors, secrets of payments, codes."""
    secrets = [add_totp(world.alice), world.token, world.token.partition("_")[2][12:]]
    ApiToken.objects.across_tenants("a test").update(digest="c0ffee" * 10)
    secrets.append("c0ffeec0ffee")
    for user in (world.alice, boss):
        secrets.append(user.password)
        secrets.append(user.password.rpartition("$")[2])
    for row in Authenticator.objects.all():
        secrets.extend(str(value) for value in row.data.values() if len(str(value)) > 8)
    ProviderEvent.objects.filter(pk=world.event.pk).update(
        payload={
            "client_secret": "pi_secret_CANARY-1",
            "nested": [{"webhook_secret": "CANARY-2", "text": "key whsec_CANARY3CANARY"}],
            "note": "sk_test_CANARY4CANARY",
        }
    )
    OutgoingMail.objects.update(body="your code is CANARY-5", html="CANARY-6")
    return [*secrets, "CANARY"]


def _crawl(browser: Client, start: str) -> dict[str, str]:
    """Return every page of the console that can be reached by links."""
    found: dict[str, str] = {}
    waiting = [start]
    while waiting:
        page = waiting.pop()
        if page in found or "/logout" in page:
            continue
        answer = browser.get(page, follow=True)
        assert answer.status_code == 200, page
        found[page] = answer.content.decode()
        links = re.findall(r'href="(/admin/[^"#]*)"', found[page])
        waiting += [link.replace("&amp;", "&") for link in links if "?" not in link]
    return found


def test_no_page_shows_a_secret(boss: User, boss_browser: Client, world: World) -> None:
    secrets = _plant(world, boss)
    pages = _crawl(boss_browser, "/admin/")
    for model, table in admin.site._registry.items():
        for pk in (
            model._default_manager.across_tenants("a test").values_list("pk", flat=True)
            if (hasattr(model._default_manager, "across_tenants"))
            else model._default_manager.values_list("pk", flat=True)
        ):
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
            address = reverse(name, args=[pk])
            pages[address] = boss_browser.get(address, follow=True).content.decode()
    assert len(pages) > 40
    assert any("alice@example.org" in text for text in pages.values())
    for address, text in pages.items():
        for secret in secrets:
            assert secret not in text, address


def test_no_file_holds_a_secret(boss: User, boss_browser: Client, world: World) -> None:
    secrets = _plant(world, boss)
    listed = boss_browser.get("/admin/exports/").content.decode()
    exports = re.findall(r'action="(/admin/exports/[^"]+)"', listed)
    assert len(exports) > 10
    for address in exports:
        answer = boss_browser.post(address)
        assert answer.status_code == 200, address
        text = b"".join(answer.streaming_content).decode()
        assert "id" in text or "sequence" in text
        for secret in secrets:
            assert secret not in text, address


def test_masking_covers_names_and_values_at_any_depth() -> None:
    held = {"a": [{"api_key": "x"}, "use sk_live_abcdefgh now"], "signature": "s", "plain": "text"}
    assert masked(held) == {
        "a": [{"api_key": "•••"}, "use ••• now"],
        "signature": "•••",
        "plain": "text",
    }
