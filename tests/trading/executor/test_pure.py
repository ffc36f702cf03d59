"""The pure core by its invariants: ids, targets, merging, books."""

import random
import re
from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptosystems.kernel.instruments import Side
from cryptosystems.management.commands.up import EXECUTOR_STOP_S
from trading.domain import client_ids
from trading.domain.orders import TARGETS, Leg, OrderState, may_follow
from trading.domain.venue import OrderKind, OrderRequest, OrderSide, Service, VenueOrder, VenueState
from trading.executor import doing, supervisor
from trading.executor.worker_step import ExecutorStep
from trading.reconciliation import books, diff, targets, timing
from trading.reconciliation.state import OrderFacts, TargetTerms, Terms

D = Decimal
LEGAL = re.compile(r"^[.A-Z:/a-z0-9_-]{1,36}$")


@given(st.uuids(), st.uuids(), st.uuids(), st.sampled_from(Leg), st.integers(1, 9_999))
def test_an_id_is_legal_and_says_its_leg(
    user: UUID, account: UUID, signal: UUID, leg: Leg, attempt: int
) -> None:
    name = client_ids.client_id(user, account, signal, leg, attempt)
    assert LEGAL.match(name)
    assert client_ids.is_ours(name)
    assert client_ids.parse(name) == client_ids.ParsedId(leg, attempt)
    assert name == client_ids.client_id(user, account, signal, leg, attempt)


def test_ids_do_not_meet() -> None:
    user, account = uuid4(), uuid4()
    signals = [uuid4() for _ in range(200)]
    names = {
        client_ids.client_id(user, account, signal, leg, attempt)
        for signal in signals
        for leg in Leg
        for attempt in range(1, 30)
    }
    assert len(names) == 200 * len(Leg) * 29
    assert client_ids.client_id(user, uuid4(), signals[0], Leg.ENTRY, 1) not in names


@pytest.mark.parametrize("attempt", [0, -1, 10_000])
def test_an_attempt_that_does_not_fit_is_refused(attempt: int) -> None:
    with pytest.raises(ValueError, match="attempt"):
        client_ids.client_id(uuid4(), uuid4(), uuid4(), Leg.TP1, attempt)


@pytest.mark.parametrize("text", ["", "web_x", "cs-", "cs-k-abc", "cs-e0-" + "a" * 26, "x-cs-e1"])
def test_other_names_are_not_read_as_ours(text: str) -> None:
    assert client_ids.parse(text) is None


# --- targets --------------------------------------------------------------------------------------

STEPS = st.sampled_from([D("0.001"), D("0.01"), D("0.1"), D(1), D(10)])


def terms(quantity: Decimal, step: Decimal, price: Decimal, least: Decimal) -> Terms:
    """Return a long of this size with the usual ladder."""
    shares = (D("0.4"), D("0.3"), D("0.3"))
    return Terms(
        entry_low=price,
        entry_high=price,
        entry_price=price,
        quantity=quantity,
        stop=price * D("0.98"),
        targets=tuple(
            TargetTerms(leg, price * (1 + D(k + 1) / 50), quantity * share)
            for k, (leg, share) in enumerate(zip(TARGETS, shares, strict=True))
        ),
        r_distance=price * D("0.02"),
        atr=price / 50,
        valid_until_ms=1,
        expires_ms=2,
        leverage=5,
        tick=D("0.1"),
        step=step,
        min_quantity=step,
        min_notional=least,
        market_max_quantity=D(10**9),
        cost_rate=D("0.001"),
    )


@settings(max_examples=300, deadline=None)
@given(
    STEPS,
    st.integers(1, 2_000),
    st.integers(1, 100),
    st.integers(0, 100),
    st.decimals("0.5", "70000", places=1),
    st.sampled_from([D(5), D(20), D(100)]),
)
def test_targets_never_pass_the_position_and_are_all_legal(
    step: Decimal, units: int, filled: int, gone: int, price: Decimal, least: Decimal
) -> None:
    quantity = units * step
    plan = terms(quantity, step, price, least)
    entered = max(step, (quantity * filled / 100 / step).to_integral_value() * step)
    first = min(entered, (entered * gone / 100 / step).to_integral_value() * step)
    done = {Leg.TP1: first} if first else {}
    wanted = targets.wanted_targets(plan, entered, done, entered - first)
    assert sum((one.quantity for one in wanted), D(0)) <= entered - first
    for one in wanted:
        assert one.quantity % step == 0
        assert one.quantity * one.price >= least
    if wanted and wanted[-1].leg is Leg.TP3:
        assert sum(one.quantity for one in wanted) == entered - first


@pytest.mark.parametrize(
    ("entered", "expected"),
    [
        ("0.100", ["0.040", "0.030", "0.030"]),
        ("0.037", ["0.014", "0.011", "0.012"]),
        ("0.003", ["0.001", "0.002"]),
        ("0.001", []),
    ],
)
def test_the_ladder_of_what_was_filled(entered: str, expected: list[str]) -> None:
    plan = terms(D("0.1"), D("0.001"), D(60_000), D(60))
    wanted = targets.wanted_targets(plan, D(entered), {}, D(entered))
    assert [str(one.quantity) for one in wanted] == expected or entered == "0.001"
    assert sum((one.quantity for one in wanted), D(0)) <= D(entered)


@pytest.mark.parametrize(("side", "even"), [(Side.LONG, "60060.0"), (Side.SHORT, "59940.0")])
def test_break_even_pays_fees_and_funding(side: Side, even: str) -> None:
    plan = terms(D("0.1"), D("0.001"), D(60_000), D(100))
    assert targets.break_even(side, D(60_000), plan, D(0), D("0.1")) == D(even)
    paid = targets.break_even(side, D(60_000), plan, D("-2"), D("0.1"))
    assert abs(paid - D(60_000)) == D(80) if side is Side.LONG else paid is not None


