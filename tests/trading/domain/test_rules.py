"""Every rule that may say no to an entry: it says so, with its code, and only it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from cryptosystems.kernel.instruments import Side
from trading.contracts import AccountState, BotMode, StopMode
from trading.domain.limits import BotLimits
from trading.risk.rules import Candidate, Standing, first_denial

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TRADE = Candidate("BTCUSDT", Side.LONG, "1h", 0.58, by_hand=False)
FREE = Standing(
    now=NOW,
    account_state=AccountState.CONNECTED,
    is_paper=False,
    mode=BotMode.TRADING,
    is_automatic=True,
    is_entitled=True,
    entitlement_sentence="The trial is over.",
    switch=None,
    rested_since=None,
    paused_until=None,
    pause_code="",
    pause_sentence="",
    equity=D(10_000),
    lost_today=D(0),
    day_base=D(10_000),
    n_open=0,
    n_today=0,
    open_symbols=frozenset(),
)


def code_of(trade: Candidate = TRADE, limits: BotLimits | None = None, **changes: Any) -> str:
    found = first_denial(trade, replace(FREE, **changes), limits or BotLimits())
    if found is not None:
        assert found.sentence and found.sentence[-1] in ".%"
    return "" if found is None else found.code


def test_nothing_stands_in_the_way_of_a_good_one() -> None:
    assert code_of() == ""


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"switch": StopMode.NO_ENTRIES}, "switch"),
        ({"is_entitled": False}, "not_entitled"),
        ({"account_state": AccountState.SUSPENDED}, "not_connected"),
        ({"mode": BotMode.EXITS_ONLY}, "mode"),
        ({"is_automatic": False}, "not_automatic"),
        ({"rested_since": NOW - timedelta(hours=23)}, "resting"),
        ({"pause_code": "drawdown", "pause_sentence": "Fallen."}, "drawdown"),
        (
            {
                "pause_code": "daily_loss",
                "pause_sentence": "Lost.",
                "paused_until": NOW + timedelta(hours=1),
            },
            "daily_loss",
        ),
        ({"lost_today": D(205), "equity": D(9_795)}, "daily_loss"),
        ({"n_open": 3}, "max_positions"),
        ({"open_symbols": frozenset({"BTCUSDT"}), "n_open": 1}, "symbol_open"),
        ({"n_today": 10}, "max_trades"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_reason_is_named(changes: dict[str, Any], code: str) -> None:
    assert code_of(**changes) == code


def test_what_is_over_says_no_no_more() -> None:
    assert code_of(rested_since=NOW - timedelta(hours=24)) == ""
    assert code_of(pause_code="daily_loss", pause_sentence="Lost.", paused_until=NOW) == ""
    assert code_of(lost_today=D(-500)) == ""
    assert code_of(is_paper=True, rested_since=NOW) == "", "paper risks nothing"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (BotLimits(min_confidence=0.6), "confidence"),
        (BotLimits(sides="short"), "side"),
        (BotLimits(only_symbols=("ETHUSDT",)), "symbol"),
        (BotLimits(not_symbols=("BTCUSDT",)), "symbol"),
        (BotLimits(timeframes=("4h",)), "timeframe"),
    ],
    ids=["confidence", "side", "only", "not", "timeframe"],
)
def test_the_persons_own_filters_bind_the_bot_and_not_their_hand(
    limits: BotLimits, code: str
) -> None:
    assert code_of(limits=limits) == code
    by_hand = replace(TRADE, by_hand=True)
    assert code_of(by_hand, limits, mode=BotMode.OFF, is_automatic=False, n_today=99) == ""
