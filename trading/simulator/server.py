"""The exchange as one process: a world, a clock, REST and sockets on one port.

`/sim/*` is for tests and operators of the simulation: time by hand, faults, the truth behind
the market. It answers on loopback only, like all of it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from cryptosystems.kernel.clock import Clock, FixedClock, ReplayClock, SystemClock
from trading.matching.refused import Refused
from trading.simulator.effects import PRESETS
from trading.simulator.faults import Faults
from trading.simulator.feed import World
from trading.simulator.private.control import Control, is_ours
from trading.simulator.private.page import KeyPage, is_loopback
from trading.simulator.private.side import PrivateSide
from trading.simulator.rest import Rest
from trading.simulator.streams import StreamHub
from trading.simulator.tape import MINUTE_MS

if TYPE_CHECKING:
    from trading.simulator.frames import FrameWorld
    from trading.simulator.replay import ReplayWorld

_HOUR_MS: Final = 3_600_000
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ExchangeConfig:
    """What market to run, and how."""

    world: str = "synthetic"
    replay: Path | None = None
    speed: float = 1.0
    symbols: int = 40
    seed: int = 7
    days: float = 60.0
    effects: str = "demo"
    data_dir: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    weight_limit: int = 2400
    life_s: float = 86_400.0
    manual_clock: bool = False
    start_ms: int | None = None
    """The time at which a manual clock stands; None: now."""
    history_share: float = 2 / 3
    progress: Progress | None = field(default=None, compare=False)


def _recorded_world(config: ExchangeConfig) -> "ReplayWorld | FrameWorld":
    """Return the world of a directory: of frames if it holds some, else of candles."""
    from trading.simulator.frames import FrameWorld, frame_files
    from trading.simulator.replay import ReplayWorld

    if config.replay is None:
        raise ValueError("a replay world needs a directory of recorded candles or frames")
    if frame_files(config.replay):
        return FrameWorld(config.replay)
    return ReplayWorld(config.replay, history_share=config.history_share, data_dir=config.data_dir)


class ExchangeServer:
    """Start it, talk Binance to `base_url`, stop it."""

    def __init__(self, config: ExchangeConfig) -> None:
        self.config = config
        self.faults = Faults()
        self.clock: Clock
        self.world: World
        self.hub: StreamHub
        self.rest: Rest
        self.private: PrivateSide
        self.base_url = ""
        self._runner: web.AppRunner | None = None
        self._task: asyncio.Task[None] | None = None
        self._beat = 0
        self._turn = asyncio.Lock()

    async def start(self) -> str:
        """Build the market, open the port, let time run; return the base address."""
        await asyncio.to_thread(self._build)
        app = web.Application()
        app.router.add_get("/{route:public|market}/ws", self._raw)
        app.router.add_get("/{route:public|market}/ws/{streams:.+}", self._raw)
        app.router.add_get("/{route:public|market}/stream", self._combined)
        app.router.add_get("/ws", self._raw)
        app.router.add_get("/ws/{streams:.+}", self._raw)
        app.router.add_get("/stream", self._combined)
        app.router.add_get("/private/ws", self.private.raw)
        app.router.add_get("/private/ws/{key}", self.private.raw)
        app.router.add_get("/private/stream", self.private.combined)
        app.router.add_route("*", "/sim/keys", KeyPage(self.private).handle)
        app.router.add_route("*", "/sim/{what:.+}", self._sim)
        app.router.add_route("*", "/{path:.*}", self._asked)
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=0.5
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.config.host, self.config.port)
        await site.start()
        port = self._runner.addresses[0][1]
        self.base_url = f"http://{self.config.host}:{port}"
        if not self.config.manual_clock:
            self._task = asyncio.create_task(self._run())
        return self.base_url

    async def run_until(self, ended: asyncio.Event) -> None:
        """Serve until `ended` is set; a market that stopped by itself raises what stopped it."""
        waiting = asyncio.create_task(ended.wait())
        tasks = {waiting} if self._task is None else {waiting, self._task}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        for task in done:
            task.result()

    async def stop(self) -> None:
        """End every connection and close the port."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for end in (self.hub.close_all, self.private.stop):
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await end()
        if self._runner is not None:
            await self._runner.cleanup()

    def _build(self) -> None:
        config = self.config
        if config.world == "replay":
            self.world = world = _recorded_world(config)
            self.clock = (
                FixedClock(world.begin_ms)
                if config.manual_clock
                else ReplayClock(world.begin_ms, config.speed)
            )
        elif config.world == "scripted":
            from trading.simulator.scripted import ScriptedWorld

            now = SystemClock().now_ms() if config.start_ms is None else config.start_ms
            self.world = ScriptedWorld(n=config.symbols, now_ms=now, days=config.days)
            self.clock = FixedClock(now) if config.manual_clock else SystemClock()
        else:
            from trading.simulator.world import SyntheticWorld

            now = SystemClock().now_ms() if config.start_ms is None else config.start_ms
            start = now - int(config.days * 86_400_000)
            self.world = SyntheticWorld(
                n=config.symbols,
                seed=config.seed,
                effects=PRESETS[config.effects](),
                start_ms=start - start % _HOUR_MS,
                now_ms=now,
                data_dir=config.data_dir,
                progress=config.progress,
            )
            self.world.checkpoint()
            self.clock = FixedClock(now) if config.manual_clock else SystemClock()
        self.hub = StreamHub(self.world, self.faults, life_s=config.life_s)
        self.rest = Rest(
            self.world,
            self.hub,
            self.faults,
            self._now_ms,
            weight_limit=config.weight_limit,
            seconds=self._market_seconds if config.manual_clock else monotonic,
        )
        self.private = PrivateSide(
            self.world,
            self.hub.books,
            self.rest.statuses,
            self.rest.meter,
            self._now_ms,
            seconds=self.rest.seconds,
            life_s=config.life_s,
            directory=None if config.data_dir is None else config.data_dir / "accounts",
        )
        self.rest.clock_offset_ms = lambda: self.private.clock_offset_ms

    def _now_ms(self) -> int:
        return self.clock.now_ms()

    def _market_seconds(self) -> float:
        return self._now_ms() / 1000

    async def _run(self) -> None:
        """Beat by the machine's clock."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += self.world.beat_ms / 1000
            await asyncio.sleep(max(0.0, due - loop.time()))
            await self._step(self._now_ms())

    async def _step(self, now_ms: int) -> None:
        async with self._turn:
            happened = self.world.advance(now_ms)
            self._beat += 1
            self.private.beat(now_ms)
            await self.hub.tick(happened, now_ms, self._beat)

    async def _refresh(self) -> None:
        """Beat without moving the time; twice, for some streams speak at every other beat."""
        for _ in range(2):
            await self._step(self._now_ms())

    async def advance(self, ms: int, step_ms: int | None = None) -> None:
        """Move a manual clock, a beat (or `step_ms`) at a time, sending what that brings."""
        if not isinstance(self.clock, FixedClock):
            raise ValueError("time can be moved by hand only with a manual clock")
        step_ms = step_ms or self.world.beat_ms
        for _ in range(max(1, ms // step_ms)):
            self.clock.advance(step_ms)
            await self._step(self.clock.now_ms())
            await asyncio.sleep(0)

    async def _asked(self, request: web.Request) -> web.StreamResponse:
        """Answer from the market as it is now: a minute that ended since the last beat is closed."""
        now_ms = self._now_ms()
        if now_ms // MINUTE_MS > self.world.now_ms // MINUTE_MS:
            await self._step(now_ms)
        if self.private.serves(request.path):
            return await self.private.handle(request)
        return await self.rest.handle(request)

    # --- sockets ------------------------------------------------------------------------------

    async def _raw(self, request: web.Request) -> web.StreamResponse:
        streams = request.match_info.get("streams", "").split("/")
        return await self.hub.handle(request, request.match_info.get("route", ""), False, streams)

    async def _combined(self, request: web.Request) -> web.StreamResponse:
        streams = request.query.get("streams", "").split("/")
        return await self.hub.handle(request, request.match_info.get("route", ""), True, streams)

    # --- control ------------------------------------------------------------------------------

    async def _sim(self, request: web.Request) -> web.StreamResponse:
        what = request.match_info["what"]
        if not is_loopback(request):
            return web.json_response({"error": "answers on this machine only"}, status=403)
        try:
            answer = await self._control(request, what)
        except Refused as refusal:
            told = {"error": refusal.message, "code": refusal.code}
            return web.json_response(told, status=400)
        except (ValueError, KeyError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(answer)

    async def _control(self, request: web.Request, what: str) -> Any:
        if what == "info":
            return {
                **self.world.info(),
                "now_ms": self._now_ms(),
                "speed": self.config.speed,
                "symbols": [rules.symbol for rules in self.world.rules],
            }
        if what == "stats":
            return {
                "sockets": len(self.hub.clients),
                "user_sockets": len(self.private.streams.ears),
                "sent": dict(self.hub.sent),
            }
        if what == "advance":
            order = await request.json()
            await self.advance(int(order["ms"]), order.get("step_ms"))
            return {"now_ms": self._now_ms()}
        if what == "close_sockets":
            return {"closed": await self.hub.close_all() + await self.private.streams.close()}
        if what == "shutdown":
            return {"told": await self.hub.tell_shutdown(self._now_ms())}
        if what == "burst":
            self.hub.burst = max(1, int((await request.json())["times"]))
            return {"burst": self.hub.burst}
        if what == "listing":
            return await self._list(await request.json())
        if what == "faults":
            return await self._faults(request)
        if is_ours(what):
            order = await request.json() if request.can_read_body else {}
            return await Control(self.private, self._refresh).work(request.method, what, order)
        if what.startswith("truth/"):
            names = [rules.symbol for rules in self.world.rules]
            return self.world.truth(names.index(what.removeprefix("truth/")))
        raise ValueError(f"nothing here is called {what}")

    async def _faults(self, request: web.Request) -> Any:
        """Put a fault in force, take all back, or tell those of the private side."""
        if request.method == "GET":
            return self.private.faults.told()
        if request.method == "DELETE":
            self.faults.clear()
            self.private.faults.clear()
            return {"faults": "none"}
        order = await request.json()
        is_market = order.get("channel") in ("rest", "ws")
        (self.faults if is_market else self.private.faults).add(order)
        return {"faults": "added"}

    async def _list(self, order: dict[str, Any]) -> Any:
        """Change a contract's status, or its tick size, while the market runs."""
        places = {rules.symbol: i for i, rules in enumerate(self.world.rules)}
        place = places[order["symbol"]]
        if "tick_size" in order:
            tick = Decimal(str(order["tick_size"]))
            self.world.rules[place] = replace(self.world.rules[place], tick_size=tick)
        status = str(order.get("status", "TRADING"))
        self.rest.statuses[order["symbol"]] = status
        self.private.market.refresh(order["symbol"])
        if status == "TRADING":
            self.hub.halted.discard(place)
        else:
            self.hub.halted.add(place)
        await self.hub.tell_listing(place, status, self._now_ms())
        return {"symbol": order["symbol"], "status": status}
