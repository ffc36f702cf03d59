"""Bad input for every form outside of sign-in: a plain refusal, never a crash, nothing stored."""

import unicodedata
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.apps import apps
from django.core.cache import cache
from django.test import Client

from billing.providers import replaced
from cryptosystems.platform.models import Announcement, Switch
from tests.console.conftest import staff_member
from tests.support.payments import PRICE, Payments
from tests.support.people import confirm_again, signed_in
from tests.tenancy.routes import Route, all_routes
from tests.tenancy.test_routes import Estate, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url", "payments")]

SCRIPT: Final = '"><script>alert(1)</script>'
BAD: Final = {
    "html": SCRIPT,
    "bidi": "alice\u202egro.elpmaxe",
    "null byte": "ali\0ce and more",
    "half a character": b"good reason \xed\xa0\x80 \xff",
    "control": "alice\x1b[2J\r\nSet-Cookie: a=b",
    "endless": "x" * 100_000,
    "long address": "a" * 308 + "@example.org",
    "a number too large": "9" * 400,
    "digits of another script": "١٢٣",
    "nested": "[" * 5_000,
    "empty": "",
}
LIMITS: Final = {
    "risk_percent": "0.25",
    "max_positions": "2",
    "max_leverage": "3",
    "max_notional": "1000",
    "max_trades_day": "5",
    "daily_loss_percent": "1.5",
    "on_daily_loss": "hold",
    "drawdown_percent": "8",
    "pause_after_stops": "2",
    "is_approved_by_hand": "on",
    "offer_s": "60",
    "min_confidence": "50",
    "sides": "long",
    "timeframes": "1h",
    "only_symbols": "BTCUSDT",
    "not_symbols": "ETHUSDT",
    "is_trailing": "on",
}
FORMS: Final[dict[str, dict[str, str]]] = {
    "frontend:settings": {
        "time_zone": "UTC",
        "number_format": "comma",
        "theme": "light",
        "language": "en",
        "is_colour_blind_safe": "on",
    },
    "frontend:subscribe": {"plan": "all-access"},
    "frontend:billing-portal": {},
    "frontend:billing-cancel": {},
    "frontend:billing-keep": {},
    "frontend:data-delete": {},
    "frontend:data-keep": {},
    "frontend:api-tokens": {"name": "A script", "scopes": "signals:read", "lifetime": "30"},
    "frontend:revoke-token": {},
    "frontend:bot-limits": LIMITS,
    "frontend:bot-mode": {"mode": "exits_only"},
    "frontend:bot-automatic": {"is_on": "0"},
    "frontend:bot-resume": {},
    "frontend:bot-flatten": {},
    "frontend:paper-reset": {},
    "frontend:trade-close": {},
    "frontend:trade-approve": {},
    "frontend:trade-decline": {},
    "frontend:follow": {},
    "frontend:lesson-check": {"funding-1": "2"},
    "frontend:lesson-read": {},
    "frontend:quiz": {"paper-trading-1": "2"},
    "frontend:api-keys": {"venue": "simulated", "kind": "ed25519", "label": "Main account"},
    "frontend:api-key-finish": {"api_key": "k" * 64, "secret": ""},
    "frontend:api-key-test": {},
    "frontend:api-key-revoke": {},
    "frontend:end-session": {},
    "frontend:end-sessions": {},
    "admin:person_act": {
        "reason": "as she asked for",
        "hours": "24",
        "until": "2031-01-01",
        "token": "",
        "roles": "support",
    },
    "admin:billing_providerevent_replay": {},
    "admin:signals_modelversion_promote": {},
    "admin:signals_modelversion_roll_back": {},
    "admin:grant_answer": {"person": ""},
    "admin:switch_turn": {"reason": "a good reason"},
    "admin:trading_killswitch_throw": {
        "scope": "symbol",
        "key": "BTCUSDT",
        "mode": "no_entries",
        "reason": "a good reason",
    },
    "admin:trading_killswitch_clear": {},
    "admin:export": {},
    "admin:search": {"s": "alice"},
    "admin:login": {"username": "alice", "password": "x", "next": "/admin/"},
    "admin:logout": {"next": "/"},
    "admin:password_change": {"old_password": "x"},
    "admin:blog_article_add": {
        "title": "A title",
        "slug": "a-title",
        "summary": "What it is about.",
        "body": "## One\n\nText.",
        "sources": "A page | https://example.org/",
        "author": "Ada",
        "author_line": "writes here",
        "topics": "risk",
        "related": "what-is-crypto-liquidation",
        "published_at_0": "2026-11-01",
        "published_at_1": "10:00",
        "note": "First published",
    },
    "admin:platform_announcement_add": {
        "text": "We rest on Sunday",
        "level": "info",
        "starts_at_0": "2026-11-01",
        "starts_at_1": "10:00",
        "ends_at_0": "2031-11-01",
        "ends_at_1": "10:00",
    },
}
UNREAD: Final = ("admin:search", "admin:login", "admin:logout", "admin:password_change")
"""They look at no body at all."""
LISTS: Final = {"action": "export_rows", "_selected_action": "1", "select_across": "0", "q": "a"}
"""What the page of a table takes."""
ACTS: Final = ("extend-trial", "give-access", "keep-after-refund", "revoke-token", "roles")
ASKED: Final = (
    "symbol",
    "next",
    "page",
    "p",
    "q",
    "o",
    "s",
    "e",
    "before",
    "since",
    "term",
    "all",
    "_changelist_filters",
    "id__exact",
    "user_id",
    "account",
    "state",
    "signals",
    "risk_percent",
    "app_label",
    "plan",
    "signal",
    "entry",
)
LOOKED_AT: Final = (
    ":index",
    ":machine",
    ":exports",
    ":switches",
    ":person",
    ":password_change_done",
    ":jsi18n",
    ":view_on_site",
    ":app_list",
    "_history",
    "_change",
    "_delete",
)
"""Pages that answer to a POST as to a GET; rows of tables are read-only but for announcements."""
BIG: Final = 10 * 1024 * 1024
FORM: Final = "application/x-www-form-urlencoded"


