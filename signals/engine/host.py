"""The engine: one market under a lease, from the exchange's sockets to rows and frames.

Start is also recovery: history from files and REST, panels and factors from history, open
signals from rows. The loop never waits for the database; the sink's thread does.
"""

import asyncio
import json
import os
import socket as os_socket
import uuid
from collections import deque
from dataclasses import replace
from time import monotonic, perf_counter_ns
from typing import Any, Final

import structlog
from asgiref.sync import sync_to_async
from celery import current_app
from django.conf import settings
from django.db import close_old_connections
from redis.exceptions import RedisError

from cryptosystems.kernel.clock import SystemClock, to_datetime
from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import TIMEFRAMES, Timeframe
from cryptosystems.platform import leases
from signals.builder.build import NoSignal
from signals.delivery import bus
from signals.delivery.outbox import mark_delivered, undelivered
from signals.delivery.payloads import iso
from signals.engine import warm
from signals.engine.distance import close_distance, even_end
from signals.engine.reporter import Reporter
from signals.engine.sink import Sink
from signals.engine.stages import StageTimes
from signals.engine.views import MarketViews
from signals.features.catalogue import CATALOGUE
from signals.ingest.clock import MarketClock
from signals.ingest.feed import ADDRESSES, MarketAddress, MarketFeed
from signals.ingest.rest import MarketRest
from signals.ingest.universe import UniverseChange, choose_deep, choose_universe
from signals.market.events import CandleGap
from signals.market.panel import N_FIELDS
from signals.market.state import MarketState
from signals.model import artifact
from signals.models import OutboxEntry
from signals.pipeline.fold import Pipeline
from signals.pipeline.outputs import (
    CandlesClosed,
    Changed,
    Issued,
    Output,
    Rejected,
    ShadowSettled,
)
from signals.services.history import files_of, load_history, read_history
from signals.services.publish import (
    Halted,
    apply_change,
    halted,
    publish,
    record_rejected,
    settle_rejected,
)
from signals.store.candles import CandleRow, newest_open_ms
from signals.store.market import store_corrections, store_instruments
from signals.store.registry import active_model, artifact_path

log = structlog.get_logger(__name__)

TURN_S: Final = 0.05
SPARE_ROWS: Final = 16
"""Places for symbols that are listed while the engine runs."""
MODEL_CHECK_S: Final = 1.0
REDELIVER_S: Final = 5.0
TRAINING_AGAIN_S: Final = 30.0
_SPARE_S: Final = 3.0
_ORIGINS: Final = {
    "simulated": Origin.SIMULATED,
    "replay": Origin.REPLAY,
    "binance": Origin.LIVE,
    "demo": Origin.LIVE,
}


def market_address() -> MarketAddress:
    """Return where the configured market is served.

    Raises
    ------
    CryptoSystemsError
        If a local market has no address.
    """
    known = ADDRESSES.get(settings.MARKET)
    rest = settings.MARKET_REST_URL or (known.rest if known else "")
    ws = settings.MARKET_WS_URL or (known.ws if known else "") or rest.replace("http", "ws", 1)
    if not rest:
        raise CryptoSystemsError(
            f"MARKET={settings.MARKET} needs MARKET_REST_URL, the address of the simulated exchange "
            "(`bin/up` sets it)"
        )
    return MarketAddress(rest, ws, settings.MARKET_SPEED)


async def run_engine() -> None:
    """Wait for the lease of the shard, hold it, and run; begin again after a failure."""
    owner = f"{os_socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    pause = 0.5
    while True:
        holding = await sync_to_async(leases.take)(f"engine:{settings.ENGINE_SHARD}", owner)
        if holding is None:
            await asyncio.sleep(_SPARE_S)
            continue
        began = monotonic()
        engine = Engine()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_renew(holding))
                group.create_task(engine.run())
        except* CryptoSystemsError as failures:
            log.error("engine_failed", errors=[str(error) for error in failures.exceptions])
        except* Exception as failures:  # the engine must come back whatever broke it
            log.exception("engine_failed", errors=[repr(e) for e in failures.exceptions])
        finally:
            await asyncio.shield(sync_to_async(_hand_back)(engine, holding))
        pause = 0.5 if monotonic() - began > 60 else min(30.0, pause * 2)
        await asyncio.sleep(pause)


