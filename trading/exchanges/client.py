"""One HTTP client of one venue: ccxt's endpoints, our own signature and transport.

ccxt knows the endpoints. It never holds a key or a secret: both are given with each call, and
what it would keep (last request, last answer) is not kept. Nothing is sent twice by itself.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlencode

import aiohttp
import ccxt.async_support
import yarl

from trading.exchanges.addresses import Addresses, check_host
from trading.exchanges.budget import Priority, WeightBudget
from trading.exchanges.outcomes import Reply, read_json, refusal_of
from trading.exchanges.service import ServiceState
from trading.exchanges.signer import Credential

TIMEOUT_S: Final = 12.0
"""Beyond the 10 seconds that the exchange's own back end takes before it gives up."""
RECV_WINDOW_MS: Final = 5_000
_NOT_FROM_HERE: Final = -2015
_MOST_BODY: Final = 32 * 1024 * 1024
_FORM: Final = "application/x-www-form-urlencoded"
_KEPT_HEADERS: Final = (
    "x-mbx-used-weight-1m",
    "x-mbx-order-count-10s",
    "x-mbx-order-count-1m",
)

Params = Mapping[str, Any]


@dataclass(slots=True)
class _Sending:
    """One call on its way through ccxt."""

    payload: str
    key_id: str
    leaves_by: str = ""
    """The address of ours that it leaves by; empty: whichever the system takes."""
    has_left: bool = False

    def __repr__(self) -> str:
        return "_Sending()"


_SENDING: ContextVar[_Sending] = ContextVar("sending")


