"""Two people who use the product at random, and everything that leaves it while they do.

Each has words and moments that are theirs alone: their marks. A step is done by one of them (or by
staff for one of them); what leaves the product during it may hold marks of that one only.
"""

import io
import json
import logging
import pickle
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest import mock
from zipfile import ZipFile

import stripe
from allauth.usersessions.models import UserSession
from celery.app.task import Task
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, User
from billing import tasks as billing_tasks
from billing.models import Customer, Trial
from frontend.pages import marketing
from tests.support.payments import Payments
from tests.support.people import PASSWORD, confirm_again, person

PAGES: Final = (
    "/account/",
    "/account/billing",
    "/account/security",
    "/account/settings",
    "/account/data",
    "/account/api-tokens",
    "/accounts/email/",
    "/",
    "/status",
    "/terms",
    "/tools/position-size",
    "/ai-trading/plans-pricing",
    "/ai-trading/dashboard",
    "/ai-trading/learn",
    "/ai-trading/learn/funding",
)
READS: Final = (
    "/api/v1/account",
    "/api/v1/account/entitlement",
    "/api/v1/account/invoices",
    "/api/v1/account/tokens",
    "/api/v1/account/audit",
    "/api/v1/signals",
    "/api/v1/track-record",
)
ACTS: Final = (
    ("extend-trial", {"hours": "24"}),
    ("give-access", {}),
    ("fetch-payments", {}),
    ("end-sessions", {}),
    ("deactivate", {}),
    ("reactivate", {}),
)


@dataclass
class Tenant:
    """Somebody who walks: their marks, their browser, their tokens."""

    word: str
    address: str
    moment: timedelta
    """The time of day at which everything of theirs ends: no clock of anybody else shows it."""
    user: User
    browser: Client = field(default_factory=Client)
    tokens: list[str] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)

    def learn(self) -> None:
        """Take what the product has made for this person into the marks."""
        self.marks |= {self.word, self.address, str(self.user.pk), self.user.pk.hex}
        self.marks.add("T" + (datetime(2026, 1, 1, tzinfo=UTC) + self.moment).isoformat()[11:23])
        customers = Customer.objects.for_user(self.user.pk)
        # With the quotes and slashes that stand around an id: `cus_1` is in `cus_12` as well.
        for id_ in customers.values_list("provider_id", flat=True):
            self.marks |= {f'"{id_}"', f"'{id_}'", f"/{id_}"}
        self.marks |= set(self.tokens)
        sessions = UserSession.objects.filter(user=self.user)
        self.marks |= set(sessions.values_list("session_key", flat=True))
        self.marks |= {
            row.prefix for row in ApiToken.objects.for_user(self.user.pk).only("prefix", "user_id")
        }


def settle(word: str, address: str, moment: timedelta) -> Tenant:
    """Make somebody who is in their trial."""
    user = person(word)
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    ends_at = midnight + timedelta(days=5) + moment
    Trial.objects.add_for(user.pk, started_at=ends_at - timedelta(days=7), ends_at=ends_at)
    made = Tenant(word, address, moment, user)
    made.browser = browser_of(made)
    made.learn()
    return made


def browser_of(one: Tenant) -> Client:
    client = Client(
        REMOTE_ADDR=one.address, headers={"User-Agent": f"Mozilla/5.0 {one.word} Firefox/130.0"}
    )
    client.raise_request_exception = False
    return client


