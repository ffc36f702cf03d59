"""The ordered list of factors, and the hash that ties a model to it."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.identifiers import canonical_json, sha256_hex
from signals.features import (
    derivatives,
    market_wide,
    order_book,
    reversion,
    trend,
    volatility,
    volume,
)
from signals.features.base import GROUPS, Factor

VERSION = 1
"""Rises when a factor's arithmetic changes while its declaration stays the same."""


@dataclass(frozen=True)
class Catalogue:
    """All factors in the order of the columns of a feature matrix."""

    factors: tuple[Factor, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(factor.name for factor in self.factors)

    @property
    def groups(self) -> tuple[str, ...]:
        """The group of each factor."""
        return tuple(factor.group for factor in self.factors)

    @property
    def group_index(self) -> NDArray[np.int64]:
        """The place in `GROUPS` of each factor's group, shape (factors,)."""
        return np.array([GROUPS.index(factor.group) for factor in self.factors])

    @property
    def size(self) -> int:
        return len(self.factors)

    @property
    def hash(self) -> str:
        """SHA-256 over everything that changes what a column means."""
        rows = [
            [f.name, f.group, f.unit, f.sign, f.warm_up, f.centre, f.scale] for f in self.factors
        ]
        return sha256_hex(canonical_json([VERSION, rows]))

    def __getitem__(self, name: str) -> Factor:
        return self.factors[self.names.index(name)]


CATALOGUE = Catalogue(
    trend.FACTORS
    + reversion.FACTORS
    + volatility.FACTORS
    + volume.FACTORS
    + order_book.FACTORS
    + derivatives.FACTORS
    + market_wide.FACTORS
)


def _template(factor: Factor) -> str:
    """Return what a factor says of a high reading, its numbers left open."""
    return re.sub("{[^}]*}", "…", factor.above.replace("{tf}", "the timeframe"))


def reference_page() -> str:
    """Return `docs/reference/factors.md`."""
    lines = [
        "# Factors",
        "",
        "Made from the catalogue by `manage.py factors --write`; a test holds it true.",
        "",
        f"{CATALOGUE.size} factors in {len(GROUPS)} groups. A reading becomes a column of the "
        "feature matrix as a robust z against its own running centre and spread, clipped at ±5, "
        "or, where it is bounded by construction, as (reading − centre) / scale. A column is "
        "signed so that plus favours a long before anything is learned; the model may turn it. "
        "Not known is NaN, never zero.",
        "",
    ]
    for group in GROUPS:
        members = [factor for factor in CATALOGUE.factors if factor.group == group]
        lines += [
            f"## {group.replace('_', ' ').capitalize()}",
            "",
            "| factor | what | unit | sign | warm-up, candles | source | says |",
            "|---|---|---|---|---|---|---|",
        ]
        sign = {1: "+", -1: "−", 0: "none"}
        lines += [
            f"| `{f.name}` | {f.title} | {f.unit or '–'} | {sign[f.sign]} | {f.warm_up} | {f.source} "
            f"| {_template(f)} |"
            for f in members
        ]
        lines.append("")
    return "\n".join(lines)
