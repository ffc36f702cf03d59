"""Trades as rows: a long of BTCUSDT at 60,000 whose stop is 600 below; tests change what they tell about."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.utils import timezone

from accounts.models import User
from trading.contracts import TradeState
from trading.models import BotSettings, Fill, JournalEntry, Trade, TradeOrder, TradingAccount
from trading.services import settings

ENTRY, STOP, QUANTITY = Decimal(60_000), Decimal(59_400), Decimal("0.05")
R_DISTANCE: Final = ENTRY - STOP
RISK: Final = R_DISTANCE * QUANTITY
"""30 USDT are lost if the stop is hit: one R."""


def paper_of(user: User) -> TradingAccount:
    """Return the paper account of somebody, made if there is none."""
    return settings.paper_account(user.pk)


def account_of(user: User, venue: str = "simulated", **fields: Any) -> TradingAccount:
    """Make a connected account at a venue, with a bot that is off."""
    values: dict[str, Any] = {
        "venue": venue,
        "label": f"My {venue}",
        "state": "connected",
        "created_at": timezone.now(),
    }
    made = TradingAccount.objects.add_for(user.pk, **{**values, **fields})
    BotSettings.objects.add_for(user.pk, account=made)
    return made


def plan(**changes: Any) -> dict[str, Any]:
    """Return a plan as rows keep it: numbers as text, times in milliseconds."""
    now_ms = int(timezone.now().timestamp() * 1000)
    targets = [
        {"price": str(ENTRY + R_DISTANCE * n), "quantity": size, "r": f"{n}.0"}
        for n, size in ((1, "0.02"), (2, "0.015"), (3, "0.015"))
    ]
    values: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "side": "long",
        "entry_low": "59900.0",
        "entry_high": "60000.0",
        "entry_price": "60000.0",
        "valid_until_ms": now_ms + 3_600_000,
        "expires_ms": now_ms + 8 * 3_600_000,
        "stop": str(STOP),
        "targets": targets,
        "quantity": str(QUANTITY),
        "leverage": 5,
        "risk_amount": str(RISK),
        "r_distance": str(R_DISTANCE),
        "notional": "3000",
        "liquidation_price": "49000.0",
    }
    return {**values, **changes}


def trade_of(
    user: User, account: TradingAccount | None = None, state: str = "open", **fields: Any
) -> Trade:
    """Make a trade; without an account it is one on paper, followed by hand."""
    account = account or paper_of(user)
    now = timezone.now()
    is_in = state in ("open", "closing", "closed", "parked")
    values: dict[str, Any] = {
        "signal_id": uuid.uuid4(),
        "signal_number": 1,
        "symbol": "BTCUSDT",
        "side": "long",
        "timeframe": "1h",
        "confidence": 0.58,
        "model_version": "model-1",
        "origin": "simulated",
        "venue": account.venue,
        "how": "by_hand" if account.venue == "paper" else "bot",
        "signal": {"base": "BTC", "decimals": 1},
        "plan": plan(),
        "max_quantity": QUANTITY,
        "stop_price": STOP,
        "risk_amount": RISK,
        "decided_at": now - timedelta(minutes=10),
        "updated_at": now,
    }
    if is_in:
        values |= {
            "entry_price": ENTRY,
            "filled": QUANTITY,
            "open_quantity": Decimal(0) if state == "closed" else QUANTITY,
            "opened_at": now - timedelta(minutes=9),
            "stop_seen_at": now,
            "stop_seen_id": "1000000000088412",
        }
    if TradeState(state).is_final:
        values["closed_at"] = now
    return Trade.objects.add_for(user.pk, account=account, state=state, **{**values, **fields})


def closed_of(
    user: User, result_r: str, account: TradingAccount | None = None, **fields: Any
) -> Trade:
    """Make a trade that ended with this result in R, net: fees of 3 USDT are in it."""
    fees = Decimal(3)
    realised = Decimal(result_r) * RISK + fees
    reason = "targets" if realised > 0 else "stop"
    values = {"realised": realised, "fees": fees, "reason": reason, "exit_price": STOP}
    return trade_of(user, account, "closed", **{**values, **fields})


def order_of(trade: Trade, leg: str, price: Decimal, **fields: Any) -> TradeOrder:
    """Make an order of a trade that rests at the exchange, seen there just now."""
    now = timezone.now()
    key = "price" if leg == "entry" or leg.startswith("tp") else "trigger_price"
    values: dict[str, Any] = {
        "client_id": f"cs-{uuid.uuid4().hex[:20]}",
        "service": "order" if key == "price" else "algo",
        "request": {"kind": leg, "side": "SELL", key: str(price), "quantity": str(QUANTITY)},
        "state": "working",
        "exchange_id": "1000000000088412",
        "quantity": QUANTITY,
        "prepared_at": now,
        "seen_at": now,
        "updated_at": now,
    }
    return TradeOrder.objects.add_for(trade.user_id, trade=trade, leg=leg, **{**values, **fields})


def fill_of(trade: Trade, order: TradeOrder, price: Decimal, **fields: Any) -> Fill:
    """Make the fill of an order, whole, at a price."""
    values: dict[str, Any] = {
        "leg": order.leg,
        "symbol": trade.symbol,
        "exchange_trade_id": uuid.uuid4().hex[:12],
        "exchange_order_id": order.exchange_id,
        "client_id": order.client_id,
        "order_side": "BUY" if order.leg == "entry" else "SELL",
        "price": price,
        "quantity": QUANTITY,
        "fee": Decimal("1.14"),
        "fee_asset": "USDT",
        "realised": Decimal(0) if order.leg == "entry" else (price - ENTRY) * QUANTITY,
        "is_maker": False,
        "at": timezone.now(),
    }
    return Fill.objects.add_for(
        trade.user_id, account=trade.account, trade=trade, **{**values, **fields}
    )


def told(trade: Trade, kind: str, sentence: str, at: datetime | None = None) -> JournalEntry:
    """Write one line of a trade's story."""
    return JournalEntry.objects.add_for(
        trade.user_id,
        account=trade.account,
        trade_id=trade.pk,
        at=at or timezone.now(),
        kind=kind,
        sentence=sentence,
    )
