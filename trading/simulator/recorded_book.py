"""A book kept from a recorded snapshot and recorded diffs."""

from typing import Any

from trading.simulator.book import Level
from trading.simulator.books import Snapshot
from trading.simulator.tape import Scale


class RecordedBook:
    """Bids and asks in ticks and steps; diffs up to the snapshot are in it already."""

    def __init__(self, answer: dict[str, Any], scale: Scale) -> None:
        self._scale = scale
        self._sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._last_id = int(answer["lastUpdateId"])
        for side, rows in zip(self._sides, (answer["bids"], answer["asks"]), strict=True):
            side.update(self._level(row) for row in rows)
        self._shown: Snapshot | None = None

    def _level(self, row: list[str]) -> Level:
        return round(float(row[0]) / self._scale.tick), round(float(row[1]) / self._scale.step)

    def apply(self, data: dict[str, Any]) -> None:
        """Take one recorded diff."""
        if int(data["u"]) <= self._last_id:
            return
        for side, rows in zip(self._sides, (data["b"], data["a"]), strict=True):
            for row in rows:
                ticks, steps = self._level(row)
                if steps:
                    side[ticks] = steps
                else:
                    side.pop(ticks, None)
        self._last_id = int(data["u"])
        self._shown = None

    def snapshot(self) -> Snapshot:
        """Return the book now, best first."""
        if self._shown is None:
            bids, asks = self._sides
            self._shown = Snapshot(
                sorted(bids.items(), reverse=True), sorted(asks.items()), self._last_id
            )
        return self._shown
