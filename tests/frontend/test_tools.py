"""Calculators as pages: right to the cent, shareable, and never broken by what is typed."""

import re
from decimal import Decimal as D
from typing import Any, Final

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from cryptosystems.kernel.errors import NotAllowed
from frontend.tools.catalogue import TOOLS, Tool
from frontend.tools.fields import read_number
from frontend.tools.start import start
from tests.trading.selectors.test_tiers import READ, SOL
from trading.contracts import Venue
from trading.services import tiers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

ADDRESSES: Final = {tool.slug: f"/tools/{tool.slug}" for tool in TOOLS}
SIGNAL_ID: Final = "11111111-2222-4333-8444-555555555555"
BAD: Final = (
    "NaN",
    "1e400",
    "-Infinity",
    "-5",
    "0",
    "",
    "9" * 40,
    "0." + "0" * 30 + "1",
    "12,34,5",
    "0x10",
    "١٢٣",
    "<script>alert(1)</script>",
    "a\0b",
    "\u202e5",
    "1" * 10_000,
    "'\"",
)


@pytest.fixture(autouse=True)
def fresh() -> None:
    cache.clear()


def get(address: str, **asked: str) -> str:
    """Return a page as text, markup and spaces taken out."""
    answer = Client().get(address, asked)
    assert answer.status_code == 200
    return words(answer.content.decode())


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_liquidation_page_shows_the_price_and_the_numbers_it_comes_from() -> None:
    text = get(
        ADDRESSES["liquidation-price"],
        symbol="BTCUSDT",
        side="long",
        entry="60,000",
        quantity="0.01",
        margin="isolated",
        leverage="10",
        fee="0",
    )
    assert "54,216.87" in text
    assert "9.64% from entry" in text
    assert "(60 + 0 − 0.01 × 60,000) ÷ (0.01 × (0.004 − 1)) = 54,216.87" in text
    assert "as published on 29 September 2026" in text  # no executor has read anything here


def test_the_tiers_of_the_running_exchange_stand_with_the_time_they_were_read() -> None:
    tiers.keep(Venue.SIMULATED, {"SOLUSDT": SOL}, READ, has_real_brackets=True)
    text = get(ADDRESSES["liquidation-price"], symbol="SOLUSDT", leverage="20")
    assert "SOLUSDT, as the exchange told them on 25 Nov 2026, 11:00 UTC." in text
    assert "5,000 50× 1.25% 0.00" in text
    assert "At most 50×" in get(
        ADDRESSES["liquidation-price"], symbol="SOLUSDT", quantity="0.01", leverage="51"
    )


def test_a_signal_fills_the_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    signal = {
        "id": SIGNAL_ID,
        "number": 18_204,
        "symbol": "ETHUSDT",
        "side": "short",
        "origin": "simulated",
        "entry": {"low": "2000.00", "high": "2010.00"},
        "stop": "2050.00",
        "targets": [
            {"price": "1960.00", "share": 0.4},
            {"price": "1920.00", "share": 0.3},
            {"price": "1880.00", "share": 0.3},
        ],
        "max_leverage": 3,
        "tick": "0.01",
    }
    monkeypatch.setattr("signals.api.signal_detail", lambda found, viewer: signal)
    html = Client().get(ADDRESSES["position-size"], {"signal": SIGNAL_ID}).content.decode()
    for value in ("ETHUSDT", "2005.00", "2050.00", "1960.00", "3"):
        assert f'value="{value}"' in html
    assert "Prices from signal 18204: ETHUSDT, short, on the simulated market." in words(html)
    assert f"signal={SIGNAL_ID}" in html
    plan = get(ADDRESSES["risk-reward"], signal=SIGNAL_ID)
    assert "Target 3, 30% of the position" in plan and "add up" not in plan
    own = Client().get(ADDRESSES["position-size"], {"signal": SIGNAL_ID, "stop": "2100"})
    assert 'value="2100"' in own.content.decode()


