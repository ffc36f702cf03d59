"""A page in another language: templates, modules and what the profile says, in a real browser."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts import api as accounts
from signals.services.publish import publish
from tests.frontend.conftest import Site
from tests.frontend.played_engine import PlayedEngine
from tests.frontend.sign_in import sign_in
from tests.frontend.test_dashboard import in_database, is_live, shows
from tests.support.languages import LANGUAGE, accented, offer_language
from tests.support.people import alice
from tests.support.setups import make_draft

pytestmark = pytest.mark.browser

# Names, and what the engine says: its words are data, and English (docs/translating.md).
NAMES = {"CryptoSystems", "TradingView", "Lightweight Charts™.", "model-1"}
LOG_ODDS = (("Taker imbalance", "0.300"), ("RSI(14)", "0.150"), ("Spread", "−0.050"))
ENGINE = {
    *("Fresh data", "All feeds are fresh.", "One at a time", "No signal is open here."),
    *("Chance against break-even", "Too close."),
    *("160 candles of 1h", "Takers bought 4.0 % more than they sold.", "The spread is 1.0 bp."),
    *("RSI(14) is 61.", "A trade at 59007.0 or below ends it: the move it counts on has not come."),
    *(f"{factor}: {size} {accented('log-odds')}" for factor, size in LOG_ODDS),
    "Price up, open interest up: new longs" + accented(" (over 4 h)."),
    *("Funding rate", "Funding rate is 4.0 %.", "Taker imbalance", "Taker imbalance is 4.0 %."),
    *("Receive", "Decode", "State", "Factors", "Score", "Deliver", "frames", "simulated", "volume"),
}
# Some of what the pages say in English, so that a page which says nothing would not pass.
SIGN_IN = ("Sign in", "Forgot it?", "Before you type a password", "New here?", "Light theme")
PLANS = (
    "One price, whatever your account size",
    "What you get at each stage",
    "Comparison of demo, trial and full access",
    "Trades you take a month",
    "Full access",
)
BILLING = ("Plan and billing", "Full access, for a time", "Trial ends", "Your plan", "Sign out")
# Of the modules alone: the server's first paint has neither.
SUMS = ("you need", "account, USDT", "Flat, $59.99")
# What is read of a page (texts and spoken attributes) and has a vowel without an accent; what
# says of itself that it is English (articles) may be.
_PLAIN = """
() => {
  const found = [];
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    if (!node.parentElement.closest("script, style, noscript, code, kbd, .hash, [lang=en]"))
      found.push(node.data);
  for (const el of document.querySelectorAll(":not(.hash):not([lang=en] *)"))
    for (const name of ["title", "aria-label", "placeholder", "alt"])
      if (el.getAttribute(name)) found.push(el.getAttribute(name));
  return found.map((text) => text.trim().replace(/\\s+/g, " "))
    .filter((text) => /[aeiou]/.test(text));
}
"""


@pytest.fixture
def other_language(tmp_path: Path, settings: Any) -> None:
    """German, as `tests/support/languages.py` makes it, is offered beside English."""
    offer_language(tmp_path, settings)


@pytest.fixture
def in_german(page: Any, other_language: None) -> Any:
    """A browser that asks for German."""
    page.set_extra_http_headers({"Accept-Language": LANGUAGE})
    return page


def left_in_english(page: Any) -> set[str]:
    """Return what a page says in plain letters, apart from names and the engine's words."""
    assert page.get_attribute("html", "lang") == LANGUAGE
    found = set()
    for text in page.evaluate(_PLAIN):
        words = text.removesuffix(" · CryptoSystems")
        if re.search("[aeiou]", words) and words not in NAMES | ENGINE:
            found.add(words)
    return found


def says(page: Any, texts: tuple[str, ...], how: Callable[[str], str] = str) -> None:
    """Wait until a page has each of these texts."""
    for text in texts:
        page.wait_for_function(
            "(text) => document.documentElement.outerHTML.includes(text)", arg=how(text)
        )


