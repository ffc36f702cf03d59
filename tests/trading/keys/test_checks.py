"""The permission test: each right and each refusal has a sentence of its own that says what to do."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.trading.executor.small_exchange import RULES, SmallExchange
from trading.domain.venue import (
    KeyRights,
    OrderRequest,
    Outcome,
    OutcomeClass,
    Service,
    VenueAccount,
    VenueOrder,
    VenueState,
)
from trading.exchanges.port import KeyRefused, ReadFailed
from trading.executor.checks import KeyTest
from trading.models import TradingAccount
from trading.services import keys

NOW = 1_764_010_800_000
GOOD = KeyRights(
    reading=True,
    futures=True,
    withdrawals=False,
    internal_transfer=False,
    universal_transfer=False,
    spot_and_margin=False,
    margin_loans=False,
    options=False,
    portfolio_margin=False,
    is_ip_restricted=True,
    created_ms=NOW,
)
BOXES = {
    "withdrawals": "Enable Withdrawals",
    "internal_transfer": "Enable Internal Transfer",
    "universal_transfer": "Permits Universal Transfer",
    "spot_and_margin": "Enable Spot & Margin Trading",
    "margin_loans": "Enable Margin Loan, Repay & Transfer",
    "options": "Enable European Options",
    "portfolio_margin": "Enable Portfolio Margin Trading",
}


class Exchange(SmallExchange):
    """The exchange of one key, whose rights and moods a test sets."""

    def __init__(self, **rights: Any) -> None:
        super().__init__(lambda: NOW)
        self.held = replace(GOOD, **rights)
        self.mood: Exception | None = None
        self.modes: dict[str, bool] = {}
        self.tried: dict[str, VenueOrder] = {}
        self.hides_stops = False

    async def submit(self, request: OrderRequest) -> Outcome:
        assert request.reduce_only and request.trigger_price is not None
        self.tried[request.client_id] = VenueOrder(
            client_id=request.client_id,
            exchange_id="1",
            symbol=request.symbol,
            service=Service.ALGO,
            kind=request.kind,
            side=request.side,
            state=VenueState.NEW,
            quantity=request.quantity,
        )
        return Outcome(OutcomeClass.ACCEPTED, status=200)

    async def cancel(self, symbol: str, client_id: str, service: Service) -> Outcome:
        self.tried[client_id] = replace(self.tried[client_id], state=VenueState.CANCELED)
        return Outcome(OutcomeClass.ACCEPTED, status=200)

    async def order(self, symbol: str, client_id: str, service: Service) -> VenueOrder | None:
        return None if self.hides_stops else self.tried.get(client_id)

    async def rights(self) -> KeyRights:
        return self.held

    async def account(self) -> VenueAccount:
        if self.mood is not None:
            raise self.mood
        return replace(await super().account(), uid="uid-1", **self.modes)

    async def test_order(self, request: OrderRequest) -> Outcome:
        return Outcome(OutcomeClass.ACCEPTED, status=200)


class Written:
    """Stands in for the rows: what would be written, in order."""

    def __init__(self) -> None:
        self.lines: dict[str, tuple[str, str, str]] = {}
        self.verdict: dict[str, Any] = {}

    async def run(self, function: Callable[..., Any], *args: Any, **told: Any) -> Any:
        if function == keys.record_check:
            _, name, state, sentence = args
            self.lines[name] = (state, told["code"], sentence)
            return None
        assert not args
        return function()

    def apart(self) -> "Written":
        return self


def checked(exchange: Exchange, monkeypatch: Any, **how: Any) -> tuple[bool, Written]:
    """Run a test to its end; return whether it is over, and what it wrote."""
    written = Written()
    monkeypatch.setattr(keys, "conclude", lambda account, **told: written.verdict.update(told))

    async def at_once(_: float) -> None:
        return None

    test = KeyTest(
        exchange, TradingAccount(venue="simulated"), written, lambda: NOW, RULES,
        exchange.quote, at_once, **how,
    )  # fmt: skip
    return asyncio.run(test.run()), written


def test_a_good_key_passes_all_seven(monkeypatch: Any) -> None:
    exchange = Exchange()
    is_over, written = checked(exchange, monkeypatch)
    assert is_over and list(written.lines) == list(keys.CHECKS)
    assert {state for state, _, _ in written.lines.values()} == {"passed"}
    assert written.verdict["failed"] == [] and written.verdict["uid"] == "uid-1"
    [stop] = exchange.tried.values()
    assert stop.state is VenueState.CANCELED, "the stop that was tried out is gone"


def test_a_stop_that_the_exchange_does_not_show_is_no_stop(monkeypatch: Any) -> None:
    exchange = Exchange()
    exchange.hides_stops = True
    _, written = checked(exchange, monkeypatch)
    assert written.lines["stop_order"][1] == "stop_not_seen"


@pytest.mark.parametrize(("right", "box"), BOXES.items(), ids=list(BOXES))
def test_each_right_alone_is_refused_with_the_box_to_clear(
    right: str, box: str, monkeypatch: Any
) -> None:
    _, written = checked(Exchange(**{right: True}), monkeypatch)
    state, code, sentence = written.lines["withdrawals"]
    assert (state, code) == ("failed", f"right_{right}") and f"“{box}”" in sentence
    assert "stop_order" not in written.lines, "nothing is placed with a key that is refused"
    assert written.verdict["failed"][0][0] == code
    assert written.verdict["rights"][right] is True


def test_an_unbound_key_is_refused_with_the_addresses(monkeypatch: Any, settings: Any) -> None:
    settings.EGRESS_ADDRESSES = ("93.184.216.34", "93.184.216.35")
    _, written = checked(Exchange(is_ip_restricted=False), monkeypatch)
    state, code, sentence = written.lines["addresses"]
    assert (state, code) == ("failed", "not_bound") and "93.184.216.34, 93.184.216.35" in sentence
    assert (written.verdict["expires_at"].timestamp() * 1000 - NOW) / 86_400_000 == 30


@pytest.mark.parametrize("right", ["futures", "reading"])
def test_a_right_that_is_missing_is_named(right: str, monkeypatch: Any) -> None:
    _, written = checked(Exchange(**{right: False}), monkeypatch)
    assert written.lines["futures"][1] == "futures_off"


@pytest.mark.parametrize(
    ("mode", "code"), [("is_hedged", "hedge_mode"), ("has_multi_assets", "multi_assets")]
)
def test_a_mode_that_we_do_not_trade_in_is_named(mode: str, code: str, monkeypatch: Any) -> None:
    exchange = Exchange()
    exchange.modes = {mode: True}
    _, written = checked(exchange, monkeypatch)
    assert written.lines["position_mode"][1] == code


@pytest.mark.parametrize(
    ("number", "part"),
    [
        (-2015, "enter our addresses in its restriction"),
        (-2014, "wrong form"),
        (-1022, "public key registered there is not the one shown"),
        (-2017, "locked"),
        (-9999, "(-9999)"),
    ],
)
def test_each_refusal_says_its_cause_and_what_to_do(
    number: int, part: str, monkeypatch: Any
) -> None:
    exchange = Exchange()
    exchange.mood = KeyRefused("no", exchange_code=number)
    is_over, written = checked(exchange, monkeypatch)
    state, code, sentence = written.lines["signature"]
    assert is_over and (state, code) == ("failed", "key_refused") and part in sentence
    assert list(written.lines) == ["signature"]


@pytest.mark.parametrize(
    ("told", "part"),
    [
        ("status 451", "(451)"),
        ("Service unavailable from a restricted location", "(451)"),
        ("Timestamp for this request is outside of the recvWindow.", "clock"),
        ("no answer in time", "does not answer"),
    ],
)
def test_what_is_not_the_keys_fault_concludes_nothing(
    told: str, part: str, monkeypatch: Any
) -> None:
    exchange = Exchange()
    exchange.mood = ReadFailed(f"the exchange did not tell: {told}")
    is_over, written = checked(exchange, monkeypatch)
    assert not is_over and written.verdict == {}
    assert written.lines["signature"][0] == "not_run" and part in written.lines["signature"][2]


def test_the_daily_question_places_nothing(monkeypatch: Any) -> None:
    exchange = Exchange(withdrawals=True)
    _, written = checked(exchange, monkeypatch, is_repeated=True)
    assert list(written.lines) == ["signature", "futures", "withdrawals", "addresses"]
    assert written.verdict["failed"][0][0] == "right_withdrawals"
    assert exchange.tried == {}