@pytest.mark.parametrize("asked", ["nonsense", SIGNAL_ID])
def test_a_signal_that_is_not_there_is_said_and_the_page_works(asked: str) -> None:
    text = get(ADDRESSES["position-size"], signal=asked)
    assert "There is no such signal." in text and "Liquidation price" in text


def test_a_signal_that_is_not_shown_yet_gives_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(found: Any, viewer: Any) -> Any:
        raise NotAllowed("Signals of the real market are shown after 15 minutes.")

    monkeypatch.setattr("signals.api.signal_detail", refuse)
    assert "after 15 minutes" in get(ADDRESSES["pnl"], signal=SIGNAL_ID)


def test_price_and_funding_rate_of_now_are_the_market_s(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "symbol": "BTCUSDT",
        "price": "61234.5",
        "funding_rate": -0.000041,
        "next_funding_at": "2026-11-25T16:00:00.000Z",
    }
    monkeypatch.setattr("signals.api.market_rows", lambda viewer: [row])
    assert 'value="61234.5"' in Client().get(ADDRESSES["pnl"]).content.decode()
    html = Client().get(ADDRESSES["funding"]).content.decode()
    assert 'value="-0.0041"' in html
    assert "BTCUSDT pays −0.0041% at the moment, next on 25 Nov 2026, 16:00 UTC." in words(html)


def test_crossed_margin_stands_on_the_wallet() -> None:
    asked = {
        "symbol": "BTCUSDT",
        "side": "short",
        "entry": "67000",
        "quantity": "0.5",
        "margin": "crossed",
        "leverage": "25",
        "fee": "0",
    }
    address = ADDRESSES["liquidation-price"]
    assert "Type the wallet balance" in get(address, **asked)
    # 1,540 - 300 + 100 = 1,340, as in the isolated example of the sums: 69,402.39.
    text = get(address, **asked, wallet="1540", others_maintenance="300", others_unrealised="100")
    assert "69,402.39" in text


def test_the_size_page() -> None:
    text = get(
        ADDRESSES["position-size"],
        symbol="BTCUSDT",
        account="5,000",
        risk="0.5",
        entry="60,640",
        stop="60,110",
        target="61,640",
        leverage="5",
        fee="0.05",
    )
    for figure in ("0.042 BTC", "2,546.88 USDT", "48,737.27", "−24.80 USDT", "45×"):
        assert figure in text
    assert "+39.43 USDT" in text  # 42 less fees of 0.0005·0.042·(60,640 + 61,640) = 2.57


def test_the_other_pages() -> None:
    text = get(
        ADDRESSES["pnl"],
        symbol="BTCUSDT",
        side="long",
        entry="60000",
        exit="61500",
        quantity="0.5",
        leverage="10",
        entry_fee="0.05",
        exit_fee="0.05",
        funding="3",
    )
    for figure in ("+716.63 USDT", "+23.89%", "60,066.03"):
        assert figure in text
    text = get(
        ADDRESSES["funding"],
        symbol="BTCUSDT",
        side="short",
        notional="200000",
        rate="0.01",
        interval="8",
        until_next="2.5",
        hours="24",
    )
    assert "60.00 USDT received" in text and "20.00 USDT × 3 = 60.00 USDT" in text
    text = get(
        ADDRESSES["risk-reward"],
        entry="60000",
        stop="59000",
        target1="61000",
        share1="40",
        target2="62000",
        share2="30",
        target3="63000",
        share3="30",
        fee="0",
        win_rate="50",
    )
    assert "1.90" in text and "34.5%" in text and "+0.450" in text
    text = get(ADDRESSES["break-even"], account="5000", risk="0.5", trades="40", expectancy="0.06")
    assert "+0.060" in text and "+0.01 USDT" in text


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.slug)
def test_bad_input_in_any_field_breaks_no_sum(tool: Tool) -> None:
    good = start(tool, {}, None, [], timezone.now())
    assert tool.form(good.data).is_valid()
    for name in tool.form.base_fields:
        for bad in (*BAD, "999999999", "0.000000000001"):
            form = tool.form({**good.data, name: bad})
            if form.is_valid():
                tool.answer(form, good.table)
    for extreme in ("999999999", "0.000000000001"):
        form = tool.form({**good.data, **dict.fromkeys(tool.form.base_fields, extreme)})
        if form.is_valid():
            tool.answer(form, good.table)


