"""What can go wrong with the API, chosen by a test: an answer that is lost, late or an error."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from billing.standin.api import Call

ACTIONS: Final = ("status", "cut_before", "cut_after", "delay")


class Cut(Exception):
    """The connection breaks here."""


@dataclass(slots=True)
class ApiFault:
    """One order for trouble."""

    match: str
    """A pattern for method and path, as `POST /v1/customers`."""
    action: str
    """status: an error instead of work · cut_before, cut_after: the connection breaks before or
    after the work is done · delay: the work waits."""
    count: int = 1
    """How often it strikes."""
    status: int = 500
    delay_s: float = 0.0

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"a fault is one of {', '.join(ACTIONS)}, was {self.action}")


@dataclass(slots=True)
class ApiFaults:
    """The faults in force."""

    orders: list[ApiFault] = field(default_factory=list)

    def _strikes(self, call: Call, *actions: str) -> ApiFault | None:
        for order in self.orders:
            if (
                order.count > 0
                and order.action in actions
                and re.fullmatch(order.match, f"{call.method} {call.path}")
            ):
                order.count -= 1
                return order
        return None

    async def before(self, call: Call) -> web.Response | None:
        """Strike before the work is done.

        Raises
        ------
        Cut
            If the connection has to break.
        """
        order = self._strikes(call, "status", "cut_before", "delay")
        if order is None:
            return None
        if order.action == "cut_before":
            raise Cut
        if order.action == "delay":
            await asyncio.sleep(order.delay_s)
            return None
        error = {"type": "api_error", "message": "The stand-in was asked to fail here."}
        return web.json_response({"error": error}, status=order.status)

    def after(self, call: Call) -> None:
        """Strike when the work is done and kept.

        Raises
        ------
        Cut
            If the answer has to be lost.
        """
        if self._strikes(call, "cut_after") is not None:
            raise Cut