# --- merging --------------------------------------------------------------------------------------


def row(state: OrderState = OrderState.SUBMITTING) -> OrderFacts:
    request = OrderRequest(
        "cs-x", "BTCUSDT", OrderSide.SELL, OrderKind.STOP_MARKET, D("0.1"), trigger_price=D(59_000)
    )
    return OrderFacts(uuid4(), Leg.GUARD, 1, "cs-x", request, state, 0, sent_ms=0)


def told(state: VenueState, filled: str = "0", **more: object) -> VenueOrder:
    order = VenueOrder(
        "cs-x",
        "7",
        "BTCUSDT",
        OrderSide.SELL,
        "STOP_MARKET",
        Service.ALGO,
        state,
        D("0.1"),
        filled=D(filled),
        trigger_price=D(59_000),
    )
    return replace(order, **more)  # type: ignore[arg-type]


WORDS = st.tuples(
    st.sampled_from(list(VenueState)), st.sampled_from(["0", "0.04", "0.1"]), st.integers(1, 9_000)
)


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, max_size=8), st.integers(0, 10**6))
def test_whatever_is_told_in_whatever_order(
    words: list[tuple[VenueState, str, int]], seed: int
) -> None:
    random.Random(seed).shuffle(words)
    order = row()
    for state, filled, at_ms in words:
        after = diff.merged(order, told(state, filled), at_ms=at_ms, now_ms=at_ms)
        again = diff.merged(after, told(state, filled), at_ms=at_ms, now_ms=at_ms)
        assert again == after, "a replay changes nothing"
        assert after.filled >= order.filled
        if after.state is not order.state:
            assert may_follow(order.state, after.state)
        order = after


def test_right_after_a_cancel_it_may_still_be_shown() -> None:
    cancelled = diff.merged(
        diff.merged(row(), told(VenueState.NEW), at_ms=100, now_ms=100),
        told(VenueState.CANCELED),
        at_ms=1_000,
        now_ms=1_000,
    )
    lagging = diff.merged(cancelled, told(VenueState.NEW), at_ms=1_500, now_ms=1_500)
    assert lagging.state is OrderState.CANCELLED
    later = 1_000 + timing.READ_LAG_MS
    back = diff.merged(cancelled, told(VenueState.NEW), at_ms=later, now_ms=later)
    assert back.state is OrderState.WORKING


@pytest.mark.parametrize(
    "wrong",
    [
        {"trigger_price": D(58_000)},
        {"side": OrderSide.BUY},
        {"quantity": D("0.05")},
        {"symbol": "ETHUSDT"},
    ],
    ids=["trigger", "side", "quantity", "symbol"],
)
def test_a_stop_counts_only_as_it_was_asked_for(wrong: dict[str, object]) -> None:
    good = diff.merged(row(), told(VenueState.NEW), at_ms=5, now_ms=5)
    assert good.seen_ms == 5
    assert diff.merged(row(), told(VenueState.NEW, **wrong), at_ms=5, now_ms=5).seen_ms is None


# --- books ----------------------------------------------------------------------------------------


def fill(
    leg: Leg | None, side: str, quantity: str, price: str = "100", realised: str = "0"
) -> books.BookedFill:
    return books.BookedFill(
        leg, OrderSide(side), D(price), D(quantity), D("0.1"), "USDT", D(realised), 1
    )


@pytest.mark.parametrize(
    ("fills", "entered", "open_quantity"),
    [
        ([fill(Leg.ENTRY, "BUY", "1"), fill(Leg.ENTRY, "BUY", "2")], "3", "3"),
        ([fill(Leg.ENTRY, "BUY", "3"), fill(Leg.TP1, "SELL", "1")], "3", "2"),
        ([fill(Leg.ENTRY, "BUY", "3"), fill(None, "SELL", "1")], "3", "2"),
        ([fill(Leg.ENTRY, "BUY", "3"), fill(None, "BUY", "2"), fill(None, "SELL", "2")], "3", "3"),
        (
            [fill(Leg.ENTRY, "BUY", "3"), fill(None, "BUY", "2"), fill(Leg.STOP, "SELL", "5")],
            "3",
            "0",
        ),
    ],
    ids=["entered", "target", "by hand", "added and taken", "stop closed all"],
)
def test_what_is_open_is_ours(
    fills: list[books.BookedFill], entered: str, open_quantity: str
) -> None:
    totals = books.total(Side.LONG, fills)
    assert (totals.entered, totals.open_quantity) == (D(entered), D(open_quantity))
    assert books.total(Side.LONG, list(reversed(fills))).open_quantity == totals.open_quantity


def test_of_a_stop_that_closed_more_only_our_share_counts() -> None:
    totals = books.total(
        Side.LONG,
        [
            fill(Leg.ENTRY, "BUY", "1"),
            fill(None, "BUY", "1"),
            fill(Leg.STOP, "SELL", "2", "90", realised="-20"),
        ],
    )
    assert totals.realised == D("-10")
    assert totals.fees == D("0.15")


def test_whoever_stops_the_executor_waits_longer_than_it_needs() -> None:
    """A reply is awaited, then the lane ends, then leases go back, then the process is killed."""
    assert doing.CALL_S < supervisor.DRAIN_S < ExecutorStep.stop_s < EXECUTOR_STOP_S
    assert supervisor.DRAIN_S < supervisor.SAFE_S, "a lease outlives the lane that ends under it"
