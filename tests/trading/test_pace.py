"""Four hundred symbols fit into the exchange's half second, with every stream we use asked for."""

from time import process_time

import aiohttp

from tests.support.servers import exchange, until


async def test_a_beat_of_four_hundred_symbols_takes_a_small_part_of_its_half_second() -> None:
    async with (
        exchange(symbols=400, days=0.02) as server,
        aiohttp.ClientSession(server.base_url) as http,
    ):
        names = [rules.symbol.lower() for rules in server.world.rules]
        sockets = []
        for first in range(0, 400, 200):
            some = names[first : first + 200]
            for route, kind in (("market", "kline_1m"), ("public", "depth20@500ms")):
                streams = "/".join(f"{name}@{kind}" for name in some)
                sockets.append(await http.ws_connect(f"/{route}/stream?streams={streams}"))
        whole = "/market/stream?streams=!markPrice@arr@1s/!forceOrder@arr"
        sockets.append(await http.ws_connect(whole))
        await until(lambda: len(server.hub.listeners) == 802)
        await server.advance(1_000)
        began = process_time()
        await server.advance(5_000)
        assert (process_time() - began) / 10 < 0.25, "CPU seconds a beat, our own reading included"
        assert server.hub.sent["btcusdt@depth20@500ms"] == 12
