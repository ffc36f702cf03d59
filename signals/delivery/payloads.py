"""Signals as JSON, version 1: one shape for pages, API and sockets."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from cryptosystems.kernel.decimals import plain
from signals.models import Signal, SignalState


def iso(at: datetime | None) -> str | None:
    """Return a time as ISO 8601 with `Z`, milliseconds."""
    if at is None:
        return None
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def price_text(value: Decimal | float, decimals: int) -> str:
    """Return a price at its tick's decimals."""
    return f"{value:.{decimals}f}"


def signal_payload(signal: Signal, record: dict[str, Any] | None) -> dict[str, Any]:
    """Return the Signal object; `record` says how signals of this confidence have done."""
    details = signal.details
    decimals = details["decimals"]
    state: SignalState = signal.current
    settlement = getattr(signal, "settlement", None)
    return {
        "id": str(signal.id),
        "number": signal.number,
        "symbol": signal.symbol,
        "base": details["base"],
        "decimals": decimals,
        "timeframe": signal.timeframe,
        "side": signal.side,
        "origin": signal.origin,
        "trigger": signal.trigger,
        "issued_at": iso(signal.issued_at),
        "entry": {
            "low": price_text(signal.entry_low, decimals),
            "high": price_text(signal.entry_high, decimals),
            "valid_until": iso(signal.valid_until),
        },
        "stop": price_text(signal.stop, decimals),
        "targets": [
            {**target, "price": price_text(Decimal(target["price"]), decimals)}
            for target in signal.targets
        ],
        "reward_risk": round(signal.reward_risk, 3),
        "expires_at": iso(signal.expires_at),
        "confidence": round(signal.confidence, 4),
        "interval": [round(signal.p_low, 4), round(signal.p_high, 4)],
        "break_even": round(signal.break_even, 4),
        "base_rate": round(signal.base_rate, 4),
        "record": record,
        "strength": round(signal.strength, 3),
        "strength_interval": [round(signal.strength_low, 3), round(signal.strength_high, 3)],
        "reasons": signal.reasons,
        "other": signal.other,
        "invalidation": signal.invalidation,
        "model": signal.model_version,
        "hash": signal.hash,
        "previous_hash": signal.previous_hash,
        "state": state.state,
        "result_r": None if settlement is None else _round(settlement.net_r),
        "gross_r": None if settlement is None else _round(settlement.gross_r),
        "fill_price": None if state.fill_price is None else price_text(state.fill_price, decimals),
        "filled_at": iso(state.filled_at),
        "settled_at": None if settlement is None else iso(settlement.closed_at),
        "evidence": None if settlement is None else settlement.evidence,
        "atr": details["atr"],
        "max_leverage": details["max_leverage"],
        "tick": details["tick"],
        "step": details["step"],
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def exact(value: Decimal) -> str:
    """Return a number without trailing zeros: a row pads them, a draft does not."""
    return plain(value.normalize())


def chain_payload(signal: Signal) -> dict[str, Any]:
    """Return what the chain binds of a signal: everything that was promised, nothing that moves."""
    return {
        "id": str(signal.id),
        "number": signal.number,
        "origin": signal.origin,
        "symbol": signal.symbol,
        "timeframe": signal.timeframe,
        "side": signal.side,
        "trigger": signal.trigger,
        "issued_at": iso(signal.issued_at),
        "entry": [exact(signal.entry_low), exact(signal.entry_high)],
        "valid_until": iso(signal.valid_until),
        "stop": exact(signal.stop),
        "targets": signal.targets,
        "expires_at": iso(signal.expires_at),
        "confidence": signal.confidence,
        "interval": [signal.p_low, signal.p_high],
        "strength": signal.strength,
        "model": signal.model_version,
    }
