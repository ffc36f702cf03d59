"""What a fault makes of a private call and of its answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
from aiohttp import web

from trading.simulator.private.faults import PrivateFault, PrivateFaults, Subject
from trading.simulator.private.timing import Timer

_json: Final = msgspec.json.Encoder().encode
_PAGE: Final = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_TEXTS: Final = {
    -1000: "An unknown error occurred while processing the request.",
    -1001: "Internal error; unable to process your request. Please try again.",
    -1006: "An unexpected response was received from the message bus. Execution status unknown.",
    -1007: "Timeout waiting for response from backend server. Send status unknown; "
    "execution status unknown.",
    -1008: "Request throttled by system-level protection.",
    -2022: "ReduceOnly Order is rejected.",
    -4118: "ReduceOnly Order Failed. Please check your existing position and open orders",
}
_DOES: Final = frozenset({"cut", "half", "empty", "other_order", "zero"})
"""Actions that spoil the answer of a call which was worked."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        return web.Response(status=self.status, body=self.body, headers=self.headers)


class Breaker:
    """Strikes calls with the faults in force."""

    def __init__(self, faults: PrivateFaults, timer: Timer) -> None:
        self._faults = faults
        self._timer = timer
        self._later: set[asyncio.Task[Any]] = set()

    async def answer(
        self, request: web.Request, subject: Subject, work: Callable[[], Awaitable[Reply]]
    ) -> web.StreamResponse:
        """Return the answer of a call, or what a fault leaves of it."""
        fault = self._faults.find("private", subject)
        if fault is None:
            return (await work()).response()
        args = fault.args
        if fault.action == "delay":
            return await self._delayed(args, work)
        executed = bool(args.get("executed", fault.action in _DOES))
        if executed and args.get("after_ms"):
            self._work_later(int(args["after_ms"]), work)
            reply = Reply(200, b"{}")
        else:
            reply = await work() if executed else Reply(200, b"{}")
        if fault.action == "drop":
            return _aborted(request)
        if fault.action == "cut":
            return await _cut(request, reply)
        return self._spoilt(fault, reply).response()

    async def _delayed(
        self, args: dict[str, Any], work: Callable[[], Awaitable[Reply]]
    ) -> web.StreamResponse:
        ms = int(args.get("ms", 1_000))
        if args.get("when", "before") == "before":
            await self._timer.sleep(ms)
            return (await work()).response()
        reply = await work()
        await self._timer.sleep(ms)
        return reply.response()

    def _work_later(self, ms: int, work: Callable[[], Awaitable[Reply]]) -> None:
        """Let a call reach the matching late: its sender has long been told something else."""

        async def later() -> None:
            await self._timer.sleep(ms)
            await work()

        task = asyncio.create_task(later())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _spoilt(self, fault: PrivateFault, reply: Reply) -> Reply:
        action, args = fault.action, fault.args
        if action == "status":
            code = int(args.get("code", -1008))
            message = str(args.get("msg", _TEXTS.get(code, "Unknown error.")))
            headers = {"Content-Type": "application/json;charset=UTF-8"}
            if "retry_after" in args:
                headers["Retry-After"] = str(args["retry_after"])
            body = _json({"code": code, "msg": message})
            return Reply(int(args.get("status", 503)), body, headers)
        if action == "ban":
            return self._banned(fault)
        if action == "html":
            return Reply(int(args.get("status", 502)), _PAGE, {"Content-Type": "text/html"})
        if action == "empty":
            return replace(reply, body=b"")
        if action == "half":
            return replace(reply, body=reply.body[: len(reply.body) // 2])
        if action == "other_order":
            return replace(reply, body=_of_another(reply.body))
        return replace(reply, body=_json(zeroed(msgspec.json.decode(reply.body))))

    def _banned(self, fault: PrivateFault) -> Reply:
        """Refuse until the ban is over, saying how long that is."""
        args, now_ms = fault.args, self._timer.now_ms()
        if fault.until_ms is None:
            fault.until_ms = now_ms + int(float(args.get("seconds", 120)) * 1000)
        left = max(1, -(-(fault.until_ms - now_ms) // 1000))
        status = int(args.get("status", 418))
        text = (
            f"Way too many requests; IP banned until {fault.until_ms}. "
            "Please use the websocket for live updates to avoid bans."
            if status == 418
            else "Too many requests; current limit is 2400 requests per minute."
        )
        headers = {"Retry-After": str(left), "Content-Type": "application/json;charset=UTF-8"}
        return Reply(status, _json({"code": -1003, "msg": text}), headers)


def _aborted(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _cut(request: web.Request, reply: Reply) -> web.StreamResponse:
    """Send half of what the headers promise, then hang up."""
    headers = {**reply.headers, "Content-Length": str(len(reply.body))}
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _of_another(body: bytes) -> bytes:
    """Return an answer about an order that is somebody else's."""
    body = re.sub(
        rb'"(orderId|algoId)":(\d+)', lambda m: b'"%s":%d' % (m[1], int(m[2]) + 7_919), body
    )
    return re.sub(rb'"(clientOrderId|clientAlgoId)":"[^"]*"', rb'"\1":"another"', body)


_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_BALANCES: Final = ("walletBalance", "balance", "positionAmt")
"""Fields by which an answer about balances or positions is known."""
_KEPT: Final = ("updateTime", "leverage")


def zeroed(told: Any) -> Any:
    """Return an account's answer with no positions and nothing in its balances."""
    if isinstance(told, list):
        first = told[0] if told and isinstance(told[0], dict) else {}
        if "positionAmt" in first:
            return []
        is_about_money = any(name in first for name in _BALANCES)
        return [zeroed(row) for row in told] if is_about_money else told
    if not isinstance(told, dict) or "orderId" in told or "algoId" in told:
        return told
    out: dict[str, Any] = {}
    for name, value in told.items():
        if name == "positions":
            out[name] = []
        elif isinstance(value, str) and name not in _KEPT and _NUMBER.fullmatch(value):
            out[name] = "0.00000000"
        else:
            out[name] = zeroed(value)
    return out
