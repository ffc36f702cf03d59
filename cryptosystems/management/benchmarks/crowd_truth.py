"""Watches a crowd from one signal to its last stop, and holds our rows against the exchange's."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from time import monotonic, process_time
from typing import Any, Final
from uuid import UUID

import httpx

from cryptosystems.management.benchmarks.crowd_meters import Meters
from cryptosystems.management.benchmarks.crowd_people import Member, issue
from cryptosystems.management.benchmarks.measure import percentiles
from signals.models import Signal
from trading.domain import client_ids
from trading.domain.orders import Leg
from trading.executor.supervisor import Supervisor
from trading.models import JournalEntry, Trade, TradeOrder

LOOK_S: Final = 0.5
_WHY: Final = "bench: a crowd"
_THROUGH_ALL: Final = 1.03
"""Of the price: beyond the last target of the signal."""
_SETTLE_S: Final = 2.0
_BEFORE: Final = 2
_HANG_MS: Final = 60_000
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

    async def isolation(self, rest: str, within_s: float, n_slow: int) -> dict[str, Any]:
        """Let all take a signal, then another while the calls of some accounts hang.

        Between two signals the price goes through all targets and comes back, so that each finds
        the same: nothing open, margin mode and leverage set. The first two only bring that about.
        Told are the delays of those whose calls do not hang.
        """
        slow, others = self.members[:n_slow], self.members[n_slow:]
        ids = frozenset(member.account_id for member in others)
        market = await asyncio.to_thread(_market, rest)
        for _ in range(_BEFORE):
            await self._taken(rest, market, within_s, ids)
        alone = await self._taken(rest, market, within_s, ids)
        await asyncio.to_thread(_hang, rest, [member.api_key for member in slow])
        beside = await self._taken(rest, market, within_s, ids)
        struck = await asyncio.to_thread(_struck, rest)
        return {
            "slow": n_slow,
            "others": len(others),
            "calls_that_hung": struck,
            "without": alone,
            "beside": beside,
        }

    async def _taken(
        self, rest: str, market: dict[str, Any], within_s: float, accounts: frozenset[UUID]
    ) -> dict[str, Any]:
        signal = await asyncio.to_thread(issue, **market)
        until = monotonic() + within_s
        await self._until_over(signal, accounts, until)
        found = await asyncio.to_thread(_delays, signal, accounts)
        price = float(market["price"])
        await asyncio.to_thread(_move, rest, market["symbol"], price * _THROUGH_ALL)
        n_open = 1
        while n_open and monotonic() < until:
            await asyncio.sleep(LOOK_S)
            n_open = await asyncio.to_thread(_n_live, accounts)
        await asyncio.to_thread(_move, rest, market["symbol"], price)
        await asyncio.sleep(_SETTLE_S)
        return found

    async def _until_over(self, signal: Signal, accounts: frozenset[UUID], until: float) -> None:
        is_over = False
        while not is_over and monotonic() < until:
            await asyncio.sleep(LOOK_S)
            is_over = await asyncio.to_thread(_is_over, signal, accounts)

    async def one_signal(self, rest: str, within_s: float) -> dict[str, Any]:
        """Issue a signal, wait until each trade has its position and stop or its end; measure."""
        market = await asyncio.to_thread(_market, rest)
        rows_before, cpu_before = self.meters.rows_written(), process_time()
        self.meters.clear()
        signal = await asyncio.to_thread(issue, **market)
        began, until = monotonic(), monotonic() + within_s
        everybody = frozenset(member.account_id for member in self.members)
        await self._until_over(signal, everybody, until)
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


def _is_over(signal: Signal, accounts: frozenset[UUID]) -> bool:
    """Say whether these trades are decided, and what is open has stop and targets resting."""
    trades = Trade.objects.across_tenants(_WHY).filter(signal_id=signal.id, account_id__in=accounts)
    states = Counter(trades.values_list("state", flat=True))
    waiting = states["chosen"] + states["entering"] + states["closing"]
    if states.total() < len(accounts) or waiting:
        return False
    orders = TradeOrder.objects.across_tenants(_WHY).filter(
        trade__signal_id=signal.id, trade__account_id__in=accounts
    )
    rests = Counter(
        orders.filter(trade__state="open", state="working").values_list("leg", flat=True)
    )
    return rests["guard"] == 0 and all(
        rests[leg] == states["open"] for leg in ("stop", "tp1", "tp2", "tp3")
    )


def _delays(signal: Signal, accounts: frozenset[UUID]) -> dict[str, Any]:
    """Return how long after the signal entries were sent and stops of positions were seen."""
    rows = TradeOrder.objects.across_tenants(_WHY).filter(
        trade__signal_id=signal.id, trade__account_id__in=accounts
    )
    sent = rows.filter(leg=Leg.ENTRY.value, sent_at__isnull=False)
    stops = {str(pk) for pk in rows.filter(leg=Leg.STOP.value).values_list("pk", flat=True)}
    seen = {order: at for order, at in reversed(_sightings()) if order in stops}
    entries = _after(signal.issued_at, sent.values_list("sent_at", flat=True))
    seen_after = _after(signal.issued_at, seen.values())
    return {
        "entries": len(entries),
        "entry_ms": percentiles(entries),
        "stop_ms": percentiles(seen_after),
    }


def _move(rest: str, symbol: str, price: float) -> None:
    with httpx.Client(base_url=rest, timeout=10.0) as http:
        http.post("/sim/price", json={"symbol": symbol, "price": price}).raise_for_status()


def _n_live(accounts: frozenset[UUID]) -> int:
    live = ("chosen", "entering", "open", "closing")
    trades = Trade.objects.across_tenants(_WHY).filter(account_id__in=accounts)
    return trades.filter(state__in=live).count()


def _hang(rest: str, keys: Sequence[str]) -> None:
    """Let every call with these keys hang for longer than anybody waits."""
    with httpx.Client(base_url=rest, timeout=10.0) as http:
        for key in keys:
            fault = {"channel": "private", "action": "delay", "match": "", "api_key": key}
            http.post("/sim/faults", json={**fault, "args": {"ms": _HANG_MS}}).raise_for_status()


def _struck(rest: str) -> int:
    with httpx.Client(base_url=rest, timeout=10.0) as http:
        return sum(fault["struck"] for fault in http.get("/sim/faults").json())


def _measured(signal: Signal) -> dict[str, Any]:
    """Return what rows say: entries, stops before them, and how long both took."""
    trades = list(Trade.objects.across_tenants(_WHY).filter(signal_id=signal.id))
    rows = TradeOrder.objects.across_tenants(_WHY).filter(trade__signal_id=signal.id)
    entries = rows.filter(leg=Leg.ENTRY.value, sent_at__isnull=False).exclude(exchange_id="")
    sent = {pk: at for pk, at in entries.values_list("trade_id", "sent_at") if at is not None}
    legs = {str(pk): (leg, trade) for pk, leg, trade in rows.values_list("pk", "leg", "trade_id")}
    proofs: dict[tuple[str, UUID], datetime] = {}
    for order, at in _sightings():
        if order in legs:
            proofs.setdefault(legs[order], at)
    covered = {
        pk: min(proofs[leg, pk] for leg in _COVERS if (leg, pk) in proofs)
        for pk in {pk for _, pk in proofs}
    }
    stops = {pk: at for (leg, pk), at in proofs.items() if leg == Leg.STOP.value}
    return {
        "trades": len(trades),
        "states": dict(Counter(trade.state for trade in trades)),
        "reasons": dict(Counter(trade.reason for trade in trades if trade.reason)),
        "entries_sent": len(sent),
        "stop_before_entry": sum(pk in covered and covered[pk] <= at for pk, at in sent.items()),
        "open": sum(trade.open_quantity > 0 for trade in trades),
        "open_with_stop": sum(trade.open_quantity > 0 and trade.id in covered for trade in trades),
        "ever_naked": sum(trade.longest_naked_ms > 0 for trade in trades),
        "signal_to_entry_ms": percentiles(_after(signal.issued_at, sent.values())),
        "signal_to_stop_ms": percentiles(_after(signal.issued_at, stops.values())),
        "orders": rows.exclude(exchange_id="").count(),
    }


def _sightings() -> list[tuple[str, datetime]]:
    """Return each time a stop was first seen resting: (the row of its order, when)."""
    rows = JournalEntry.objects.across_tenants(_WHY).filter(kind="stop_seen").order_by("at", "id")
    return [(details["order"], at) for details, at in rows.values_list("details", "at")]


def _after(began: datetime, moments: Iterable[datetime | None]) -> list[float]:
    return [(at - began).total_seconds() * 1_000 for at in moments if at is not None]


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
