"""From a signal to exact orders: sized by risk, legal at the exchange, or refused with the reason."""

from dataclasses import replace
from decimal import Decimal as D
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cryptosystems.kernel.instruments import Side
from signals.contracts import TradableSignal
from tests.trading.matching.cases import BTC, NOW, RULES, quote
from trading.domain.denied import Denied
from trading.domain.fees import break_even, in_r
from trading.domain.ladder import NEEDED_ON_PAPER, Event, automation_opens, climb
from trading.domain.limits import BotLimits
from trading.domain.plan import TradePlan, make_plan
from trading.domain.preview import preview
from trading.domain.sizing import stop_is_safe
from trading.domain.venue import VenueAccount

HOUR_MS = 3_600_000


def signal(**changes: Any) -> TradableSignal:
    """Return a long of BTC at 60,000 with its stop 600 below the zone's upper edge."""
    held = TradableSignal(
        id=uuid4(),
        number=1,
        origin="simulated",
        symbol=BTC,
        base="BTC",
        timeframe="1h",
        side=Side.LONG,
        issued_ms=NOW,
        entry_low=D(59_900),
        entry_high=D(60_000),
        valid_until_ms=NOW + HOUR_MS,
        stop=D(59_400),
        targets=((D(60_600), D("0.4")), (D(61_200), D("0.3")), (D(61_800), D("0.3"))),
        expires_ms=NOW + 48 * HOUR_MS,
        confidence=0.58,
        p_low=0.55,
        strength=0.4,
        atr=D(400),
        model_version="model-1",
        decimals=1,
        is_open=True,
    )
    return replace(held, **changes)


def short(**changes: Any) -> TradableSignal:
    mirrored: dict[str, Any] = {
        "side": Side.SHORT,
        "entry_low": D(60_000),
        "entry_high": D(60_100),
        "stop": D(60_600),
        "targets": ((D(59_400), D("0.4")), (D(58_800), D("0.3")), (D(58_200), D("0.3"))),
    }
    return signal(**{**mirrored, **changes})


def money(amount: Any = 10_000, available: Any = None) -> VenueAccount:
    whole = D(str(amount))
    free = whole if available is None else D(str(available))
    return VenueAccount(whole, free, whole, True, False, False)


LIMITS = BotLimits(max_notional=D(1_000_000), max_leverage=10)


def plan(
    taken: TradableSignal | None = None,
    limits: BotLimits = LIMITS,
    account: VenueAccount | None = None,
    price: Any = 59_950,
    **more: Any,
) -> TradePlan | Denied:
    values: dict[str, Any] = {"cap_percent": D("0.50"), **more}
    return make_plan(
        taken or signal(), limits, account or money(), RULES, quote(price), NOW, **values
    )


def made(*args: Any, **kwargs: Any) -> TradePlan:
    found = plan(*args, **kwargs)
    assert isinstance(found, TradePlan), found
    return found


def refused(*args: Any, **kwargs: Any) -> str:
    found = plan(*args, **kwargs)
    assert isinstance(found, Denied)
    assert found.sentence.endswith(".")
    return found.code


def test_half_a_percent_of_ten_thousand_is_fifty_at_the_stop() -> None:
    found = made()
    assert found.quantity == D("0.083") and found.risk_amount == D("49.8")
    assert found.entry_price == D(60_000) and found.r_distance == D(600)
    assert [t.quantity for t in found.targets] == [D("0.033"), D("0.024"), D("0.026")]
    assert [t.r for t in found.targets] == [D("1.000"), D("2.000"), D("3.000")]
    assert found.leverage == 2, "the least that a third of the account carries"


def test_a_short_is_its_mirror() -> None:
    found = made(short(), price=60_050)
    assert found.entry_price == D(60_000) and found.quantity == D("0.083")
    assert found.liquidation_price > found.stop


def test_the_cap_of_the_ladder_and_the_products_own_count_whatever_was_asked_for() -> None:
    eager = replace(LIMITS, risk_percent=D("1.00"))
    assert made(limits=eager).risk_amount <= D(50)
    assert made(limits=eager, cap_percent=D("0.75")).risk_amount <= D(75)
    assert made(limits=replace(LIMITS, risk_percent=D("5")), cap_percent=D(5)).risk_amount <= D(100)


def test_open_risk_of_two_percent_leaves_room_for_none() -> None:
    assert made(open_risk=D(175)).risk_amount <= D(25)
    assert refused(open_risk=D(200)) == "heat"


@pytest.mark.parametrize(
    ("changes", "price", "code"),
    [
        ({"valid_until_ms": NOW}, 59_950, "too_late"),
        ({"is_open": False}, 59_950, "settled"),
        ({}, 59_899, "outside_zone"),
        ({}, 60_201, "outside_zone"),
    ],
)
def test_what_is_late_or_outside_its_zone_is_not_chased(
    changes: dict[str, Any], price: int, code: str
) -> None:
    assert refused(signal(**changes), price=price) == code


