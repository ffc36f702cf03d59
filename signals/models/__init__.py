"""Rows of the signals room and their constraints."""

from signals.models.judgements import Judgement
from signals.models.market import Candle, CandleCorrection, Instrument, ReportedLiquidation
from signals.models.model_registry import ModelVersion
from signals.models.signals import (
    ChainEntry,
    OutboxEntry,
    RejectedSetup,
    Settlement,
    Signal,
    SignalState,
)

__all__ = [
    "Candle",
    "CandleCorrection",
    "ChainEntry",
    "Instrument",
    "Judgement",
    "ModelVersion",
    "OutboxEntry",
    "RejectedSetup",
    "ReportedLiquidation",
    "Settlement",
    "Signal",
    "SignalState",
]