@pytest.fixture
def payments(settings: Any) -> Iterator[Payments]:
    settings.STRIPE_SECRET_KEY = "sk_standin_tests"
    settings.STRIPE_PRICE_ID = PRICE
    settings.STRIPE_WEBHOOK_SECRETS = ("whsec_tests",)
    with replaced(Payments()) as kept:
        yield kept


class Desk:
    """Alice and a superuser, signed in anew whenever a form has signed them out."""

    def __init__(self) -> None:
        self.estate = Estate()
        self.boss = staff_member("boss", is_superuser=True)

    def browser(self, route: Route) -> Client:
        user = self.boss if route.pattern.startswith("admin/") else self.estate.alice
        client = signed_in(user)
        confirm_again(client, user)
        client.raise_request_exception = False
        cache.clear()
        return client

    def stand(self) -> list[Any]:
        """Return what no garbage may change."""
        rows = self.estate.stand()
        return [
            rows[-1],
            [list(model.values()) for model in (Switch.objects, Announcement.objects)],
        ]


def product_routes() -> list[Route]:
    """Return every page outside of sign-in and API (they have tests of their own)."""
    return [
        route
        for route in all_routes()
        if not route.pattern.startswith(("accounts/", "api/", "^api", "healthz", "readyz"))
        and route.name not in ("metrics", "billing:webhook")
    ]


def fields_of(route: Route) -> dict[str, str] | None:
    if route.name.endswith("_changelist"):
        return LISTS
    return FORMS.get(route.name)


TAKING: Final = [route for route in product_routes() if fields_of(route) is not None]


def sane(answer: Any, what: str) -> None:
    """Assert a plain answer, in which nothing that was typed runs."""
    assert answer.status_code < 500, f"{what}: {answer.status_code}"
    if answer.status_code in (301, 302, 303):
        target = answer["Location"]
        assert "evil" not in target.split("?")[0] and "\n" not in target, what
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        assert "<script>alert(1)" not in text_of(answer), what


def dirty() -> list[str]:
    """Return stored texts that are not plain, or longer than any text may be."""
    found = []
    for model in apps.get_models():
        if not model._meta.managed or model._meta.app_label == "sessions":
            continue
        for row in model._base_manager.values():  # type: ignore[attr-defined]
            for name, value in row.items():
                text = str(value) if isinstance(value, str | dict | list) else ""
                odd = [c for c in text if unicodedata.category(c) in ("Cf", "Cs", "Co", "Cn")]
                most = 60_000 if name == "body" and model._meta.app_label == "blog" else 5_000
                if odd or "\0" in text or "\x1b" in text or "\\u202e" in text or len(text) > most:
                    found.append(f"{model._meta.label}.{name}: {text[:80]!r}")
    return found


def test_every_page_that_takes_a_form_is_tried() -> None:
    desk = Desk()
    taking = set()
    for route in product_routes():
        answer = desk.browser(route).post(desk.estate.address(route))
        if answer.status_code not in (403, 404, 405):
            taking.add(route.name)
    missing = {name for name in taking if not any(name == route.name for route in TAKING)}
    missing = {name for name in missing if not name.endswith(LOOKED_AT) and "<path:" not in name}
    assert missing == set(), "say in FORMS what these take"


