"""Request weights: what a minute allows, then 429, then a ban with 418."""

from math import ceil
from typing import Final

_WINDOW_S: Final = 60.0
_PATIENCE: Final = 20
_BAN_S: Final = 120


class RestError(Exception):
    """An answer the exchange gives instead of data."""

    def __init__(
        self, status: int, code: int, message: str, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s


def kline_weight(limit: int) -> int:
    """Return the weight of a klines request."""
    if limit < 100:
        return 1
    if limit < 500:
        return 2
    return 5 if limit <= 1000 else 10


class WeightMeter:
    """Weight used in the running minute; going on after 429 leads to a ban."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._used = 0
        self._began = 0.0
        self._ignored = 0
        self._banned_until = 0.0

    def _turn(self, now: float) -> None:
        if now - self._began >= _WINDOW_S:
            self._began, self._used, self._ignored = now, 0, 0

    def used(self, now: float) -> int:
        self._turn(now)
        return self._used

    def admit(self, now: float) -> None:
        """Let a request in.

        Raises
        ------
        RestError
            429 over the limit; 418 while banned, or when 429 was ignored too often.
        """
        self._turn(now)
        if now < self._banned_until:
            left = ceil(self._banned_until - now)
            raise RestError(418, -1003, "Way too many requests; IP banned.", left)
        if self._used < self.limit:
            return
        self._ignored += 1
        if self._ignored > _PATIENCE:
            self._banned_until = now + _BAN_S
            raise RestError(418, -1003, "Way too many requests; IP banned.", _BAN_S)
        left = ceil(_WINDOW_S - (now - self._began))
        raise RestError(429, -1003, f"Too many requests; current limit is {self.limit}.", left)

    def spend(self, weight: int, now: float) -> int:
        """Count a served request; return the minute's total."""
        self._turn(now)
        self._used += weight
        return self._used
