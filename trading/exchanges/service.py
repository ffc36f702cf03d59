"""Whether an exchange serves at all: what refusals of many accounts, or its own word, tell (EX-32).

Time is an argument, and it is real time: a replayed market's exchange is away no faster.
"""

from dataclasses import dataclass, field
from typing import Final

from trading.exchanges.outcomes import Reply, read_json

WINDOW_MS: Final = 60_000
"""Accounts with nothing to do ask seldom: three of them may need a minute to be refused."""
LEAST_REFUSED: Final = 3
"""So many different accounts whose last word in the window is a refusal, and at least half of those
that asked."""
QUIET_MS: Final = 10_000
"""It serves again once it has answered and refused nobody for so long."""
WORD_MS: Final = 300_000
"""Its word that it is in maintenance holds so long without another one."""
_REFUSED: Final = 503


@dataclass(slots=True)
class ServiceState:
    """What one process has seen of one exchange."""

    away: str = ""
    """Why nothing is opened there, in a sentence; empty while it serves."""
    since_ms: int = 0
    """When that began, or ended."""
    _refused: dict[str, int] = field(default_factory=dict)
    """When each account was last refused."""
    _answered: dict[str, int] = field(default_factory=dict)
    _last_refused_ms: int = -(10**15)
    _last_answered_ms: int = -(10**15)
    _maintenance_ms: int = -(10**15)
    """When it last said that it is in maintenance."""

    def answered(self, account: str, reply: Reply, now_ms: int) -> None:
        """Take what a call of an account came to; without an answer nothing is said either way."""
        if reply.status is None or not account:
            return
        if reply.status != _REFUSED:
            self._answered[account] = self._last_answered_ms = now_ms
        else:
            self._refused[account] = self._last_refused_ms = now_ms

    def told(self, reply: Reply, now_ms: int) -> None:
        """Take what the status endpoint says; what it does not say changes nothing for a while."""
        body = read_json(reply.body)
        if reply.status == 200 and isinstance(body, dict) and body.get("status") in (0, 1):
            self._maintenance_ms = now_ms if body["status"] == 1 else -(10**15)

    def look(self, now_ms: int) -> bool:
        """Judge anew; return whether it went away or came back just now."""
        if not self.away:
            self.away = self._words(now_ms)
            is_new = bool(self.away)
        else:
            is_new = self._is_back(now_ms)
            if is_new:
                self.away = ""
                self._refused.clear()
        if is_new:
            self.since_ms = now_ms
        return is_new

    def _says_maintenance(self, now_ms: int) -> bool:
        return now_ms - self._maintenance_ms <= WORD_MS

    def _words(self, now_ms: int) -> str:
        if self._says_maintenance(now_ms):
            return "The exchange says that it is in maintenance."
        for held in (self._refused, self._answered):
            for account, at_ms in list(held.items()):
                if at_ms <= now_ms - WINDOW_MS:
                    del held[account]
        n = len(self._doubtful())
        if n >= LEAST_REFUSED and 2 * n >= len(self._refused | self._answered):
            return f"The exchange refused {n} accounts within a minute: it is not in service."
        return ""

    def _doubtful(self) -> list[str]:
        """Return accounts that were refused and have had no answer since."""
        return [
            account
            for account, at_ms in self._refused.items()
            if at_ms > self._answered.get(account, at_ms - 1)
        ]

    @property
    def is_doubtful(self) -> bool:
        """Say whether the exchange is worth being asked how it is."""
        return bool(self.away or self._doubtful())

    def _is_back(self, now_ms: int) -> bool:
        """Say whether somebody was answered since the last refusal, and nobody refused for a while."""
        if self._says_maintenance(now_ms):
            return False
        has_answered = self._last_answered_ms > self._last_refused_ms or self._last_refused_ms < 0
        return has_answered and now_ms - self._last_refused_ms >= QUIET_MS