class Ears(logging.Handler):
    """Keeps every line of the log and the arguments of every task."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        extra = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self.lines.append(f"log: {record.msg} {record.args} {extra}")

    def taken(self) -> list[str]:
        lines, self.lines = self.lines, []
        return lines


class Walk:
    """Two tenants, a member of staff, and everything that is heard of them."""

    def __init__(self, payments: Payments, boss: Client, seed: int) -> None:
        self.payments, self.boss = payments, boss
        self.random = random.Random(seed)
        self.tenants = (
            settle("wombatword", "203.0.113.9", timedelta(hours=7, seconds=671.113)),
            settle("quokkaword", "198.51.100.4", timedelta(hours=8, seconds=1342.227)),
        )
        self.done: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        """What was looked at, by kind."""
        self.own = 0
        """How often somebody met a mark of their own: the search finds what is there."""
        self.ears = Ears()
        self.outputs: list[str] = []
        self._cached: dict[str, bytes] = {}
        self.steps: list[tuple[Callable[[Tenant, Tenant], None], int]] = [
            (self.signs_in, 10),
            (self.signs_out, 1),
            (self.mistypes, 1),
            (self.looks, 16),
            (self.sets, 4),
            (self.makes_a_token, 3),
            (self.revokes_a_token, 2),
            (self.asks_the_api, 20),
            (self.takes_data_along, 1),
            (self.asks_for_deletion, 1),
            (self.stays, 2),
            (self.pays, 3),
            (self.cancels, 2),
            (self.keeps, 2),
            (self.hears_from_payments, 8),
            (self.is_helped, 3),
            (self.is_exported, 1),
            (self.reaches_for_the_other, 8),
            (self.gets_lost, 4),
            (self.meets_a_fault, 2),
            (self.is_forged, 2),
            (self.forgets_the_password, 1),
            (self.is_swept, 1),
        ]

    # --- one step -------------------------------------------------------------------------------

    def step(self) -> None:
        """Let one of both do something, and look at all that came of it."""
        me, you = self.random.sample(self.tenants, 2)
        chosen, weights = zip(*self.steps, strict=True)
        act = self.random.choices(chosen, weights)[0]
        cache.clear()  # limits of one address are not what is tried here
        self._cached = {}
        mail.outbox.clear()
        self.payments.at = _yesterday() + me.moment
        with self.listening():
            act(me, you)
        for one in self.tenants:
            one.learn()
        self.check(act.__name__, me, you)

    def check(self, what: str, me: Tenant, you: Tenant) -> None:
        """Find no mark of the other in anything that left the product."""
        heard = [*self.outputs, *self.ears.taken(), *self._mails(me, what), *_cache_entries()]
        self.outputs = []
        for text in heard:
            self.kinds[text.partition(":")[0]] += 1
            found = [mark for mark in you.marks if mark in text]
            if what == "is_swept":  # for everybody: but never two in one line
                found = found if any(mark in text for mark in me.marks) else []
            assert not found, f"{what} of {me.word} told {found} of the other: {text[:2_000]}"
        self.own += any(me.word in text for text in heard)

    def _mails(self, me: Tenant, what: str) -> Iterator[str]:
        for letter in mail.outbox:
            assert what == "is_swept" or letter.to == [me.user.email], f"{what}: {letter.to}"
            yield f"mail: {letter.to} {letter.subject} {letter.body} {letter.alternatives}"

    def listening(self) -> Any:
        """Return a context in which logs and tasks are heard."""
        ears, run = self.ears, Task.apply_async

        def heard(task: Any, args: Any = None, kwargs: Any = None, **more: Any) -> Any:
            ears.lines.append(f"task: {task.name} {args!r} {kwargs!r} {more!r}")
            return run(task, args, kwargs, **more)

        return mock.patch.object(Task, "apply_async", heard)

    def note(self, what: str, answer: Any, *, is_shown: bool = True) -> Any:
        """Keep an answer for the check, with its headers."""
        self.done[f"{what} {answer.status_code}"] += 1
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        text = body.decode("utf-8", "replace") if is_shown else ""
        self.outputs.append(f"{what}: {dict(answer.headers)} {answer.cookies} {text}")
        return answer

    # --- what somebody does ---------------------------------------------------------------------

    def signs_in(self, me: Tenant, _you: Tenant) -> None:
        me.user.refresh_from_db()
        if not me.user.is_active and self.random.random() < 0.5:
            self._help(me, "reactivate", {})
        me.browser = browser_of(me)
        fields = {"login": me.user.email, "password": PASSWORD}
        self.note("sign in", me.browser.post("/accounts/login/", fields))

    def signs_out(self, me: Tenant, _you: Tenant) -> None:
        self.note("sign out", me.browser.post("/accounts/logout/"))

    def mistypes(self, me: Tenant, _you: Tenant) -> None:
        fields = {"login": me.user.email, "password": "not the password"}
        self.note("mistyped", browser_of(me).post("/accounts/login/", fields))

    def looks(self, me: Tenant, _you: Tenant) -> None:
        self.note("look", me.browser.get(self.random.choice(PAGES)))

    def sets(self, me: Tenant, _you: Tenant) -> None:
        fields = {
            "time_zone": self.random.choice(("UTC", "Europe/Berlin", me.word)),
            "number_format": "point",
            "theme": self.random.choice(("dark", "light")),
            "language": "en",
        }
        self.note("settings", me.browser.post("/account/settings", fields))

    def makes_a_token(self, me: Tenant, _you: Tenant) -> None:
        self._again(me)
        fields = {
            "name": f"{me.word} {self.random.randrange(99)}",
            "scopes": ["signals:read", "account:read"],
            "lifetime": "30",
        }
        answer = self.note("token", me.browser.post("/account/api-tokens", fields))
        me.tokens += re.findall(r"cs_[A-Za-z0-9_-]{43}", answer.content.decode())

    def revokes_a_token(self, me: Tenant, _you: Tenant) -> None:
        row = ApiToken.objects.for_user(me.user.pk).filter(revoked_at=None).first()
        if row is not None:
            self._again(me)
            self.note("revoke", me.browser.post(f"/account/api-tokens/{row.pk}/revoke"))

    def asks_the_api(self, me: Tenant, _you: Tenant) -> None:
        path = self.random.choice(READS)
        if me.tokens and self.random.random() < 0.7:
            headers = {"Authorization": f"Bearer {self.random.choice(me.tokens[-2:])}"}
            self.note("api by token", Client().get(path, headers=headers))
        else:
            self.note("api by session", me.browser.get(path))

    def takes_data_along(self, me: Tenant, _you: Tenant) -> None:
        self._again(me)
        answer = self.note("data", me.browser.get("/account/data/export"), is_shown=False)
        if answer.status_code == 200:
            archive = ZipFile(io.BytesIO(answer.content))
            self.outputs += ["file: " + archive.read(name).decode() for name in archive.namelist()]

    def asks_for_deletion(self, me: Tenant, _you: Tenant) -> None:
        self._again(me)
        self.note("delete", me.browser.post("/account/data/delete"))

    def stays(self, me: Tenant, _you: Tenant) -> None:
        self.note("stay", me.browser.post("/account/data/keep"))

    def pays(self, me: Tenant, _you: Tenant) -> None:
        answer = self.note("checkout", me.browser.post("/account/billing/subscribe", _PLAN))
        for id_, (_order, held) in list(self.payments.checkouts.items()):
            if held.is_open and answer.headers.get("Location") == held.url:
                self.payments.pay(id_)
                self.note("done", me.browser.get("/account/billing/done/state"))

    def cancels(self, me: Tenant, _you: Tenant) -> None:
        self.note("cancel", me.browser.post("/account/billing/cancel"))

    def keeps(self, me: Tenant, _you: Tenant) -> None:
        self.note("keep", me.browser.post("/account/billing/keep"))

    def hears_from_payments(self, me: Tenant, _you: Tenant) -> None:
        """Something happens at the payment provider, and it tells."""
        customer = Customer.objects.for_user(me.user.pk).first()
        if customer is None:
            return
        held = [
            one
            for one in self.payments.subscriptions.values()
            if one.customer_id == customer.provider_id
        ]
        living = [one for one in held if one.ended_at is None]
        if living:
            chosen = self.random.choice(
                (self.payments.bill, self.payments.fail_payment, self.payments.end)
            )
            chosen(living[-1].id)
        told = [one for one in self.payments.events if one.customer_id == customer.provider_id]
        self.note("webhook", _deliver(self.random.choice(told[-6:])))

    def is_helped(self, me: Tenant, _you: Tenant) -> None:
        self._help(me, *self.random.choice(ACTS))

    def _help(self, me: Tenant, name: str, typed: dict[str, str]) -> None:
        until = (timezone.now() + timedelta(days=9)).date().isoformat()
        fields = {"reason": f"asked by {me.word}", "until": until, **typed}
        path = f"/admin/people/{me.user.pk}/"
        self.note(f"staff {name}", self.boss.post(f"{path}act/{name}/", fields))
        self.note("staff page", self.boss.get(path))

    def is_exported(self, me: Tenant, _you: Tenant) -> None:
        fields = {"action": "export_rows", "_selected_action": [str(me.user.pk)]}
        self.note("staff export", self.boss.post("/admin/accounts/user/", fields))

    def reaches_for_the_other(self, me: Tenant, you: Tenant) -> None:
        self._again(me)
        token = ApiToken.objects.for_user(you.user.pk).first()
        session = UserSession.objects.filter(user=you.user).first()
        if token is not None and self.random.random() < 0.5:
            answer = me.browser.post(f"/account/api-tokens/{token.pk}/revoke")
        elif token is not None:
            answer = me.browser.delete(f"/api/v1/account/tokens/{token.pk}")
        elif session is not None:
            answer = me.browser.post(f"/account/security/sessions/{session.pk}/end")
        else:
            answer = me.browser.get(f"/admin/people/{you.user.pk}/")
        assert answer.status_code in (302, 401, 403, 404, 405)
        self.note("reach", answer)
        # Who was asked for was typed by the asker: an address may say it back.
        for heard in (self.outputs, self.ears.lines):
            heard[:] = [text.replace(str(you.user.pk), "[asked for]") for text in heard]

    def gets_lost(self, me: Tenant, _you: Tenant) -> None:
        path = self.random.choice(("/nowhere", "/api/v1/nowhere", "/account/nowhere", "/admin/"))
        self.note("lost", me.browser.get(path))

    def meets_a_fault(self, me: Tenant, _you: Tenant) -> None:
        with mock.patch.object(marketing, "_document", side_effect=RuntimeError(me.word)):
            answer = self.note("fault", me.browser.get("/terms"))
        assert answer.status_code == 500 and b"RuntimeError" not in answer.content

    def is_forged(self, me: Tenant, _you: Tenant) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = me.browser.cookies
        self.note("forged", strict.post("/account/settings", {"theme": "dark"}))

    def forgets_the_password(self, me: Tenant, _you: Tenant) -> None:
        visitor = browser_of(me)
        answer = visitor.post("/accounts/password/reset/", {"email": me.user.email})
        self.note("reset", answer)

    def is_swept(self, _me: Tenant, _you: Tenant) -> None:
        """The machine does what it does each hour, for everybody."""
        self.done["swept"] += 1
        billing_tasks.sweep_events()
        billing_tasks.sweep_trials()
        billing_tasks.reconcile_changed()

    def _again(self, me: Tenant) -> None:
        if "_auth_user_id" in me.browser.session:
            confirm_again(me.browser, me.user)


_PLAN: Final = {"plan": "all-access"}


def _yesterday() -> datetime:
    now = datetime.now(UTC) - timedelta(days=1)
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _deliver(event: Any) -> Any:
    body = json.dumps(
        {
            "id": event.id,
            "object": "event",
            "created": int(time.time()),
            "livemode": False,
            "type": event.type,
            "data": {
                "object": {
                    "id": event.object_id,
                    "object": event.object_type,
                    "customer": event.customer_id,
                }
            },
        }
    )
    secret = settings.STRIPE_WEBHOOK_SECRETS[0]
    header = stripe.WebhookSignature.generate_signature_header(body, secret, int(time.time()))
    return Client().post(
        "/billing/webhook",
        body,
        content_type="application/json",
        headers={"Stripe-Signature": header},
    )


def _cache_entries() -> Iterator[str]:
    held: Any = cache
    for key, value in held._cache.items():
        yield f"cache: {key} {pickle.loads(value)!r}"  # noqa: S301  # our own, made just now
