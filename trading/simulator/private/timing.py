"""Waiting in market time, so that a clock moved by hand moves what waits, too."""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count


class Timer:
    """Things that are due at a time of the market; `turn` is called at every beat."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.now_ms = now_ms
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._number = count()

    def at(self, at_ms: int, act: Callable[[], None]) -> None:
        """Do something once that time has come; at once if it has."""
        if at_ms <= self.now_ms():
            act()
        else:
            heapq.heappush(self._due, (at_ms, next(self._number), act))

    async def sleep(self, ms: int) -> None:
        """Wait for so much market time."""
        waiting = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not waiting.done():
                waiting.set_result(None)

        self.at(self.now_ms() + ms, wake)
        await waiting

    def turn(self, now_ms: int) -> None:
        """Do what has become due."""
        while self._due and self._due[0][0] <= now_ms:
            heapq.heappop(self._due)[2]()

    def release_all(self) -> None:
        """Do everything now: the exchange stops."""
        while self._due:
            heapq.heappop(self._due)[2]()
