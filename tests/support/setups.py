"""A setup that passes every gate, and what is made of it; tests change what they tell about."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from cryptosystems.kernel.instruments import Bracket
from signals.builder.build import NoSignal, SignalDraft, build
from signals.builder.setup import Reason, Setup
from signals.settlement.rules import Change

AT_MS = 1_764_028_800_000
"""2025-11-25 00:00 UTC."""
HOUR_MS = 3_600_000

REASONS = (
    Reason(
        "taker_imb",
        "volume",
        "Taker imbalance",
        "Takers bought 4.0 % more than they sold.",
        4.0,
        "%",
        0.9,
        0.30,
    ),
    Reason("rsi_14", "reversion", "RSI(14)", "RSI(14) is 61.", 61.0, "", 0.7, 0.15),
    Reason("spread", "order_book", "Spread", "The spread is 1.0 bp.", 1.0, "bp", 0.5, -0.05),
)


def make_setup(**changes: Any) -> Setup:
    """Return a strong long of BTCUSDT on 1h at 60,000 with an ATR of 600."""
    values: dict[str, Any] = {
        "origin": "simulated",
        "symbol": "BTCUSDT",
        "base": "BTC",
        "timeframe": "1h",
        "side": "long",
        "trigger": "close",
        "at_ms": AT_MS,
        "price": 60_000.0,
        "atr": 600.0,
        "sigma_1m": 0.0005,
        "tick": "0.1",
        "step": "0.001",
        "swing_low": 59_300.0,
        "swing_high": 60_700.0,
        "clusters": (),
        "brackets": (Bracket(0.0, 300_000.0, 125, 0.004, 0.0),),
        "p_win": 0.62,
        "p_low": 0.60,
        "p_high": 0.66,
        "p_tp2": 0.6,
        "p_tp3": 0.6,
        "logit": 0.4,
        "base_logit": 0.0,
        "slope": 1.0,
        "base_rate": 0.5,
        "win_r": 1.0,
        "loss_r": -1.0,
        "known_share": 1.0,
        "novelty": 0.5,
        "spread_bps": 1.0,
        "volume_24h": 5e9,
        "ages": {"candle": 0.4, "mark": 0.9, "book": 0.3, "open_interest": 12.0},
        "has_open_signal": False,
        "minutes_since_last": None,
        "rank": 0,
        "model_version": "model-1",
        "reasons": REASONS,
    }
    return Setup(**{**values, **changes})


def make_draft(**changes: Any) -> SignalDraft:
    """Return the signal of a setup that passes every gate."""
    built = build(make_setup(**changes))
    assert isinstance(built, SignalDraft), built.gate
    return built


def make_rejected(**changes: Any) -> NoSignal:
    """Return a setup that the edge gate turns down."""
    built = build(make_setup(**{"p_low": 0.40, "p_win": 0.45, **changes}))
    assert isinstance(built, NoSignal)
    return built


def filled(signal_id: UUID, **changes: Any) -> Change:
    """Return the change that a fill at the middle of the zone makes an hour later."""
    change = Change(
        id=signal_id,
        state="filled",
        at_ms=AT_MS + HOUR_MS,
        fill_price=59_950.0,
        filled_ms=AT_MS + HOUR_MS - 60_000,
        n_hit=0,
        result="",
        net_r=None,
        gross_r=None,
        evidence={"candle": [60_000.0, 60_010.0, 59_940.0, 59_990.0]},
        running={"entry": 59_950.0, "done_ms": AT_MS + HOUR_MS - 60_000},
    )
    return replace(change, **changes)


def won(signal_id: UUID, net_r: float = 1.8, **changes: Any) -> Change:
    """Return the change that settles a signal five hours later."""
    return filled(
        signal_id,
        **{
            "state": "won" if net_r > 0 else "lost",
            "result": "won" if net_r > 0 else "lost",
            "at_ms": AT_MS + 5 * HOUR_MS,
            "n_hit": 3 if net_r > 0 else 0,
            "net_r": net_r,
            "gross_r": net_r + 0.07,
            **changes,
        },
    )