@pytest.mark.parametrize("route", TAKING, ids=lambda route: route.name)
def test_a_bad_field_is_refused_plainly(route: Route) -> None:
    desk = Desk()
    good = fields_of(route) or {}
    before = desk.stand()
    for name in good or ("anything",):
        for what, bad in BAD.items():
            for act in ACTS if route.name == "admin:person_act" else ("end-sessions",):
                desk.estate.places["act"] = "off" if route.name == "admin:switch_turn" else act
                fields = {**good, name: bad}
                answer = desk.browser(route).post(desk.estate.address(route), fields)
                sane(answer, f"{route.name} {name} {what} {act}")
    assert dirty() == []
    if route.name == "frontend:settings":
        after = desk.stand()
        assert after[0][0] == before[0][0] and after[0][2] == before[0][2]
        assert after[0][1] in (before[0][1], "light")
        assert after[1] == before[1]


@pytest.mark.parametrize("route", TAKING, ids=lambda route: route.name)
def test_a_body_that_is_no_form_of_ours_changes_nothing(route: Route) -> None:
    desk = Desk()
    good = fields_of(route) or {}
    desk.estate.places["act"] = "off" if route.name == "admin:switch_turn" else "give-access"
    address = desk.estate.address(route)
    before = desk.stand()
    many = {f"field{n}": "x" for n in range(5_000)}
    bodies: list[tuple[str, Any, str, tuple[int, ...]]] = [
        ("5,000 fields", "&".join(f"{k}={v}" for k, v in many.items()), FORM, (400, 405)),
        ("10 MB", "reason=" + "x" * BIG, FORM, (400, 405, 413)),
        ("not a multipart", b"--x\r\nbroken", "multipart/form-data; boundary=y", ()),
        ("no boundary", b"--x\r\nbroken", "multipart/form-data", (400, 405)),
        ("json", b'{"reason": "x", "theme": "light"}', "application/json", ()),
        ("text", b"theme=light&reason=a good reason", "text/plain", ()),
        ("a charset", b"theme=light", f"{FORM}; charset=utf-7", ()),
        ("an unknown charset", b"theme=light", f"{FORM}; charset=nonsense", ()),
        ("nothing", b"", "", ()),
    ]
    for what, body, kind, codes in bodies:
        if not good and what not in ("5,000 fields", "10 MB"):
            continue  # it takes nothing, so nothing can be wrong with it
        # The client's own `post` would look the charset up before it sends anything.
        client = desk.browser(route)
        answer = client.generic("POST", address, body, content_type=kind)
        sane(answer, f"{route.name} {what}")
        if codes and good and route.name not in UNREAD:
            assert answer.status_code in (*codes, 302, 403), f"{what}: {answer.status_code}"
        if good and route.name != "frontend:subscribe":
            assert desk.stand() == before, f"{route.name}: {what} changed something"
    assert dirty() == []


@pytest.mark.parametrize("route", TAKING, ids=lambda route: route.name)
def test_repeated_fields_break_nothing(route: Route) -> None:
    desk = Desk()
    good = fields_of(route) or {}
    fields = {name: [value, SCRIPT, value, "\u202e"] for name, value in good.items()}
    sane(desk.browser(route).post(desk.estate.address(route), fields), route.name)
    assert dirty() == []


@pytest.mark.parametrize(
    "address", ["/billing/webhook", "/api/v1/account", "/api/v1/account/tokens", "/accounts/login/"]
)
@pytest.mark.parametrize("kind", ["application/json", FORM, "multipart/form-data; boundary=x"])
def test_ten_megabytes_are_refused(address: str, kind: str) -> None:
    body = b"login=" + b"x" * BIG
    if kind.startswith("multipart"):
        head = b'--x\r\nContent-Disposition: form-data; name="login"; filename="a.bin"\r\n\r\n'
        body = head + b"x" * BIG + b"\r\n--x--\r\n"
    client = Client(raise_request_exception=False)
    answer = client.post(address, body, content_type=kind)
    assert answer.status_code in (400, 401, 405, 413, 415), answer.status_code


QUESTIONS = {**BAD, "10 kB": "y" * 10_000, "abroad": "https://evil.example/"}


@pytest.mark.parametrize("what", QUESTIONS)
def test_questions_in_the_address_break_nothing(what: str, engine: Any) -> None:
    bad, turn = QUESTIONS[what][:10_000], list(QUESTIONS).index(what)
    desk = Desk()
    for number, route in enumerate(product_routes()):
        if route.name in ("admin:machine",):
            continue  # takes no question, and asks workers for a second each time
        is_console = route.name.startswith("admin:")
        if is_console and (number + turn) % 4:
            continue  # its hundreds of lists are one framework's: they take the questions in turns
        client = desk.browser(route)
        asked = [dict.fromkeys(ASKED, bad)]
        if not is_console:
            asked.append({"next": bad, "symbol": bad})
        for query in asked:
            answer = client.get(desk.estate.address(route), query)
            sane(answer, f"{route.name} {what}")
