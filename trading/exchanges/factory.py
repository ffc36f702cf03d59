"""Venues of one process: their addresses, clocks, quotes and rules, and a port for each account.

What is shared by all accounts of a venue is made once. A key of one venue never reaches another's
hosts: addresses come from the account's own venue, and are looked at again before each call.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Protocol
from uuid import UUID

import structlog
from django.conf import settings

from cryptosystems.kernel.errors import NeedsOperator
from trading.contracts import Venue
from trading.domain.venue import Quote, TradingRules
from trading.exchanges.addresses import Addresses, addresses_of
from trading.exchanges.ccxt_futures import CcxtFutures
from trading.exchanges.client import FuturesClient
from trading.exchanges.clock import RESYNC_S, VenueClock
from trading.exchanges.paper import PaperPort, PaperServices, Run
from trading.exchanges.port import ExchangePort, ReadFailed
from trading.exchanges.quotes import QuoteFeed
from trading.exchanges.rules import RulesBook
from trading.exchanges.signer import Credential, KeyKind, OpenSecret

log = structlog.get_logger(__name__)

_AGAIN_S: Final = 5.0
_LOOK_S: Final = 1.0
_NEW_S: Final = 0.1


class Account(Protocol):
    """What is read of an account's row."""

    id: UUID
    user_id: UUID
    venue: str
    api_key: str
    key_kind: str


def market_addresses() -> Addresses:
    """Return where the market of this installation is: what paper accounts trade by.

    Raises
    ------
    NeedsOperator
        If the simulated exchange's address is not set.
    """
    rest, streams = settings.MARKET_REST_URL, settings.MARKET_WS_URL
    if not rest and settings.MARKET in (Venue.BINANCE.value, Venue.DEMO.value):
        return addresses_of(Venue(settings.MARKET))
    return simulated_addresses(rest, streams)


def simulated_addresses(rest: str, streams: str) -> Addresses:
    """Return the simulated exchange's addresses; one port serves both."""
    return addresses_of(Venue.SIMULATED, rest, streams or rest.replace("http", "ws", 1))


