"""Conditional orders of every kind: when they fire, what they become, what is refused."""

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest

from tests.trading.matching.cases import BTC, NOW, account, order, quote
from trading.domain.venue import AlgoEvent, OrderKind, OrderRequest, Service, VenueState
from trading.matching.matching import MatchingAccount
from trading.matching.records import Ids
from trading.matching.refused import Refused

K = OrderKind


def conditional(side: str, kind: OrderKind, **changes: Any) -> OrderRequest:
    """Return a conditional order of 0.010; numbers as text."""
    names = ("price", "trigger_price", "activate_price", "callback_rate", "quantity")
    numbers = {n: D(str(changes.pop(n))) for n in names if changes.get(n) is not None}
    if kind in (K.STOP, K.TAKE_PROFIT):
        changes.setdefault("time_in_force", "GTC")
    return replace(order(side), kind=kind, **numbers, **changes)


def holding() -> MatchingAccount:
    """Return an account that is long 0.010 from 60,000."""
    made = account()
    made.place(order("BUY"), quote(), NOW)
    made.drain()
    return made


def algo_states(made: MatchingAccount) -> list[str]:
    return [e.order.state.value for e in made.drain() if isinstance(e, AlgoEvent)]


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "far", "there"),
    [
        ("BUY", K.STOP, 61_000, 60_999, 61_000),
        ("SELL", K.STOP, 59_000, 59_001, 59_000),
        ("BUY", K.TAKE_PROFIT, 59_000, 59_001, 59_000),
        ("SELL", K.TAKE_PROFIT, 61_000, 60_999, 61_000),
        ("BUY", K.TAKE_PROFIT_MARKET, 59_000, 59_001, 59_000),
        ("SELL", K.TAKE_PROFIT_MARKET, 61_000, 60_999, 61_000),
    ],
)
def test_each_kind_fires_on_its_side_of_the_price(
    side: str, kind: OrderKind, trigger: int, far: int, there: int
) -> None:
    made = account()
    price = trigger if kind in (K.STOP, K.TAKE_PROFIT) else None
    told = made.place_algo(
        conditional(side, kind, trigger_price=trigger, price=price), quote(), NOW
    )
    made.on_quote(quote(far), NOW)
    assert made.find(BTC, Service.ALGO, exchange_id=told.exchange_id) == told
    made.on_quote(quote(there), NOW)
    fired = made.find(BTC, Service.ALGO, exchange_id=told.exchange_id)
    assert fired is not None and fired.state in (VenueState.TRIGGERED, VenueState.FINISHED)


def test_a_stop_with_a_price_rests_as_a_limit_order_until_it_is_filled() -> None:
    made = holding()
    asked = conditional("SELL", K.STOP, trigger_price=59_000, price=59_100, reduce_only=True)
    made.place_algo(asked, quote(), NOW)
    made.on_quote(quote(58_900), NOW)
    assert algo_states(made) == ["NEW", "TRIGGERING", "TRIGGERED"]
    resting = made.open_orders(BTC)
    assert [(o.kind, o.service, o.price) for o in resting] == [("LIMIT", Service.ORDER, D(59_100))]
    made.on_quote(quote(59_200, high=D(59_200)), NOW)
    assert algo_states(made) == ["FINISHED"]
    done = made.find(BTC, Service.ALGO, client_id=asked.client_id)
    assert done is not None and (done.filled, done.average_price) == (D("0.010"), D(59_100))
    assert made.is_flat(BTC)


def test_cancelling_what_it_became_finishes_it_unfilled_even_after_a_restart() -> None:
    made = holding()
    asked = conditional("SELL", K.TAKE_PROFIT, trigger_price=61_000, price=62_000)
    made.place_algo(asked, quote(), NOW)
    made.on_quote(quote(61_000), NOW)
    made = MatchingAccount.from_dict(made.to_dict(), made.rules, Ids())
    made.cancel(BTC, client_id=asked.client_id, service=Service.ORDER, now_ms=NOW)
    done = made.find(BTC, Service.ALGO, client_id=asked.client_id)
    assert done is not None and (done.state, done.filled) == (VenueState.FINISHED, D(0))


def test_a_post_only_price_that_would_take_at_the_trigger_is_rejected() -> None:
    made = holding()
    asked = conditional(
        "SELL", K.STOP, trigger_price=59_000, price=58_000, time_in_force="GTX", reduce_only=True
    )
    made.place_algo(asked, quote(), NOW)
    made.on_quote(quote(59_000), NOW)
    ended = made.find(BTC, Service.ALGO, client_id=asked.client_id)
    assert (
        ended is not None
        and ended.state is VenueState.REJECTED
        and "Post Only" in ended.reject_reason
    )


# --- trailing -------------------------------------------------------------------------------------


def trailing(side: str, **changes: Any) -> OrderRequest:
    return conditional(
        side, K.TRAILING_STOP_MARKET, **{"callback_rate": "1", "reduce_only": True, **changes}
    )


