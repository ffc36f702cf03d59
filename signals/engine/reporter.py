"""What the engine tells the web: status and markets once a second, frames for open charts,
answers to questions."""

import asyncio
import json
from collections.abc import Callable, Sequence
from time import monotonic, perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog
from django.conf import settings
from redis.exceptions import RedisError

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.timeframes import Timeframe
from signals.delivery import bus
from signals.delivery.payloads import iso
from signals.engine.memory import Memory
from signals.engine.views import known_timeframe
from signals.market.events import CandleUpdate, MarkPrice, Trade
from signals.market.panel import FloatArray
from signals.pipeline.outputs import CandlesClosed
from signals.services import alerts
from signals.store.judgements import JudgementRow, store_judgements

if TYPE_CHECKING:
    from signals.engine.host import Engine

log = structlog.get_logger(__name__)

CHART_S: Final = 0.11
"""Least real time between two frames of one chart: at most nine a second, and one for a mark."""
_STATUS_S: Final = 1.0
_ALERTS_S: Final = 2.0
_BITE_S: Final = 0.1
"""Between two bites of what is kept: 400 markets on three timeframes take a quarter of a minute."""
_STALE_SHOWN: Final = 8


_encode: Final = msgspec.json.Encoder(enc_hook=lambda value: value.item()).encode
"""Numpy's scalars become plain numbers, NaN becomes null."""


def dumps(data: Any) -> str:
    return _encode(data).decode()


