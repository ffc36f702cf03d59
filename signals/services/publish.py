"""Signals into rows: each with its state, its link in the chain, and its frame in the outbox."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from cryptosystems.kernel.clock import to_datetime, to_ms
from cryptosystems.kernel.decimals import plain
from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.kernel.identifiers import GENESIS, canonical_json, chain_hash
from cryptosystems.kernel.origin import Origin
from cryptosystems.platform import switches
from signals.barriers import RULE_VERSION
from signals.builder.build import (
    NoSignal,
    SignalDraft,
    invalidation,
    other,
    points,
    turned_down,
)
from signals.builder.rules import Gate
from signals.delivery.outbox import add_to_outbox
from signals.delivery.payloads import chain_payload, iso, signal_payload
from signals.models import (
    ChainEntry,
    OutboxEntry,
    RejectedSetup,
    Settlement,
    Signal,
    SignalState,
)
from signals.pipeline.outputs import SetupKey
from signals.selectors.records import record_of
from signals.services.chain import chain_append
from signals.settlement.rules import Change

TOPIC = "signals"


HALT: Final = "signals"
"""The kill switch that keeps signals from being issued."""


class Halted(CryptoSystemsError):
    """Staff stopped the issuing of signals; nothing was stored."""

    code = "halted"


def publish(draft: SignalDraft) -> OutboxEntry | None:
    """Store a signal, whole or not at all; None if it is there already.

    Raises
    ------
    Halted
        While the kill switch is thrown: its row is read in the same transaction.
    """
    with transaction.atomic():
        if switches.is_on(HALT):
            raise Halted("staff stopped the issuing of signals")
        if Signal.objects.filter(pk=draft.id).exists():
            return None
        newest = Signal.objects.aggregate(newest=Max("number"))["newest"] or 0
        signal = make_row(draft, newest + 1)
        link = chain_append("signal", signal.id, chain_payload(signal))
        signal.hash, signal.previous_hash = link.hash, link.previous_hash
        signal.save(force_insert=True)
        SignalState.objects.create(
            signal=signal, state="waiting", is_open=True, updated_at=signal.issued_at
        )
        data = {"kind": "issued", "signal": signal_payload(signal, record_of(signal))}
        return add_to_outbox(TOPIC, data, signal.issued_at)


def halted(draft: SignalDraft) -> NoSignal:
    """Return the setup of a signal that may not be issued, for the shadow ledger."""
    sentence = "Staff stopped the issuing of signals."
    return turned_down(draft, Gate("halted", "Issuing", False, None, None, sentence))


def make_row(draft: SignalDraft, number: int) -> Signal:
    """Return the unsaved row of a draft."""
    setup, plan, money = draft.setup, draft.plan, draft.money
    gained, rest = points(setup.base_rate, setup.p_win, setup)
    reasons = [
        {
            "name": reason.name,
            "group": reason.group,
            "title": reason.title,
            "sentence": reason.sentence,
            "reading": reason.reading,
            "unit": reason.unit,
            "percentile": reason.percentile,
            "log_odds": round(reason.log_odds, 6),
            "points": gain,
            "price": reason.price,
        }
        for reason, gain in zip(setup.reasons, gained, strict=False)
    ]
    at = to_datetime(setup.at_ms)
    decimals = max(0, -int(plan.stop.normalize().as_tuple().exponent), _decimals(setup.tick))
    return Signal(
        id=draft.id,
        number=number,
        origin=setup.origin,
        symbol=setup.symbol,
        timeframe=setup.timeframe,
        side=setup.side,
        trigger=setup.trigger,
        issued_at=at,
        entry_low=plan.entry_low,
        entry_high=plan.entry_high,
        reference_entry=plan.reference,
        valid_until=to_datetime(draft.valid_until_ms),
        stop=plan.stop,
        targets=draft.targets(),
        reward_risk=plan.reward_risk,
        expires_at=to_datetime(draft.expires_ms),
        confidence=setup.p_win,
        p_low=setup.p_low,
        p_high=setup.p_high,
        break_even=money.break_even,
        base_rate=setup.base_rate,
        strength=money.strength,
        strength_low=money.strength_low,
        strength_high=money.strength_high,
        model_version=setup.model_version,
        reasons=reasons,
        other={"n": len(other(setup)), "points": rest},
        invalidation=invalidation(setup, plan.stop),
        details={
            "base": setup.base,
            "decimals": decimals,
            "atr": setup.atr,
            "max_leverage": plan.max_leverage,
            "tick": setup.tick,
            "step": setup.step,
            "cost_r": round(money.cost_r, 4),
            "win_r": round(money.win_r, 4),
            "loss_r": round(money.loss_r, 4),
            "rule_version": RULE_VERSION,
        },
        snapshot=canonical_json(setup.to_dict()).decode(),
    )


def _decimals(tick: str) -> int:
    return len(tick.partition(".")[2].rstrip("0"))


def apply_change(change: Change) -> OutboxEntry | None:
    """Move a signal on; with a result, settle it. A change that is known already does nothing."""
    with transaction.atomic():
        state = (
            SignalState.objects.select_for_update()
            .select_related("signal")
            .filter(pk=change.id)
            .first()
        )
        if state is None or not state.is_open:
            return None
        at = to_datetime(change.at_ms)
        _move(state, change, at)
        state.save()
        if change.result:
            _settle(state.signal, change, at)
        signal = Signal.objects.select_related("current", "settlement").get(pk=change.id)
        kind = "settled" if change.result else "changed"
        data = {"kind": kind, "signal": signal_payload(signal, record_of(signal))}
        return add_to_outbox(TOPIC, data, at)


def _move(state: SignalState, change: Change, at: datetime) -> None:
    state.state = change.state
    state.is_open = not change.result
    state.fill_price = change.fill_price
    state.filled_at = None if not change.filled_ms else to_datetime(change.filled_ms)
    state.targets_hit = change.n_hit
    state.running = change.running
    state.updated_at = at


def _settle(signal: Signal, change: Change, at: datetime) -> Settlement:
    link = chain_append("settlement", signal.id, settlement_payload(change))
    row = _settlement(signal, change, at, link.hash, link.previous_hash)
    row.save(force_insert=True)
    return row


def _settlement(
    signal: Signal, change: Change, at: datetime, own_hash: str, previous_hash: str
) -> Settlement:
    return Settlement(
        signal=signal,
        result=change.result,
        net_r=change.net_r,
        gross_r=change.gross_r,
        closed_at=at,
        rule_version=RULE_VERSION,
        evidence=change.evidence,
        hash=own_hash,
        previous_hash=previous_hash,
    )


def settlement_payload(change: Change) -> dict[str, Any]:
    """Return what the chain binds of a settlement."""
    return {
        "id": str(change.id),
        "result": change.result,
        "net_r": change.net_r,
        "gross_r": change.gross_r,
        "closed_at": iso(to_datetime(change.at_ms)),
        "fill_price": change.fill_price,
        "rule_version": RULE_VERSION,
        "evidence": change.evidence,
    }


def record_rejected(decision: NoSignal) -> None:
    """Keep a setup that a gate turned down; the same one again changes nothing."""
    RejectedSetup.objects.bulk_create([rejected_row(decision)], ignore_conflicts=True)


def settle_rejected(origin: Origin, setup: SetupKey, change: Change) -> None:
    """Note what became of a rejected setup; the first outcome stays."""
    RejectedSetup.objects.filter(
        origin=origin,
        symbol=setup.symbol,
        timeframe=setup.timeframe,
        side=setup.side,
        at=to_datetime(setup.at_ms),
        result="",
    ).update(result=change.result, net_r=change.net_r, closed_at=to_datetime(change.at_ms))


def rejected_row(decision: NoSignal, outcome: Change | None = None) -> RejectedSetup:
    """Return the unsaved row of a rejected setup, with its outcome where it is known."""
    setup, plan = decision.setup, decision.plan
    row = RejectedSetup(
        origin=setup.origin,
        symbol=setup.symbol,
        timeframe=setup.timeframe,
        side=setup.side,
        at=to_datetime(setup.at_ms),
        trigger=setup.trigger,
        gate=decision.gate,
        p_win=setup.p_win,
        strength=decision.money.strength,
        plan={
            "entry": [plain(plan.entry_low), plain(plan.entry_high)],
            "stop": plain(plan.stop),
            "targets": [plain(price) for price in plan.targets],
            "spread_bps": setup.spread_bps,
        },
        model_version=setup.model_version,
    )
    if outcome is not None:
        row.result, row.net_r = outcome.result, outcome.net_r
        row.closed_at = to_datetime(outcome.at_ms)
    return row


def store_backtest(
    settled: Sequence[tuple[SignalDraft, Change | None]],
    rejected: Sequence[tuple[NoSignal, Change | None]],
) -> int:
    """Store the signals of a walk-forward that have settled, in one transaction; return how many.

    The chain carries them like any other: issued in their order, then settled. A later
    walk-forward over the same time would tell that time twice: the record goes on where it ended.
    """
    done = [(draft, change) for draft, change in settled if change is not None and change.result]
    with transaction.atomic():
        told = Signal.objects.filter(origin="backtest").aggregate(until=Max("issued_at"))["until"]
        until_ms = -1 if told is None else to_ms(told)
        fresh = [(draft, change) for draft, change in done if draft.setup.at_ms > until_ms]
        number = Signal.objects.aggregate(newest=Max("number"))["newest"] or 0
        last = ChainEntry.objects.order_by("-sequence").first()
        sequence = 0 if last is None else last.sequence
        head = GENESIS if last is None else last.hash
        signals, states, settlements, links = [], [], [], []

        def link(kind: str, signal: Signal, payload: dict[str, Any]) -> tuple[str, str]:
            nonlocal sequence, head
            sequence += 1
            text = canonical_json(payload)
            previous, head = head, chain_hash(head, text)
            links.append(
                ChainEntry(
                    sequence=sequence,
                    kind=kind,
                    signal_id=signal.id,
                    payload=text.decode(),
                    previous_hash=previous,
                    hash=head,
                )
            )
            return head, previous

        for draft, change in fresh:
            number += 1
            signal = make_row(draft, number)
            signal.hash, signal.previous_hash = link("signal", signal, chain_payload(signal))
            at = to_datetime(change.at_ms)
            state = SignalState(signal=signal)
            _move(state, change, at)
            state.running = {}
            own, previous = link("settlement", signal, settlement_payload(change))
            settlements.append(_settlement(signal, change, at, own, previous))
            signals.append(signal)
            states.append(state)
        Signal.objects.bulk_create(signals, batch_size=200)
        SignalState.objects.bulk_create(states, batch_size=500)
        Settlement.objects.bulk_create(settlements, batch_size=200)
        ChainEntry.objects.bulk_create(links, batch_size=200)
        rows = [rejected_row(decision, change) for decision, change in rejected]
        RejectedSetup.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    return len(signals)


def frame_of(entry: OutboxEntry) -> dict[str, Any]:
    """Return the outbox entry's data."""
    data: dict[str, Any] = json.loads(entry.data)
    return data
