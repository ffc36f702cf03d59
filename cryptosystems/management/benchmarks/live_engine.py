"""The engine as it runs, on a made-up warm market: `python -m …live_engine`.

Everything after the warm-up is the product's own: feed, fold, sink, reporter, outbox, bus.
"""

import asyncio
import json
import os
import sys
from argparse import ArgumentParser
from itertools import cycle
from time import time
from typing import Final

import django

from cryptosystems.kernel.timeframes import DECISION_TIMEFRAMES
from cryptosystems.management.benchmarks.measure import percentiles

_COMPARE_S: Final = 0.5
_ROOM_S: Final = 2.0
_DAY_MS: Final = 86_400_000


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run until standard input ends."""
    parser = ArgumentParser()
    parser.add_argument("--symbols", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptosystems.settings.local")
    django.setup()
    asyncio.run(_run(options.symbols, options.seed))


async def _run(n_symbols: int, seed: int) -> None:
    # Django's settings must be read before the engine can be imported.
    from asgiref.sync import sync_to_async

    from cryptosystems.management.benchmarks.market import warmed_pipeline
    from cryptosystems.management.prepare import prepare_database
    from signals.engine.host import Engine
    from signals.engine.views import MarketViews
    from signals.ingest.feed import MarketFeed
    from signals.ingest.rest import MarketRest
    from signals.pipeline.fold import Pipeline
    from signals.store.market import store_instruments

    class WarmEngine(Engine):
        """Starts from a made-up market instead of history and a trained model."""

        async def run(self) -> None:
            async with asyncio.TaskGroup() as group, MarketRest(self.address.rest) as rest:
                rest.budget.limit = 1_000_000
                self.clock.sync(*await rest.server_time())
                pipeline = await asyncio.to_thread(
                    warmed_pipeline, n_symbols, self.clock.now_ms(), seed
                )
                await sync_to_async(store_instruments)(self.origin, enumerate(pipeline.rules), {})
                self.pipeline, self.views = pipeline, MarketViews(pipeline)
                self.feed = MarketFeed(self.address, pipeline.state, self.clock, rest, self._take)
                self.model_text = {"version": "made-up", "trained_at": None}
                self.sink.start()
                tasks = [
                    group.create_task(self.reporter.run()),
                    group.create_task(self.feed.run()),
                    group.create_task(self._loop()),
                ]
                ahead: list[float] = []
                tasks += [
                    group.create_task(self._compare(ahead)),
                    group.create_task(self._make_room(pipeline)),
                ]
                _say("ready")
                await asyncio.to_thread(sys.stdin.read)
                for task in tasks:
                    task.cancel()
                _say(json.dumps({"clock_ahead_ms": percentiles(ahead)["p50"]}))

        async def _make_room(self, pipeline: Pipeline) -> None:
            """Let a timeframe's best speak again every two seconds, so that signals can be timed.

            Only a few may speak in one candle; all would have spoken before anybody watches.
            """
            for timeframe in cycle(DECISION_TIMEFRAMES):
                await asyncio.sleep(_ROOM_S)
                pipeline.last_issued[timeframe] -= _DAY_MS

        async def _compare(self, ahead: list[float]) -> None:
            """Note by how much the market's clock runs before this machine's."""
            while True:
                await asyncio.sleep(_COMPARE_S)
                ahead.append(self.clock.now_ms() - time() * 1000)

    await sync_to_async(prepare_database)()
    engine = WarmEngine()
    try:
        await engine.run()
    finally:
        engine.sink.stop()


if __name__ == "__main__":
    main()
