"""What the builder sees: everything a signal depends on, as plain data that can be stored.

A setup written to JSON and read back builds the very same signal: that is how a signal can
be recomputed from what was stored with it.
"""

from dataclasses import asdict, dataclass
from typing import Any

from cryptosystems.kernel.instruments import Bracket

VERSION = 2


@dataclass(frozen=True, slots=True)
class Reason:
    """One factor's part in the score."""

    name: str
    group: str
    title: str
    sentence: str
    reading: float | None
    unit: str
    percentile: float | None
    log_odds: float
    price: float | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """A heap of estimated liquidations near the price."""

    price: float
    notional: float
    side: int


@dataclass(frozen=True, slots=True)
class Setup:
    """One symbol, timeframe and side at one moment."""

    origin: str
    symbol: str
    base: str
    timeframe: str
    side: str
    trigger: str
    at_ms: int
    price: float
    atr: float
    sigma_1m: float
    tick: str
    step: str
    swing_low: float
    swing_high: float
    clusters: tuple[Level, ...]
    brackets: tuple[Bracket, ...]
    p_win: float
    p_low: float
    p_high: float
    p_tp2: float
    p_tp3: float
    logit: float
    base_logit: float
    slope: float
    """How much a log-odds of the score counts for in the stated chance (the calibration's slope)."""
    base_rate: float
    win_r: float
    loss_r: float
    known_share: float
    novelty: float
    spread_bps: float | None
    volume_24h: float
    ages: dict[str, float | None]
    """Seconds since each kind of input came; None where the market has no such input."""
    has_open_signal: bool
    minutes_since_last: float | None
    """Since this symbol's last signal on this timeframe was issued."""
    rank: int
    """Place by strength among the setups of this moment, 0 first."""
    model_version: str
    reasons: tuple[Reason, ...]
    version: int = VERSION

    def to_dict(self) -> dict[str, Any]:
        """Return the setup as JSON-able data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, held: dict[str, Any]) -> "Setup":
        """Read a stored setup back.

        Raises
        ------
        ValueError
            If it was stored by another version of this record.
        """
        if held.get("version") != VERSION:
            raise ValueError(
                f"the setup has version {held.get('version')}, this code reads {VERSION}"
            )
        values = dict(held)
        values["clusters"] = tuple(Level(**row) for row in held["clusters"])
        values["brackets"] = tuple(Bracket(**row) for row in held["brackets"])
        values["reasons"] = tuple(Reason(**row) for row in held["reasons"])
        return cls(**values)
