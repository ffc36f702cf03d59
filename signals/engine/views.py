"""What the engine says about the market: plain data for pages, frames and answers."""

from typing import Any, Final

import numpy as np

from cryptosystems.kernel.timeframes import DECISION_TIMEFRAMES, TIMEFRAMES, Timeframe
from signals.builder.build import NoSignal, build, points
from signals.engine.analysis import Analysis, number
from signals.features.catalogue import CATALOGUE
from signals.market.panel import CLOSE, FloatArray
from signals.pipeline.decision import make_setup, standing

_SPARK: Final = 24


class MarketViews(Analysis):
    """Reads one pipeline; every method returns JSON-able data and changes nothing."""

    # --- market list --------------------------------------------------------------------------

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
        liquidations = [x for x in self.liquidations(symbol) or [] if x["at_s"] >= first]
        return {
            "symbol": symbol,
            "timeframe": timeframe,
            "origin": self.pipeline.origin,
            "candles": rows,
            "gaps": gaps,
            "liquidations": liquidations[-400:],
        }

    def judged_markets(self) -> list[tuple[Timeframe, list[str]]]:
        """Return the timeframes that have scores, each with the markets that are followed."""
        state = self.pipeline.state
        followed = [s for row, s in enumerate(state.symbols) if state.active[row]]
        return [(tf, followed) for tf in DECISION_TIMEFRAMES if tf in self.pipeline.latest]

    def standing_of(self, timeframe: Timeframe) -> Any:
        """Return what many a `judgement` asks of the newest scores of a timeframe, or None."""
        scored, model = self.pipeline.latest.get(timeframe), self.pipeline.model
        if scored is None or model is None:
            return None
        stand = standing(model, scored.moment)
        return scored.moment, stand, self.changes_24h(), self.interest_change()

    def _judged(self, symbol: str, timeframe: str, held: Any = None) -> Any:
        """Return (moment, setup) of the newest scores, or None."""
        row, tf = self._row(symbol), Timeframe(timeframe)
        scored, model = self.pipeline.latest.get(tf), self.pipeline.model
        if row is None or scored is None or model is None:
            return None
        moment, stand = held[:2] if held else (scored.moment, standing(model, scored.moment))
        if not np.isfinite(stand.p_win[row]) or not moment.atr[row] > 0:
            return None
        setup = make_setup(
            model,
            moment,
            stand,
            self.pipeline.rules[row],
            row,
            0,
            worded=CATALOGUE.size,
        )
        return moment, setup

    def judgement(self, symbol: str, timeframe: str, held: Any) -> Any:
        """Return (moment in ms, factors, gates, market) of one market, or None."""
        found = None if held is None else self._judged(symbol, timeframe, held)
        if found is None:
            return None
        row = self.pipeline.state.index[symbol]
        state, derivatives = self.pipeline.state, self.pipeline.state.derivatives
        price = float(state.price[row])
        change, interest = held[2], held[3]
        market = {
            "price": number(price, self.pipeline.rules[row].price_decimals),
            "change_24h": number(change[row]),
            "funding_rate": number(derivatives.predicted_rate[row], 8),
            "next_funding_at": self.iso(int(derivatives.next_funding_ms[row])),
            "open_interest_usd": number(derivatives.open_interest[row] * price, 0),
            "oi_change_4h": number(interest[row]),
            "mark": number(derivatives.mark[row], 10),
            "percentile": self.funding_percentile(row),
            "quadrant": self.quadrant(row, float(interest[row])),
        }
        moment, setup = found
        factors = self._factors(symbol, timeframe, moment, setup)
        return moment.at_ms, factors, self._gates(symbol, timeframe, moment, setup), market

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
        return None if found is None else self._factors(symbol, timeframe, *found)

    def _factors(self, symbol: str, timeframe: str, moment: Any, setup: Any) -> dict[str, Any]:
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
        return None if found is None else self._gates(symbol, timeframe, *found)

    def _gates(self, symbol: str, timeframe: str, moment: Any, setup: Any) -> dict[str, Any]:
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


def known_timeframe(text: str) -> bool:
    """Say whether a text names one of the six timeframes."""
    return text in {tf.value for tf in TIMEFRAMES}
