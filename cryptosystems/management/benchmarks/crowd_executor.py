"""The executor as it runs, with a crowd of accounts: `python -m …crowd_executor`.

Makes the crowd, says `ready` when its lanes rest; on the line `go` it issues one signal for all and
watches rows until every trade has its end or its stop. Then it prints what it measured. Everything
between is the product's own: supervisor, lanes, ports, user streams, the database.
"""

import asyncio
import json
import logging
import os
import sys
from argparse import ArgumentParser
from typing import Any, Final

import django

_MOST: Final = 1_000_000_000
_QUIET: Final = 0.05
"""Of the weight of a minute: with more in use the signal waits for the next."""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run one crowd."""
    parser = ArgumentParser()
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--venue", choices=("simulated", "paper"), required=True)
    parser.add_argument("--within", type=float, required=True, help="seconds until it gives up")
    parser.add_argument("--weight", type=int, required=True, help="the address's, a minute")
    parser.add_argument("--slow", type=int, default=0, help="whose calls hang at the third signal")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptosystems.settings.local")
    django.setup()
    logging.getLogger("picows").setLevel(logging.WARNING)
    found = asyncio.run(
        _run(options.users, options.venue, options.within, options.weight, options.slow)
    )
    say(json.dumps(found))


async def _run(
    n: int, venue_name: str, within_s: float, weight: int, n_slow: int
) -> dict[str, Any]:
    # Django's settings must be read before rows can be imported.
    from django.conf import settings

    from cryptosystems.kernel.clock import SystemClock
    from cryptosystems.management.benchmarks.crowd_meters import MeteredThreads, Meters
    from cryptosystems.management.benchmarks.crowd_people import make_crowd
    from cryptosystems.management.benchmarks.crowd_truth import Watch
    from cryptosystems.management.prepare import prepare_database
    from trading.contracts import Venue
    from trading.executor.hints import hear_bells
    from trading.executor.host import SWITCH_S
    from trading.executor.supervisor import Supervisor, process_name
    from trading.executor.venues import LiveVenues
    from trading.selectors.tiers import market_venue

    await asyncio.to_thread(prepare_database)
    rest = settings.MARKET_REST_URL
    members = await asyncio.to_thread(make_crowd, n, Venue(venue_name), rest)
    sys.setswitchinterval(SWITCH_S)
    meters = Meters()
    stack = meters.put_in()
    db, process = MeteredThreads(meters), process_name()
    venues = LiveVenues(process, db)
    venues.open_market()
    budget = venues.desk(market_venue()).client.budget
    budget.set_limits(_MOST, budget.orders_minute, budget.orders_ten_seconds)
    supervisor = Supervisor(venues, db, SystemClock().now_ms, process, turns=((venues.turn, 5.0),))
    running = asyncio.create_task(supervisor.run())
    hearing = asyncio.create_task(hear_bells(supervisor.hear))
    watch = Watch(members, meters, supervisor)
    try:
        await watch.until_rested(within_s)
        # Only from here on does the address have just this much; the crowd may be made at once.
        client = venues.desk(market_venue()).client
        while budget.used(client.budget_ms) > weight * _QUIET:
            await asyncio.sleep(1.0)
            await client.send("fapiPublicGetTime")  # its answer tells what the exchange counted
        budget.set_limits(weight, budget.orders_minute, budget.orders_ten_seconds)
        say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        if n_slow:
            return await watch.isolation(rest, within_s, n_slow)
        return {"weight_limit": weight, **await watch.one_signal(rest, within_s)}
    finally:
        hearing.cancel()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await venues.close()
        stack.close()
        db.close()


if __name__ == "__main__":
    main()
