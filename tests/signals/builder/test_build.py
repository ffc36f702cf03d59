"""From a setup to prices on tick, gates with reasons, and the same bytes every time."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from cryptosystems.kernel.identifiers import canonical_json
from cryptosystems.kernel.instruments import Side, liquidation_price
from signals.barriers import COST, FEE, SHARES
from signals.builder.build import (
    SHOWN_REASONS,
    NoSignal,
    SignalDraft,
    build,
    invalidation,
    other,
    points,
)
from signals.builder.levels import make_plan
from signals.builder.rules import EDGE_MARGIN, REWARD_RANGE, gates, payoff
from signals.builder.setup import Setup
from tests.signals.builder.setups import heap, setup

TICKS = ("0.00001", "0.001", "0.01", "0.1", "1", "0.5")


def many(count: int = 400) -> list[Setup]:
    """Return setups of all kinds of prices, ticks, sides, swings and heaps."""
    rng = np.random.default_rng(5)
    out = []
    for _ in range(count):
        tick = TICKS[rng.integers(len(TICKS))]
        price = float(tick) * float(np.exp(rng.uniform(np.log(60), np.log(2e6))))
        atr = price * float(np.exp(rng.uniform(np.log(0.0008), np.log(0.12))))
        price = round(price / float(tick)) * float(tick)
        around = price + atr * rng.uniform(-5, 5, 6)
        p_low = float(rng.uniform(0.4, 0.75))
        out.append(
            setup(
                side=("long", "short")[rng.integers(2)],
                price=price,
                atr=atr,
                tick=tick,
                sigma_1m=float(atr / price / 8),
                swing_low=float(price - atr * rng.uniform(0.2, 3)),
                swing_high=float(price + atr * rng.uniform(0.2, 3)),
                clusters=tuple(heap(float(p), int(p > price)) for p in around if p > 0),
                p_low=p_low,
                p_win=p_low + 0.03,
                p_high=p_low + 0.06,
            )
        )
    return out


@pytest.mark.parametrize("number", range(8))
def test_every_plan_keeps_its_promises(number: int) -> None:
    spoke = 0
    for held in many()[number::8]:
        tick, sign = Decimal(held.tick), Side(held.side).sign
        plan = make_plan(held, payoff(held, 1.5 * held.atr / held.price).strength)
        for price in (plan.entry_low, plan.entry_high, plan.stop, *plan.targets):
            assert price % tick == 0
        assert plan.entry_low < plan.entry_high
        near, far = (
            (plan.entry_low, plan.entry_high) if sign > 0 else (plan.entry_high, plan.entry_low)
        )
        assert sign * (near - plan.stop) > 0, "the stop lies behind the zone"
        risk = abs(plan.reference - plan.stop)
        steps = [plan.reference, *plan.targets]
        for before, after in pairwise(steps):
            assert sign * (after - before) / risk >= Decimal("0.6")
        assert sign * (plan.targets[0] - far) > 0 or plan.r[0] < 0.75
        assert plan.reward_risk == pytest.approx(
            sum(s * r for s, r in zip(SHARES, plan.r, strict=True))
        )
        built = build(held)
        if isinstance(built, SignalDraft):
            spoke += 1
            low, high = REWARD_RANGE
            assert low <= plan.reward_risk <= high
            assert min(plan.stop, *plan.targets) > 0
            assert built.valid_until_ms < built.expires_ms
            entry = float(plan.reference)
            liquidated = liquidation_price(
                held.brackets, Side(held.side), entry, 1_000 / entry, float(plan.max_leverage)
            )
            assert float(risk) <= 0.5 * abs(entry - liquidated)
    assert spoke > 5


def test_the_highest_safe_leverage_is_the_last_at_which_the_stop_lies_half_way() -> None:
    for held in many(80):
        plan = make_plan(held, 0.1)
        entry, risk = float(plan.reference), float(abs(plan.reference - plan.stop))
        needed = 2 * risk + 3 * held.sigma_1m * entry
        safe = [
            leverage
            for leverage in range(1, 126)
            if abs(
                entry
                - liquidation_price(
                    held.brackets, Side(held.side), entry, 1_000 / entry, float(leverage)
                )
            )
            >= needed
        ]
        assert plan.max_leverage == max(safe, default=0)
        assert safe == list(range(1, plan.max_leverage + 1))


def test_the_stop_hides_behind_a_swing_and_never_inside_a_heap() -> None:
    plain = make_plan(setup(swing_low=40_000.0), 0.1)
    reference = float(plain.reference)
    assert reference - float(plain.stop) == pytest.approx(1.5 * 600, abs=0.2)
    swing = make_plan(setup(swing_low=reference - 1.25 * 600), 0.1)
    assert reference - float(swing.stop) == pytest.approx(1.4 * 600, abs=0.2)
    inside = reference - 1.5 * 600
    moved = make_plan(setup(swing_low=40_000.0, clusters=(heap(inside, 0),)), 0.1)
    assert float(moved.stop) < inside - 0.1 * 600
    other_side = make_plan(setup(swing_low=40_000.0, clusters=(heap(inside, 1),)), 0.1)
    assert other_side.stop == plain.stop


def test_a_target_is_drawn_in_front_of_an_opposing_heap() -> None:
    plain = make_plan(setup(swing_low=40_000.0), 0.1)
    reference, risk = float(plain.reference), float(plain.reference - plain.stop)
    np.testing.assert_allclose(plain.r, (1, 2, 3), atol=0.01)
    wall = reference + 1.9 * risk
    drawn = make_plan(setup(swing_low=40_000.0, clusters=(heap(wall, 1),)), 0.1)
    assert float(drawn.targets[1]) == pytest.approx(wall - 0.1 * 600, abs=0.2)
    assert drawn.targets[0] == plain.targets[0]
    far = make_plan(setup(swing_low=40_000.0, clusters=(heap(reference + 1.5 * risk, 1),)), 0.1)
    assert far.targets == plain.targets, "too far from any of them"


def test_a_stronger_setup_waits_less_far_away() -> None:
    weak, strong = make_plan(setup(), 0.0), make_plan(setup(), 0.3)
    assert weak.entry_high == strong.entry_high
    assert weak.entry_low < strong.entry_low
    assert 60_000 - float(strong.entry_low) == pytest.approx(0.15 * 600, abs=0.2)
    assert 60_000 - float(weak.entry_low) == pytest.approx(0.50 * 600, abs=0.2)


def test_a_short_is_a_long_in_the_mirror() -> None:
    long = make_plan(setup(swing_low=59_300.0), 0.1)
    short = make_plan(setup(side="short", swing_high=60_700.0), 0.1)
    mirrored = [
        Decimal(120_000) - price for price in (short.entry_high, short.stop, *short.targets)
    ]
    for ours, theirs in zip((long.entry_low, long.stop, *long.targets), mirrored, strict=True):
        assert abs(ours - theirs) <= Decimal("0.1")


GATES = [
    ("fresh_data", {"ages": {"candle": 15.1, "mark": 1.0}}, 15.1, 15.0, "The candle feed is 15 s old"),
    ("known_factors", {"known_share": 0.79}, 0.79, 0.8, "79%"),
    ("familiar", {"novelty": 0.01}, 0.01, 0.02, "1% of what the model learned"),
    ("edge", {"p_low": 0.55, "p_win": 0.6}, 0.55, None, "break-even after costs"),
    ("spread", {"spread_bps": 8.1}, 8.1, 8.0, "The spread is 8.1 bp"),
    ("liquidity", {"volume_24h": 9e5}, 9e5, 1e6, "0.9 M USDT"),
    ("liquidation_safety", {"price": 100.0, "atr": 34.0, "tick": "0.01", "swing_low": 1.0}, 0.0,
     1.0, "half the way to liquidation"),
    ("tick_size", {"atr": 60.0, "tick": "10"}, 9.0, 10.0, "ticks away"),
    ("single", {"has_open_signal": True}, None, None, "count the same bet twice"),
    ("pause", {"minutes_since_last": 239.0}, 239.0, 240.0, "240 min is the pause"),
    ("best_of_moment", {"rank": 3}, 4.0, 3.0, "Number 4 by strength"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "changes", "value", "limit", "says"), GATES, ids=[row[0] for row in GATES]
)
def test_each_gate_says_no_in_its_case_with_its_reason(
    name: str, changes: dict, value: float | None, limit: float | None, says: str
) -> None:
    assert isinstance(build(setup()), SignalDraft)
    turned_down = build(setup(**changes))
    assert isinstance(turned_down, NoSignal)
    failed = {gate.name: gate for gate in turned_down.gates if not gate.passed}
    assert name in failed
    gate = failed[name]
    assert gate.title
    assert says in gate.sentence
    if value is not None:
        assert gate.value == pytest.approx(value, abs=0.6 if name == "tick_size" else 1e-6)
    if limit is not None:
        assert gate.limit == limit


def test_a_plan_that_pays_too_little_for_its_risk_is_turned_down() -> None:
    plain = make_plan(setup(swing_low=40_000.0), 0.1)
    reference, risk = float(plain.reference), float(plain.reference - plain.stop)
    walls = tuple(heap(reference + (r - 0.2) * risk + 60, 1) for r in (1, 2, 3))
    built = build(setup(swing_low=40_000.0, clusters=walls))
    assert isinstance(built, NoSignal)
    assert built.gate == "reward_risk"
    assert built.plan.reward_risk < 1.8


def test_a_signal_names_every_gate_it_passed() -> None:
    built = build(setup())
    assert isinstance(built, SignalDraft)
    names = [gate.name for gate in built.gates]
    assert names == [
        "fresh_data", "known_factors", "familiar", "edge", "reward_risk", "spread", "liquidity",
        "liquidation_safety", "tick_size", "single", "pause", "best_of_moment",
    ]  # fmt: skip
    assert all(gate.passed and gate.sentence.endswith(".") for gate in built.gates)


def test_an_input_this_market_has_never_had_is_not_stale() -> None:
    built = build(setup(ages={"candle": 1.0, "mark": None, "book": None, "open_interest": None}))
    assert isinstance(built, SignalDraft)
    assert "the oldest is 1 s" in built.gates[0].sentence


def test_strength_is_what_the_lower_end_of_the_chance_is_worth_after_costs() -> None:
    held = setup(win_r=1.1, loss_r=-0.9, p_low=0.6, p_high=0.7, spread_bps=None)
    money = payoff(held, 0.015)
    cost = 2 * COST / 0.015
    assert money.cost_r == pytest.approx(cost)
    assert money.strength == pytest.approx(0.6 * (1.1 - cost) + 0.4 * (-0.9 - cost))
    assert money.strength_high == pytest.approx(0.7 * (1.1 - cost) + 0.3 * (-0.9 - cost))
    even = money.break_even
    assert even * money.win_r + (1 - even) * money.loss_r == pytest.approx(0.0)
    wide = payoff(replace(held, spread_bps=8.0), 0.015)
    assert wide.cost_r == pytest.approx(2 * (FEE + 0.0004) / 0.015)


def test_nothing_is_issued_whose_lower_end_does_not_clear_break_even() -> None:
    for held in many(200):
        built = build(held)
        if isinstance(built, SignalDraft):
            assert held.p_low >= built.money.break_even + EDGE_MARGIN
            assert built.money.strength > 0


def test_the_same_setup_gives_the_same_bytes_also_after_a_round_trip() -> None:
    for held in many(60):
        text = canonical_json(held.to_dict())
        back = Setup.from_dict(json.loads(text))
        assert back == held
        first, second = build(held), build(back)
        assert type(first) is type(second)
        for name in ("plan", "money", "gates"):
            assert repr(getattr(first, name)) == repr(getattr(second, name))


def test_a_setup_of_another_version_is_refused() -> None:
    held = {**setup().to_dict(), "version": 99}
    with pytest.raises(ValueError, match="version 99"):
        Setup.from_dict(held)


def test_ids_tell_signals_apart_and_repeats_together() -> None:
    first = build(setup())
    assert isinstance(first, SignalDraft)
    ids = {first.id}
    for changes in (
        {"at_ms": setup().at_ms + 1}, {"side": "short"}, {"timeframe": "4h"},
        {"origin": "replay"}, {"symbol": "ETHUSDT"}, {"model_version": "test-2"},
    ):  # fmt: skip
        built = build(setup(**changes))
        assert isinstance(built, SignalDraft)
        ids.add(built.id)
    assert len(ids) == 7
    again = build(setup(trigger="interim"))
    assert isinstance(again, SignalDraft)
    assert again.id == first.id


def test_targets_carry_chances_that_fall() -> None:
    built = build(setup())
    assert isinstance(built, SignalDraft)
    rows = built.targets()
    assert [row["share"] for row in rows] == [0.4, 0.3, 0.3]
    assert [row["p"] for row in rows] == [0.66, round(0.66 * 0.55, 4), round(0.66 * 0.55 * 0.5, 4)]
    assert all(isinstance(row["price"], str) for row in rows)


@pytest.mark.parametrize("seed", range(20))
def test_points_sum_exactly_from_the_base_rate_to_the_confidence(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = rng.normal(0, 0.2, 20)
    order = np.argsort(-np.abs(parts))
    reasons = tuple(
        replace(setup().reasons[0], name=f"f{k}", log_odds=float(parts[k])) for k in order
    )
    base_logit = float(rng.normal(0, 0.3))
    held = setup(reasons=reasons, base_logit=base_logit, logit=base_logit + float(parts.sum()))
    base, confidence = float(rng.uniform(0.4, 0.5)), float(rng.uniform(0.5, 0.7))
    shown, rest = points(base, confidence, held)
    assert len(shown) == SHOWN_REASONS
    assert len(other(held)) == 20 - SHOWN_REASONS
    total = sum(Decimal(str(point)) for point in (*shown, rest))
    assert total == Decimal(str(round((confidence - base) * 100, 2)))


def test_points_lean_the_way_of_their_log_odds() -> None:
    held = setup(logit=sum(r.log_odds for r in setup().reasons))
    shown, _ = points(0.5, 0.6, held)
    for reason, point in zip(held.reasons, shown, strict=False):
        assert (point > 0) == (reason.log_odds > 0)
    assert shown[0] == max(shown)


def test_the_invalidation_names_the_stop() -> None:
    assert "59100.0 or below" in invalidation(setup(), Decimal("59100.0"))
    assert "above" in invalidation(setup(side="short"), Decimal("61000"))


def test_every_gate_is_asked_even_after_one_has_said_no() -> None:
    held = setup(novelty=0.0, spread_bps=20.0)
    plan = make_plan(held, 0.1)
    assert [g.name for g in gates(held, plan, payoff(held, 0.015)) if not g.passed] == [
        "familiar",
        "edge",  # a wide spread makes break-even dearer
        "spread",
    ]


def test_points_never_say_more_than_the_log_odds_they_stand_for() -> None:
    """Parts that cancel each other out leave a small whole; each of them stays as small as it is."""
    reasons = (
        replace(setup().reasons[0], log_odds=0.42),
        replace(setup().reasons[0], log_odds=-0.41),
    )
    held = setup(reasons=reasons, logit=0.01, slope=0.5)
    shown, _ = points(0.46, 0.58, held)
    # A log-odds is worth 25 points at the most, where the chance is even.
    assert all(
        abs(point) <= 25 * 0.5 * abs(reason.log_odds) + 0.01
        for point, reason in zip(shown, reasons, strict=True)
    )
