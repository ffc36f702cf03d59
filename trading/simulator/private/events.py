"""What happens to an account as the user stream tells it.

Source: USDⓈ-M Futures, user data streams.
"""

from typing import Any

from cryptosystems.kernel.decimals import plain
from trading.domain.venue import (
    AlgoEvent,
    BalanceEvent,
    OrderEvent,
    Service,
    SettingsEvent,
    VenueEvent,
    VenueOrder,
    VenueState,
)
from trading.matching.records import ZERO, Order
from trading.simulator.private.account import ExchangeAccount
from trading.simulator.private.payloads import AccountTeller, actual_kind, algo_force, money, number

_CANCELLED = (VenueState.CANCELED,)
_EXPIRED = (VenueState.EXPIRED, VenueState.EXPIRED_IN_MATCH)


def told(event: VenueEvent, teller: AccountTeller) -> list[dict[str, Any]]:
    """Return the payloads of one event, in the order they are sent."""
    account = teller.account
    if isinstance(event, OrderEvent):
        lite = [] if event.fill is None else [_trade_lite(event)]
        return [*lite, _order(event, account)]
    if isinstance(event, AlgoEvent):
        return [_algo(event, account)]
    if isinstance(event, BalanceEvent):
        return [_account(event, teller)]
    if isinstance(event, SettingsEvent):
        leverage = account.setting(event.symbol).leverage
        return [_configured(event.at_ms, {"ac": {"s": event.symbol, "l": leverage}})]
    return []


def _record(account: ExchangeAccount, view: VenueOrder) -> Order | None:
    return account.find_order(view.symbol, view.service, exchange_id=view.exchange_id)


def _execution(event: OrderEvent) -> str:
    if event.fill is not None:
        return "CALCULATED" if event.reason == "autoclose" else "TRADE"
    if event.reason == "amendment":
        return "AMENDMENT"
    if event.order.state in _CANCELLED:
        return "CANCELED"
    return "EXPIRED" if event.order.state in _EXPIRED else "NEW"


def _order(event: OrderEvent, account: ExchangeAccount) -> dict[str, Any]:
    view, fill = event.order, event.fill
    found = _record(account, view)
    force = (found.request.time_in_force if found else "") or "GTC"
    original = (found.original_kind if found else "") or view.kind
    body = {
        "s": view.symbol,
        "c": view.client_id,
        "S": view.side.value,
        "o": view.kind,
        "f": force,
        "q": number(view.quantity),
        "p": number(view.price),
        "ap": number(view.average_price),
        "sp": number(view.trigger_price),
        "x": _execution(event),
        "X": view.state.value,
        "i": int(view.exchange_id),
        "l": number(fill.quantity if fill else None),
        "z": number(view.filled),
        "L": number(fill.price if fill else None),
        "T": event.at_ms,
        "t": int(fill.trade_id) if fill else 0,
        "b": "0",
        "a": "0",
        "m": fill.is_maker if fill else False,
        "R": view.reduce_only,
        "wt": "MARK_PRICE" if original != view.kind else "CONTRACT_PRICE",
        "ot": original,
        "ps": view.position_side.value,
        "cp": view.close_position,
        "rp": money(fill.realised) if fill else "0",
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
        "er": "0",
    }
    if fill is not None:
        body |= {"n": money(fill.fee), "N": fill.fee_asset}
    return {"e": "ORDER_TRADE_UPDATE", "E": event.at_ms, "T": event.at_ms, "o": body}


def _trade_lite(event: OrderEvent) -> dict[str, Any]:
    view, fill = event.order, event.fill
    assert fill is not None
    return {
        "e": "TRADE_LITE",
        "E": event.at_ms,
        "T": event.at_ms,
        "s": view.symbol,
        "q": number(view.quantity),
        "p": number(view.price),
        "m": fill.is_maker,
        "c": view.client_id,
        "S": view.side.value,
        "L": plain(fill.price),
        "l": plain(fill.quantity),
        "t": int(fill.trade_id),
        "i": int(view.exchange_id),
    }


