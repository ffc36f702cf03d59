"""Rows of the trading room."""

from trading.models.accounts import BotSettings, KeyCheck, SecretOpening, TradingAccount
from trading.models.control import ExecutorCursor, ExecutorWord, KillSwitch
from trading.models.orders import CashFlowRow, Fill, TradeOrder
from trading.models.paper import PaperBook
from trading.models.trades import JournalEntry, Trade

__all__ = [
    "BotSettings",
    "CashFlowRow",
    "ExecutorCursor",
    "ExecutorWord",
    "Fill",
    "JournalEntry",
    "KeyCheck",
    "KillSwitch",
    "PaperBook",
    "SecretOpening",
    "Trade",
    "TradeOrder",
    "TradingAccount",
]
