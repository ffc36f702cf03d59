"""Base errors, named by what the caller should do next.

CryptoSystemsError
├── InvalidInput     the caller sent something wrong: say what was expected, change nothing
├── NotAllowed       the caller may not do this now; the message says what opens it
├── RetryLater       nothing happened; the same call may be repeated after a pause
├── Unresolved       we do not know whether it happened; ask before repeating
└── NeedsOperator    a person must act; repeating will not help
"""


class CryptoSystemsError(Exception):
    """Base of all our errors. `code` is stable, the message is a sentence for a person."""

    code = "error"


class InvalidInput(CryptoSystemsError):
    """The input is wrong; the message says what was expected and what came."""

    code = "invalid_input"


class NotAllowed(CryptoSystemsError):
    """The caller may not do this, as things stand; the message says what would open it."""

    code = "not_allowed"

    def __init__(self, message: str, *, code: str = "not_allowed") -> None:
        super().__init__(message)
        self.code = code


class RetryLater(CryptoSystemsError):
    """Nothing happened; try again, after `after_s` seconds where it is known."""

    code = "retry_later"

    def __init__(self, message: str, *, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class Unresolved(CryptoSystemsError):
    """The outcome is unknown; ask the other side before doing anything again."""

    code = "unresolved"


class NeedsOperator(CryptoSystemsError):
    """Only a person can mend this (a missing right, a wrong setting, a damaged file)."""

    code = "needs_operator"