def _algo(event: AlgoEvent, account: ExchangeAccount) -> dict[str, Any]:
    view = event.order
    found = account.find_order(view.symbol, Service.ALGO, exchange_id=view.exchange_id)
    by_mark = found.request.by_mark_price if found else True
    has_fired = view.state in (VenueState.TRIGGERED, VenueState.FINISHED)
    body: dict[str, Any] = {
        "caid": view.client_id,
        "aid": int(view.exchange_id),
        "at": "CONDITIONAL",
        "o": view.kind,
        "s": view.symbol,
        "S": view.side.value,
        "ps": view.position_side.value,
        "f": algo_force(found) if found else "GTC",
        "q": number(view.quantity),
        "X": view.state.value,
        "tp": number(view.trigger_price),
        "p": number(view.price),
        "V": "EXPIRE_MAKER",
        "wt": "MARK_PRICE" if by_mark else "CONTRACT_PRICE",
        "pm": "NONE",
        "cp": view.close_position,
        "pP": found is not None and found.request.price_protect,
        "R": view.reduce_only,
        "tt": found.triggered_ms if found else 0,
        "gtd": 0,
        "rm": view.reject_reason,
        "ia": found is not None and found.is_active,
    }
    if has_fired:
        body |= {
            "ai": view.actual_order_id,
            "ap": number(view.average_price) if view.filled else "0.00000",
            "aq": number(view.filled) if view.filled else "0.00000",
            "act": actual_kind(found) if found else "MARKET",
        }
    return {"e": "ALGO_UPDATE", "T": event.at_ms, "E": event.at_ms, "o": body}


def _account(event: BalanceEvent, teller: AccountTeller) -> dict[str, Any]:
    account = teller.account
    set_apart = sum((p.isolated_wallet for p in account.positions.values()), ZERO)
    wallet = account.wallet if event.wallet is None else event.wallet
    is_transfer = event.reason in ("DEPOSIT", "WITHDRAW") and account.flows
    change = account.flows[-1].amount if is_transfer else ZERO
    body: dict[str, Any] = {
        "m": event.reason,
        "B": [
            {
                "a": "USDT",
                "wb": money(wallet),
                "cw": money(wallet - set_apart),
                "bc": number(change),
            }
        ],
        "P": [],
    }
    for symbol, side, quantity in event.positions:
        p = account.positions.get((symbol, side))
        is_isolated = account.setting(symbol).is_isolated
        if event.reason == "FUNDING_FEE":
            body["S"] = symbol
            if not is_isolated:
                continue
        body["P"].append(
            {
                "s": symbol,
                "pa": number(quantity),
                "ep": number(p.entry if p else None),
                "bep": number(teller.break_even(p) if p else None),
                "cr": money(p.realised if p else ZERO),
                "up": money(p.unrealised(teller.market.mark(symbol)) if p else ZERO),
                "mt": "isolated" if is_isolated else "cross",
                "iw": number(p.isolated_wallet if p else None),
                "ps": side.value,
                "ma": "USDT",
            }
        )
    return {"e": "ACCOUNT_UPDATE", "E": event.at_ms, "T": event.at_ms, "a": body}


def _configured(at_ms: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": at_ms, "T": at_ms, **body}


def modes_changed(at_ms: int, has_multi_assets: bool) -> dict[str, Any]:
    """Return what is told when multi-assets mode changes."""
    return _configured(at_ms, {"ai": {"j": has_multi_assets}})


def margin_call(teller: AccountTeller, symbols: set[str], at_ms: int) -> dict[str, Any]:
    """Return the warning for positions near their liquidation."""
    rows = [
        {
            "s": row["symbol"],
            "ps": row["positionSide"],
            "pa": row["positionAmt"],
            "mt": "isolated" if teller.account.setting(row["symbol"]).is_isolated else "cross",
            "iw": row["isolatedWallet"],
            "mp": row["markPrice"],
            "up": row["unRealizedProfit"],
            "mm": row["maintMargin"],
        }
        for row in teller.position_risk(None, is_v2=False)
        if row["symbol"] in symbols
    ]
    crossed = money(teller.totals()["crossWalletBalance"])
    return {"e": "MARGIN_CALL", "E": at_ms, "cw": crossed, "p": rows}


def key_expired(listen_key: str, at_ms: int) -> dict[str, Any]:
    return {"e": "listenKeyExpired", "E": at_ms, "listenKey": listen_key}