def _hand_back(engine: "Engine", holding: leases.Holding) -> None:
    engine.sink.stop()
    leases.give_back(holding)
    close_old_connections()


async def _renew(holding: leases.Holding) -> None:
    while True:
        await asyncio.sleep(leases.RENEW_EVERY_S)
        await sync_to_async(leases.renew)(holding)


class Engine:
    """One run of the engine."""

    def __init__(self) -> None:
        self.origin = _ORIGINS[settings.MARKET]
        self.address = market_address()
        self.clock = MarketClock(self.address.speed)
        self.wall = SystemClock()
        self.stages = StageTimes()
        self.sink = Sink(self.origin)
        self.redis = bus.connect_async()
        self.sync_redis = bus.connect()
        self.reporter = Reporter(self)
        self.pipeline: Pipeline | None = None
        self.feed: MarketFeed | None = None
        self.views: MarketViews | None = None
        self.warming: dict[str, Any] | None = {
            "stage": "start",
            "done": 0,
            "total": 0,
            "text": "Starting",
        }
        self.model_text: dict[str, Any] | None = None
        self.last_error: dict[str, Any] | None = None
        self._model_version = ""
        self._asked_training_s = -TRAINING_AGAIN_S
        self._withdrawn: deque[tuple[NoSignal, uuid.UUID]] = deque()
        """Signals that staff kept from being issued: told by the sink's thread, taken by the loop."""

    # --- start ----------------------------------------------------------------------------------

    def tell(self, text: str, done: int, total: int) -> None:
        """Say what is still warming up; pages and `bin/up` show it."""
        self.warming = {
            "stage": text,
            "done": done,
            "total": total,
            "text": f"{text}, {done} of {total}",
        }

    async def run(self) -> None:
        """Start, then run until cancelled."""
        # The session is the outer one: it must outlive the tasks that ask through it.
        async with MarketRest(self.address.rest) as rest, asyncio.TaskGroup() as group:
            group.create_task(self.reporter.run())
            history = await self._prepare(rest)
            self.sink.start()
            feed = self.feed
            assert feed is not None
            group.create_task(feed.run())
            group.create_task(self._loop())
            group.create_task(self._follow_model())
            group.create_task(self._redeliver())
            await sync_to_async(self._store_recent)(history)
            del history  # years of candles; this frame lives as long as the engine

    async def _prepare(self, rest: MarketRest) -> Any:
        self.clock.sync(*await rest.server_time())
        listed, volumes = await rest.instruments(), await rest.volumes()
        rules = choose_universe(listed, volumes, settings.SYMBOLS)
        # The leader stands first; the others in a fixed order, so that stored states fit.
        rules.sort(key=lambda rule: (rule.symbol != "BTCUSDT", rule.symbol))
        await sync_to_async(store_instruments)(self.origin, enumerate(rules), rest.shifts_ms)
        symbols = [rule.symbol for rule in rules]
        timeframe = Timeframe(settings.HISTORY_TIMEFRAME)
        files = files_of(self.origin)
        self.tell("Loading history", 0, len(symbols))
        await load_history(
            rest, files, symbols, timeframe, settings.HISTORY_DAYS, self.clock.now_ms(), self.tell
        )
        # As late as possible: the files now reach up to this minute.
        history = even_end(await asyncio.to_thread(read_history, files, symbols, timeframe))
        if not await sync_to_async(self._has_model)():
            self._ask_training()
        self.tell("Warming up", 0, len(TIMEFRAMES))
        state = MarketState(symbols, capacity=len(symbols) + SPARE_ROWS)
        pipeline = Pipeline(state, rules, origin=self.origin.value, speed=self.address.speed)
        for row, rule in enumerate(rules):
            state.derivatives.interval_hours[row] = rule.funding_interval_hours
        await asyncio.to_thread(warm.warm, pipeline, history, self.tell)
        watched = await sync_to_async(warm.open_signals)(self.origin.value, state.index)
        for signal, signal_timeframe in watched:
            pipeline.watch(signal, signal_timeframe)
        for shadow, setup in await sync_to_async(warm.open_shadows)(self.origin.value, state.index):
            pipeline.watch_shadow(shadow, setup)
        for output in warm.catch_up(pipeline, history):
            self._give(output)
        self.pipeline, self.views = pipeline, MarketViews(pipeline)
        await close_distance(pipeline, rest, self.clock, history, self._give)
        self.feed = MarketFeed(
            self.address,
            state,
            self.clock,
            rest,
            self._take,
            deep_symbols=choose_deep(rules, volumes, settings.DEEP_SYMBOLS),
            rules=rules,
            wanted=settings.SYMBOLS,
            on_universe=self._follow_universe,
        )
        return history

    def _follow_universe(self, change: UniverseChange) -> None:
        """Take up listings and changed rules without a restart; their rows are stored too."""
        assert self.pipeline is not None
        assert self.feed is not None
        index, rules = self.pipeline.state.index, self.pipeline.rules
        for rule in [*change.listed, *change.changed]:
            self.pipeline.set_rules(rule)
        for symbol in change.retired:
            rules[index[symbol]] = replace(rules[index[symbol]], is_trading=False)
        touched = [rule.symbol for rule in [*change.listed, *change.changed]] + change.retired
        ranked = [(index[symbol], rules[index[symbol]]) for symbol in touched]
        shifts = self.feed.rest.shifts_ms
        self.sink.submit(lambda: store_instruments(self.origin, ranked, shifts))

    def _store_recent(self, history: Any) -> None:
        """Hand the sink what the database lacks of the recent candles."""
        for timeframe in TIMEFRAMES:
            known = newest_open_ms(self.origin, timeframe, history.symbols)
            rows = warm.recent_candles(history, timeframe, known)
            if rows:
                self.sink.add_candles(timeframe, rows)

    # --- model ----------------------------------------------------------------------------------

    def _has_model(self) -> bool:
        row = active_model(self.origin)
        return row is not None and row.catalogue_hash == CATALOGUE.hash

    def _ask_training(self) -> None:
        now = monotonic()
        if now - self._asked_training_s > TRAINING_AGAIN_S:
            self._asked_training_s = now
            current_app.send_task("signals.tasks.train_model", [self.origin.value])

    async def _follow_model(self) -> None:
        """Take a newly promoted model into use within seconds."""
        while True:
            await sync_to_async(self._load_model)()
            if self.model_text is None:
                await self._show_training()
            await asyncio.sleep(MODEL_CHECK_S)

    async def _show_training(self) -> None:
        held = await self.redis.get(bus.TRAINING)
        if held is None:
            # Nobody says that he trains: ask (again), the worker may have died over it.
            await sync_to_async(self._ask_training)()
            self.tell("Waiting for the model", 0, 1)
            return
        told = json.loads(held)
        if told.get("error"):
            self.note_error(told["error"])
        self.tell(told["stage"], told["done"], told["total"])

    def _load_model(self) -> None:
        row = active_model(self.origin)
        if row is None or row.version == self._model_version or self.pipeline is None:
            return
        if row.catalogue_hash != CATALOGUE.hash:
            self._ask_training()
            return
        try:
            model = artifact.load(
                artifact_path(row), checksum=row.checksum, catalogue_hash=CATALOGUE.hash
            )
        except CryptoSystemsError as error:
            self.note_error(str(error))
            self._ask_training()
            return
        self.pipeline.use_model(model)
        self._model_version = row.version
        self.model_text = {"version": row.version, "trained_at": iso(row.trained_at)}
        log.info("model_in_use", version=row.version)

    async def _redeliver(self) -> None:
        while True:
            self.sink.submit(self.redeliver)
            await asyncio.sleep(REDELIVER_S)

    # --- live -----------------------------------------------------------------------------------

    def note_error(self, text: str) -> None:
        """Keep the newest error for the status page."""
        self.last_error = {"at": iso(to_datetime(self.wall.now_ms())), "text": text[:300]}

    def _take(self, event: Any) -> None:
        assert self.pipeline is not None
        self.pipeline.apply(event)
        self.reporter.note(event)
        if type(event) is CandleGap:
            nothing = (float("nan"),) * N_FIELDS
            self.sink.add_candles(Timeframe.M1, [(event.symbol, event.open_ms, nothing)])

    async def _loop(self) -> None:
        """Turn twenty times a second: close candles, score, settle, publish."""
        pipeline = self.pipeline
        assert pipeline is not None
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            started = perf_counter_ns()
            now_ms = self.clock.now_ms()
            while self._withdrawn:
                pipeline.withdraw(*self._withdrawn.popleft())
            for output in pipeline.advance(now_ms, now_real_ms=int(monotonic() * 1000)):
                self._give(output)
            if pipeline.timings_ms:
                for stage in ("factors", "score"):
                    if stage in pipeline.timings_ms:
                        self.stages.add(stage, pipeline.timings_ms[stage], now_ms)
                pipeline.timings_ms.clear()
            self.stages.add("state", (perf_counter_ns() - started) / 1e6, now_ms)
            if self.model_text is not None and pipeline.latest:
                self.warming = None
            self._keep_conflicts()
            due = max(due + TURN_S, loop.time() + 0.005)
            await asyncio.sleep(due - loop.time())

    def _give(self, output: Output) -> None:
        if isinstance(output, CandlesClosed):
            self._store_closed(output)
        elif isinstance(output, Issued):
            self.sink.submit(lambda: self._publish(output))
        elif isinstance(output, Changed):
            self.sink.submit(lambda: self._change(output.change))
        elif isinstance(output, Rejected):
            self.sink.submit(lambda: record_rejected(output.no_signal))
        elif isinstance(output, ShadowSettled):
            self.sink.submit(lambda: settle_rejected(self.origin, output.setup, output.change))

    def _store_closed(self, output: CandlesClosed) -> None:
        assert self.pipeline is not None
        state = self.pipeline.state
        candle = state.panels[output.timeframe].at(output.open_ms)
        rows: list[CandleRow] = [
            (state.symbols[row], output.open_ms, tuple(candle[:, row].tolist()))
            for row in range(len(state.symbols))
            if output.rows[row]
        ]
        self.sink.add_candles(output.timeframe, rows)
        self.reporter.candles_closed(output)

    def _keep_conflicts(self) -> None:
        """Store repaired candles; keep corrections of closed ones beside them, with an alarm."""
        assert self.pipeline is not None
        state = self.pipeline.state
        if state.repaired:
            for symbol, timeframe, open_ms in state.repaired:
                values = state.panels[timeframe].at(open_ms)[:, state.index[symbol]]
                self.sink.add_candles(timeframe, [(symbol, open_ms, tuple(values.tolist()))])
            state.repaired.clear()
        if state.conflicts:
            taken = list(state.conflicts)
            state.conflicts.clear()
            self.note_error(f"the exchange changed {len(taken)} closed candle(s)")
            self.sink.submit(lambda: store_corrections(self.origin, taken, self.wall.now_ms()))

    def _publish(self, output: Issued) -> None:
        started = perf_counter_ns()
        try:
            entry = publish(output.draft)
        except Halted:
            decision = halted(output.draft)
            record_rejected(decision)
            self._withdrawn.append((decision, output.draft.id))
            return
        if entry is not None:
            self._deliver(entry, started)

    def _change(self, change: Any) -> None:
        started = perf_counter_ns()
        entry = apply_change(change)
        if entry is not None:
            self._deliver(entry, started)

    def _deliver(self, entry: OutboxEntry, started_ns: int) -> None:
        """Send a committed frame on its way; the row repairs whatever this misses."""
        if self._send_entry(entry):
            self.stages.add_since("deliver", started_ns, self.clock.now_ms())

    def _send_entry(self, entry: OutboxEntry) -> bool:
        text = bus.frame_text(entry.topic, entry.sequence, str(iso(entry.at)), entry.data)
        try:
            self.sync_redis.publish(bus.FRAMES, bus.pack(entry.topic, entry.sequence, text))
        except RedisError as error:
            self.note_error(f"Redis: {error}; the frame waits in the outbox")
            return False
        mark_delivered([entry.sequence], to_datetime(self.wall.now_ms()))
        return True

    def redeliver(self) -> None:
        """Send what could not be sent when it was committed, oldest first."""
        for entry in undelivered():
            if not self._send_entry(entry):
                return