@dataclass(slots=True)
class Place:
    """One venue as this process knows it; `run` keeps it fresh."""

    addresses: Addresses
    speed: float = 1.0
    clock: VenueClock = field(init=False)
    client: FuturesClient = field(init=False)
    feed: QuoteFeed = field(init=False)
    rules: RulesBook = field(init=False)
    bracket_port: CcxtFutures | None = None
    """A port whose key may read the leverage brackets."""

    def __post_init__(self) -> None:
        self.clock = VenueClock(self.speed)
        self.client = FuturesClient(
            self.addresses,
            self.clock.now_ms,
            # Limits run on real time, however fast a replayed market does.
            budget_now_ms=self.clock.now_ms if self.speed == 1.0 else _real_ms,
        )
        self.feed = QuoteFeed(self.addresses.streams, self.clock.now_ms, speed=self.speed)
        self.rules = RulesBook(self.client)

    def quote(self, symbol: str) -> Quote | None:
        """Return the market of a symbol; None where it is not fresh."""
        if not self.feed.is_fresh(symbol, self.clock.now_ms()):
            return None
        return self.feed.quote(symbol)

    def rules_of(self, symbol: str) -> TradingRules | None:
        return self.rules.get(symbol)

    def figures(self) -> dict[str, Any]:
        """Return what the status page shows of it."""
        now_ms = self.client.budget_ms
        return {
            "venue": self.addresses.venue.value,
            "is_clock_sure": self.clock.is_sure(),
            "round_trip_ms": round(self.clock.round_trip_ms, 1),
            "weight_used": self.client.budget.used(now_ms),
            "weight_limit": self.client.budget.weight_limit,
            "paused_ms": max(0, self.client.budget.paused_until_ms - now_ms),
            "watched": len(self.feed.symbols),
            "symbols": len(self.rules),
            "has_real_brackets": self.rules.has_real_brackets,
        }

    async def run(self) -> None:
        """Keep clock, rules and quotes fresh, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for turn in (self._keep_clock, self._keep_rules, self.feed.run):
                group.create_task(self._for_ever(turn))

    async def _for_ever(self, turn: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await turn()
            except ReadFailed as error:
                log.warning("venue_did_not_tell", turn=turn.__name__, reason=str(error))
            except Exception:  # whatever fails in one must not end the others
                log.exception("venue_turn_failed", turn=turn.__name__)
            await asyncio.sleep(_LOOK_S)

    async def _keep_clock(self) -> None:
        is_told = await self.clock.ask(self.client)
        for _ in range(int((RESYNC_S if is_told else _AGAIN_S) / _LOOK_S)):
            if is_told and not self.clock.is_sure():
                return  # the exchange has refused a time stamp meanwhile
            await asyncio.sleep(_LOOK_S)

    async def _keep_rules(self) -> None:
        if not self.clock.is_sure():
            return
        has_new_key = self.bracket_port is not None and not self.rules.has_real_brackets
        if self.rules.is_due(self.clock.now_ms()) or has_new_key:
            await self.rules.refresh(self.bracket_port)
            await asyncio.sleep(_AGAIN_S)


def _real_ms() -> int:
    return int(monotonic() * 1_000)


class Places:
    """All venues of one process, made when first asked for; `run` keeps them.

    `place` and `port_for` may be called in any thread; everything else on the loop's.
    """

    def __init__(
        self, secret_of: Callable[[Any], OpenSecret], run_in_thread: Run = asyncio.to_thread
    ) -> None:
        self._secret_of = secret_of
        self._run_in_thread = run_in_thread
        self._places: dict[Venue, Place] = {}
        self._wanted: dict[UUID, tuple[Venue, frozenset[str]]] = {}

    def place(self, venue: Venue) -> Place:
        """Return a venue; a paper account's is the market of this installation.

        Raises
        ------
        NeedsOperator
            If its address is not set, or is another venue's.
        """
        if venue is Venue.PAPER:
            addresses = market_addresses()
        elif venue is Venue.SIMULATED:
            addresses = simulated_addresses(settings.MARKET_REST_URL, settings.MARKET_WS_URL)
        else:
            addresses = addresses_of(venue)
        held = self._places.get(addresses.venue)
        if held is None:
            is_simulated = addresses.venue is Venue.SIMULATED
            held = Place(addresses, settings.MARKET_SPEED if is_simulated else 1.0)
            self._places[addresses.venue] = held
        return held

    async def run(self) -> None:
        """Keep every venue that was asked for, also those asked for later; until cancelled."""
        running: dict[Venue, asyncio.Task[None]] = {}
        try:
            while True:
                for venue, place in list(self._places.items()):
                    if venue not in running:
                        running[venue] = asyncio.create_task(place.run())
                await asyncio.sleep(_NEW_S)
        finally:
            for task in running.values():
                task.cancel()
            await asyncio.gather(*running.values(), return_exceptions=True)
            for place in self._places.values():
                await place.client.close()

    def port_for(self, account: Account) -> ExchangePort:
        """Return the port of an account.

        Raises
        ------
        NeedsOperator
            If its venue has no address here, or it has no key.
        """
        venue = Venue(account.venue)
        place = self.place(venue)
        if venue is Venue.PAPER:
            services = PaperServices(
                rules=place.rules,
                feed=place.feed,
                client=place.client,
                now_ms=place.clock.now_ms,
                run=self._run_in_thread,
                speed=place.speed,
            )
            return PaperPort(account.user_id, account.id, services)
        if not account.api_key or not account.key_kind:
            raise NeedsOperator("the account has no key")
        credential = Credential(
            account.api_key, KeyKind(account.key_kind), self._secret_of(account)
        )
        port = CcxtFutures(place.client, credential, clock_refused=place.clock.doubt)
        place.bracket_port = port
        return port

    def want(self, account_id: UUID, venue: Venue, symbols: frozenset[str]) -> None:
        """Say which symbols somebody needs quotes of; an empty set lets go of all."""
        feed = self.place(venue).feed
        _, before = self._wanted.pop(account_id, (venue, frozenset[str]()))
        for symbol in symbols - before:
            feed.watch(symbol)
        for symbol in before - symbols:
            feed.unwatch(symbol)
        if symbols:
            self._wanted[account_id] = (venue, symbols)

    def figures(self) -> dict[str, Any]:
        """Return what the status page shows of each venue."""
        return {venue.value: place.figures() for venue, place in self._places.items()}
