"""A small made-up market as the engine tells it: payloads of `docs/architecture.md`, by hand."""

import base64
import struct
from typing import Any

NOW = "2025-11-25T00:10:00.000Z"
NOW_S = 1_764_029_400
N_ROWS = 60


def make_row(symbol: str, price: float, **changes: Any) -> dict[str, Any]:
    """Return one market of `GET /api/v1/markets`."""
    values = {
        "symbol": symbol,
        "base": symbol.removesuffix("USDT"),
        "price": f"{price:.1f}",
        "decimals": 1,
        "change_24h": 0.0184,
        "funding_rate": -0.000041,
        "next_funding_at": "2025-11-25T08:00:00.000Z",
        "open_interest_usd": 7.84e9,
        "oi_change_4h": 0.026,
        "volume_24h": price * 1e5,
        "mark": price - 0.3,
        "liquidated_long_24h": 61_100_000,
        "liquidated_short_24h": 38_300_000,
        "spark": [price] * 24,
        "signal": None,
        "stale": False,
        "age_s": 0.4,
    }
    return {**values, **changes}


def make_rows(count: int) -> list[dict[str, Any]]:
    """Return BTCUSDT at 60,000, then ever smaller markets."""
    rows = [make_row("BTCUSDT", 60_000.0)]
    rows += [
        make_row(f"C{n:03d}USDT", 1_000.0 - n, change_24h=(n - 150) / 1000) for n in range(1, count)
    ]
    return rows


def make_status(**changes: Any) -> dict[str, Any]:
    """Return a status object of an engine that is ready."""
    stages = ("receive", "decode", "state", "factors", "score", "deliver")
    values = {
        "origin": "simulated",
        "market": "simulated",
        "ready": True,
        "warming": None,
        "now": NOW,
        "model": {"version": "model-1", "trained_at": "2025-11-24T20:00:00.000Z"},
        "feeds": {"n": 26, "n_live": 26, "oldest_s": 0.4, "stale": []},
        "stages": [
            {"name": n, "title": n.title(), "p50_ms": 0.4, "p99_ms": 12.3, "count": 9, "at": NOW}
            for n in stages
        ],
        "gaps": 0,
        "refilled": 0,
        "counters": {"frames": 1234},
        "last_error": None,
        "speed": 1.0,
    }
    return {**values, **changes}


def warming(text: str = "Loading history, 3 of 40") -> dict[str, Any]:
    """Return the status of an engine that has not read its history yet."""
    return make_status(
        ready=False,
        model=None,
        warming={"stage": "Loading history", "done": 3, "total": 40, "text": text},
        feeds={"n": 0, "n_live": 0, "oldest_s": None, "stale": []},
    )


def _floats(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def answer(kind: str, args: dict[str, Any], price: float = 60_000.0) -> Any:
    """Answer a question of the web as the engine does."""
    symbol, timeframe = args["symbol"], args.get("timeframe")
    head = {"symbol": symbol, "timeframe": timeframe, "origin": "simulated", "at": NOW}
    if kind == "candles":
        times = [NOW_S - NOW_S % 900 - 900 * k for k in range(119, -1, -1)]
        candles = [
            [t, price - 20, price + 60, price - 80, price + (20 if k % 2 else -20), 5.0]
            for k, t in enumerate(times)
            if k not in (50, 51)
        ]
        liquidations = [
            {"at_s": times[100], "price": price - 80, "usd": 2e6, "side": "long"},
            {"at_s": times[110], "price": price + 60, "usd": 1e6, "side": "short"},
        ]
        return {**head, "candles": candles, "gaps": times[50:52], "liquidations": liquidations}
    if kind == "heatmap":
        columns = [NOW_S - NOW_S % 900 - 900 * k for k in range(47, -1, -1)]
        column = [float(1e6 + 1e5 * (k % 7)) for k in range(N_ROWS)]
        return {
            **head,
            "estimated": True,
            "low": price * 0.97,
            "high": price * 1.03,
            "step": 0.001,
            "rows": N_ROWS,
            "columns": columns,
            "cells": _floats(column * len(columns)),
            "long_now": _floats([v if k < 30 else 0.0 for k, v in enumerate(column)]),
            "short_now": _floats([v if k >= 30 else 0.0 for k, v in enumerate(column)]),
            "cap": 1.6e6,
            "clusters": [
                {"price": price * 1.01, "usd": 46e6, "side": "short", "distance": 0.01},
            ],
        }
    if kind == "gates":
        return {
            **head,
            "side": "short",
            "probability": 0.41,
            "interval": [0.38, 0.44],
            "break_even": 0.44,
            "strength": -0.04,
            "says_no": "edge",
            "gates": [
                _gate("fresh_data", "Fresh data", True, 0.4, 15.0, "All feeds are fresh."),
                _gate("edge", "Chance against break-even", False, 0.38, 0.47, "Too close."),
                _gate("single", "One at a time", True, None, None, "No signal is open here."),
            ],
        }
    if kind == "factors":
        return {
            **head,
            "side": "long",
            "probability": 0.58,
            "interval": [0.53, 0.63],
            "base_probability": 0.47,
            "other_points": -0.8,
            "factors": [
                _factor("taker_imb", "Taker imbalance", 0.31, 7.2),
                _factor("funding", "Funding rate", -0.12, -2.9),
            ],
        }
    if kind == "book":
        return {
            **head,
            "age_s": 0.1,
            "mid": price,
            "spread_bps": 1.0,
            "bids": [[price - 1 - k, 2.0] for k in range(20)],
            "asks": [[price + 1 + k, 1.0] for k in range(20)],
            "bands": [
                {"band": 0.001, "imbalance": 0.3, "ratio": 1.86, "held_s": 61, "covered": True},
                {"band": 0.02, "imbalance": None, "ratio": None, "held_s": None, "covered": False},
            ],
        }
    if kind == "funding":
        return {
            **head,
            "rate": -0.000041,
            "interval_hours": 8,
            "next_at": "2025-11-25T08:00:00.000Z",
            "percentile": 0.08,
            "history": [[NOW_S - 28_800 * k, 0.0001] for k in range(9, 0, -1)],
            "open_interest": [[NOW_S - 900 * k, 7.8e9 + k * 1e6] for k in range(96, 0, -1)],
            "oi_change_4h": 0.026,
            "quadrant": "Price up, open interest up: new longs",
        }
    return {
        "symbol": symbol,
        "window": "160 candles of 1h",
        "markets": [
            {"symbol": "C001USDT", "beta": 1.4, "correlation": 0.8, "lag_s": 120, "r2": 0.64}
        ],
        "knock_on": {
            "at": NOW,
            "move": -0.012,
            "shocks": 4,
            "minutes": 1440,
            "markets": [
                {
                    "symbol": "C001USDT",
                    "beta": 1.4,
                    "lag_s": 120,
                    "expected": -0.0168,
                    "moved": -0.004,
                    "n": 4,
                    "followed": 3,
                    "interval": [0.3, 0.95],
                }
            ],
        },
    }


def _gate(
    name: str, title: str, passed: bool, value: float | None, limit: float | None, text: str
) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "passed": passed,
        "value": value,
        "limit": limit,
        "sentence": text,
    }


def _factor(name: str, title: str, log_odds: float, points: float) -> dict[str, Any]:
    return {
        "name": name,
        "group": "volume",
        "title": title,
        "reading": 4.0,
        "unit": "%",
        "text": "4.0 %",
        "percentile": 0.9,
        "log_odds": log_odds,
        "points": points,
        "sentence": f"{title} is 4.0 %.",
    }
