"""Where accounts trade: for each venue one client, one clock, its rules and its quotes.

What is shared by all accounts of a venue stands here once: the weight budget of our address, the
exchange's time, the filters. It starts with the first account that needs it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone
from redis.exceptions import RedisError

from cryptosystems.kernel.errors import CryptoSystemsError, RetryLater
from trading import vault
from trading.contracts import Venue
from trading.domain.venue import Quote, Service, TradingRules
from trading.exchanges.addresses import addresses_of, ours
from trading.exchanges.ccxt_futures import CcxtFutures
from trading.exchanges.client import FuturesClient
from trading.exchanges.clock import VenueClock
from trading.exchanges.paper import PaperPort, PaperServices
from trading.exchanges.paper_store import Versions
from trading.exchanges.port import ExchangePort, ReadFailed
from trading.exchanges.quotes import QuoteFeed
from trading.exchanges.rules import RulesBook
from trading.exchanges.signer import Credential, KeyKind
from trading.executor.database import Database
from trading.executor.market import Market
from trading.models import TradingAccount
from trading.selectors.tiers import market_venue
from trading.services import tiers
from trading.services.openings import Ledger

log = structlog.get_logger(__name__)

CLOCK_S: Final = 60.0
"""The exchange's time is asked for so often (MD-17)."""
AGAIN_S: Final = 2.0
SERVICE_S: Final = 1.0
STATUS_S: Final = 60.0
"""The exchange is asked so often whether it is in maintenance (EX-32)."""
AWAY_S: Final = 5.0
"""And so often while it is away, or has just refused somebody."""
TURN_S: Final = 5.0
READY_S: Final = 15.0
"""How long a lane waits for the clock and the rules of its venue before it tries again later."""
_PROBED: Final = "BTCUSDT"
_NOBODY: Final = "cs-nobody"
"""An order that there never is: asking for it costs weight 1, and only a key may ask."""


def _real_ms() -> int:
    return int(monotonic() * 1_000)


