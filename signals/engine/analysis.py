"""What lies around one market: its map, book, funding and company; plain data for the tabs."""

import base64
from math import isfinite
from typing import Any, Final

import numpy as np

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.timeframes import Timeframe
from signals.analysis.company import Company, answer_to, follow, follow_through, shocks
from signals.delivery.payloads import iso
from signals.features.catalogue import CATALOGUE
from signals.heatmap.grid import HeatmapView
from signals.market.panel import CLOSE, FloatArray
from signals.model.evaluate import wilson
from signals.pipeline.fold import Pipeline


def number(value: float, digits: int = 6) -> float | None:
    """Return a float that JSON has a word for."""
    value = float(value)
    # Asking numpy about one number costs more than all the rest.
    return round(value, digits) if isfinite(value) else None


_MAPPED: Final = (Timeframe.M5, Timeframe.M15, Timeframe.H1, Timeframe.H4)
_NO_MAP: Final = "No open interest is known for this symbol, so nothing can be estimated."
_NO_PAST_MAP: Final = "The map of this moment is no longer kept: it reaches back 240 candles."
_HEAPS: Final = 10
_HEAP_MULTIPLE: Final = 3.0
_COMPANY_MINUTES: Final = 1440
_KNOCKED: Final = 30


def _heaps(view: HeatmapView, close: float) -> list[dict[str, Any]]:
    """Return where a past column stood out: levels above both neighbours, three times the median."""
    found: list[dict[str, Any]] = []
    for side, values in (("long", view.long_now), ("short", view.short_now)):
        filled = values[values > 0]
        if filled.size < 4:
            continue
        least = _HEAP_MULTIPLE * float(np.median(filled))
        for k in range(1, values.size - 1):
            if values[k] >= least and values[k] > values[k - 1] and values[k] >= values[k + 1]:
                price = view.low * float(np.exp(view.step * (k + 0.5)))
                usd = round(float(values[k - 1 : k + 2].sum()))
                distance = round(price / close - 1, 5)
                found.append({"price": price, "usd": usd, "side": side, "distance": distance})
    return sorted(found, key=lambda heap: heap["usd"], reverse=True)[:_HEAPS]


