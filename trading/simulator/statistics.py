"""`/futures/data`: history of open interest, ratios and basis; and how questions are read."""

from collections.abc import Callable
from typing import Final

import msgspec

from trading.simulator.feed import World
from trading.simulator.limits import RestError
from trading.simulator.tape import INTERVALS_MS, T_BUY, T_CLOSE, T_VOLUME

Answer = tuple[bytes, int]
"""Body and weight."""

PERIODS: Final = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")
_MONTH_MS: Final = 30 * 86_400_000
_json: Final = msgspec.json.Encoder().encode


class Questions:
    """Reads the parameters of a request, with the exchange's own complaints."""

    def __init__(self, world: World, now_ms: Callable[[], int]) -> None:
        self.world = world
        self.now_ms = now_ms
        self._place = {rules.symbol: i for i, rules in enumerate(world.rules)}

    def _symbol(self, query: dict[str, str], name: str = "symbol") -> int:
        if name not in query:
            raise RestError(
                400,
                -1102,
                f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
            )
        place = self._place.get(query[name])
        if place is None:
            raise RestError(400, -1121, "Invalid symbol.")
        return place

    @staticmethod
    def _number(query: dict[str, str], name: str) -> int | None:
        if name not in query:
            return None
        if not query[name].lstrip("-").isdigit():
            raise RestError(
                400,
                -1100,
                f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.",
            )
        return int(query[name])

    def _limit(self, query: dict[str, str], default: int, most: int) -> int:
        limit = self._number(query, "limit") or default
        if limit < 1:
            raise RestError(400, -1130, "Data sent for parameter 'limit' is not valid.")
        return min(limit, most)

    def _places(self, query: dict[str, str]) -> tuple[list[int], bool]:
        if "symbol" in query:
            return [self._symbol(query)], True
        return list(range(len(self.world.rules))), False


class Statistics(Questions):
    """Answers about what was: each costs no weight."""

    def _period(self, query: dict[str, str]) -> tuple[int, int, int, int]:
        period = query.get("period", "")
        if period not in PERIODS:
            raise RestError(400, -1130, "Data sent for parameter 'period' is not valid.")
        step, limit = INTERVALS_MS[period], self._limit(query, 30, 500)
        now = self.now_ms()
        end = self._number(query, "endTime") or now
        start = self._number(query, "startTime")
        first = end - step * limit if start is None else start
        return max(first, now - _MONTH_MS), end, step, limit

    def _interest_history(self, query: dict[str, str]) -> Answer:
        place = self._symbol(query)
        start, end, step, limit = self._period(query)
        name = self.world.rules[place].symbol
        found = self.world.interest_history(place, start, end, step)
        rows = found[:limit] if "startTime" in query else found[-limit:]
        return _json(
            [
                {
                    "symbol": name,
                    "sumOpenInterest": f"{quantity:.8f}",
                    "sumOpenInterestValue": f"{value:.8f}",
                    "timestamp": at,
                }
                for at, quantity, value in rows
            ]
        ), 0

    def _taker_ratio(self, query: dict[str, str]) -> Answer:
        place = self._symbol(query)
        start, end, step, limit = self._period(query)
        scale = self.world.tape.scales[place]
        rows = []
        for at in range(-(-start // step) * step, end - step + 1, step):
            candle = self.world.tape.fold(place, at, at + step, None)
            if candle[T_CLOSE] > 0:
                bought = int(candle[T_BUY])
                sold = max(1, int(candle[T_VOLUME]) - bought)
                rows.append(
                    {
                        "buySellRatio": f"{bought / sold:.4f}",
                        "buyVol": scale.quantity(bought),
                        "sellVol": scale.quantity(sold),
                        "timestamp": at,
                    }
                )
        return _json(rows[-limit:]), 0

    def _ratio(self, lean: float) -> Callable[[dict[str, str]], Answer]:
        """Account ratios: derived from the crowd's taker flow, leaning by `lean` on it."""

        def answer(query: dict[str, str]) -> Answer:
            place = self._symbol(query)
            start, end, step, limit = self._period(query)
            rows = []
            for at in range(-(-start // step) * step, end - step + 1, step):
                candle = self.world.tape.fold(place, at, at + step, None)
                if candle[T_CLOSE] > 0 and candle[T_VOLUME] > 0 and candle[T_BUY] > 0:
                    share = int(candle[T_BUY]) / int(candle[T_VOLUME])
                    long = min(0.9, max(0.1, 0.5 + lean * (share - 0.5) * 4))
                    rows.append(
                        {
                            "symbol": self.world.rules[place].symbol,
                            "longShortRatio": f"{long / (1 - long):.4f}",
                            "longAccount": f"{long:.4f}",
                            "shortAccount": f"{1 - long:.4f}",
                            "timestamp": at,
                        }
                    )
            return _json(rows[-limit:]), 0

        return answer

    def _basis(self, query: dict[str, str]) -> Answer:
        place = self._symbol(query, "pair")
        columns = self.world.columns
        index, price = float(columns.index[place]), float(columns.price[place])
        if not index > 0:
            return b"[]", 0
        return _json(
            [
                {
                    "indexPrice": f"{index:.8f}",
                    "contractType": query.get("contractType", "PERPETUAL"),
                    "basisRate": f"{(price - index) / index:.6f}",
                    "futuresPrice": f"{price:.8f}",
                    "annualizedBasisRate": "",
                    "basis": f"{price - index:.8f}",
                    "pair": self.world.rules[place].symbol,
                    "timestamp": self.now_ms(),
                }
            ]
        ), 0
