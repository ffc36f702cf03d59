"""How a call that changes something ended: from what was read (or not) to one of five classes.

By HTTP status and the exchange's code alone, never by a library's exception. What is not on the
list of reviewed codes is UNKNOWN: asking costs little, believing a wrong "no" costs a position.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import msgspec

from trading.domain.venue import Outcome, OutcomeClass, Service, VenueOrder
from trading.exchanges import wire


class Call(StrEnum):
    """Calls that change something."""

    ORDER = "order"
    ALGO = "algo"
    CANCEL = "cancel"
    CANCEL_ALGO = "cancel_algo"
    LEVERAGE = "leverage"
    MARGIN_TYPE = "margin_type"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back of one request, whatever it is."""

    status: int | None
    """None: no answer was read."""
    body: bytes = b""
    has_left: bool = True
    """Whether a byte of the request may have reached the exchange."""
    trouble: str = ""
    """Of a request without an answer: what happened, in a few words of ours."""
    retry_after_s: float | None = None
    headers: dict[str, str] = field(default_factory=dict)


REJECTED: Final = frozenset(
    {
        # The key and the request itself.
        -1022, -1102, -1104, -1106, -1111, -1121, -2014, -2015, -2017,
        # The order: refused as it stands, or nothing to cancel.
        -2010, -2011, -2013, -2018, -2019, -2020, -2021, -2022, -2023, -2025, -2027, -2028,
        # Filters and settings.
        -4001, -4002, -4003, -4004, -4005, -4013, -4014, -4015, -4016, -4023, -4024, -4028,
        -4045, -4046, -4047, -4048, -4059, -4061, -4067, -4068, -4087, -4088, -4118, -4120,
        -4130, -4131, -4136, -4140, -4141, -4161, -4164, -4168, -4183, -4184, -4192, -4202,
        -4203, -4204, -4205, -4206, -4207, -4208, -4209, -4400, -4401, -4402, -4403, -4411,
        -4509, -4531, -5021, -5022, -5041,
    }
)  # fmt: skip
"""Codes whose meaning was read up: the exchange has looked at the call and said no."""

NOT_WORKED: Final = frozenset({-1003, -1015, -1021})
"""Refused at the door for a limit or the clock: the same call may be sent again."""

KEY_CODES: Final = frozenset({-1022, -2014, -2015, -2017})
"""The exchange does not take the key (any more)."""

ALREADY: Final = -4116
_LIMITED: Final = (418, 429)
_MOST_TEXT: Final = 200


def classify(reply: Reply, call: Call, client_id: str = "", symbol: str = "") -> Outcome:
    """Return the one class that a reply to a call belongs to; never raises."""
    if reply.status is None:
        kind = OutcomeClass.UNKNOWN if reply.has_left else OutcomeClass.NOT_SENT
        return Outcome(kind, message=reply.trouble, retry_after_s=reply.retry_after_s)
    body = read_json(reply.body)
    code, message = refusal_of(body)
    if reply.status in _LIMITED:
        return _outcome(OutcomeClass.NOT_SENT, reply, code, message)
    if 200 <= reply.status < 300 and (code is None or code in (0, 200)):
        return _accepted(reply, call, body, client_id, symbol)
    if 400 <= reply.status < 500 and reply.status not in (403, 408) and code is not None:
        if code in REJECTED:
            return _outcome(OutcomeClass.REJECTED, reply, code, message)
        if code in NOT_WORKED:
            return _outcome(OutcomeClass.NOT_SENT, reply, code, message)
        if code == ALREADY:
            return _outcome(OutcomeClass.ALREADY, reply, code, message)
    return _outcome(OutcomeClass.UNKNOWN, reply, code, message or _odd(reply.body))


def _accepted(reply: Reply, call: Call, body: Any, client_id: str, symbol: str) -> Outcome:
    """Believe a 200 only where it says what this call must say."""
    try:
        order = _READERS[call](body, client_id, symbol)
    except (wire.Unreadable, KeyError, TypeError, AttributeError) as error:
        reason = str(error) if isinstance(error, wire.Unreadable) else _odd(reply.body)
        return _outcome(OutcomeClass.UNKNOWN, reply, None, reason)
    return Outcome(OutcomeClass.ACCEPTED, order=order, status=reply.status)


def _outcome(kind: OutcomeClass, reply: Reply, code: int | None, message: str) -> Outcome:
    return Outcome(
        kind,
        code=code,
        status=reply.status,
        message=message,
        retry_after_s=reply.retry_after_s,
    )


def read_json(body: bytes) -> Any:
    """Return what the body says, or None where it is not JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def refusal_of(body: Any) -> tuple[int | None, str]:
    """Return (code, text) of `{"code": …, "msg": …}`; the code may be text."""
    if not isinstance(body, dict) or "code" not in body:
        return None, ""
    try:
        code = int(body["code"])
    except (TypeError, ValueError):
        return None, ""
    return code, _safe(str(body.get("msg", "")))


def _safe(text: str) -> str:
    """Cut the exchange's words to one printable line."""
    return "".join(c if c.isprintable() else " " for c in text)[:_MOST_TEXT].strip()


def _odd(body: bytes) -> str:
    """Say what kind of body it is, without quoting it."""
    if not body.strip():
        return "an answer without content"
    if body.lstrip()[:1] == b"<":
        return "a page instead of an answer"
    return "an answer that cannot be read"


# --- what each call must say ----------------------------------------------------------------------


def _placed(read: Callable[[wire.Row], VenueOrder]) -> Callable[[Any, str, str], VenueOrder]:
    def reader(body: Any, client_id: str, symbol: str) -> VenueOrder:
        order = read(body)
        if order.client_id != client_id or order.symbol != symbol:
            raise wire.Unreadable("the answer is about another order")
        return order

    return reader


def _cancelled_algo(body: Any, client_id: str, symbol: str) -> None:
    """`{"algoId": …, "clientAlgoId": …, "code": "200"}`: no order in it."""
    if not wire.text(body, "algoId") or wire.text(body, "clientAlgoId") != client_id:
        raise wire.Unreadable("the answer is about another order")


def _leverage(body: Any, client_id: str, symbol: str) -> None:
    if wire.text(body, "symbol") != symbol or wire.whole(body, "leverage") < 1:
        raise wire.Unreadable("the answer is about another symbol")


def _success(body: Any, client_id: str, symbol: str) -> None:
    if wire.whole(body, "code") != 200:
        raise wire.Unreadable("the answer does not say success")


def _tested(body: Any, client_id: str, symbol: str) -> None:
    """A test answers `{}`, or the order with id 0."""
    if not isinstance(body, dict):
        raise wire.Unreadable("the answer is not an object")


_READERS: Final[dict[Call, Callable[[Any, str, str], VenueOrder | None]]] = {
    Call.ORDER: _placed(wire.order_of),
    Call.ALGO: _placed(wire.algo_of),
    Call.CANCEL: _placed(wire.order_of),
    Call.CANCEL_ALGO: _cancelled_algo,
    Call.LEVERAGE: _leverage,
    Call.MARGIN_TYPE: _success,
    Call.TEST: _tested,
}


def placing(service: Service) -> Call:
    return Call.ALGO if service is Service.ALGO else Call.ORDER


def cancelling(service: Service) -> Call:
    return Call.CANCEL_ALGO if service is Service.ALGO else Call.CANCEL
