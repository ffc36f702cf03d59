"""What the engine says about the market: plain data for pages, frames and answers."""

import base64
from math import isfinite
from typing import Any, Final

import numpy as np

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.timeframes import TIMEFRAMES, Timeframe
from signals.builder.build import NoSignal, build, points
from signals.delivery.payloads import iso
from signals.features.catalogue import CATALOGUE
from signals.market.panel import CLOSE, FloatArray
from signals.pipeline.decision import make_setup, standing
from signals.pipeline.fold import Pipeline

_SPARK: Final = 24


def number(value: float, digits: int = 6) -> float | None:
    """Return a float that JSON has a word for."""
    value = float(value)
    # Asking numpy about one number costs more than all the rest.
    return round(value, digits) if isfinite(value) else None


class MarketViews:
    """Reads one pipeline; every method returns JSON-able data and changes nothing."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    def iso(self, at_ms: int) -> str | None:
        return iso(to_datetime(at_ms)) if at_ms else None

    def _row(self, symbol: str) -> int | None:
        row = self.pipeline.state.index.get(symbol)
        return row if row is not None and self.pipeline.state.active[row] else None

    # --- market list --------------------------------------------------------------------------

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

    def market_rows(self, now_ms: int) -> list[dict[str, Any]]:
        """Return one row a symbol, as `GET /markets` has it."""
        state = self.pipeline.state
        change, interest = self.changes_24h(), self.interest_change()
        derivatives, ages = state.derivatives, state.staleness(now_ms)["candle"]
        hours = state.panels[Timeframe.H1].window(_SPARK)
        volume = np.nansum(hours[:, 5], axis=0)
        sparks = hours[:, CLOSE].T.tolist()
        sides = self._open_sides()
        out = []
        for row, symbol in enumerate(state.symbols):
            if not state.active[row]:
                continue
            rules = self.pipeline.rules[row]
            age = float(ages[row]) / self.pipeline.speed
            longs, shorts = state.liquidations.day_totals(row, now_ms)
            price = float(state.price[row])
            out.append(
                {
                    "symbol": symbol,
                    "base": rules.base_asset,
                    "price": f"{price:.{rules.price_decimals}f}" if price == price else None,
                    "decimals": rules.price_decimals,
                    "change_24h": number(change[row]),
                    "funding_rate": number(derivatives.predicted_rate[row], 8),
                    "next_funding_at": self.iso(int(derivatives.next_funding_ms[row])),
                    "open_interest_usd": number(derivatives.open_interest[row] * price, 0),
                    "oi_change_4h": number(interest[row]),
                    "volume_24h": number(volume[row], 0),
                    "mark": number(derivatives.mark[row], 10),
                    "liquidated_long_24h": round(longs),
                    "liquidated_short_24h": round(shorts),
                    "spark": [number(v, 10) for v in sparks[row]],
                    "signal": sides.get(row),
                    "stale": not age <= 15.0,
                    "age_s": number(min(age, 1e6), 1),
                }
            )
        return out

    def _open_sides(self) -> dict[int, str]:
        return {
            signal.row: "long" if signal.sign > 0 else "short"
            for signal in self.pipeline.book.signals
        }

    def ticker_rows(self, now_ms: int) -> list[list[Any]]:
        """Return the short rows of the `tickers` topic."""
        state = self.pipeline.state
        change, interest = self.changes_24h(), self.interest_change()
        ages = state.staleness(now_ms)["candle"] / self.pipeline.speed
        derivatives = state.derivatives
        out = []
        for row, symbol in enumerate(state.symbols):
            price = float(state.price[row])
            if not state.active[row] or price != price:
                continue
            decimals = self.pipeline.rules[row].price_decimals
            out.append(
                [
                    symbol,
                    f"{price:.{decimals}f}",
                    number(change[row]),
                    number(derivatives.predicted_rate[row], 8),
                    number(interest[row]),
                    number(min(float(ages[row]), 1e6), 1),
                    number(derivatives.mark[row], decimals + 2),
                    number(derivatives.open_interest[row] * price, 0),
                ]
            )
        return out

    def forming(self, timeframe: Timeframe) -> FloatArray:
        """Return the running candles of every symbol, (fields, n), for many a `candle_frame`."""
        return self.pipeline.state.builder.forming(timeframe)

    def candle_frame(
        self, symbol: str, timeframe: Timeframe, candles: FloatArray | None = None
    ) -> dict[str, Any] | None:
        """Return the running candle of one chart; `candles` is `forming`, where it is at hand."""
        row = self._row(symbol)
        if row is None:
            return None
        state = self.pipeline.state
        forming = (self.forming(timeframe) if candles is None else candles)[:, row]
        minute_ms = int(state.panels[Timeframe.M1].forming_open_ms[row])
        if forming[CLOSE] != forming[CLOSE]:
            return None
        open_s = timeframe.open_of(minute_ms) // 1000
        decimals = self.pipeline.rules[row].price_decimals
        return {
            "candle": [
                open_s,
                *(round(float(v), decimals + 1) for v in forming[:4]),
                float(forming[4]),
            ],
            "closed": False,
            "price": f"{float(state.price[row]):.{decimals}f}",
            "mark": number(state.derivatives.mark[row], decimals + 2),
            "event_at": self.iso(int(state.price_event_ms[row])),
        }

    # --- one symbol ---------------------------------------------------------------------------

    def candles(self, symbol: str, timeframe: str, limit: int) -> dict[str, Any] | None:
        """Return the newest candles of the panel, the running one last."""
        row = self._row(symbol)
        if row is None:
            return None
        tf = Timeframe(timeframe)
        panel = self.pipeline.state.panels[tf]
        count = min(limit, panel.capacity)
        window = panel.window(count)[:, :, row]
        known = np.nonzero(~np.isnan(window[:, CLOSE]))[0]
        times = panel.newest_open_ms - (count - 1 - np.arange(count)) * tf.duration_ms
        rows = [[int(times[k]) // 1000, *(float(v) for v in window[k, :5])] for k in known]
        gaps = []
        if known.size:
            inside = np.arange(known[0], known[-1] + 1)
            gaps = [int(times[k]) // 1000 for k in np.setdiff1d(inside, known)]
        running = self.candle_frame(symbol, tf)
        if running is not None and (not rows or running["candle"][0] > rows[-1][0]):
            rows.append(running["candle"])
        first = rows[0][0] if rows else 0
        liquidations = [
            {"at_s": at // 1000, "price": price, "usd": round(usd), "side": ("long", "short")[side]}
            for at, price, usd, side in self.pipeline.state.liquidations.recent[row]
            if at // 1000 >= first
        ]
        return {
            "symbol": symbol,
            "timeframe": timeframe,
            "origin": self.pipeline.origin,
            "candles": rows,
            "gaps": gaps,
            "liquidations": liquidations[-400:],
        }

    def _judged(self, symbol: str, timeframe: str) -> Any:
        """Return (moment, standing, setup, built) of the newest scores, or None."""
        row, tf = self._row(symbol), Timeframe(timeframe)
        scored, model = self.pipeline.latest.get(tf), self.pipeline.model
        if row is None or scored is None or model is None:
            return None
        stand = standing(model, scored.moment)
        if not np.isfinite(stand.p_win[row]) or not scored.moment.atr[row] > 0:
            return None
        setup = make_setup(
            model, scored.moment, stand, self.pipeline.rules[row], row, 0, worded=CATALOGUE.size
        )
        return scored.moment, setup

    def silence(self, symbol: str, timeframe: str) -> str | None:
        """Say why a symbol that is followed is not judged; None for one that is not followed."""
        if self._row(symbol) is None:
            return None
        model = self.pipeline.model
        if model is None:
            return "The model is being trained. Try again in a minute."
        if Timeframe(timeframe) not in model.sides:
            learned = ", ".join(tf.value for tf in model.sides) or "no timeframe"
            return (
                f"Nothing judges {timeframe} yet: too few settled outcomes to learn from. "
                f"The model knows {learned}; more history (`manage.py import_history`) helps."
            )
        return (
            f"{symbol} cannot be judged on {timeframe} at this moment: "
            "its candles are too few, or its price is not fresh."
        )

    def factors(self, symbol: str, timeframe: str) -> dict[str, Any] | None:
        """Return every factor with its part in the score, weightiest first."""
        found = self._judged(symbol, timeframe)
        if found is None:
            return None
        moment, setup = found
        gained, rest = points(setup.base_rate, setup.p_win, setup)
        out = []
        for place, reason in enumerate(setup.reasons):
            factor = CATALOGUE[reason.name]
            reading = None if reason.reading is None else reason.reading / factor.factor_of_display
            out.append(
                {
                    "name": reason.name,
                    "group": reason.group,
                    "title": reason.title,
                    "reading": reason.reading,
                    "unit": reason.unit,
                    "text": "–" if reading is None else factor.text(reading),
                    "percentile": reason.percentile,
                    "log_odds": round(reason.log_odds, 6),
                    "points": gained[place] if place < len(gained) else None,
                    "sentence": reason.sentence,
                }
            )
        return {
            "symbol": symbol,
            "timeframe": timeframe,
            "at": self.iso(moment.at_ms),
            "side": setup.side,
            "probability": round(setup.p_win, 4),
            "interval": [round(setup.p_low, 4), round(setup.p_high, 4)],
            "base_probability": round(setup.base_rate, 4),
            "other_points": rest,
            "factors": out,
        }

    def gates(self, symbol: str, timeframe: str) -> dict[str, Any] | None:
        """Return every gate's verdict on the better side."""
        found = self._judged(symbol, timeframe)
        if found is None:
            return None
        moment, setup = found
        built = build(setup)
        return {
            "symbol": symbol,
            "timeframe": timeframe,
            "at": self.iso(moment.at_ms),
            "side": setup.side,
            "probability": round(setup.p_win, 4),
            "interval": [round(setup.p_low, 4), round(setup.p_high, 4)],
            "break_even": round(built.money.break_even, 4),
            "strength": round(built.money.strength, 3),
            "says_no": built.gate if isinstance(built, NoSignal) else None,
            "gates": [
                {
                    "name": gate.name,
                    "title": gate.title,
                    "passed": gate.passed,
                    "value": gate.value,
                    "limit": gate.limit,
                    "sentence": gate.sentence,
                }
                for gate in built.gates
            ],
        }

    def heatmap(self, symbol: str, timeframe: str) -> dict[str, Any] | None:
        """Return price × time cells, estimated."""
        row, tf = self._row(symbol), Timeframe(timeframe)
        if row is None:
            return None
        heatmap = self.pipeline.heatmap
        view = heatmap.view(
            row,
            tf
            if tf in (Timeframe.M5, Timeframe.M15, Timeframe.H1, Timeframe.H4)
            else Timeframe.M15,
        )
        if view is None:
            return {
                "symbol": symbol,
                "timeframe": timeframe,
                "estimated": True,
                "columns": [],
                "reason": "No open interest is known for this symbol, so nothing can be estimated.",
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
            "clusters": [
                {
                    "price": c.price,
                    "usd": round(c.notional),
                    "side": ("long", "short")[c.side],
                    "distance": round(c.distance, 5),
                }
                for c in heatmap.clusters(row)[:10]
            ],
        }

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

    def funding(self, symbol: str) -> dict[str, Any] | None:
        """Return funding and open interest with their recent past."""
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
        change = self.interest_change()[row]
        moved = self.pipeline.engines[Timeframe.M15].frame
        price_change = float(moved.last("log_close")[row] - moved.last("log_close", 16)[row])
        quadrant = None
        if np.isfinite(change) and np.isfinite(price_change):
            quadrant = {
                (True, True): "Price up, open interest up: new longs",
                (True, False): "Price up, open interest down: shorts closing",
                (False, True): "Price down, open interest up: new shorts",
                (False, False): "Price down, open interest down: longs closing",
            }[(price_change >= 0, change >= 0)]
        place = CATALOGUE.names.index("fund_z")
        return {
            "symbol": symbol,
            "rate": number(derivatives.predicted_rate[row], 8),
            "settled_8h": number(derivatives.settled_8h[row], 8),
            "interval_hours": int(derivatives.interval_hours[row]),
            "next_at": self.iso(int(derivatives.next_funding_ms[row])),
            "percentile": number(engine.percentiles(row)[place], 4),
            "history": history,
            "open_interest": interest,
            "oi_change_4h": number(change),
            "quadrant": quadrant,
        }

    def correlation(self, symbol: str) -> dict[str, Any] | None:
        """Return beta and correlation to every other symbol over the window of 1h returns."""
        row = self._row(symbol)
        if row is None:
            return None
        returns = self.pipeline.engines[Timeframe.H1].frame.window("r", 160)
        own = returns[:, row]
        out: list[dict[str, Any]] = []
        for other, name in enumerate(self.pipeline.state.symbols):
            pair = ~np.isnan(own) & ~np.isnan(returns[:, other])
            if other == row or pair.sum() < 60:
                continue
            x, y = returns[pair, other], own[pair]
            if x.std() == 0 or y.std() == 0:
                continue
            r = float(np.corrcoef(x, y)[0, 1])
            out.append(
                {
                    "symbol": name,
                    "beta": round(r * float(y.std() / x.std()), 3),
                    "correlation": round(r, 3),
                    "lag_s": None,
                    "r2": round(r * r, 3),
                }
            )
        out.sort(key=lambda item: -abs(item["correlation"]))
        return {"symbol": symbol, "window": "160 candles of 1h", "markets": out}


def known_timeframe(text: str) -> bool:
    """Say whether a text names one of the six timeframes."""
    return text in {tf.value for tf in TIMEFRAMES}
