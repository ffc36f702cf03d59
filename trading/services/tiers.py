"""The exchange's filters and tiers, put where pages find them: read once by the executor, for all."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.core.cache import cache

from cryptosystems.kernel.decimals import plain
from trading.contracts import Venue
from trading.domain.venue import TradingRules
from trading.selectors.tiers import key_of

KEPT_S: Final = 7 * 24 * 3600
"""What was read a week ago says so, and is still nearer to the truth than an example."""


def keep(
    venue: Venue, rules: Mapping[str, TradingRules], read_at: datetime, *, has_real_brackets: bool
) -> int:
    """Keep every symbol's filters and tiers, with the time they were read; return how many."""
    rows = {
        key_of(venue, rule.symbol): _row(rule, read_at, has_real_brackets)
        for rule in rules.values()
    }
    cache.set_many(rows, KEPT_S)
    return len(rows)


def _row(rule: TradingRules, read_at: datetime, is_real: bool) -> dict[str, Any]:
    return {
        "base": rule.base_asset,
        "tick": plain(rule.tick),
        "step": plain(rule.step),
        "min_notional": plain(rule.min_notional),
        "read_at": read_at.isoformat(),
        "tiers": [
            [
                plain(tier.floor),
                plain(tier.cap),
                tier.max_leverage,
                plain(tier.maintenance_rate),
                plain(tier.maintenance_amount),
            ]
            for tier in rule.brackets
        ]
        if is_real
        else None,
    }
