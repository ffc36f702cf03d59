"""Trading as JSON Schema, for the API's description."""

from typing import Any, Final

from cryptosystems.platform.openapi import (
    COUNT,
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    JsonSchema,
    add_to,
    array,
    nullable,
    record,
    ref,
    words,
)
from trading.contracts import AccountState, BotMode, StopProof, TradeState, Venue

AMOUNT: Final[JsonSchema] = {
    "type": "string",
    "pattern": r"^-?\d+(\.\d+)?$",
    "description": "an exact decimal",
}
ANY: Final[JsonSchema] = {"type": "object", "additionalProperties": True}


def add_components(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add accounts, bots, positions and trades."""
    return add_to(result, **_accounts(), **_trades())


def _accounts() -> dict[str, JsonSchema]:
    account = record(
        id=UUID,
        venue=words(*Venue),
        label=TEXT,
        state=words(*AccountState),
        code=TEXT,
        sentence=TEXT,
        key_kind=words("", "ed25519", "hmac"),
        key_tail=TEXT,
        public_key=TEXT,
        rights={"type": "object", "additionalProperties": FLAG},
        is_ip_restricted=nullable(FLAG),
        expires_at=nullable(TIME),
        checked_at=nullable(TIME),
        created_at=TIME,
    )
    numbers = dict.fromkeys(
        ("risk_percent", "max_notional", "daily_loss_percent", "drawdown_percent"), AMOUNT
    )
    counts = dict.fromkeys(
        ("max_positions", "max_leverage", "max_trades_day", "pause_after_stops", "offer_s"), COUNT
    )
    limits: dict[str, JsonSchema] = {
        **numbers,
        **counts,
        "is_approved_by_hand": FLAG,
        "is_trailing": FLAG,
        "sides": words("both", "long", "short"),
        "on_daily_loss": words("hold", "flatten"),
        "only_symbols": array(TEXT),
        "not_symbols": array(TEXT),
        "timeframes": array(words("1m", "5m", "15m", "1h", "4h", "1d")),
        "min_confidence": {"type": "number", "minimum": 0, "maximum": 0.95},
    }
    change = {
        "type": "object",
        "properties": limits,
        "additionalProperties": False,
        "minProperties": 1,
    }
    bot = record(
        account=ref("TradingAccount"),
        mode=words(*BotMode),
        is_automatic=FLAG,
        limits=record(**limits),
        risk_cap_percent=AMOUNT,
        cap_sentence=TEXT,
        equity=nullable(AMOUNT),
        lost_today=AMOUNT,
        lost_today_percent=AMOUNT,
        to_halt=nullable(AMOUNT),
        n_open=COUNT,
        pauses=array(TEXT),
        changed_at=nullable(TIME),
        automation_opens=TEXT,
    )
    check = record(
        name=TEXT,
        state=words("not_run", "running", "passed", "failed"),
        sentence=TEXT,
        took_ms=nullable(COUNT),
    )
    key = {**account, "properties": {**account["properties"], "checks": array(check)}}
    return {
        "Key": key,
        "KeyList": record(results=array(ref("Key"))),
        "TradingAccount": account,
        "Bot": bot,
        "BotList": record(results=array(ref("Bot"))),
        "BotLimits": change,
        "BotMode": _exactly(mode=words(*BotMode)),
        "BotAutomation": _exactly(is_automatic=FLAG),
        "Flattened": record(closing=COUNT),
    }


def _exactly(**fields: JsonSchema) -> JsonSchema:
    return {**record(**fields), "additionalProperties": False}


def _trades() -> dict[str, JsonSchema]:
    line = record(
        id=UUID,
        account_id=UUID,
        venue=words(*Venue),
        signal_id=UUID,
        symbol=TEXT,
        base=TEXT,
        decimals=COUNT,
        side=words("long", "short"),
        timeframe=TEXT,
        state=words(*TradeState),
        how=words("bot", "by_hand"),
        reason=TEXT,
        sentence=TEXT,
        quantity=AMOUNT,
        entry_price=nullable(AMOUNT),
        exit_price=nullable(AMOUNT),
        realised=AMOUNT,
        fees=AMOUNT,
        funding=AMOUNT,
        result_r=nullable(AMOUNT),
        model_r=nullable(AMOUNT),
        decided_at=TIME,
        opened_at=nullable(TIME),
        closed_at=nullable(TIME),
        offer_until=nullable(TIME),
    )
    position = record(
        trade_id=UUID,
        account_id=UUID,
        venue=words(*Venue),
        signal_id=UUID,
        symbol=TEXT,
        base=TEXT,
        decimals=COUNT,
        side=words("long", "short"),
        quantity=AMOUNT,
        entry_price=AMOUNT,
        stop_price=AMOUNT,
        stop_level=TEXT,
        r_distance=AMOUNT,
        targets=array(ANY),
        proof=words(*StopProof),
        proof_at=nullable(TIME),
        proof_id=TEXT,
        seconds_left=nullable(NUMBER),
        realised=AMOUNT,
        fees=AMOUNT,
        funding=AMOUNT,
        liquidation_price=nullable(AMOUNT),
        leverage=COUNT,
        opened_at=nullable(TIME),
        expires_at=TIME,
        note=TEXT,
    )
    detail = record(
        line=ref("Trade"),
        position=nullable(ref("Position")),
        plan=ANY,
        orders=array(ANY),
        fills=array(ANY),
        journal=array(ANY),
    )
    return {
        "Trade": line,
        "TradeList": record(next=nullable(TEXT), results=array(ref("Trade"))),
        "TradeFile": record(count=COUNT, results=array(ANY)),
        "TradeDetail": detail,
        "Position": position,
        "PositionList": record(results=array(ref("Position"))),
    }