class Reporter:
    """Runs beside the engine's loop and reads what it has."""

    def __init__(self, engine: "Engine") -> None:
        self.engine = engine
        self._sequence = 0
        self._wanted: set[str] = set()
        self._charts: dict[str, list[tuple[str, Timeframe]]] = {}
        """Charts somebody looks at, by symbol."""
        self._moved: set[str] = set()
        self._marked: set[str] = set()
        self._moving = asyncio.Event()
        self._due: dict[str, float] = {}
        self._last: dict[str, str] = {}
        self._tickers: dict[str, list[Any]] = {}
        self._memory = Memory()
        self._prices = alerts.PriceWatch()
        self._looked_s = 0.0
        self._judged: list[JudgementRow] = []

    async def run(self) -> None:
        """Report until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._forever(self._report, _STATUS_S))
            group.create_task(self._forever(self._send_charts, 0.0))
            group.create_task(self._forever(self._answer, 0.0))
            group.create_task(self._forever(self._remember, _BITE_S))

    async def _forever(self, job: Callable[[], Any], every_s: float) -> None:
        while True:
            started = monotonic()
            try:
                await job()
            except RedisError as error:
                self.engine.note_error(f"Redis: {error}")
                await asyncio.sleep(1.0)
            await asyncio.sleep(max(0.0, every_s - (monotonic() - started)))

    # --- once a second --------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Return the status object."""
        engine = self.engine
        now_ms = engine.clock.now_ms() if engine.clock.is_synced else engine.wall.now_ms()
        feed = engine.feed
        ages = feed.stream_ages() if feed is not None else []
        stale = [(stream, age) for stream, age in ages if age > 15.0]
        error = engine.last_error
        if feed is not None and feed.counters.last_error and error is None:
            error = {
                "at": iso(to_datetime(feed.counters.last_error_ms)),
                "text": feed.counters.last_error,
            }
        stages = [
            {
                **stage,
                "at": iso(to_datetime(int(str(stage.pop("at_ms"))))) if stage["count"] else None,
            }
            for stage in engine.stages.report()
        ]
        return {
            "origin": engine.origin.value,
            "market": settings.MARKET,
            "ready": engine.warming is None,
            "warming": engine.warming,
            "now": iso(to_datetime(now_ms)),
            "model": engine.model_text,
            "feeds": {
                "n": len(ages),
                "n_live": len(ages) - len(stale),
                "oldest_s": round(ages[0][1], 1) if ages else None,
                "stale": [
                    {"stream": stream, "age_s": round(age, 1)}
                    for stream, age in stale[:_STALE_SHOWN]
                ],
            },
            "stages": stages,
            "gaps": 0 if feed is None else feed.n_gaps,
            "refilled": 0 if feed is None else feed.n_refilled,
            "counters": self._counters(),
            "last_error": error,
            "speed": engine.address.speed,
        }

    def _counters(self) -> dict[str, int]:
        engine = self.engine
        out: dict[str, int] = {}
        if engine.pipeline is not None:
            out.update(engine.pipeline.state.counters)
        if engine.feed is not None:
            counters = engine.feed.counters
            out.update(
                frames=counters.frames,
                bad_frames=counters.bad_frames,
                connects=counters.connects,
                dead_streams=counters.dead_streams,
            )
        sink = engine.sink
        out.update(rows_waiting=sink.n_waiting, rows_dropped=sink.counters.dropped_candles)
        return out

    async def _report(self) -> None:
        engine = self.engine
        self._want(await self._read_wanted())
        if engine.feed is not None and engine.feed.counters.decode_ms:
            now_ms = engine.clock.now_ms()
            engine.stages.add("decode", engine.feed.counters.decode_ms, now_ms)
            self._time_receipt(now_ms)
        text = dumps(self.status())
        await engine.redis.set(bus.STATUS, text, ex=bus.STATE_TTL_S)
        await self._send("status", text)
        if engine.views is None:
            return
        now_ms = engine.clock.now_ms()
        rows = engine.views.market_rows(now_ms)
        payload = dumps(
            {"origin": engine.origin.value, "at": iso(to_datetime(now_ms)), "markets": rows}
        )
        await engine.redis.set(bus.MARKETS, payload, ex=bus.STATE_TTL_S)
        self._look_at_alerts(rows)
        await self._send_tickers(now_ms)

    def _look_at_alerts(self, rows: list[dict[str, Any]]) -> None:
        """Let the sink's thread judge what people wait for, every other second."""
        self._prices.see(rows)
        if monotonic() - self._looked_s < _ALERTS_S:
            return
        self._looked_s = monotonic()
        seen, origin = self._prices.take(), self.engine.origin.value
        self.engine.sink.submit(lambda: alerts.look(origin, seen))

    def _time_receipt(self, now_ms: int) -> None:
        """Exchange time to ours, of the newest event: includes the clocks' own difference."""
        pipeline = self.engine.pipeline
        if pipeline is None:
            return
        state = pipeline.state
        delay = state.price_received_ms - state.price_event_ms
        known = delay[(state.price_event_ms > 0) & (now_ms - state.price_received_ms < 5_000)]
        if known.size:
            self.engine.stages.add("receive", float(max(0.0, known.mean())), now_ms)

    async def _send_tickers(self, now_ms: int) -> None:
        views = self.engine.views
        if views is None or "tickers" not in self._wanted:
            return
        fresh = {row[0]: row for row in views.ticker_rows(now_ms)}
        changed = [row for symbol, row in fresh.items() if self._tickers.get(symbol) != row]
        self._tickers = fresh
        if changed:
            await self._send("tickers", dumps({"rows": changed}))

    async def _read_wanted(self) -> set[str]:
        redis, now = self.engine.redis, self.engine.wall.now_ms()
        await redis.zremrangebyscore(bus.WANTED, 0, now)
        held: list[bytes] = await redis.zrange(bus.WANTED, 0, -1)  # type: ignore[assignment]
        return {topic.decode() for topic in held}

    # --- frames ---------------------------------------------------------------------------------

    async def _send(self, topic: str, data: str) -> None:
        await self._send_all([(topic, data)])

    async def _send_all(self, frames: Sequence[tuple[str, str]]) -> None:
        """Publish (topic, data) pairs in one round trip."""
        at = str(iso(to_datetime(self.engine.clock.now_ms())))
        async with self.engine.redis.pipeline(transaction=False) as pipe:
            for topic, data in frames:
                self._sequence += 1
                text = bus.frame_text(topic, self._sequence, at, data)
                pipe.publish(bus.FRAMES, bus.pack(topic, self._sequence, text))
            await pipe.execute()

    def note(self, event: Any) -> None:
        """Remember that a chart somebody looks at has moved; its frame leaves in this turn."""
        if event.symbol not in self._charts:
            return
        kind = type(event)
        if kind is CandleUpdate or kind is Trade:
            self._moved.add(event.symbol)
        elif kind is MarkPrice:
            self._marked.add(event.symbol)
        else:
            return
        self._moving.set()

    def _want(self, topics: set[str]) -> None:
        """Take over which topics have viewers."""
        self._wanted = topics
        charts: dict[str, list[tuple[str, Timeframe]]] = {}
        for topic in topics:
            kind, _, rest = topic.partition(":")
            symbol, _, timeframe = rest.partition(":")
            if kind == "market" and known_timeframe(timeframe):
                charts.setdefault(symbol, []).append((topic, Timeframe(timeframe)))
        fresh = charts.keys() - self._charts.keys()
        self._charts = charts
        self._last = {topic: text for topic, text in self._last.items() if topic in topics}
        self._due = {topic: at for topic, at in self._due.items() if topic in topics}
        if fresh:
            self._moved |= fresh
            self._moving.set()

    async def _send_charts(self) -> None:
        """Send the running candle of every chart that has moved, all in one message to the bus."""
        await self._moving.wait()
        self._moving.clear()
        moved, marked = self._moved, self._marked - self._moved
        self._moved, self._marked = set(), set()
        views = self.engine.views
        if views is None or not (moved or marked):
            return
        started, now = perf_counter_ns(), monotonic()
        frames: list[tuple[str, str]] = []
        forming: dict[Timeframe, FloatArray] = {}
        wait_s = CHART_S
        for symbol in (*moved, *marked):
            for topic, timeframe in self._charts.get(symbol, ()):
                early = self._due.get(topic, 0.0) - now
                if early > 0 and symbol in moved:
                    self._moved.add(symbol)
                    wait_s = min(wait_s, early)
                    continue
                if timeframe not in forming:
                    forming[timeframe] = views.forming(timeframe)
                frame = views.candle_frame(symbol, timeframe, forming[timeframe])
                text = "" if frame is None else dumps(frame)
                if not text or self._last.get(topic) == text:
                    continue
                self._last[topic] = text
                if symbol in moved:
                    self._due[topic] = now + CHART_S
                frames.append((topic, text))
        if self._moved:
            asyncio.get_running_loop().call_later(wait_s, self._moving.set)
        if frames:
            await self._send_all(frames)
            self.engine.stages.add_since("deliver", started, self.engine.clock.now_ms())

    def candles_closed(self, output: CandlesClosed) -> None:
        """Note a close: charts get the new map column a minute."""
        if output.timeframe is Timeframe.M1 and self.engine.views is not None:
            for topic in self._wanted:
                if topic.startswith("heatmap:"):
                    self._heatmap(topic)

    def _heatmap(self, topic: str) -> None:
        views = self.engine.views
        found = views.heatmap(topic.partition(":")[2], "15m") if views is not None else None
        if not found or not found.get("columns"):
            return
        clusters = found["clusters"]
        nearest = min(clusters, key=lambda c: abs(c["distance"])) if clusters else None
        data = {
            "column": found["columns"][-1],
            "low": found["low"],
            "step": found["step"],
            "rows": found["rows"],
            "long_now": found["long_now"],
            "short_now": found["short_now"],
            "cap": found["cap"],
            "nearest": nearest,
            "clusters": clusters,
        }
        asyncio.get_running_loop().create_task(self._send(topic, dumps(data)))

    # --- memory ---------------------------------------------------------------------------------

    async def _remember(self) -> None:
        """Keep what the engine thinks of each market, a few at a time."""
        engine = self.engine
        if engine.views is None or not engine.clock.is_synced:
            return
        self._judged += self._memory.bite(engine.views, engine.clock.now_ms())
        if self._judged and self._memory.is_idle:
            rows, self._judged = self._judged, []
            engine.sink.submit(lambda: store_judgements(engine.origin, rows))

    # --- questions ------------------------------------------------------------------------------

    async def _answer(self) -> None:
        found = await self.engine.redis.blpop([bus.QUESTIONS], timeout=1)
        if found is None:
            return
        question = json.loads(found[1])
        try:
            answer = self._find(question["kind"], question["args"])
        except (KeyError, ValueError, TypeError, IndexError) as error:
            log.exception("question_failed", kind=question.get("kind"))
            answer = {"error": str(error)}
        key = bus.answer_key(question["id"])
        async with self.engine.redis.pipeline(transaction=False) as pipe:
            pipe.rpush(key, dumps(answer))
            pipe.expire(key, bus.ANSWER_TTL_S)
            await pipe.execute()

    def _find(self, kind: str, args: dict[str, Any]) -> Any:
        views = self.engine.views
        if views is None:
            return {"warming": True}
        if kind == "book":
            return views.book(args["symbol"], self.engine.clock.now_ms())
        if kind == "candles":
            return views.candles(args["symbol"], args["timeframe"], int(args["limit"]))
        if kind in ("factors", "gates"):
            found = getattr(views, kind)(args["symbol"], args["timeframe"])
            why = views.silence(args["symbol"], args["timeframe"]) if found is None else None
            return found if why is None else {"not_judged": why}
        if kind == "heatmap":
            at_ms, price = args.get("at_ms"), args.get("price")
            return views.heatmap(args["symbol"], args["timeframe"], at_ms, price)
        if kind in ("funding", "liquidations"):
            return getattr(views, kind)(args["symbol"], args.get("at_ms"))
        if kind == "correlation":
            return views.correlation(args["symbol"])
        raise ValueError(f"no answer to {kind!r}")
