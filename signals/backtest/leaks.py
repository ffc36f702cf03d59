"""Does anything know the future? Another future must change nothing that was said before it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from signals.features.catalogue import CATALOGUE
from signals.features.history import FeatureHistory
from signals.market.history import History

MOST_AUC: Final = 0.58
MOST_SKILL: Final = 0.02
"""On real candles at this plan, more than this is a leak or hindsight until shown otherwise."""


def leaking_factors(
    history: History, features_of: Callable[[History], FeatureHistory], cut: int
) -> list[str]:
    """Return the factors whose values before candle `cut` change when the candles after it do."""
    candles = history.candles.copy()
    candles[cut:] = candles[cut:][::-1] * 1.01
    other = replace(history, candles=candles)
    first, second = (features_of(held).X[:cut] for held in (history, other))
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    return [CATALOGUE.names[k] for k in np.nonzero(~same.all(axis=(0, 1)))[0]]


def too_good(auc: float | None, skill: float | None) -> bool:
    """Say whether figures are better than honest ones have ever been here."""
    return (auc or 0.0) > MOST_AUC or (skill or 0.0) > MOST_SKILL