class _Endpoints(ccxt.async_support.binanceusdm):  # type: ignore[misc]
    """ccxt's client with its signing, its transport and its memory replaced."""

    def __init__(self, addresses: Addresses, timeout_s: float) -> None:
        super().__init__({"apiKey": "", "secret": "", "enableRateLimit": False, "verbose": False})
        # At DEBUG it would write keys and signed bodies into the log, whatever the root says.
        self.logger.setLevel(logging.WARNING)
        self.enableLastHttpResponse = False
        self.enableLastResponseHeaders = False
        self.enableLastJsonResponse = False
        self.point_at(addresses)
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_s, connect=timeout_s, sock_connect=timeout_s, sock_read=timeout_s
        )
        self._http: dict[str, aiohttp.ClientSession] = {}

    def point_at(self, addresses: Addresses) -> None:
        """Leave only the addresses that we use: no other can be reached, even by mistake."""
        self.urls["api"] = {
            "fapiPublic": f"{addresses.rest}/fapi/v1",
            "fapiPrivate": f"{addresses.rest}/fapi/v1",
            "fapiPrivateV3": f"{addresses.rest}/fapi/v3",
        }
        if addresses.rights:
            self.urls["api"]["sapi"] = f"{addresses.rights}/sapi/v1"

    def sign(
        self,
        path: str,
        api: list[str] | str = "public",
        method: str = "GET",
        params: Any = None,
        *_: Any,
    ) -> dict[str, Any]:
        """Put together what `send` has signed already."""
        sending = _SENDING.get()
        name = api if isinstance(api, str) else api[0]
        url = f"{self.urls['api'][name]}/{path}"
        headers = {"X-MBX-APIKEY": sending.key_id} if sending.key_id else {}
        body = None
        if method in ("GET", "DELETE"):
            url += f"?{sending.payload}" if sending.payload else ""
        else:
            headers["Content-Type"] = _FORM
            body = sending.payload
        return {"url": url, "method": method, "headers": headers, "body": body}

    def set_last_request(self, request: Any) -> None:
        """Keep nothing: it holds the key and the signature."""

    async def fetch(
        self, url: str, method: str = "GET", headers: Any = None, body: Any = None
    ) -> Reply:
        """Send once, and return whatever came back; raises for nothing that a network can do."""
        sending = _SENDING.get()
        try:
            async with self._session(sending.leaves_by).request(
                method,
                yarl.URL(url, encoded=True),
                data=body.encode() if body else None,
                headers=headers,
                allow_redirects=False,
                timeout=self._timeout,
                trace_request_ctx=sending,
            ) as response:
                content = await response.content.read(_MOST_BODY)
                while not response.content.at_eof() and len(content) < _MOST_BODY:
                    content += await response.content.read(_MOST_BODY - len(content))
                told = {
                    name: response.headers[name]
                    for name in _KEPT_HEADERS
                    if name in response.headers
                }
                return Reply(
                    response.status,
                    content,
                    retry_after_s=_seconds(response.headers.get("Retry-After")),
                    headers=told,
                )
        except TimeoutError:
            return Reply(None, has_left=sending.has_left, trouble="no answer in time")
        except aiohttp.ClientPayloadError:
            return Reply(None, has_left=True, trouble="the answer was cut off")
        except (aiohttp.ClientError, OSError):
            trouble = "the connection broke" if sending.has_left else "no connection"
            return Reply(None, has_left=sending.has_left, trouble=trouble)

    def _session(self, address: str) -> aiohttp.ClientSession:
        held = self._http.get(address)
        if held is None or held.closed:
            trace = aiohttp.TraceConfig()
            # From here on bytes may be on their way; before it they surely are not.
            trace.on_connection_create_end.append(_note_leaving)
            trace.on_connection_reuseconn.append(_note_leaving)
            held = self._http[address] = aiohttp.ClientSession(
                # No limit: a lane has one call at a time, or a few that hang. Fewer connections
                # than lanes would let a hundred accounts that hang hold up all others.
                connector=aiohttp.TCPConnector(
                    limit=0, limit_per_host=0, local_addr=(address, 0) if address else None
                ),
                trace_configs=[trace],
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return held

    async def let_go(self) -> None:
        held, self._http = self._http, {}
        for session in held.values():
            await session.close()


async def _note_leaving(session: Any, context: Any, params: Any) -> None:
    context.trace_request_ctx.has_left = True


def _seconds(value: str | None) -> float | None:
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None


class FuturesClient:
    """The way to one venue, shared by all its accounts; budgets and addresses are its own."""

    def __init__(
        self,
        addresses: Addresses,
        now_ms: Callable[[], int],
        *,
        budget: WeightBudget | None = None,
        egress: Sequence[str] = (),
        timeout_s: float = TIMEOUT_S,
        budget_now_ms: Callable[[], int] | None = None,
    ) -> None:
        self.addresses = addresses
        self.budget = budget or WeightBudget()
        """Of the address that everything leaves by, unless the exchange has banned it."""
        own = egress if len(egress) > 1 else ("",)
        self._address = own[0]
        self._spares = {address: WeightBudget() for address in own[1:]}
        self._bound: set[tuple[str, str]] = set()
        """(account, address): keys that a spare address was refused for."""
        self.service = ServiceState()
        self._now_ms = now_ms
        self._budget_now_ms = budget_now_ms or now_ms
        self._endpoints = _Endpoints(addresses, timeout_s)

    @property
    def now_ms(self) -> int:
        """The exchange's time."""
        return self._now_ms()

    @property
    def budget_ms(self) -> int:
        """The time that limits run on."""
        return self._budget_now_ms()

    async def send(
        self,
        endpoint: str,
        params: Params | None = None,
        *,
        credential: Credential | None = None,
        weight: int = 1,
        priority: Priority = Priority.READ,
        orders: int = 0,
        is_signed: bool = True,
    ) -> Reply:
        """Make one call of ccxt's name (`fapiPrivatePostOrder`) and return its reply.

        Without room in the budget nothing is sent: the reply is then one without a status, that
        has not left, and says how long to wait. Listen key calls take the key but no signature.

        Raises
        ------
        NeedsOperator
            If the host is not one of the venue, or the secret cannot be used; nothing was sent.
        """
        account = credential.account if credential else ""
        address, budget = self._way(priority, account)
        wait_ms = budget.take(
            weight, priority, self._budget_now_ms(), account=account, orders=orders
        )
        if wait_ms:
            return Reply(
                None,
                has_left=False,
                trouble="waiting for room in the exchange's limits",
                retry_after_s=wait_ms / 1_000,
            )
        url = self.addresses.rights if endpoint.startswith("sapi") else self.addresses.rest
        check_host(self.addresses.venue, url)
        payload = await self._payload(params or {}, credential if is_signed else None)
        key_id = credential.key_id if credential else ""
        token = _SENDING.set(_Sending(payload, key_id, address))
        try:
            reply = cast("Reply", await getattr(self._endpoints, endpoint)({}))
        finally:
            _SENDING.reset(token)
        budget.answered(
            reply.status,
            reply.headers,
            self._budget_now_ms(),
            account=account,
            retry_after_s=reply.retry_after_s,
        )
        if url == self.addresses.rest:
            self.service.answered(account, reply, self._budget_now_ms())
        return self._unless_bound(reply, address, account)

    def _way(self, priority: Priority, account: str) -> tuple[str, WeightBudget]:
        """Return the address a call leaves by: of one that is banned, exits go by a spare one."""
        now_ms = self._budget_now_ms()
        if priority is Priority.EXIT and now_ms < self.budget.banned_until_ms:
            for address, budget in self._spares.items():
                if now_ms >= budget.banned_until_ms and (account, address) not in self._bound:
                    return address, budget
        return self._address, self.budget

    def _unless_bound(self, reply: Reply, address: str, account: str) -> Reply:
        """Tell a key that may not be used from a spare address from one that is refused.

        The key works; it is bound to other addresses of ours. The next try leaves by another spare
        one, or waits for the ban to end.
        """
        if address not in self._spares or reply.status is None or reply.status < 400:
            return reply
        if refusal_of(read_json(reply.body))[0] != _NOT_FROM_HERE:
            return reply
        self._bound.add((account, address))
        wait_ms = max(0, self.budget.banned_until_ms - self._budget_now_ms())
        return Reply(
            None,
            has_left=False,
            trouble="the key is not allowed from a spare address",
            retry_after_s=min(1.0, wait_ms / 1_000),
        )

    def set_limits(self, weight: int, orders_minute: int, orders_ten_seconds: int) -> None:
        """Take the limits that the exchange publishes; they hold for each address."""
        for budget in (self.budget, *self._spares.values()):
            budget.set_limits(weight, orders_minute, orders_ten_seconds)

    async def _payload(self, params: Params, credential: Credential | None) -> str:
        query = urlencode([(name, _plain(value)) for name, value in params.items()])
        if credential is None:
            return query
        query += "&" if query else ""
        query += f"recvWindow={RECV_WINDOW_MS}&timestamp={self._now_ms()}"
        # Opening a secret writes its ledger row: not on the loop's thread.
        try:
            signature = await asyncio.to_thread(credential.sign, query)
        finally:
            credential.signed()
        return f"{query}&signature={signature}"

    async def close(self) -> None:
        await self._endpoints.let_go()


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
