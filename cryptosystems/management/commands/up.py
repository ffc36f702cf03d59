"""`manage.py up`: the whole product on one machine, with embedded defaults."""

import asyncio
import os
import signal as os_signal
import sys
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.management import embedded, surroundings
from cryptosystems.management.prepare import prepare_database, prepare_static
from cryptosystems.management.storage import recording_key
from cryptosystems.management.supervisor import Service, Supervisor
from cryptosystems.management.surroundings import LOCAL_MARKETS, Plan
from signals.delivery import bus

EXCHANGE_WEIGHT: Final = 200_000
"""The embedded exchange lets the first history load quickly; a real one allows 2,400 a minute."""
BASE_STORAGE: Final = "CS_BASE_STORAGE"
"""Where storage of several markets lies side by side; set when `up` starts itself anew."""
EXECUTOR_STOP_S: Final = 12.0
"""Mostly it goes within a second; a lane may have five to finish a step that hangs."""
_PROGRESS_S: Final = 1.0
_READY_WITHIN_S: Final = 1_800.0


class Progress:
    """One line a change: on a terminal it is rewritten, elsewhere a new one every second."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._last = ""
        self._shown = 0.0
        self._is_open = False

    def show(self, text: str) -> None:
        """Show where a stage stands, if that has changed."""
        now = asyncio.get_running_loop().time()
        if text == self._last or now - self._shown < _PROGRESS_S:
            return
        self._last, self._shown = text, now
        if sys.stdout.isatty():
            self._write(f"\r\033[K  {text}")
            self._is_open = True
        else:
            self._write(f"  {text}\n")

    def say(self, text: str) -> None:
        """Write a line of its own."""
        self._write(("\r\033[K" if self._is_open else "") + text + "\n")
        self._is_open = False


class Command(BaseCommand):
    """Starts every process of the product in order and stays until Ctrl-C."""

    help = "Run the whole product on this machine: exchange, engine, workers, web."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--market", choices=("simulated", "replay", "binance", "demo"), default="simulated"
        )
        parser.add_argument("--replay", type=Path, help="directory of recorded candles or frames")
        parser.add_argument("--symbols", help="a count, or names by comma (default 40)")
        parser.add_argument("--speed", type=float, default=1.0, help="replay so many times faster")
        parser.add_argument("--days", type=int, default=settings.HISTORY_DAYS)
        parser.add_argument(
            "--effects",
            choices=("demo", "mild", "none"),
            default="demo",
            help="how much there is to be found in the simulated market",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            plan = self._plan(options)
            if os.environ.get("STORAGE_DIR") != str(plan.storage):
                self._again_with(plan.storage)
            with ExitStack() as stack:
                stack.enter_context(embedded.only_one(plan.storage / "up.lock"))
                run_dir = stack.enter_context(embedded.run_directory())
                if not embedded.is_port_free(plan.host, plan.port):
                    raise CommandError(
                        f"Port {plan.port} is taken on {plan.host}. Stop what listens there, or "
                        "choose another one with --port."
                    )
                self._write("Preparing the database and the pages ...\n")
                prepare_database()
                prepare_static(plan.storage)
                asyncio.run(Product(plan, run_dir, self._write).run())
        except CryptoSystemsError as error:
            raise CommandError(str(error)) from error

    def _write(self, text: str) -> None:
        self.stdout.write(text, ending="")
        self.stdout.flush()

    def _plan(self, options: dict[str, Any]) -> Plan:
        market, replay = options["market"], options["replay"]
        if market == "replay" and replay is None:
            raise CommandError("--market replay needs --replay DIR, a directory of recordings.")
        if market != "replay" and replay is not None:
            raise CommandError("--replay goes with --market replay.")
        symbols = options["symbols"] or os.environ.get("SYMBOLS", "40")
        if market == "simulated" and not symbols.isdigit():
            raise CommandError("the simulated market takes --symbols as a count, 1 to 400.")
        storage = Path(os.environ.get(BASE_STORAGE) or settings.STORAGE_DIR)
        if market == "replay":
            replay = replay.resolve()
            storage = storage / f"replay-{recording_key(replay)}"
            symbols = options["symbols"] or "1000"
        elif market == "simulated" and options["effects"] != "demo":
            storage = storage / f"effects-{options['effects']}"
        return Plan(
            options["host"],
            options["port"],
            market,
            replay,
            symbols,
            options["speed"],
            options["days"],
            options["effects"],
            storage.resolve(),
        )

    def _again_with(self, storage: Path) -> None:
        """Start over with this storage directory: settings are read once, at the start."""
        base = os.environ.get(BASE_STORAGE) or str(settings.STORAGE_DIR)
        env = {**os.environ, "STORAGE_DIR": str(storage), BASE_STORAGE: base}
        os.execve(sys.executable, [sys.executable, *sys.argv], env)  # noqa: S606 - ourselves


class Product:
    """All processes of one plan."""

    def __init__(self, plan: Plan, run_dir: Path, write: Callable[[str], None]) -> None:
        self.plan = plan
        self.run_dir = run_dir
        self.progress = Progress(write)
        self.address = f"http://{plan.host}:{plan.port}"
        self.supervisor = Supervisor(plan.storage / "log", self.progress.say)
        self.env = surroundings.environment(plan, run_dir)
        self._http = httpx.AsyncClient(timeout=5.0)

    async def run(self) -> None:
        """Start everything, say when it is ready, and stay until a signal comes."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (os_signal.SIGINT, os_signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        work = asyncio.create_task(self._start())
        waiting = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
                await ended.wait()
            self.progress.say("Stopping ...")
        finally:
            work.cancel()
            await asyncio.gather(work, waiting, return_exceptions=True)
            await self.supervisor.stop()
            await self._http.aclose()

    async def _start(self) -> None:
        plan = self.plan
        embedded.turn_logs(plan.storage / "log")
        if "REDIS_URL" not in os.environ or not os.environ["REDIS_URL"]:
            argv = embedded.valkey_argv(self.run_dir, plan.storage / "valkey")
            await self.supervisor.start(self._service("valkey", argv, self._socket_answers))
            await asyncio.to_thread(self._forget_state)
        await asyncio.gather(
            self._start_web(),
            *([self._start_exchange()] if plan.market in LOCAL_MARKETS else []),
            *([self._start_stripe()] if surroundings.has_standin(self.env) else []),
        )
        for name, argv in (
            ("engine", self._engine_argv()),
            ("workers", self._workers_argv()),
        ):
            await self.supervisor.start(self._service(name, argv, _at_once))
        # The only process that is given what opens exchange keys.
        env = surroundings.executor_environment(self.env, plan.storage)
        executor = Service(
            "executor", self._executor_argv(), env, _at_once, stop_within_s=EXECUTOR_STOP_S
        )
        await self.supervisor.start(executor)
        await self._until_ready()
        self.progress.say(f"CryptoSystems is ready at {self.address}/ai-trading/dashboard")

    async def _start_web(self) -> None:
        await self.supervisor.start(self._service("web", self._web_argv(), self._web_answers))
        self.progress.say(f"The page is served at {self.address}/ai-trading/dashboard")

    def _service(self, name: str, argv: list[str], ready: Callable[[], Awaitable[bool]]) -> Service:
        return Service(name, argv, self.env, ready)

    def _forget_state(self) -> None:
        """The server keeps its memory over a restart; what the last engine said is not true now."""
        settings.REDIS_URL = self.env["REDIS_URL"]
        bus.forget_state()

    # --- processes ------------------------------------------------------------------------------

    def _web_argv(self) -> list[str]:
        return [
            *(sys.executable, "-m", "uvicorn", "cryptosystems.asgi:application"),
            *("--host", self.plan.host, "--port", str(self.plan.port)),
            *("--log-level", "warning", "--no-access-log", "--lifespan", "off"),
            *("--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "2"),
            # Which forwarded address is believed is our own matter (`TRUSTED_PROXIES`).
            *("--no-proxy-headers", "--ws-max-size", "16384"),
        ]

    def _engine_argv(self) -> list[str]:
        return [*_celery("stream"), "-P", "solo", "-Q", "stream"]

    def _executor_argv(self) -> list[str]:
        return [*_celery("executor"), "-P", "solo", "-Q", "trading"]

    def _workers_argv(self) -> list[str]:
        schedule = str(self.plan.storage / "beat-schedule")
        return [
            *_celery("work"),
            *("-P", "threads", "-c", "3", "-Q", "default,mail,notify,training"),
            *("-B", "-s", schedule),
        ]

    async def _start_stripe(self) -> None:
        """Start the stand-in; its port is chosen already, so nobody has to wait for it."""
        argv = surroundings.standin_argv(self.plan, self.env)
        await self.supervisor.start(self._service("stripe", argv, self._stripe_answers))

    async def _start_exchange(self) -> None:
        plan, ready = self.plan, self.run_dir / "exchange"
        argv = [
            *(sys.executable, "manage.py", "exchange"),
            *("--port", str(urlsplit(self.env["MARKET_REST_URL"]).port)),
            *("--ready-file", str(ready), "--weight-limit", str(EXCHANGE_WEIGHT)),
            *("--data-dir", str(plan.storage / "market")),
        ]
        if plan.market == "replay":
            argv += ["--world", "replay", "--replay", str(plan.replay), "--speed", str(plan.speed)]
        else:
            argv += ["--symbols", plan.symbols, "--effects", plan.effects]
            argv += ["--days", str(plan.days)]
        log = self.supervisor.log_path("exchange")
        offset = log.stat().st_size if log.exists() else 0

        async def answers() -> bool:
            self._tell_exchange_progress(log, offset)
            return ready.exists()

        service = Service("exchange", argv, self.env, answers, ready_within_s=_READY_WITHIN_S)
        await self.supervisor.start(service)

    def _tell_exchange_progress(self, log: Path, offset: int) -> None:
        with log.open("rb") as file:
            file.seek(offset)
            lines = file.read().decode("utf-8", "replace").splitlines()
        for line in reversed(lines):
            if line.startswith("progress "):
                text, _, count = line.removeprefix("progress ").rpartition(" ")
                self.progress.show(f"{text}: {count.replace('/', ' of ')}")
                return

    # --- probes ---------------------------------------------------------------------------------

    async def _socket_answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(str(self.run_dir / "valkey.sock"))
        except OSError:
            return False
        writer.write(b"PING\r\n")
        answer = await reader.readline()
        writer.close()
        return answer.startswith(b"+PONG")

    async def _web_answers(self) -> bool:
        return await self._get("/healthz") is not None

    async def _stripe_answers(self) -> bool:
        try:
            answer = await self._http.get(self.env["STRIPE_API_BASE"])
        except httpx.HTTPError:
            return False
        return answer.is_success

    async def _get(self, path: str) -> dict[str, Any] | None:
        try:
            answer = await self._http.get(self.address + path)
            found: dict[str, Any] = answer.json()
            return found
        except (httpx.HTTPError, ValueError):
            return None

    async def _until_ready(self) -> None:
        """Show what warms up until signals are scored live."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _READY_WITHIN_S
        while True:
            found = await self._get("/readyz")
            if found is not None and found.get("ready"):
                return
            checks = (found or {}).get("checks", {})
            waiting = [f"{name}: {state}" for name, state in checks.items() if state != "ok"]
            self.progress.show("; ".join(waiting) or "waiting for the web process")
            if loop.time() > deadline:
                self.progress.say(
                    f"Not ready after {_READY_WITHIN_S / 60:.0f} minutes ({'; '.join(waiting)}). It goes "
                    f"on trying; `manage.py doctor` and {self.address}/status say what is wrong."
                )
                deadline = float("inf")
            await asyncio.sleep(0.5)


def _celery(name: str) -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "-A", "cryptosystems", "worker", "-n", f"{name}@%h"),
        *("--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
    ]


async def _at_once() -> bool:
    """For processes whose readiness shows later, in `/readyz`."""
    return True
