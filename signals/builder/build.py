"""From a setup to a signal, or to a named reason why not."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from math import exp, log
from typing import Any
from uuid import UUID

from cryptosystems.kernel.decimals import plain
from cryptosystems.kernel.identifiers import deterministic_id
from signals.barriers import SHARES, STOP_ATR
from signals.builder.levels import Plan, make_plan
from signals.builder.rules import Gate, Payoff, gates, limit_ms, payoff
from signals.builder.setup import Reason, Setup

SHOWN_REASONS = 6


@dataclass(frozen=True, slots=True)
class SignalDraft:
    """A signal ready to be published; `setup` is what it was built from."""

    id: UUID
    setup: Setup
    plan: Plan
    money: Payoff
    valid_until_ms: int
    expires_ms: int
    gates: tuple[Gate, ...]

    def targets(self) -> list[dict[str, Any]]:
        """Return targets as they are stored: price text, share, R, chance of being reached."""
        s = self.setup
        chances = (s.p_win, s.p_win * s.p_tp2, s.p_win * s.p_tp2 * s.p_tp3)
        return [
            {"price": plain(price), "share": share, "r": round(r, 3), "p": round(p, 4)}
            for price, share, r, p in zip(
                self.plan.targets, SHARES, self.plan.r, chances, strict=True
            )
        ]


@dataclass(frozen=True, slots=True)
class NoSignal:
    """A setup that some gate turned down."""

    setup: Setup
    plan: Plan
    money: Payoff
    gates: tuple[Gate, ...]

    @property
    def gate(self) -> str:
        """Name of the first gate that said no."""
        return next(gate.name for gate in self.gates if not gate.passed)


def build(setup: Setup) -> SignalDraft | NoSignal:
    """Build the signal of a setup; the same setup gives the same signal, byte for byte."""
    first = payoff(setup, STOP_ATR * setup.atr / setup.price)
    plan = make_plan(setup, first.strength)
    risk = float(abs(plan.reference - plan.stop) / plan.reference)
    money = payoff(setup, risk)
    verdicts = gates(setup, plan, money)
    if not all(gate.passed for gate in verdicts):
        return NoSignal(setup, plan, money, verdicts)
    validity, limit = limit_ms(setup.timeframe)
    return SignalDraft(
        id=deterministic_id(
            setup.origin,
            setup.symbol,
            setup.timeframe,
            setup.side,
            setup.at_ms,
            setup.model_version,
        ),
        setup=setup,
        plan=plan,
        money=money,
        valid_until_ms=setup.at_ms + validity,
        expires_ms=setup.at_ms + limit,
        gates=verdicts,
    )


def turned_down(draft: SignalDraft, gate: Gate) -> NoSignal:
    """Return a signal that was built, but may not be issued for a reason outside the market."""
    return NoSignal(draft.setup, draft.plan, draft.money, (gate, *draft.gates))


def shadow_draft(decision: NoSignal) -> SignalDraft:
    """Return the signal a rejected setup would have been, for the shadow ledger only."""
    s = decision.setup
    validity, limit = limit_ms(s.timeframe)
    return SignalDraft(
        deterministic_id("rejected", s.origin, s.symbol, s.timeframe, s.side, s.at_ms),
        s,
        decision.plan,
        decision.money,
        s.at_ms + validity,
        s.at_ms + limit,
        decision.gates,
    )


def points(base_rate: float, confidence: float, setup: Setup) -> tuple[list[float], float]:
    """Return percentage points of each reason, and of all others together.

    A walk in calibrated log-odds that ends at the stated confidence: by falling weight, each
    factor is given what it moves the chance at its turn. What is left between the base rate and
    the confidence, the smaller factors among it, is the others'; so they sum exactly.
    """
    shown = setup.reasons[:SHOWN_REASONS]
    walked = _log_odds(confidence) - setup.slope * (setup.logit - setup.base_logit)
    ends = [_chance(walked)]
    for reason in shown:
        walked += setup.slope * reason.log_odds
        ends.append(_chance(walked))
    moved = [round((later - earlier) * 100, 2) for earlier, later in pairwise(ends)]
    return moved, round((confidence - base_rate) * 100 - sum(moved), 2)


def _log_odds(chance: float) -> float:
    held = min(1 - 1e-9, max(1e-9, chance))
    return log(held / (1 - held))


def _chance(logit: float) -> float:
    return 1 / (1 + exp(-max(-35.0, min(35.0, logit))))


def invalidation(setup: Setup, stop: Decimal) -> str:
    """Say what would prove the signal wrong."""
    side = "below" if setup.side == "long" else "above"
    return f"A trade at {plain(stop)} or {side} ends it: the move it counts on has not come."


def other(setup: Setup) -> tuple[Reason, ...]:
    """Return the reasons that are not shown one by one."""
    return setup.reasons[SHOWN_REASONS:]