@pytest.mark.parametrize("slug", ADDRESSES)
def test_bad_input_in_the_address_breaks_no_page(slug: str) -> None:
    tool = next(tool for tool in TOOLS if tool.slug == slug)
    browser = Client(raise_request_exception=False)
    for n, bad in enumerate(BAD):
        tail = "/part" if n % 2 else ""
        asked = dict.fromkeys((*tool.form.base_fields, "signal"), bad)
        answer = browser.get(ADDRESSES[slug] + tail, asked)
        assert answer.status_code == 200, bad
        assert b"<script>alert" not in answer.content


@pytest.mark.parametrize(
    ("slug", "asked", "field", "sentence"),
    [
        ("position-size", {"entry": "5", "stop": "5"}, "stop", "has to differ"),
        ("position-size", {"entry": "10", "stop": "9", "target": "8"}, "target", "this is a long"),
        ("position-size", {"entry": "10", "stop": "11", "target": "12"}, "target", "is a short"),
        ("position-size", {"risk": "200"}, "risk", "At most 100."),
        ("pnl", {"quantity": "-1"}, "quantity", "Above 0."),
        ("pnl", {"quantity": "ten"}, "quantity", "Type a number such as"),
        ("pnl", {"leverage": "2.5"}, "leverage", "A whole number."),
        ("pnl", {"side": "up"}, "side", "Select a valid choice"),
        ("funding", {"hours": ""}, "hours", "Type a number."),
        ("liquidation-price", {"leverage": "150", "quantity": "10"}, "leverage", "At most 100×"),
        ("liquidation-price", {"quantity": "5000"}, "quantity", "largest position here"),
        ("liquidation-price", {"symbol": "b t c"}, "symbol", "as BTCUSDT"),
        ("risk-reward", {"share1": "50"}, "share1", "add up to 110.00%"),
        ("risk-reward", {"target3": ""}, "target3", "At which price?"),
    ],
)
def test_what_is_wrong_is_said_where(
    slug: str, asked: dict[str, str], field: str, sentence: str
) -> None:
    html = Client().get(ADDRESSES[slug], asked).content.decode()
    slot = html.split(f'data-error-of="{field}"')[1].split("data-error-of")[0]
    assert sentence in words(slot)
    assert "No result yet" in html


def test_a_result_has_an_address_that_gives_it_again() -> None:
    first = Client().get(ADDRESSES["pnl"], {"entry": "100", "exit": "110", "symbol": "ethusdt"})
    html = first.content.decode()
    address = re.search(r'href="(/tools/pnl\?[^"]+)" data-share', html)
    assert address is not None
    again = Client().get(address[1].replace("&amp;", "&")).content.decode()
    figures = re.compile(r'result-fig[^>]*">([^<]+)<')
    assert figures.findall(again) == figures.findall(html) != []


def test_the_part_holds_the_same_answer_as_the_page() -> None:
    asked = {"entry": "100", "exit": "110"}
    page = Client().get(ADDRESSES["pnl"], asked).content.decode()
    part = Client().get(ADDRESSES["pnl"] + "/part", asked).content.decode()
    answer = part[part.index("<div data-answer") :].strip()
    assert answer in page


def test_an_unknown_calculator_is_not_found() -> None:
    assert Client().get("/tools/nothing").status_code == 404
    assert Client().get("/tools/nothing/part").status_code == 404


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("60,640.5", "60640.5"),
        ("60 640", "60640"),
        ("0,5", "0.5"),
        (".5", "0.5"),
        ("-3", "-3"),
        ("−3", "-3"),
        ("5,000", "5000"),
        ("1e3", None),
        ("nan", None),
        ("1.2.3", None),
        ("", None),
    ],
)
def test_numbers_are_read_as_people_type_them(typed: str, number: str | None) -> None:
    assert read_number(typed) == (None if number is None else D(number))
