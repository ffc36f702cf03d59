"""Live examples in lessons: taken from the running product, or a plain word that there is none."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from frontend.context import LevelRow
from frontend.figures import measured
from frontend.pages.dashboard import signal_levels
from signals import api as signals
from trading import api as trading

BENCHMARK: Final = "BTCUSDT"
GROUPS: Final = {
    "trend": ("trend", "reversion", "volatility", "volume"),
    "book": ("order_book",),
}


@dataclass(frozen=True, slots=True)
class Examples:
    """What the examples of one page are made from; each read at most once, and only if asked."""

    viewer_id: UUID | None
    _kept: dict[str, Any] = field(default_factory=dict)

    @property
    def signal(self) -> dict[str, Any] | None:
        """The newest open signal that this reader may see."""
        return next(iter(self._signals), None)

    @property
    def levels(self) -> tuple[LevelRow, ...]:
        """The levels of that signal."""
        signal = self.signal
        if signal is None:
            return ()
        market = next((row for row in self.markets if row["symbol"] == signal["symbol"]), None)
        return signal_levels(signal, market)

    @property
    def markets(self) -> list[dict[str, Any]]:
        """The market list; empty while the engine is silent."""
        found: list[dict[str, Any]] = self._once(
            "markets", lambda: signals.market_rows(self.viewer_id)
        )
        return found

    @property
    def benchmark(self) -> dict[str, Any] | None:
        """The row of BTCUSDT, else of the first market."""
        rows = self.markets
        return next((row for row in rows if row["symbol"] == BENCHMARK), rows[0] if rows else None)

    @property
    def funding(self) -> list[dict[str, Any]]:
        """The highest and the lowest predicted funding rate of all markets."""
        known = [row for row in self.markets if row["funding_rate"] is not None]
        ranked = sorted(known, key=lambda row: row["funding_rate"])
        return [ranked[-1], ranked[0]] if len(ranked) > 1 else ranked

    @property
    def interest(self) -> list[dict[str, Any]]:
        """The markets whose open interest grew and shrank most in four hours."""
        known = [row for row in self.markets if row["oi_change_4h"] is not None]
        ranked = sorted(known, key=lambda row: row["oi_change_4h"])
        return [ranked[-1], ranked[0]] if len(ranked) > 1 else ranked

    @property
    def liquidated(self) -> dict[str, float]:
        """Reported liquidations of a day over all markets: a lower bound."""
        rows = self.markets
        return {
            "longs": sum(row["liquidated_long_24h"] for row in rows),
            "shorts": sum(row["liquidated_short_24h"] for row in rows),
            "n": len(rows),
        }

    @property
    def breadth(self) -> dict[str, int]:
        """How many markets rose over a day, of how many whose change is known."""
        known = [row["change_24h"] for row in self.markets if row["change_24h"] is not None]
        return {"rose": sum(change > 0 for change in known), "n": len(known)}

    @property
    def of_trend(self) -> dict[str, Any] | None:
        """The weightiest reading of trend, volatility and volume in an open signal."""
        return self._reason("trend")

    @property
    def of_book(self) -> dict[str, Any] | None:
        """The weightiest reading of the order book in an open signal."""
        return self._reason("book")

    @property
    def record(self) -> Any:
        """The measured record of the market that runs here."""
        return self._once("record", lambda: measured(signals.live_origin()))

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that a key is bound to; not for visitors."""
        return () if self.viewer_id is None else trading.egress_addresses()

    @property
    def status(self) -> dict[str, Any] | None:
        """How the pipeline stands."""
        found: dict[str, Any] | None = self._once("status", signals.status)
        return found

    @property
    def _signals(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._once(
            "signals", lambda: signals.open_signals(self.viewer_id, limit=10)
        )
        return found

    def _reason(self, family: str) -> dict[str, Any] | None:
        for signal in self._signals:
            for reason in signal["reasons"]:
                if reason.get("group") in GROUPS[family]:
                    return {"signal": signal, "reason": reason}
        return None

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]
