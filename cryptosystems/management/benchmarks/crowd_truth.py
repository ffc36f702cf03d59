"""Watches a crowd from one signal to its last stop, and holds our rows against the exchange's."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from time import monotonic, process_time
from typing import Any, Final

import httpx
from django.db.models import Min

from cryptosystems.management.benchmarks.crowd_meters import Meters
from cryptosystems.management.benchmarks.crowd_people import Member, issue
from cryptosystems.management.benchmarks.measure import percentiles
from signals.models import Signal
from trading.domain import client_ids
from trading.domain.orders import Leg
from trading.executor.supervisor import Supervisor
from trading.models import Trade, TradeOrder

LOOK_S: Final = 0.5
_WHY: Final = "bench: a crowd"
_COVERS: Final = (Leg.GUARD.value, Leg.STOP.value)


@dataclass(slots=True)
class Watch:
    """One crowd in a running executor."""

    members: Sequence[Member]
    meters: Meters
    supervisor: Supervisor

    async def until_rested(self, within_s: float) -> None:
        """Wait until every account has a lane that knows its account, or the time is over."""
        until = monotonic() + within_s
        while monotonic() < until:
            lanes = [held.lane for held in self.supervisor.lanes.values()]
            known = sum(lane is not None and lane.reconciler.is_done for lane in lanes)
            if known == len(self.members):
                return
            await asyncio.sleep(LOOK_S)

    async def one_signal(self, rest: str, within_s: float) -> dict[str, Any]:
        """Issue a signal, wait until each trade has its position and stop or its end; measure."""
        market = await asyncio.to_thread(_market, rest)
        rows_before, cpu_before = self.meters.rows_written(), process_time()
        self.meters.clear()
        signal = await asyncio.to_thread(issue, **market)
        began, until = monotonic(), monotonic() + within_s
        while monotonic() < until and not await asyncio.to_thread(_is_over, len(self.members)):
            await asyncio.sleep(LOOK_S)
        lasted, cpu = monotonic() - began, process_time() - cpu_before
        found = await asyncio.to_thread(_measured, signal)
        n = len(self.members)
        if self.members[0].uid:
            found["truth"] = await asyncio.to_thread(truth, rest)
        return {
            **found,
            "watched_s": round(lasted, 2),
            "executor_cpu_s": round(cpu, 3),
            "executor_cpu_ms_per_user": round(1_000 * cpu / n, 2),
            "rows_written": self.meters.rows_written() - rows_before,
            **self.meters.told(),
        }


def _market(rest: str) -> dict[str, Any]:
    """Return the first symbol, its price and its steps."""
    with httpx.Client(base_url=rest, timeout=10.0) as http:
        told = http.get("/fapi/v1/exchangeInfo").json()["symbols"][0]
        index = http.get("/fapi/v1/premiumIndex", params={"symbol": told["symbol"]}).json()
    tick = next(
        Decimal(f["tickSize"]) for f in told["filters"] if f["filterType"] == "PRICE_FILTER"
    )
    return {
        "symbol": told["symbol"],
        "base": told["baseAsset"],
        "price": Decimal(index["markPrice"]),
        "tick": tick.normalize(),
        "decimals": max(0, -int(tick.normalize().as_tuple().exponent)),
    }


def _is_over(n: int) -> bool:
    """Say whether everybody's trade is decided, and what is open has stop and targets resting."""
    trades = Trade.objects.across_tenants(_WHY)
    states = Counter(trades.values_list("state", flat=True))
    if sum(states.values()) < n or states["chosen"] or states["entering"] or states["closing"]:
        return False
    orders = TradeOrder.objects.across_tenants(_WHY)
    rests = Counter(
        orders.filter(trade__state="open", state="working").values_list("leg", flat=True)
    )
    return rests["guard"] == 0 and all(
        rests[leg] == states["open"] for leg in ("stop", "tp1", "tp2", "tp3")
    )


def _measured(signal: Signal) -> dict[str, Any]:
    """Return what rows say: entries, stops before them, and how long both took."""
    trades = list(Trade.objects.across_tenants(_WHY).filter(signal_id=signal.id))
    rows = TradeOrder.objects.across_tenants(_WHY).filter(trade__signal_id=signal.id)
    entries = rows.filter(leg=Leg.ENTRY.value, sent_at__isnull=False)
    sent = dict(entries.values_list("trade_id", "sent_at"))
    covered = dict(
        rows.filter(leg__in=_COVERS, seen_at__isnull=False)
        .values_list("trade_id")
        .annotate(first=Min("answered_at"))
    )
    proofs = _first_proofs()
    stops = dict(
        rows.filter(leg=Leg.STOP.value, seen_at__isnull=False).values_list("trade_id", "seen_at")
    )
    first = [at for pk, at in sent.items()]
    return {
        "trades": len(trades),
        "states": dict(Counter(trade.state for trade in trades)),
        "reasons": dict(Counter(trade.reason for trade in trades if trade.reason)),
        "entries_sent": len(sent),
        "stop_before_entry": sum(
            pk in proofs and proofs[pk] <= at and pk in covered for pk, at in sent.items()
        ),
        "open": sum(trade.open_quantity > 0 for trade in trades),
        "open_with_stop": sum(trade.open_quantity > 0 and trade.id in stops for trade in trades),
        "ever_naked": sum(trade.longest_naked_ms > 0 for trade in trades),
        "signal_to_entry_ms": percentiles(_after(signal.issued_at, first)),
        "signal_to_stop_ms": percentiles(_after(signal.issued_at, list(stops.values()))),
        "orders": rows.filter(sent_at__isnull=False).count(),
    }


def _first_proofs() -> dict[Any, datetime]:
    """Return when each trade's journal first said that a stop was seen resting."""
    from trading.models import JournalEntry

    rows = JournalEntry.objects.across_tenants(_WHY).filter(kind="stop_seen")
    return dict(rows.values_list("trade_id").annotate(first=Min("at")))


def _after(began: datetime, moments: Sequence[datetime]) -> list[float]:
    return [(at - began).total_seconds() * 1_000 for at in moments]


def truth(rest: str) -> dict[str, int]:
    """Return what the exchange itself holds: entries and positions, and those without a stop."""
    with httpx.Client(base_url=rest, timeout=60.0) as http:
        accounts = http.get("/sim/accounts").json()
    entries, positions, naked, most = 0, 0, 0, 0
    for account in accounts:
        ours = [_leg(order) for order in (*account["orders"], *account["ended"])]
        mine = sum(leg is Leg.ENTRY for leg in ours)
        entries, most = entries + mine, max(most, mine)
        is_open = any(Decimal(p["positionAmt"]) != 0 for p in account["positions"])
        covers = [a for a in account["algos"] if _leg(a) in (Leg.GUARD, Leg.STOP)]
        positions, naked = positions + is_open, naked + (is_open and not covers)
    return {
        "entries": entries,
        "most_entries_of_one": most,
        "positions": positions,
        "positions_without_stop": naked,
    }


def _leg(order: dict[str, Any]) -> Leg | None:
    parsed = client_ids.parse(order.get("clientOrderId") or order.get("clientAlgoId") or "")
    return None if parsed is None else parsed.leg
