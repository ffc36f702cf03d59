"""One marked secret through connecting, trading, faults and a crash: it is in no sink (SE-07)."""

import asyncio
import hmac
import json
import pickle
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import api as accounts
from tests.support.canary import Canary, database, everything_logged, redis_of
from tests.support.exchange_process import Venue as Exchange
from tests.support.exchange_process import Who
from tests.support.people import add_totp, confirm_again, person, signed_in
from tests.support.waiting import wait_until
from tests.trading.executor.test_process import (  # noqa: F401 - fixtures
    chosen,
    exchange,
    fresh,
    market,
    running,
    signal_now,
)
from tests.trading.keys.test_vault import executor  # noqa: F401 - a fixture
from trading import api, vault
from trading.exchanges import signer
from trading.models import SecretOpening, Trade, TradingAccount
from trading.services import mass

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("executor", "redis_url"),
]


class Visitor:
    """Somebody at the key pages, who keeps every answer for the search."""

    def __init__(self, name: str) -> None:
        self.user = person(name)
        add_totp(self.user)
        self.browser: Client = signed_in(self.user, raise_request_exception=False)
        confirm_again(self.browser, self.user)
        self.answers: list[bytes] = []

    def get(self, address: str) -> bytes:
        return self._kept(self.browser.get(address, follow=True))

    def post(self, address: str, **fields: str) -> bytes:
        return self._kept(self.browser.post(address, fields, follow=True))

    def _kept(self, answer: Any) -> bytes:
        told = b"".join(answer.streaming_content) if answer.streaming else answer.content
        heads = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        self.answers.append(heads.encode() + told)
        return bytes(told)

    def row(self) -> TradingAccount:
        rows = TradingAccount.objects.for_user(self.user.pk).exclude(venue="paper")
        return rows.get()

    def begin(self, kind: str) -> str:
        self.post("/account/api-keys", kind=kind, venue="simulated", label="Main account")
        return f"/account/api-keys/{self.row().pk}"

    def look_everywhere(self) -> None:
        account = self.row().pk
        for address in (
            "/account/api-keys",
            f"/account/api-keys/{account}",
            f"/account/api-keys/{account}/state",
            f"/account/api-keys/{account}/revoke",
            "/api/v1/api-keys",
            f"/api/v1/api-keys/{account}",
            f"/account/orders?account={account}",
            f"/api/v1/executions/export?account={account}&format=csv",
            f"/api/v1/executions/export?account={account}&format=json",
        ):
            answer = self.browser.get(address, follow=True)
            assert answer.status_code == 200, address
            self._kept(answer)


def connect_hmac(visitor: Visitor, who: Who) -> None:
    """Paste a secret into every wrong place first, then into the right one."""
    visitor.post("/account/api-keys", kind="hmac", venue="simulated", label=who.secret[:60])
    visitor.post("/account/api-keys", kind=who.secret, venue=who.secret, label=who.secret)
    page = visitor.begin("hmac")
    visitor.post(f"{page}/finish", api_key="short", secret=who.secret)
    visitor.post(f"{page}/finish", api_key=who.secret + "!", secret=who.secret)
    visitor.post(f"{page}/finish", api_key=who.api_key, secret=f"{who.secret} \x00 \u202e")
    visitor.post(f"{page}/finish", api_key=who.secret, secret=who.secret)
    strict = signed_in(visitor.user, enforce_csrf_checks=True)
    visitor._kept(strict.post(f"{page}/finish", {"api_key": who.api_key, "secret": who.secret}))
    visitor.post(
        f"{page}/finish", api_key=f" {who.api_key[:30]}\r\n{who.api_key[30:]}", secret=who.secret
    )


def connect_ed25519(visitor: Visitor, venue: Exchange) -> tuple[Who, Canary]:
    """Register the public key at the exchange, and paste what it calls the key."""
    page = visitor.begin("ed25519")
    row = visitor.row()
    who = venue.account(kind="ed25519", public_key=row.public_key, addresses=["127.0.0.1"])
    visitor.post(f"{page}/finish", api_key=who.api_key)
    place = vault.Place(row.user_id, row.pk)
    return who, Canary.of_private_key(bytes(vault.open_sealed(place, row.sealed_secret)))


