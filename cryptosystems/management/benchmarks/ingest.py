"""CPU a message from the socket through decode into market state, beside two floors.

Ours is the engine's own way in: `StreamConnection`, `Parser`, `MarketState` with its second's
tick and its closes. The floor receives the same bytes over the same sockets and decodes them
into the same structs, and does nothing else. The raw floor decodes without a socket.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from statistics import median
from time import monotonic, process_time
from typing import Any, Final

import msgspec
import picows

from cryptosystems.management.benchmarks.children import PACKAGE, child
from cryptosystems.management.benchmarks.corpus import (
    FOLLOWED,
    MIXES,
    START_MS,
    Frame,
    Mix,
    make_corpus,
    stream_of,
    symbol_names,
)
from cryptosystems.management.benchmarks.measure import cpu_s, machine
from signals.ingest import wire
from signals.ingest.clock import MarketClock
from signals.ingest.connection import FeedCounters, StreamConnection
from signals.ingest.topics import MOST_STREAMS, PUBLIC, SocketPlan, plan_sockets
from signals.market.state import MarketState

SYMBOLS: Final = 400
MESSAGES: Final = 60_000
ROUNDS: Final = 3
SEED: Final = 7
_LIMIT_S: Final = 60.0
_POLL_S: Final = 0.01
_MAX_FRAME: Final = 16 * 1024 * 1024


class IncompleteRun(RuntimeError):
    """Not every message arrived and was handled: the figure would be worth nothing."""


def _decoder(shape: Any) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(shape, strict=False).decode


_BY_STREAM: Final = {
    "depth20@500ms": _decoder(wire.DepthFrame),
    "kline_1m": _decoder(wire.KlineFrame),
    "aggTrade": _decoder(wire.AggregateFrame),
    "bookTicker": _decoder(wire.TopFrame),
    "!markPrice@arr@1s": _decoder(wire.MarksFrame),
    "!forceOrder@arr": _decoder(wire.ForcedFrame),
}
# Told by one letter, the cheapest way to find the struct: `…@k`, `…@d`, `!m`.
_BY_LETTER: Final = {
    (name[1] if name[0] == "!" else name[0]).encode()[0]: decode
    for name, decode in _BY_STREAM.items()
}


def decode_only(payload: bytes) -> Any:
    """Decode a frame into its struct and do nothing with it."""
    at = 11 if payload[11] == 0x21 else payload.index(0x40, 11)
    return _BY_LETTER[payload[at + 1]](payload)


class _FloorListener(picows.WSListener):
    def __init__(self) -> None:
        self.n = 0

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == picows.WSMsgType.TEXT:
            decode_only(frame.get_payload_as_bytes())
            self.n += 1


def plans_of(mix: Mix, symbols: Sequence[str]) -> list[SocketPlan]:
    """Return the sockets of a mix: ours as they are, others' streams beside them."""
    plans = plan_sockets(symbols)
    if mix is FOLLOWED:
        return plans
    for kind, route in (("aggTrade", "market"), ("bookTicker", PUBLIC)):
        streams = [stream_of(symbol, kind) for symbol in symbols]
        plans += [
            SocketPlan(route, tuple(streams[first : first + MOST_STREAMS]))
            for first in range(0, len(streams), MOST_STREAMS)
        ]
    return plans


async def _measured(
    connected: Callable[[], bool], count: Callable[[], int], n_messages: int
) -> float:
    """Return the CPU seconds from the last handshake to the last message."""
    until = monotonic() + _LIMIT_S
    while not connected():
        await asyncio.sleep(_POLL_S)
        if monotonic() > until:
            raise IncompleteRun("the sockets did not open")
    began = process_time()
    while count() < n_messages:
        await asyncio.sleep(_POLL_S)
        if monotonic() > until:
            raise IncompleteRun(f"{count()} of {n_messages} messages came in {_LIMIT_S:.0f} s")
    return process_time() - began


async def run_floor(url: str, plans: Sequence[SocketPlan], n_messages: int) -> float:
    """Receive and decode, nothing else; return CPU seconds."""
    opened: list[tuple[Any, Any]] = []
    for plan in plans:
        address = f"{url}/{plan.route}/stream?streams={'/'.join(plan.streams)}"
        opened.append(await picows.ws_connect(_FloorListener, address, max_frame_size=_MAX_FRAME))
    try:
        return await _measured(
            lambda: True, lambda: sum(listener.n for _, listener in opened), n_messages
        )
    finally:
        for transport, _ in opened:
            transport.disconnect()