class Analysis:
    """Reads one pipeline; every method returns JSON-able data and changes nothing."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._company_held: tuple[int, Company, dict[str, Any] | None] | None = None

    def iso(self, at_ms: int) -> str | None:
        return iso(to_datetime(at_ms)) if at_ms else None

    def _row(self, symbol: str) -> int | None:
        row = self.pipeline.state.index.get(symbol)
        return row if row is not None and self.pipeline.state.active[row] else None

    def changes_24h(self) -> np.ndarray:
        """Return price now over price 24 hours ago, minus 1, (n,)."""
        state = self.pipeline.state
        panel = state.panels[Timeframe.M15]
        past = panel.window(97)[0, CLOSE] if panel.capacity >= 97 else np.full(state.n, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(state.price / past - 1)

    def interest_change(self) -> np.ndarray:
        """Return the change of open interest over four hours as a fraction, (n,)."""
        frame = self.pipeline.engines[Timeframe.M15].frame
        with np.errstate(invalid="ignore"):
            return np.asarray(np.expm1(frame.last("log_oi") - frame.last("log_oi", 16)))

    def heatmap(
        self,
        symbol: str,
        timeframe: str,
        at_ms: int | None = None,
        price: float | None = None,
    ) -> dict[str, Any] | None:
        """Return price × time cells, estimated; as of a past moment, if one is given."""
        row, tf = self._row(symbol), Timeframe(timeframe)
        if row is None:
            return None
        heatmap = self.pipeline.heatmap
        until = None if at_ms is None or price is None else (at_ms, price)
        shown = tf if tf in _MAPPED else Timeframe.M15
        view = heatmap.view(row, shown, until=until)
        if view is None:
            return {
                "symbol": symbol,
                "timeframe": timeframe,
                "estimated": True,
                "columns": [],
                "reason": _NO_MAP if until is None else _NO_PAST_MAP,
            }
        rows = view.cells.shape[1]
        return {
            "symbol": symbol,
            "timeframe": timeframe,
            "estimated": True,
            "origin": self.pipeline.origin,
            "low": view.low,
            "high": view.low * float(np.exp(view.step * rows)),
            "step": view.step,
            "rows": rows,
            "columns": [int(at) // 1000 for at in view.open_ms],
            "cells": base64.b64encode(view.cells.astype("<f4").tobytes()).decode(),
            "long_now": base64.b64encode(view.long_now.astype("<f4").tobytes()).decode(),
            "short_now": base64.b64encode(view.short_now.astype("<f4").tobytes()).decode(),
            "cap": view.cap,
            "clusters": self._clusters(row) if until is None else _heaps(view, until[1]),
        }

    def _clusters(self, row: int) -> list[dict[str, Any]]:
        return [
            {
                "price": c.price,
                "usd": round(c.notional),
                "side": ("long", "short")[c.side],
                "distance": round(c.distance, 5),
            }
            for c in self.pipeline.heatmap.clusters(row)[:10]
        ]

    def liquidations(self, symbol: str, until_ms: int | None = None) -> list[dict[str, Any]] | None:
        """Return the reported liquidations that are held, up to a moment if one is given."""
        row = self._row(symbol)
        if row is None:
            return None
        return [
            {"at_s": at // 1000, "price": price, "usd": round(usd), "side": ("long", "short")[side]}
            for at, price, usd, side in self.pipeline.state.liquidations.recent[row]
            if until_ms is None or at <= until_ms
        ]

    def book(self, symbol: str, now_ms: int) -> dict[str, Any] | None:
        """Return the visible book and the bands around mid."""
        row = self._row(symbol)
        if row is None:
            return None
        book = self.pipeline.state.book
        held = book.levels[row]
        if held is None:
            return {
                "symbol": symbol,
                "at": self.iso(now_ms),
                "age_s": None,
                "mid": None,
                "bids": [],
                "asks": [],
                "bands": [],
                "spread_bps": None,
                "reason": "No order book has come for this symbol yet.",
            }
        bids, asks = held
        mid = (bids[0][0] + asks[0][0]) / 2
        bands = []
        for place, width in enumerate((0.001, 0.005, 0.01, 0.02)):
            tilt = float(book.imbalance_fast[place, row])
            since = int(book.tilt_since_ms[place, row])
            bands.append(
                {
                    "band": width,
                    "imbalance": number(tilt, 4),
                    "ratio": number((1 + tilt) / max(1 - tilt, 1e-9), 3),
                    "held_s": round((now_ms - since) / 1000) if since else None,
                    "covered": bool(np.isfinite(book.imbalance[place, row])),
                }
            )
        age = (now_ms - int(book.received_ms[row])) / 1000 / self.pipeline.speed
        return {
            "symbol": symbol,
            "at": self.iso(int(book.received_ms[row])),
            "age_s": round(age, 1),
            "mid": mid,
            "spread_bps": number((asks[0][0] - bids[0][0]) / mid * 1e4, 3),
            "bids": [list(level) for level in bids],
            "asks": [list(level) for level in asks],
            "bands": bands,
        }

    def funding_percentile(self, row: int) -> float | None:
        """Return where the funding rate stands in its own past, 0..1."""
        place = CATALOGUE.names.index("fund_z")
        return number(self.pipeline.engines[Timeframe.M15].percentiles(row)[place], 4)

    def quadrant(self, row: int, interest_change: float) -> str | None:
        """Say what price and open interest of the last four hours tell together."""
        frame = self.pipeline.engines[Timeframe.M15].frame
        price_change = float(frame.last("log_close")[row] - frame.last("log_close", 16)[row])
        if not isfinite(interest_change) or not isfinite(price_change):
            return None
        return {
            (True, True): "Price up, open interest up: new longs",
            (True, False): "Price up, open interest down: shorts closing",
            (False, True): "Price down, open interest up: new shorts",
            (False, False): "Price down, open interest down: longs closing",
        }[(price_change >= 0, interest_change >= 0)]

    def funding(self, symbol: str, until_ms: int | None = None) -> dict[str, Any] | None:
        """Return funding and open interest with their recent past, up to a moment if given."""
        row = self._row(symbol)
        if row is None:
            return None
        derivatives = self.pipeline.state.derivatives
        engine = self.pipeline.engines[Timeframe.M15]
        window = engine.frame.window("log_oi", 96)[:, row]
        closes = engine.frame.window("log_close", 96)[:, row]
        last = engine.last_open_ms + Timeframe.M15.duration_ms
        times = last - (95 - np.arange(96)) * Timeframe.M15.duration_ms
        interest = [
            [int(at) // 1000, float(np.exp(oi + close))]
            for at, oi, close in zip(times, window, closes, strict=True)
            if np.isfinite(oi) and np.isfinite(close)
        ]
        history = [[at // 1000, rate] for at, rate in derivatives._settlements[row]]
        if until_ms is not None:
            known_s = until_ms // 1000
            return {
                "symbol": symbol,
                "interval_hours": int(derivatives.interval_hours[row]),
                "history": [pair for pair in history if pair[0] <= known_s],
                "open_interest": [pair for pair in interest if pair[0] <= known_s],
            }
        change = self.interest_change()[row]
        return {
            "symbol": symbol,
            "rate": number(derivatives.predicted_rate[row], 8),
            "settled_8h": number(derivatives.settled_8h[row], 8),
            "interval_hours": int(derivatives.interval_hours[row]),
            "next_at": self.iso(int(derivatives.next_funding_ms[row])),
            "percentile": self.funding_percentile(row),
            "history": history,
            "open_interest": interest,
            "oi_change_4h": number(change),
            "quadrant": self.quadrant(row, float(change)),
        }

    def correlation(self, symbol: str) -> dict[str, Any] | None:
        """Return beta and correlation to every other symbol, and who follows BTC, and how late."""
        row = self._row(symbol)
        if row is None:
            return None
        returns = self.pipeline.engines[Timeframe.H1].frame.window("r", 160)
        own = returns[:, row]
        company, told = self._company()
        out: list[dict[str, Any]] = []
        for other, name in enumerate(self.pipeline.state.symbols):
            pair = ~np.isnan(own) & ~np.isnan(returns[:, other])
            if other == row or pair.sum() < 60:
                continue
            x, y = returns[pair, other], own[pair]
            if x.std() == 0 or y.std() == 0:
                continue
            r = float(np.corrcoef(x, y)[0, 1])
            lag = number(float(company.lag_minutes[other])) if company else None
            out.append(
                {
                    "symbol": name,
                    "beta": round(r * float(y.std() / x.std()), 3),
                    "correlation": round(r, 3),
                    "lag_s": None if lag is None else round(lag * 60),
                    "r2": round(r * r, 3),
                }
            )
        out.sort(key=lambda item: -abs(item["correlation"]))
        return {"symbol": symbol, "window": "160 candles of 1h", "markets": out, "knock_on": told}

    def _company(self) -> tuple[Company | None, dict[str, Any] | None]:
        """Return how all follow BTC by the minute, and its newest shock; kept for a minute."""
        state = self.pipeline.state
        leader = state.index.get("BTCUSDT")
        panel = state.panels[Timeframe.M1]
        if leader is None:
            return None, None
        if self._company_held is None or self._company_held[0] != panel.newest_open_ms:
            closes = panel.window(min(_COMPANY_MINUTES, panel.capacity))[:, CLOSE]
            with np.errstate(invalid="ignore", divide="ignore"):
                returns = np.diff(np.log(closes), axis=0)
            order = [leader, *(row for row in range(state.n) if row != leader)]
            returns = returns[:, order]
            found = follow(returns)
            told = self._knock_on(returns, found, order, panel.newest_open_ms)
            back = np.argsort(order)
            company = Company(found.beta[back], found.correlation[back], found.lag_minutes[back])
            self._company_held = (panel.newest_open_ms, company, told)
        return self._company_held[1], self._company_held[2]

    def _knock_on(
        self, returns: FloatArray, found: Company, order: list[int], newest_ms: int
    ) -> dict[str, Any] | None:
        """Say what BTC's newest shock makes of the others, those that lag most behind it first."""
        at = shocks(returns)
        if not at.size:
            return None
        state, place = self.pipeline.state, int(at[-1])
        shock = answer_to(returns, found.beta, place)
        n, followed = follow_through(returns, at)
        rows: list[dict[str, Any]] = []
        for column, row in enumerate(order[: len(state.symbols)]):
            if column == 0 or not state.active[row] or not isfinite(shock.expected[column]):
                continue
            low, high = wilson(int(followed[column]), int(n[column]))
            rows.append(
                {
                    "symbol": state.symbols[row],
                    "beta": number(found.beta[column], 3),
                    "lag_s": round(float(found.lag_minutes[column]) * 60),
                    "expected": number(shock.expected[column]),
                    "moved": number(shock.answered[column]),
                    "n": int(n[column]),
                    "followed": int(followed[column]),
                    "interval": [number(low, 4), number(high, 4)] if n[column] else None,
                }
            )
        rows.sort(key=lambda row: -abs((row["expected"] or 0) - (row["moved"] or 0)))
        at_ms = newest_ms - (returns.shape[0] - 1 - place - 1) * 60_000
        return {
            "at": self.iso(at_ms),
            "move": number(shock.move),
            "shocks": int(at.size),
            "minutes": returns.shape[0],
            "markets": rows[:_KNOCKED],
        }