def is_settled(visitor: Visitor) -> bool:
    return visitor.row().state not in ("draft", "checking")


def crawl_console(boss: Visitor) -> None:
    for model in ("tradingaccount", "keycheck", "secretopening", "journalentry", "tradeorder"):
        boss.get(reverse(f"admin:trading_{model}_changelist"))
    for row in TradingAccount.objects.across_tenants("a test"):
        address = reverse("admin:trading_tradingaccount_change", args=[row.pk])
        told = boss.get(address)
        assert b"Main account" in told or row.venue == "paper"
        boss.post(address, sealed_secret="mine", api_key="mine", label="mine")


def test_a_marked_secret_is_in_no_sink(
    market: Exchange,  # noqa: F811
    lane_loop: asyncio.AbstractEventLoop,
    redis_url: str,
    mailoutbox: list[Any],
    monkeypatch: Any,
    capfd: Any,
) -> None:
    hmac_one, our_one, boss = Visitor("alice"), Visitor("charlie"), Visitor("boss")
    boss.user.is_staff = boss.user.is_superuser = True
    boss.user.save()
    who = market.account(addresses=["127.0.0.1"])
    with everything_logged() as logged, running(lane_loop):
        connect_hmac(hmac_one, who)
        _, pair = connect_ed25519(our_one, market)
        wait_until(lambda: is_settled(hmac_one) and is_settled(our_one), 30)
        assert [v.row().state for v in (hmac_one, our_one)] == ["connected"] * 2

        trades = [chosen(v.row(), signal_now()) for v in (hmac_one, our_one)]
        market.fault("private", "drop", match="/order", method="POST", args={"executed": True})
        wait_until(lambda: all(fresh(t).state == "open" for t in trades), 30)
        crash_while_signing(monkeypatch, hmac_one, trades[0])
        our_one.look_everywhere()
        hmac_one.look_everywhere()
        crawl_console(boss)
        exports = [accounts.export_of(v.user.pk) for v in (hmac_one, our_one)]
        queued = _pickled(hmac_one.row())
        mass.revoke_all(hmac_one.row().created_at)
    sinks = {
        "log": logged.getvalue(),
        "output": "".join(capfd.readouterr()),
        "database": database(),
        "redis": redis_of(redis_url),
        "pages": [*hmac_one.answers, *our_one.answers, *boss.answers],
        "mails": [f"{m.subject}\n{m.body}\n{m.alternatives}" for m in mailoutbox],
        "exports": exports,
        "pickles": queued,
    }
    assert len(logged.getvalue()) > 10_000 and SecretOpening.objects.exists()
    assert Canary(who.secret).found_in(sinks) == []
    assert pair.found_in(sinks) == []
    assert Canary(who.api_key).found_in({"console": list(boss.answers)}) == []


def crash_while_signing(monkeypatch: Any, visitor: Visitor, trade: Trade) -> None:
    """Let the signer break with the secret in its hands, as a bug would."""
    broke: list[int] = []
    inner = hmac.digest

    def breaks(key: bytes, *rest: Any) -> bytes:
        if len(key) == 64 and len(broke) < 3:
            broke.append(1)
            raise RuntimeError("a bug of ours while signing")
        return inner(key, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(signer.hmac, "digest", breaks)
        visitor.post(f"/account/trades/{trade.pk}/close")
        rows = Trade.objects.for_user(visitor.user.pk)
        rows.filter(pk=trade.pk).update(close_asked_at=trade.decided_at)
        wait_until(lambda: len(broke) == 3, 30)


def _pickled(row: TradingAccount) -> bytes:
    """Return what a task would carry of the rows and views that hold keys."""
    view = api.account(row.user_id, row.pk)
    return pickle.dumps(view) + json.dumps(str(view)).encode()