async def run_ours(
    url: str, plans: Sequence[SocketPlan], n_messages: int, state: MarketState
) -> tuple[float, FeedCounters]:
    """Receive as the engine does; return CPU seconds and what the sockets counted."""
    clock, counters = MarketClock(), FeedCounters()
    clock.sync(START_MS, monotonic(), monotonic())
    due = START_MS + 1_000

    def take(event: Any) -> None:
        nonlocal due
        state.apply(event)
        if event.event_ms >= due:
            # What the engine does each second of the market.
            state.tick(due)
            state.drain_closed()
            due += 1_000

    connections = [
        StreamConnection(url, plan.route, plan.streams, take, clock, counters) for plan in plans
    ]
    tasks = [asyncio.create_task(connection.run()) for connection in connections]
    try:
        spent = await _measured(
            lambda: counters.connects == len(plans), lambda: counters.frames, n_messages
        )
    finally:
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
    return spent, counters


def _check(frames: Sequence[Frame], state: MarketState, counters: FeedCounters) -> None:
    """See that every message was understood and the state holds the newest."""
    if counters.frames != len(frames) or counters.bad_frames:
        raise IncompleteRun(
            f"{counters.frames} of {len(frames)} frames handled, {counters.bad_frames} not "
            f"readable: {counters.last_error}"
        )
    refused = {name: n for name, n in state.counters.items() if n}
    if refused:
        raise IncompleteRun(f"the state refused events: {refused}")


async def _alternate(
    url: str, frames: Sequence[Frame], plans: Sequence[SocketPlan], n_symbols: int, rounds: int
) -> tuple[list[float], list[float], int]:
    """Return CPU seconds of the floor's and of our rounds, and how many frames each handled."""
    floor, ours, handled = [], [], 0
    for _ in range(rounds):
        floor.append(await run_floor(url, plans, len(frames)))
        state = MarketState(symbol_names(n_symbols))
        spent, counters = await run_ours(url, plans, len(frames), state)
        _check(frames, state, counters)
        ours.append(spent)
        handled = counters.frames
    return floor, ours, handled


def _one(mix: Mix, n_symbols: int, n_messages: int, rounds: int, seed: int) -> dict[str, Any]:
    frames = make_corpus(mix, n_symbols, n_messages, seed)
    plans = plans_of(mix, symbol_names(n_symbols))
    numbers = ("--symbols", n_symbols), ("--messages", n_messages), ("--seed", seed)
    arguments = [text for pair in numbers for text in (pair[0], str(pair[1]))]
    arguments += ["--mix", mix.name, "--sockets", str(len(plans))]
    with child(f"{PACKAGE}.tape_server", *arguments) as (_, port):
        address = f"ws://127.0.0.1:{port}"
        floor, ours, handled = asyncio.run(_alternate(address, frames, plans, n_symbols, rounds))
    payloads = [frame.payload for frame in frames]
    raw = median(cpu_s(lambda: [decode_only(p) and None for p in payloads]) for _ in range(rounds))
    kinds = Counter(frame.stream.partition("@")[2] or frame.stream for frame in frames)
    per_message = 1e6 / len(frames)
    us, floor_us, raw_us = (
        round(seconds * per_message, 3) for seconds in (median(ours), median(floor), raw)
    )
    return {
        "mix": mix.name,
        "share": {kind: round(n / len(frames), 4) for kind, n in kinds.most_common()},
        "mean_bytes": round(sum(map(len, payloads)) / len(payloads), 1),
        "messages": len(frames),
        "handled": handled,
        "market_s": round((frames[-1].at_ms - frames[0].at_ms) / 1000, 1),
        "sockets": len(plans),
        "us_per_message": us,
        "floor_us": floor_us,
        "ratio_to_floor": us / floor_us,
        "raw_parse_us": raw_us,
        "ratio_to_raw_parse": us / raw_us,
        "messages_per_core_s": round(1e6 / us),
    }


def run(
    *, symbols: int = SYMBOLS, messages: int = MESSAGES, rounds: int = ROUNDS, seed: int = SEED
) -> dict[str, Any]:
    """Measure both mixes.

    Raises
    ------
    IncompleteRun
        If a message was lost or refused.
    """
    corpora = [_one(mix, symbols, messages, rounds, seed) for mix in MIXES.values()]
    return {"bench": "ingest", **machine(), "symbols": symbols, "corpora": corpora}


def report(found: dict[str, Any]) -> list[str]:
    """Return the figures as lines for people."""
    lines = []
    for c in found["corpora"]:
        mix = ", ".join(f"{kind} {share:.0%}" for kind, share in c["share"].items())
        lines += [
            f"{c['mix']}: {c['messages']} messages over {c['sockets']} sockets, {found['symbols']} "
            f"symbols, {c['mean_bytes']:.0f} bytes a message ({mix})",
            f"  socket to state     {c['us_per_message']:8.2f} µs CPU a message, "
            f"{c['messages_per_core_s']:,} messages a core-second",
            f"  receive and decode  {c['floor_us']:8.2f} µs: ours is {c['ratio_to_floor']:.2f} ×",
            f"  decode, no socket   {c['raw_parse_us']:8.2f} µs: ours is "
            f"{c['ratio_to_raw_parse']:.2f} ×",
        ]
    return lines
