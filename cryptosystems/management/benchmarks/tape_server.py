"""Sends a corpus over real sockets, from a process of its own: `python -m …tape_server`.

Frames are framed beforehand, so that the sender never limits what is measured. Every time
the expected number of sockets is open, each is sent the frames of its own streams.
"""

import asyncio
import struct
import sys
from argparse import ArgumentParser
from typing import Any, Final
from urllib.parse import unquote

import picows

from cryptosystems.management.benchmarks.corpus import MIXES, Frame, make_corpus

_SETTLE_S: Final = 0.2
"""Between the last handshake and the first frame, so that handshakes are not measured."""
_CHUNK: Final = 1 << 20


def framed(payload: bytes) -> bytes:
    """Return a text frame as a server sends it (RFC 6455: final, unmasked)."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + struct.pack(">H", size) + payload
    return b"\x81\x7f" + struct.pack(">Q", size) + payload


class _Socket(picows.WSListener):
    def __init__(self, server: "TapeServer", streams: frozenset[str]) -> None:
        self.server = server
        self.streams = streams
        self.transport: Any = None
        self.writable = asyncio.Event()
        self.writable.set()

    def on_ws_connected(self, transport: Any) -> None:
        self.transport = transport
        self.server.join(self)

    def on_ws_disconnected(self, transport: Any) -> None:
        self.server.leave(self)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


class TapeServer:
    """Waits for `n_sockets` sockets, then sends everything as fast as they take it."""

    def __init__(self, frames: list[Frame], n_sockets: int) -> None:
        self._by_stream: dict[str, list[tuple[int, bytes]]] = {}
        for place, frame in enumerate(frames):
            self._by_stream.setdefault(frame.stream, []).append((place, framed(frame.payload)))
        self._n_sockets = n_sockets
        self._open: set[_Socket] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready: dict[frozenset[str], bytes] = {}

    def listen(self, request: Any) -> _Socket:
        query = request.path.decode().partition("streams=")[2]
        return _Socket(self, frozenset(unquote(query).split("/")))

    def join(self, socket: _Socket) -> None:
        self._open.add(socket)
        if len(self._open) == self._n_sockets:
            for held in self._open:
                task = asyncio.get_running_loop().create_task(self._send(held))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def leave(self, socket: _Socket) -> None:
        self._open.discard(socket)
        socket.writable.set()

    def _bytes_of(self, streams: frozenset[str]) -> bytes:
        if streams not in self._ready:
            mine = [pair for name in streams for pair in self._by_stream.get(name, ())]
            self._ready[streams] = b"".join(content for _, content in sorted(mine))
        return self._ready[streams]

    async def _send(self, socket: _Socket) -> None:
        content = memoryview(self._bytes_of(socket.streams))
        await asyncio.sleep(_SETTLE_S)
        for first in range(0, len(content), _CHUNK):
            await socket.writable.wait()
            if socket not in self._open:
                return
            socket.transport.underlying_transport.write(content[first : first + _CHUNK])


async def _serve(frames: list[Frame], n_sockets: int) -> None:
    server = TapeServer(frames, n_sockets)
    listening = await picows.ws_create_server(server.listen, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # The parent closes our input when it has done.
    await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Serve until standard input ends."""
    parser = ArgumentParser()
    parser.add_argument("--mix", choices=sorted(MIXES), required=True)
    parser.add_argument("--symbols", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--sockets", type=int, required=True)
    options = parser.parse_args()
    mix = MIXES[options.mix]
    frames = make_corpus(mix, options.symbols, options.messages, options.seed)
    asyncio.run(_serve(frames, options.sockets))


if __name__ == "__main__":
    main()