def test_a_trailing_stop_follows_the_price_up_and_fires_when_it_turns() -> None:
    made = holding()
    made.place_algo(trailing("SELL"), quote(), NOW)
    for price in (60_500, 62_000, 61_400):
        made.on_quote(quote(price), NOW)
    assert not made.is_flat(BTC), "61,400 is less than one per cent below 62,000"
    made.on_quote(quote(61_380), NOW)
    assert made.is_flat(BTC)
    assert algo_states(made) == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]


def test_a_buying_one_follows_the_price_down() -> None:
    made = account()
    made.place_algo(trailing("BUY", reduce_only=False), quote(), NOW)
    for price in (58_000, 58_500):
        made.on_quote(quote(price), NOW)
    assert made.is_flat(BTC)
    made.on_quote(quote(58_580), NOW)
    assert made.held(BTC) == D("0.010")


def test_it_waits_for_its_activation_price_and_says_when_it_is_there() -> None:
    made = holding()
    told = made.place_algo(trailing("SELL", activate_price=61_000), quote(), NOW)
    made.on_quote(quote(59_000), NOW)
    assert not made.is_flat(BTC) and algo_states(made) == ["NEW"]
    made.on_quote(quote(61_000), NOW)
    assert algo_states(made) == ["NEW"], "told once more, active now"
    held = made.find_order(BTC, Service.ALGO, exchange_id=told.exchange_id)
    assert held is not None and held.is_active
    made.on_quote(quote(60_390), NOW)
    assert made.is_flat(BTC)


def test_within_one_look_a_fall_from_the_best_so_far_counts_and_one_from_a_later_best_too() -> None:
    dipped = holding()
    dipped.place_algo(trailing("SELL"), quote(), NOW)
    dipped.on_quote(quote(60_000, mark_high=D(60_000), mark_low=D(59_300)), NOW)
    assert dipped.is_flat(BTC)
    spiked = holding()
    spiked.place_algo(trailing("SELL"), quote(), NOW)
    spiked.on_quote(quote(61_000, mark_high=D(61_000), mark_low=D(60_000)), NOW)
    assert not spiked.is_flat(BTC), (
        "which came first is not known: the best is not used against the low"
    )
    spiked.on_quote(quote(60_900, mark_high=D(62_000), mark_low=D(60_900)), NOW)
    assert spiked.is_flat(BTC)


def test_it_goes_on_from_its_json() -> None:
    made = holding()
    made.place_algo(trailing("SELL"), quote(), NOW)
    made.on_quote(quote(62_000), NOW)
    again = MatchingAccount.from_dict(made.to_dict(), made.rules, Ids())
    again.on_quote(quote(61_380), NOW)
    assert again.is_flat(BTC)


# --- prices apart, refusals -----------------------------------------------------------------------


def test_a_protected_stop_waits_while_last_and_mark_are_apart() -> None:
    made = holding()
    asked = order("SELL", trigger_price=58_000, price_protect=True, reduce_only=True)
    made.place_algo(asked, quote(), NOW)
    made.on_quote(quote(62_000, mark=D(57_000)), NOW)
    assert not made.is_flat(BTC)
    made.on_quote(quote(57_000), NOW)
    assert made.is_flat(BTC)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (conditional("SELL", K.STOP, trigger_price=59_000), -1102),
        (conditional("SELL", K.STOP, trigger_price=59_000, price=59_000, time_in_force=""), -1102),
        (conditional("SELL", K.STOP, trigger_price=59_000, price="59000.01"), -4014),
        (conditional("SELL", K.STOP_MARKET, trigger_price=59_000, price=59_000), -1106),
        (conditional("SELL", K.STOP_MARKET), -1102),
        (conditional("SELL", K.STOP_MARKET, trigger_price=59_000, callback_rate=1), -1106),
        (conditional("SELL", K.STOP_MARKET, trigger_price=59_000, activate_price=1), -1106),
        (conditional("SELL", K.TAKE_PROFIT, trigger_price=59_000, price=59_000), -2021),
        (trailing("SELL", callback_rate=None), -1102),
        (trailing("SELL", callback_rate="0.05"), -2007),
        (trailing("SELL", callback_rate="20.1"), -2007),
        (trailing("SELL", activate_price=59_000), -2021),
        (trailing("BUY", activate_price=61_000, reduce_only=False), -2021),
        (trailing("SELL", trigger_price=59_000), -1106),
        (replace(trailing("SELL", reduce_only=False), quantity=None, close_position=True), -4136),
    ],
)
def test_what_does_not_belong_together_is_refused(asked: OrderRequest, code: int) -> None:
    made = holding()
    with pytest.raises(Refused) as refused:
        made.place_algo(asked, quote(), NOW)
    assert refused.value.code == code
    assert made.open_orders() == []