def test_a_symbol_that_does_not_trade_is_not_entered() -> None:
    halted = replace(RULES, status="SETTLING")
    found = make_plan(signal(), LIMITS, money(), halted, quote(59_950), NOW, cap_percent=D("0.5"))
    assert isinstance(found, Denied) and found.code == "not_trading"


def test_too_little_money_is_said_with_both_amounts() -> None:
    found = plan(account=money(15))
    assert isinstance(found, Denied) and found.code == "too_small" and "100.00" in found.sentence
    assert refused(account=money(10_000, available=0)) == "no_margin"


def test_leverage_is_chosen_so_that_the_stop_lies_within_half_the_way_to_liquidation() -> None:
    far = signal(stop=D(52_000), entry_low=D(59_900))
    found = made(far, account=money(10_000, available=300))
    assert stop_is_safe(found.entry_price, found.stop, found.liquidation_price)
    assert found.leverage <= 4, "a stop 13 % away allows no more"
    assert found.quantity * found.entry_price <= D(300) * found.leverage


def test_a_plan_goes_through_json() -> None:
    found = made()
    assert TradePlan.from_dict(found.to_dict()) == found


amounts = st.decimals(20, 200_000, places=2)


@given(
    equity=amounts,
    share=st.decimals("0.01", 1, places=2),
    risk=st.decimals("0.05", 1, places=2),
    distance=st.integers(5, 90_000),
    leverage=st.integers(1, 20),
    is_long=st.booleans(),
    cap=st.decimals(50, 100_000, places=0),
)
def test_every_plan_is_legal_or_refused(
    equity: D, share: D, risk: D, distance: int, leverage: int, is_long: bool, cap: D
) -> None:
    offset = D(distance) / 10
    taken = signal(stop=D(59_900) - offset) if is_long else short(stop=D(60_100) + offset)
    assume(taken.stop > 0)
    limits = replace(LIMITS, risk_percent=risk, max_leverage=leverage, max_notional=cap)
    price = 59_950 if is_long else 60_050
    found = plan(taken, limits, money(equity, equity * share), price)
    if isinstance(found, Denied):
        assert found.code in ("too_small", "liquidation_too_near", "no_margin")
        return
    assert found.quantity % RULES.step == 0 and found.stop % RULES.tick == 0
    assert found.notional >= RULES.min_notional and found.notional <= cap
    assert found.quantity * found.r_distance <= equity * min(risk, D("0.50")) / 100 * D("1.001")
    assert sum(t.quantity for t in found.targets) <= found.quantity
    assert all(t.quantity % RULES.step == 0 for t in found.targets)
    assert found.notional <= equity * share * found.leverage
    assert stop_is_safe(found.entry_price, found.stop, found.liquidation_price)
    assert 1 <= found.leverage <= leverage


def test_break_even_pays_both_fees_and_is_rounded_towards_profit() -> None:
    fee = D("0.0005")
    price = break_even(Side.LONG, D(60_000), D("0.1"), fee_in=fee, fee_out=fee)
    assert price == D("60060.1")
    assert price * (1 - fee) >= D(60_000) * (1 + fee)
    price = break_even(Side.SHORT, D(60_000), D("0.1"), fee_in=fee, fee_out=fee)
    assert price * (1 + fee) <= D(60_000) * (1 - fee)
    assert in_r(D(25), D(50)) == D("0.500") and in_r(D(25), D(0)) is None


def test_the_ladder_rises_by_trades_and_falls_by_breaches() -> None:
    done, breach = Event.CLOSED, Event.BREACH
    assert climb([]).cap_percent == D("0.50")
    assert climb([done] * 19).cap_percent == D("0.50")
    assert climb([done] * 20).cap_percent == D("0.75")
    assert climb([done] * 49).cap_percent == D("0.75")
    assert climb([done] * 50).cap_percent == D("1.00")
    assert climb([done] * 50 + [breach]).cap_percent == D("0.75")
    assert climb([done] * 50 + [breach, breach, breach]).cap_percent == D("0.50")
    assert climb([done] * 15 + [breach] + [done] * 19).cap_percent == D("0.50")
    assert automation_opens(NEEDED_ON_PAPER) == "" and "7 more" in automation_opens(3)


def test_limits_in_plain_words() -> None:
    said = preview(BotLimits(risk_percent=D("1.00")), D(1000), D("0.50"), lost_today=D(8), n_open=2)
    assert (
        said.sentences[0] == "With 1,000.00 USDT and 0.50 % you risk 5.00 USDT a trade, plus fees."
    )
    assert "your cap of 0.50 %" in said.sentences[1]
    assert said.ten_losses_percent == D("4.9")
    assert any("12.00 USDT are left" in sentence for sentence in said.sentences)
    assert said.liquidation_percent == D("19.4"), "20 % at 5x, less margin to keep and the fee"
    assert any("5x" in sentence and "19.4 %" in sentence for sentence in said.sentences)
