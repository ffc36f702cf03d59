"""Sample data for the page of all components: made up, labelled so, and shown to staff alone."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from frontend.context import LevelRow, Measured, Shell
from frontend.pages.dashboard import signal_levels
from frontend.tools.answer import Answer
from frontend.tools.catalogue import Tool, tool_of
from frontend.tools.forms import ToolForm
from frontend.trading_context import PositionRow
from trading import api as trading
from trading.contracts import FillLine, PositionView, StopProof, Venue

_ID: Final = UUID(int=0)
_D = Decimal


@dataclass(frozen=True, slots=True)
class SignalCard:
    """One state of the signal panel."""

    title: str
    signal: dict[str, Any]
    levels: tuple[LevelRow, ...]


@dataclass(frozen=True, slots=True)
class MarketLine:
    """One state of a market row."""

    title: str
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ShowcasePage:
    """Every component in every state."""

    shell: Shell
    symbol: str
    venues: tuple[str, ...]
    markets: tuple[MarketLine, ...]
    signals: tuple[SignalCard, ...]
    positions: tuple[PositionRow, ...]
    fills: tuple[FillLine, ...]
    records: tuple[Measured, ...]
    good: ToolForm
    bad: ToolForm
    answer: Answer
    tool: Tool
    address: str = ""
    account_id: None = None
    trade: None = None


def make_showcase(shell: Shell) -> ShowcasePage:
    """Return the page's context at the shell's moment."""
    tool = tool_of("position-size")
    assert tool is not None
    data = {**tool.defaults, "symbol": "BTCUSDT", "entry": "60640", "stop": "60110"}
    good = tool.form({**data, "target": "61640"})
    bad = tool.form({**data, "risk": "much", "account": "-5", "target": "59000"})
    good.is_valid(), bad.is_valid()
    return ShowcasePage(
        shell=shell,
        symbol="BTCUSDT",
        venues=tuple(venue.value for venue in Venue),
        markets=_markets(),
        signals=_signals(shell.now),
        positions=_positions(shell.now),
        fills=_fills(shell.now),
        records=(
            Measured("simulated", 1_984, True, 0.527, (0.505, 0.549), 0.041, (0.004, 0.078)),
            Measured("live", 31, False, None, None, None, None),
        ),
        good=good,
        bad=bad,
        answer=tool.answer(good, trading.tier_table("BTCUSDT")),
        tool=tool,
    )


def _markets() -> tuple[MarketLine, ...]:
    row: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "base": "BTC",
        "price": "60714.2",
        "decimals": 1,
        "change_24h": 0.0184,
        "funding_rate": -0.000041,
        "oi_change_4h": 0.026,
        "signal": None,
        "stale": False,
    }
    return (
        MarketLine("selected, with a long signal", {**row, "signal": "long"}),
        MarketLine(
            "with a short signal",
            {**row, "symbol": "ETHUSDT", "base": "ETH", "signal": "short", "change_24h": -0.0307},
        ),
        MarketLine(
            "without change", {**row, "symbol": "SOLUSDT", "base": "SOL", "change_24h": 0.0}
        ),
        MarketLine(
            "nothing known",
            {
                **row,
                "symbol": "NEWUSDT",
                "base": "NEW",
                "price": None,
                "change_24h": None,
                "funding_rate": None,
                "oi_change_4h": None,
            },
        ),
    )


def _signals(now: datetime) -> tuple[SignalCard, ...]:
    signal: dict[str, Any] = {
        "id": str(_ID),
        "number": 18_204,
        "symbol": "BTCUSDT",
        "base": "BTC",
        "decimals": 1,
        "timeframe": "1h",
        "side": "long",
        "origin": "simulated",
        "issued_at": now.isoformat(),
        "entry": {
            "low": "60580.0",
            "high": "60700.0",
            "valid_until": (now + timedelta(hours=6)).isoformat(),
        },
        "stop": "60110.0",
        "targets": [
            {"price": "61170.0", "share": 0.4, "r": 1.0, "p": 0.58},
            {"price": "61700.0", "share": 0.3, "r": 2.0, "p": 0.39},
            {"price": "62230.0", "share": 0.3, "r": 3.0, "p": 0.27},
        ],
        "reward_risk": 1.9,
        "expires_at": (now + timedelta(hours=48)).isoformat(),
        "confidence": 0.58,
        "interval": [0.53, 0.63],
        "break_even": 0.44,
        "base_rate": 0.47,
        "record": {
            "n": 412,
            "wins": 239,
            "rate": 0.58,
            "interval": [0.53, 0.63],
            "origin": "simulated",
        },
        "strength": 0.21,
        "strength_interval": [0.05, 0.37],
        "reasons": [
            {"title": "Taker imbalance", "sentence": "", "points": 7.2},
            {"title": "Funding", "sentence": "Funding −0.0041%: shorts pay", "points": 4.9},
            {"title": "Trend", "sentence": "Price below its weekly mean", "points": -2.1},
        ],
        "other": {"n": 29, "points": 1.0},
        "invalidation": "Void if the zone is not touched in six hours.",
        "state": "in_zone",
        "fill_price": None,
        "result_r": None,
    }
    market = {"price": "60640.0", "mark": 60_640.0, "decimals": 1}
    short = {
        **signal,
        "side": "short",
        "state": "waiting",
        "stop": "61170.0",
        "targets": [
            {"price": "60110.0", "share": 0.4, "r": 1.0, "p": 0.5},
            {"price": "59580.0", "share": 0.3, "r": 2.0, "p": 0.3},
            {"price": "59050.0", "share": 0.3, "r": 3.0, "p": 0.2},
        ],
        "record": None,
    }
    states = (
        ("long, in its zone, with a record", signal),
        ("short, waiting, too few alike for a record", short),
        ("stopped", {**signal, "state": "lost", "result_r": -1.06, "fill_price": "60640.0"}),
    )
    return tuple(SignalCard(title, one, signal_levels(one, market)) for title, one in states)


def _positions(now: datetime) -> tuple[PositionRow, ...]:
    view = PositionView(
        trade_id=_ID,
        account_id=_ID,
        venue=Venue.PAPER,
        signal_id=_ID,
        symbol="BTCUSDT",
        base="BTC",
        decimals=1,
        side="long",
        quantity=_D("0.042"),
        entry_price=_D("60640.0"),
        stop_price=_D("60110.0"),
        stop_level="initial",
        r_distance=_D(530),
        targets=(),
        proof=StopProof.VERIFIED,
        proof_at=now - timedelta(seconds=4),
        proof_id="8389765543",
        seconds_left=None,
        realised=_D(0),
        fees=_D("1.27"),
        funding=_D(0),
        liquidation_price=_D("48737.3"),
        leverage=5,
        opened_at=now - timedelta(minutes=40),
        expires_at=now + timedelta(hours=47),
        note="",
    )
    row = PositionRow(view, _D("60714.0"), _D("0.14"), _D("0.00995"))
    states = (
        view,
        replace(view, proof_at=now - timedelta(minutes=4), venue=Venue.SIMULATED),
        replace(view, proof=StopProof.MOVING, stop_level="break_even", side="short"),
        replace(view, proof=StopProof.UNCONFIRMED, seconds_left=7.0, venue=Venue.DEMO),
        replace(view, proof=StopProof.FLATTENING, venue=Venue.BINANCE),
        replace(view, proof=StopProof.NONE, proof_id="", note="Touched by hand at the exchange."),
    )
    return tuple(replace(row, view=one) for one in states)


def _fills(now: datetime) -> tuple[FillLine, ...]:
    line = FillLine(
        at=now - timedelta(minutes=40),
        trade_id=_ID,
        venue=Venue.PAPER,
        symbol="BTCUSDT",
        base="BTC",
        decimals=1,
        side="long",
        leg="entry",
        event="Entry filled",
        asked=_D("60640.0"),
        filled=_D("60641.2"),
        quantity=_D("0.042"),
        slippage_bps=_D("0.2"),
        fee=_D("1.27"),
        fee_paid="",
        result_r=None,
        exchange_id="8389765540",
    )
    return (
        replace(line, leg="stop", event="Stop filled", result_r=_D("-1.06"), filled=_D("60108.4")),
        replace(line, leg="tp1", event="TP1 filled", result_r=_D("0.41"), filled=_D("61170.0")),
        line,
        replace(
            line,
            leg="",
            event="Skipped: the price had run away",
            asked=None,
            filled=None,
            slippage_bps=None,
            fee=None,
            exchange_id="",
        ),
    )
