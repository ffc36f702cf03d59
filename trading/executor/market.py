"""What a lane asks about the market of its venue, and how patient it is with the exchange."""

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from cryptosystems.kernel.clock import SystemClock
from trading.domain.venue import Quote, TradingRules
from trading.executor.turnstile import Turnstile
from trading.services.stops import Modes

BREAKER_FAILURES: Final = 5
BREAKER_MS: Final = 60_000
_FIRST_PAUSE_MS: Final = 250
_MOST_PAUSE_MS: Final = 5_000


def sure() -> bool:
    """Say yes: where nobody has a doubt."""
    return True


@dataclass(slots=True)
class Market:
    """What a lane asks about the market of its venue."""

    quote: Callable[[str], Quote | None]
    rules: Callable[[str], TradingRules | None]
    now_ms: Callable[[], int] = SystemClock().now_ms
    """The venue's time: that of its orders, fills and signals."""
    is_clock_sure: Callable[[], bool] = sure
    is_shutting_down: Callable[[], bool] = lambda: False
    entries_refused: Callable[[], str] = lambda: ""
    """Why the process as a whole enters nothing now (another release is alive, clock, data)."""
    modes: Callable[[], Modes | None] = lambda: None
    """Kill switches as they were read for all lanes just now; None: the lane reads them."""
    turns: Turnstile = field(default_factory=Turnstile)
    """Where lanes wait that want to enter, or to place targets."""
    pace: Callable[[], float] = lambda: 1.0
    """How many times rarer everything is read that is only the net under the user stream."""


@dataclass(slots=True)
class Breaker:
    """Opens for entries after five failures within a minute (EX-29)."""

    _failures: deque[int] = field(default_factory=deque)

    def failed(self, now_ms: int, after_s: float | None = None) -> None:
        """Count a failure; to be told when to come again is none."""
        if after_s is None:
            self._failures.append(now_ms)

    def is_open(self, now_ms: int) -> bool:
        while self._failures and self._failures[0] <= now_ms - BREAKER_MS:
            self._failures.popleft()
        return len(self._failures) >= BREAKER_FAILURES


@dataclass(slots=True)
class Pauses:
    """Until when steps wait that have failed; longer each time."""

    _held: dict[Hashable, tuple[int, int]] = field(default_factory=dict)

    def until_ms(self, key: Hashable) -> int:
        """Return when a step may be tried again; 0 if it never failed."""
        return self._held.get(key, (0, 0))[0]

    def add(self, key: Hashable, now_ms: int, after_s: float | None) -> None:
        """The step failed once more; `after_s` is what the exchange asks for at least."""
        tries = self._held.get(key, (0, 0))[1] + 1
        pause = min(_MOST_PAUSE_MS, _FIRST_PAUSE_MS << min(tries - 1, 10))
        if after_s is not None:
            pause = max(pause, int(after_s * 1_000))
        self._held[key] = (now_ms + pause, tries)

    def end(self, key: Hashable) -> None:
        """The step was done."""
        self._held.pop(key, None)
