"""What came first: each story is a few candles and what the ladder makes of them."""

import numpy as np
import pytest

from signals import barriers
from signals.barriers import BY_STOP, BY_TARGETS, BY_TIME, COST, FEE, OPEN, SLIPPAGE

# A long entered at 100 with the stop at 90: one R is 10, targets 110, 120, 130.
# The break-even stop after the first target lies at 100 x (1 + 2 x COST) = 100.12.
BREAK_EVEN = 100 * (1 + 2 * COST)

Candle = tuple[float, float, float, float]


def walk(candles: list[Candle], sign: int = 1, **last: bool) -> barriers.LadderState:
    """Walk one setup through candles given for a long; a short sees them mirrored at 100."""
    state = barriers.enter(
        np.array([float(sign)]),
        np.array([100.0]),
        np.array([10.0]),
        np.array([100.0 - sign * 10]),
        np.array([[100.0 + sign * 10 * r] for r in barriers.TARGETS_R]),
    )
    for place, (open_, high, low, close) in enumerate(candles):
        if sign < 0:
            open_, high, low, close = 200 - open_, 200 - low, 200 - high, 200 - close
        barriers.advance(
            state,
            *(np.array([value]) for value in (open_, high, low, close)),
            at_ms=place + 1,
            last=bool(last.get("last")) and place == len(candles) - 1,
        )
    return state


STORIES: list[tuple[str, list[Candle], int, int, float, float]] = [
    # what, candles (open, high, low, close), how it ended, targets hit, gross R, stop afterwards
    ("the stop comes first", [(100, 105, 89, 95)], BY_STOP, 0, -1.0, 90),
    ("all targets, one after another",
     [(100, 111, 99, 110), (110, 121, 109, 120), (120, 131, 119, 130)], BY_TARGETS, 3, 1.9, 110),
    ("all targets in one candle", [(100, 131, 99, 130)], BY_TARGETS, 3, 1.9, 110),
    ("target and stop in one candle: the stop counts", [(100, 111, 89, 105)], BY_STOP, 0, -1.0, 90),
    ("a gap through the stop is filled where the candle opens",
     [(100, 101, 99, 100), (85, 88, 84, 87)], BY_STOP, 0, -1.5, 90),
    ("a gap over a target is paid the target, not more",
     [(100, 101, 99, 100), (114, 115, 113, 114)], OPEN, 1, 0.4, BREAK_EVEN),
    ("after the first target the stop stands at the entry plus costs",
     [(100, 111, 99, 110), (110, 112, 100, 101)], BY_STOP, 1, 0.4 + 0.6 * 0.012, BREAK_EVEN),
    ("after the second it stands at one R",
     [(100, 111, 99, 110), (110, 121, 111, 118), (118, 119, 109, 112)],
     BY_STOP, 2, 0.4 + 0.6 + 0.3, 110),
    ("the stop touched exactly counts", [(100, 101, 90, 95)], BY_STOP, 0, -1.0, 90),
    ("the target touched exactly counts", [(100, 110, 99, 105)], OPEN, 1, 0.4, BREAK_EVEN),
    ("nothing is reached", [(100, 109.9, 90.1, 100)], OPEN, 0, 0.0, 90),
]  # fmt: skip


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize(
    ("candles", "ended", "n_hit", "gross", "stop"),
    [story[1:] for story in STORIES],
    ids=[story[0] for story in STORIES],
)
def test_stories(
    candles: list[Candle], ended: int, n_hit: int, gross: float, stop: float, sign: int
) -> None:
    state = walk(candles, sign)
    assert state.ended[0] == ended
    assert state.n_hit[0] == n_hit
    assert state.gross[0] == pytest.approx(gross)
    mirrored = stop if sign > 0 else 200 - stop
    assert state.stop[0] == pytest.approx(mirrored)


@pytest.mark.parametrize(
    ("candles", "gross"),
    [
        ([(100, 101, 99, 100), (100, 106, 99, 105)], 0.5),
        ([(100, 111, 101, 108), (108, 109, 104, 105)], 0.4 + 0.6 * 0.5),
    ],
)
def test_at_the_time_limit_the_rest_is_closed_at_the_close(candles: list, gross: float) -> None:
    state = walk(candles, last=True)
    assert state.ended[0] == BY_TIME
    assert state.closed_ms[0] == 2
    assert state.gross[0] == pytest.approx(gross)


