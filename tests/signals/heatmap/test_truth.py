"""The estimate against a market whose positions are known: the synthetic exchange's own."""

import numpy as np
import pytest

from signals.heatmap.grid import BIN, Heatmap
from tests.signals.cases import DAY_MS, START_MS
from trading.simulator.effects import Effects
from trading.simulator.tape import T_BUY, T_CLOSE, T_HIGH, T_LOW, T_VOLUME
from trading.simulator.world import SyntheticWorld

DAYS, N = 5, 4
CELLS = np.arange(-0.10, 0.1001, 0.002)
"""Edges of cells of 0.2 % of log price, within ten per cent of the price."""


@pytest.fixture(scope="module")
def world() -> SyntheticWorld:
    return SyntheticWorld(
        n=N, seed=3, effects=Effects.demo(), start_ms=START_MS, now_ms=START_MS + DAYS * DAY_MS
    )


def driven(world: SyntheticWorld) -> tuple[Heatmap, np.ndarray]:
    """Drive a map over five-minute steps of the public tape; return it and the last closes."""
    heatmap, columns = Heatmap(world.rules), []
    for row, scale in enumerate(world.scales):
        tape = np.asarray(world.tape.rows(row), dtype=float)[: DAYS * 1_440]
        parts = tape.reshape(-1, 5, tape.shape[1])
        interest = world.interest_history(row, START_MS, START_MS + DAYS * DAY_MS, 300_000)
        volume = parts[:, :, T_VOLUME].sum(axis=1)
        columns.append(
            np.stack(
                [
                    parts[:, :, T_HIGH].max(axis=1) * scale.tick,
                    parts[:, :, T_LOW].min(axis=1) * scale.tick,
                    parts[:, -1, T_CLOSE] * scale.tick,
                    np.array([quantity for _, quantity, _ in interest]),
                    volume * scale.step,
                    parts[:, :, T_BUY].sum(axis=1) / volume,
                ]
            )
        )
    steps = np.stack(columns)
    for k in range(steps.shape[2]):
        heatmap.update(np.ones(N, dtype=bool), START_MS + k * 300_000, *steps[:, :, k].T)
    return heatmap, steps[:, 2, -1]


def test_it_ranks_the_true_levels_better_than_chance_and_has_their_size(
    world: SyntheticWorld,
) -> None:
    heatmap, close = driven(world)
    agreement, sizes = [], []
    for row in range(N):
        truth = world.truth(row)
        true_log = np.log(np.array(truth["price"]) / close[row])
        bins, mass = heatmap.around(row)
        our_log = (bins + 0.5) * BIN - np.log(close[row])
        for side, name in enumerate(("long", "short")):
            half = slice(0, 50) if side == 0 else slice(50, 100)
            true = np.histogram(true_log, CELLS, weights=np.array(truth[name]))[0][half]
            ours = np.histogram(our_log, CELLS, weights=mass[side])[0][half]
            agreement.append(np.corrcoef(true, ours)[0, 1])
            sizes.append(ours.sum() / true.sum())
    assert np.mean(agreement) > 0.5
    assert 0.6 < np.mean(sizes) < 1.6