def test_sign_in_and_plans_keep_no_english_sentence(
    page: Any, other_language: None, site: Site
) -> None:
    for path, texts in (("/accounts/login/", SIGN_IN), ("/ai-trading/plans-pricing", PLANS + SUMS)):
        page.set_extra_http_headers({"Accept-Language": "en"})
        page.goto(site.url + path)
        says(page, texts)
        assert page.locator("#texts").count() == 0  # English carries nothing
        page.set_extra_http_headers({"Accept-Language": LANGUAGE})
        page.goto(site.url + path)
        says(page, texts, accented)
        assert left_in_english(page) == set()


def test_the_profile_chooses_before_the_browser(
    page: Any, other_language: None, site: Site
) -> None:
    owner = in_database(alice)
    sign_in(page, owner, site.url)
    page.set_extra_http_headers({"Accept-Language": LANGUAGE})
    page.goto(site.url + "/account/billing")
    assert page.get_attribute("html", "lang") == "en"
    says(page, BILLING)
    in_database(lambda: accounts.save_settings(owner.pk, language=LANGUAGE))
    page.set_extra_http_headers({"Accept-Language": "en"})
    page.goto(site.url + "/account/billing")
    says(page, BILLING, accented)
    # A date is written as Django writes it in the language.
    assert {
        text for text in left_in_english(page) if "@" not in text and "UTC" not in text
    } == set()


def test_the_dashboard_speaks_the_language_in_every_part(
    in_german: Any, site: Site, engine: PlayedEngine
) -> None:
    page = in_german
    page.goto(site.dashboard)
    is_live(page)
    shows(page, "[data-signal]", accented("Why no trade"))
    assert left_in_english(page) == set()
    for tab, words in (
        ("factors", "Effect on probability"),
        ("book", "Imbalance, bids to asks"),
        ("funding", "Open interest, 24 h"),
        ("corr", "Strongest first"),
    ):
        page.click(f'[data-tab="{tab}"]')
        shows(page, "[data-dock]", accented(words))
        assert left_in_english(page) == set(), tab
    page.click("[data-table]")
    assert left_in_english(page) == set()
    page.click("[data-table]")
    in_database(lambda: publish(make_draft()))
    page.goto(site.dashboard)
    is_live(page)
    shows(page, "[data-signal]", accented("Confidence"))
    page.click("[data-sizer] summary")
    assert left_in_english(page) == set()


def test_the_status_page_and_the_first_page_speak_it_too(in_german: Any, site: Site) -> None:
    page = in_german
    page.goto(site.url + "/status")
    shows(page, "[data-socket]", accented("open"))
    assert left_in_english(page) == set()
    for path in ("/", "/terms", "/risk", "/no-such-page"):
        page.goto(site.url + path)
        assert left_in_english(page) == set(), path


def test_counts_take_their_form_and_elements_their_place(page: Any, site: Site) -> None:
    page.goto(site.url + "/terms")
    forms = ["{count} miejsce", "{count} miejsca", "{count} miejsc"]
    # The plural of Polish: 1, 2 to 4 but not 12 to 14, all others.
    table = "".join(
        "0" if n == 1 else "1" if n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14) else "2"
        for n in range(200)
    )
    found = page.evaluate(
        """async ([texts, plural]) => {
          const data = Object.assign(document.createElement("script"), { id: "texts", type: "application/json" });
          data.textContent = JSON.stringify({ plural, texts });
          document.body.append(data);
          const { n, pieces, t } = await import("/static/frontend/js/text.js");
          const b = document.createElement("b");
          return {
            counts: [1, 3, 5, 12, 22, 1003, 1012].map((x) => n("{count} place", "{count} places", x)),
            unknown: [t("Not in it, {name}.", { name: "Ada" }), n("{count} day", "{count} days", 1)],
            pieces: pieces(t("{b} first"), { b }).map((x) => (x === b ? "<b>" : x)),
          };
        }""",
        [{"{count} place": forms, "{b} first": "po {b} bie"}, table],
    )
    assert found["counts"] == [
        *("1 miejsce", "3 miejsca", "5 miejsc", "12 miejsc", "22 miejsca"),
        *("1003 miejsca", "1012 miejsc"),
    ]
    assert found["unknown"] == ["Not in it, Ada.", "1 day"]
    assert found["pieces"] == ["po ", "<b>", " bie"]