def test_costs_are_charged_on_what_was_traded() -> None:
    state = walk([(100, 111, 99, 110), (110, 121, 109, 120), (120, 131, 119, 130)])
    turnover = 1 + 0.4 * 1.1 + 0.3 * 1.2 + 0.3 * 1.3
    assert state.turnover[0] == pytest.approx(turnover)
    # Ten of a hundred is one R: a cost of one per cent of notional is 0.1 R.
    assert state.net()[0] == pytest.approx(1.9 - turnover * (FEE + SLIPPAGE) * 10)
    assert state.net(0.001)[0] == pytest.approx(1.9 - turnover * (FEE + 0.001) * 10)


def test_funding_is_charged_to_what_is_still_open_and_paid_to_shorts() -> None:
    for sign in (1, -1):
        state = walk([(100, 111, 99, 110)], sign)  # 60 % of it is still open
        barriers.charge_funding(state, np.array([0.001]))
        barriers.charge_funding(state, np.array([np.nan]))
        assert state.funding[0] == pytest.approx(sign * 0.001 * 0.6)
    ended = walk([(100, 101, 89, 95)])
    barriers.charge_funding(ended, np.array([0.001]))
    assert ended.funding[0] == 0.0


def test_a_missing_candle_changes_nothing() -> None:
    state = walk([(float("nan"),) * 4], last=True)
    assert state.ended[0] == OPEN


def test_in_the_candle_of_an_entry_away_from_its_open_only_the_stop_counts() -> None:
    for low, ended in ((95.0, OPEN), (89.0, BY_STOP)):
        state = walk([])
        barriers.advance(
            state,
            *(np.array([value]) for value in (112.0, 113.0, low, 100.0)),
            at_ms=1,
            stop_only=np.array([True]),
        )
        assert state.n_hit[0] == 0, "the high was before the entry, or may have been"
        assert state.ended[0] == ended


@pytest.mark.parametrize(
    ("candle", "fill"),
    [
        ((100.5, 103, 99, 101), 100.5),  # opens inside: at the open
        ((103, 104, 100.9, 102), 101.0),  # comes from above: at the upper edge
        ((98, 100.2, 97, 99), 100.0),  # comes from below: at the lower edge
        ((103, 104, 101.1, 102), np.nan),  # stays above
        ((98, 99.9, 97, 99), np.nan),  # stays below
    ],
)
def test_the_zone_is_filled_where_the_price_came_through(candle: Candle, fill: float) -> None:
    open_, high, low, _ = (np.array([value]) for value in candle)
    zone = np.array([100.0]), np.array([101.0])
    np.testing.assert_array_equal(barriers.touch(*zone, open_, high, low), [fill])


@pytest.mark.parametrize(
    ("n_hit", "high", "low", "ambiguous"),
    [
        (0, 109, 91, False),
        (0, 111, 89, True),  # first target and stop
        (0, 111, 100.1, True),  # first target, then back to the entry plus costs
        (0, 111, 100.2, False),
        (0, 121, 105, True),  # second target, then back to one R
        (0, 121, 110.1, False),
        (1, 119, 90, False),  # no target within reach: the stop alone
        (1, 121, 109, True),
        (2, 131, 110, True),
        (2, 131, 111, False),
    ],
)
def test_a_candle_is_ambiguous_if_it_holds_a_target_and_the_stop_that_stands_then(
    n_hit: int, high: float, low: float, ambiguous: bool
) -> None:
    state = walk([])
    state.n_hit[:] = n_hit
    state.stop[:] = (90, BREAK_EVEN, 110)[n_hit]
    assert barriers.is_ambiguous(state, np.array([float(high)]), np.array([float(low)]))[0] == (
        ambiguous
    )


def test_setups_do_not_disturb_each_other() -> None:
    rng = np.random.default_rng(3)
    m = 64
    signs = np.where(rng.random(m) < 0.5, 1.0, -1.0)
    entry, risk = rng.uniform(90, 110, m), rng.uniform(0.5, 3, m)
    targets = np.stack([entry + signs * r * risk for r in barriers.TARGETS_R])
    path = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (200, m)), axis=0))

    def run(picked: np.ndarray) -> barriers.LadderState:
        state = barriers.enter(
            signs[picked], entry[picked], risk[picked],
            (entry - signs * risk)[picked], targets[:, picked],
        )  # fmt: skip
        for k in range(1, 200):
            open_, close = path[k - 1, picked], path[k, picked]
            high, low = np.maximum(open_, close) * 1.002, np.minimum(open_, close) * 0.998
            barriers.advance(state, open_, high, low, close, k, last=k == 199)
        return state

    whole = run(np.arange(m))
    assert not whole.is_open.any()
    for place in range(m):
        alone = run(np.array([place]))
        assert alone.net()[0] == whole.net()[place]
        assert alone.closed_ms[0] == whole.closed_ms[place]
