"""Beta, lag and knock-on, on markets whose answer is known because we made them."""

import numpy as np
import pytest

from signals.analysis.company import answer_to, follow, follow_through, shocks


def made(steps: int = 900) -> np.ndarray:
    """Return minutes of a leader, one that follows at once by half, one two minutes later by 1.5."""
    random = np.random.default_rng(3)
    leader = random.normal(0, 0.001, steps)
    leader[500:505] = 0.006
    noise = random.normal(0, 0.0002, (steps, 2))
    late = np.concatenate([np.zeros(2), leader[:-2]])
    return np.stack([leader, 0.5 * leader + noise[:, 0], 1.5 * late + noise[:, 1]], axis=1)


def test_beta_and_lag_are_what_the_market_was_made_of() -> None:
    found = follow(made())
    assert found.beta[1] == pytest.approx(0.5, abs=0.05)
    assert found.lag_minutes.tolist() == [0, 0, 2]
    assert found.correlation[0] == pytest.approx(1.0)


def test_what_is_known_too_briefly_is_not_judged() -> None:
    returns = made()
    returns[: 900 - 200, 1] = np.nan
    found = follow(returns)
    assert np.isnan(found.beta[1]) and np.isnan(found.lag_minutes[1])
    assert np.isfinite(found.beta[2])


def test_a_jump_of_the_leader_is_seen_once_and_who_has_not_answered() -> None:
    returns = made()
    at = shocks(returns)
    near = at[(at > 490) & (at < 520)]
    assert near.size == 1
    shock = answer_to(returns[: int(near[0]) + 1], np.array([1.0, 0.5, 1.5]), int(near[0]))
    assert shock.move > 0.005
    # At the moment of the jump the late one has moved less than it is expected to.
    assert shock.answered[2] < shock.expected[2]
    n, followed = follow_through(returns, near)
    assert n.tolist() == [1, 1, 1]
    assert followed[2] == 1, "it goes on rising after the jump"