@dataclass(slots=True)
class Desk:
    """What all accounts of one venue share."""

    venue: Venue
    rest: str = ""
    streams: str = ""
    speed: float = 1.0
    client: FuturesClient = field(init=False)
    clock: VenueClock = field(init=False)
    rules: RulesBook = field(init=False)
    feed: QuoteFeed = field(init=False)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    keyed: CcxtFutures | None = None
    """Some account's port: the real exchange tells its brackets only to a key."""
    on_rules: Callable[["Desk"], Awaitable[None]] | None = None
    """What hears of rules that were read anew."""

    def __post_init__(self) -> None:
        addresses = addresses_of(self.venue, self.rest, self.streams)
        self.clock = VenueClock(self.speed)
        # Limits run on real time, however fast a replayed market does.
        budget_ms = self.clock.now_ms if self.speed == 1.0 else _real_ms
        self.client = FuturesClient(
            addresses,
            self.clock.now_ms,
            budget_now_ms=budget_ms,
            egress=ours(settings.EGRESS_ADDRESSES),
        )
        self.rules = RulesBook(self.client)
        self.feed = QuoteFeed(addresses.streams, self.clock.now_ms, speed=self.speed)

    async def run(self) -> None:
        """Keep clock, rules and quotes until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_clock())
                group.create_task(self._keep_rules())
                group.create_task(self._keep_service())
                group.create_task(self.feed.run())
        finally:
            await self.client.close()

    async def _keep_clock(self) -> None:
        await self.rules.read_limits()
        while True:
            is_known = await self.clock.ask(self.client)
            self._say_ready()
            await asyncio.sleep(CLOCK_S if is_known and self.clock.is_sure() else AGAIN_S)

    async def _keep_rules(self) -> None:
        while True:
            is_due = self.rules.is_due(self.clock.now_ms())
            wants_brackets = self.keyed is not None and not self.rules.has_real_brackets
            if self.clock.is_sure() and (is_due or wants_brackets):
                try:
                    await self.rules.refresh(self.keyed)
                    if self.on_rules is not None:
                        await self.on_rules(self)
                except ReadFailed as error:
                    log.warning("rules_not_read", venue=self.venue.value, reason=str(error))
            self._say_ready()
            await asyncio.sleep(AGAIN_S)

    async def _keep_service(self) -> None:
        """Judge whether the exchange serves; ask it now and then, and oftener while it is away."""
        service, asked_s = self.client.service, -STATUS_S
        while True:
            if monotonic() - asked_s >= (AWAY_S if service.is_doubtful else STATUS_S):
                asked_s = monotonic()
                await self._ask_service()
            self.judge_service()
            await asyncio.sleep(SERVICE_S)

    def judge_service(self) -> str:
        """Return why the exchange counts as away now; empty while it serves."""
        service = self.client.service
        if service.look(self.client.budget_ms):
            log.warning("exchange_service", venue=self.venue.value, away=service.away)
        return service.away

    async def _ask_service(self) -> None:
        service = self.client.service
        if self.client.addresses.rights:  # the demo exchange has no such word
            reply = await self.client.send("sapiGetSystemStatus", is_signed=False)
            service.told(reply, self.client.budget_ms)
        if service.away and self.keyed is not None:
            with suppress(CryptoSystemsError):  # any answer will do: the client has noted it
                await self.keyed.order(_PROBED, _NOBODY, Service.ORDER)

    def _say_ready(self) -> None:
        if self.clock.is_sure() and len(self.rules) > 0:
            self.ready.set()

    def quote(self, symbol: str) -> Quote | None:
        """Return the market of a symbol now, where it is fresh: a quiet book is not an old one."""
        now_ms = self.clock.now_ms()
        found = self.feed.quote(symbol)
        if found is None or not self.feed.is_fresh(symbol, now_ms):
            return None
        return replace(found, at_ms=now_ms)

    def rule(self, symbol: str) -> TradingRules | None:
        return self.rules.get(symbol)


class LiveVenues:
    """The venues of one executor process."""

    def __init__(self, process: str, db: Database) -> None:
        self._db = db
        self._desks: dict[Venue, Desk] = {}
        self._tasks: dict[Venue, asyncio.Task[None]] = {}
        self._wanted: dict[UUID, tuple[Venue, frozenset[str]]] = {}
        self._ledger = Ledger(process)
        self._versions = Versions(db.run)

    # --- what the supervisor asks for ------------------------------------------------------------

    async def port_for(self, account: TradingAccount) -> ExchangePort:
        """Return the port of one account, once clock and rules of its venue are known.

        Raises
        ------
        RetryLater
            If the venue does not answer yet.
        """
        venue = Venue(account.venue)
        desk = self.desk(venue)
        try:
            async with asyncio.timeout(READY_S):
                await desk.ready.wait()
        except TimeoutError:
            raise RetryLater(f"{desk.venue.value} does not answer yet") from None
        if venue is Venue.PAPER:
            services = PaperServices(
                rules=desk.rules,
                feed=desk.feed,
                client=desk.client,
                now_ms=desk.clock.now_ms,
                run=self._db.run,
                speed=desk.speed,
                versions=self._versions,
            )
            return PaperPort(account.user_id, account.pk, services)
        port = CcxtFutures(desk.client, self._credential(account), clock_refused=desk.clock.doubt)
        desk.keyed = desk.keyed or port
        return port

    def market_for(self, account: TradingAccount) -> Market:
        """Return what a lane asks of its venue's market."""
        desk = self.desk(Venue(account.venue))
        return Market(
            quote=desk.quote,
            rules=desk.rule,
            now_ms=desk.clock.now_ms,
            is_clock_sure=desk.clock.is_sure,
            entries_refused=lambda: "exchange_away" if desk.client.service.away else "",
        )

    def want(self, account_id: UUID, venue: Venue, symbols: frozenset[str]) -> None:
        """Have quotes of these symbols for a lane, and no longer of those before."""
        _, before = self._wanted.get(account_id, (venue, frozenset[str]()))
        if symbols == before:
            return
        desk = self.desk(venue)
        for symbol in symbols - before:
            desk.feed.watch(symbol)
        for symbol in before - symbols:
            desk.feed.unwatch(symbol)
        if symbols:
            self._wanted[account_id] = (venue, symbols)
        else:
            self._wanted.pop(account_id, None)

    def figures(self) -> dict[str, Any]:
        """Return weight and round trip of each venue, for the status page."""
        found: dict[str, Any] = {}
        for venue, desk in self._desks.items():
            found[venue.value] = {
                "is_clock_sure": desk.clock.is_sure(),
                "round_trip_ms": round(desk.clock.round_trip_ms, 1),
                "weight_used": desk.client.budget.used(desk.client.budget_ms),
                "away": desk.judge_service(),
            }
        if found:
            found["weight_used"] = max(one["weight_used"] for one in found.values())
        here = found.get(market_venue().value, {})
        found["away"] = here.get("away", "")
        found["serves"] = bool(here.get("is_clock_sure")) and not found["away"]
        found["secrets_opened"] = self._ledger.n_opened
        found["opening_alarms"] = sum(self._ledger.alarms.values())
        return found

    # --- inside ----------------------------------------------------------------------------------

    def open_market(self) -> None:
        """Begin with clock, rules and quotes of the market that runs here, before anybody asks."""
        self.desk(market_venue())

    def desk(self, venue: Venue) -> Desk:
        """Return the desk of a venue; paper trades at the desk of the market that runs here."""
        real = market_venue() if venue is Venue.PAPER else venue
        if real not in self._desks:
            is_local = real is Venue.SIMULATED
            rest = settings.MARKET_REST_URL if is_local else ""
            streams = (settings.MARKET_WS_URL or rest.replace("http", "ws", 1)) if is_local else ""
            speed = settings.MARKET_SPEED if is_local else 1.0
            self._desks[real] = Desk(real, rest, streams, speed, on_rules=self._tell_rules)
        self._keep(real)
        return self._desks[real]

    def _keep(self, venue: Venue) -> None:
        task = self._tasks.get(venue)
        if task is None or task.done():
            if task is not None and not task.cancelled() and task.exception() is not None:
                log.error("venue_failed", venue=venue.value, error=repr(task.exception())[:200])
            self._tasks[venue] = asyncio.create_task(
                self._desks[venue].run(), name=f"venue-{venue.value}"
            )

    async def _tell_rules(self, desk: Desk) -> None:
        """Put filters and tiers where pages find them; they only miss them if the cache is away."""
        rules = desk.rules
        try:
            await self._db.run(
                tiers.keep,
                desk.venue,
                dict(rules),
                timezone.now(),
                has_real_brackets=rules.has_real_brackets,
            )
        except RedisError as error:
            log.warning("tiers_not_kept", venue=desk.venue.value, error=repr(error)[:200])

    def _credential(self, account: TradingAccount) -> Credential:
        place = vault.Place(account.user_id, account.pk)
        secret = vault.Secret(place, account.sealed_secret, self._ledger.note)
        return Credential(
            account.api_key,
            KeyKind(account.key_kind),
            _opener(secret),
            lambda: self._ledger.used(place),
        )

    async def turn(self) -> None:
        """Write the ledger of openings; start what has failed anew."""
        await self._db.run(self._ledger.write)
        for venue in list(self._desks):
            self._keep(venue)

    async def close(self) -> None:
        """Let go of every socket, and write the last openings."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._db.run(self._ledger.write, is_last=True)


def _opener(secret: vault.Secret) -> Callable[[], AbstractContextManager[bytearray]]:
    @contextmanager
    def opened() -> Iterator[bytearray]:
        with secret.opened("sign") as plain:
            yield plain

    return opened
