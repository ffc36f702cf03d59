"""A setup that every gate lets through, and ways to change it."""

from dataclasses import replace
from typing import Any

from signals.builder.setup import Level, Reason, Setup
from tests.signals.cases import BRACKETS, START_MS

REASONS = tuple(
    Reason(name, group, name, f"{name} says so.", 1.0, "σ", 0.9, log_odds)
    for name, group, log_odds in [
        ("mom_16", "trend", 0.30), ("rsi_14", "reversion", -0.12), ("vol_z", "volume", 0.08),
        ("fund_z", "funding", 0.05), ("atr_pct", "volatility", -0.04), ("adx", "trend", 0.03),
        ("don_24", "trend", 0.02), ("hour_sin", "time", -0.01),
    ]
)  # fmt: skip


def setup(**changes: Any) -> Setup:
    """Return a long BTC setup on 1h with a chance of 66 %, changed as told."""
    made = Setup(
        origin="simulated",
        symbol="BTCUSDT",
        base="BTC",
        timeframe="1h",
        side="long",
        trigger="close",
        at_ms=START_MS,
        price=60_000.0,
        atr=600.0,
        sigma_1m=0.0006,
        tick="0.1",
        step="0.001",
        swing_low=59_000.0,
        swing_high=61_000.0,
        clusters=(),
        brackets=BRACKETS,
        p_win=0.66,
        p_low=0.62,
        p_high=0.70,
        p_tp2=0.55,
        p_tp3=0.5,
        logit=0.31,
        base_logit=0.0,
        slope=1.0,
        base_rate=0.5,
        win_r=1.0,
        loss_r=-1.0,
        known_share=0.95,
        novelty=0.5,
        spread_bps=1.0,
        volume_24h=1e9,
        ages={"candle": 1.0, "mark": 2.0, "book": 0.5, "open_interest": 300.0},
        has_open_signal=False,
        minutes_since_last=None,
        rank=0,
        model_version="test-1",
        reasons=REASONS,
    )
    return replace(made, **changes)


def heap(price: float, side: int, notional: float = 1e6) -> Level:
    """Return a heap of estimated liquidations; side 0 of longs, 1 of shorts."""
    return Level(price, notional, side)
