"""The engine's side of the bus, played by hand over a real Redis-protocol server.

It says what it is told to say: a status and a market list each second, answers to questions,
frames. Web process, hub, socket and page in between are the product's own.
"""

import json
from threading import Event, Thread
from typing import Any

from signals.delivery import bus
from tests.frontend.market import NOW, answer, make_rows, make_status


class PlayedEngine:
    """Speaks on the bus from threads of its own until `stop`."""

    def __init__(self, n_markets: int = 300) -> None:
        self.status: dict[str, Any] = make_status()
        self.rows = make_rows(n_markets)
        self.errors: dict[str, str] = {}
        """Question kinds that are answered with an error of the engine."""
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._redis = bus.connect()
        self._done, self._silent = Event(), Event()
        self._sequence = 0
        self._threads = [Thread(target=self._speak), Thread(target=self._answer)]

    def start(self) -> "PlayedEngine":
        self.report()
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(5)

    def fall_silent(self) -> None:
        """Say nothing more, as an engine does that hangs."""
        self._silent.set()

    def speak_again(self) -> None:
        self._silent.clear()
        self.report()

    def wanted(self) -> set[str]:
        """Return the topics somebody looks at, as the web has told the engine."""
        return {topic.decode() for topic in self._redis.zrange(bus.WANTED, 0, -1)}

    def send(self, topic: str, data: dict[str, Any], sequence: int | None = None) -> None:
        """Publish one frame."""
        self._sequence += 1
        text = bus.frame_text(topic, sequence or self._sequence, NOW, json.dumps(data))
        message = bus.pack(topic, sequence or self._sequence, text)
        self._redis.publish(bus.FRAMES, message)

    def tick(self, symbol: str, price: float) -> None:
        """Move one price: in the list, and in a frame."""
        row = next(row for row in self.rows if row["symbol"] == symbol)
        row["price"] = f"{price:.1f}"
        short = [symbol, row["price"], row["change_24h"], row["funding_rate"]]
        short += [row["oi_change_4h"], 0.2, price, row["open_interest_usd"]]
        self.send("tickers", {"rows": [short]})

    def report(self) -> None:
        """Say once how the engine and its markets stand."""
        self._redis.set(bus.STATUS, json.dumps(self.status), ex=bus.STATE_TTL_S)
        if self.rows:
            markets = {"origin": "simulated", "at": NOW, "markets": self.rows}
            self._redis.set(bus.MARKETS, json.dumps(markets), ex=bus.STATE_TTL_S)
        self.send("status", self.status)

    def _speak(self) -> None:
        while not self._done.wait(0.5):
            if not self._silent.is_set():
                self.report()

    def _answer(self) -> None:
        while not self._done.is_set():
            found = self._redis.blpop([bus.QUESTIONS], timeout=0.3)
            if found is None or self._silent.is_set():
                continue
            question = json.loads(found[1])
            self.asked.append((question["kind"], question["args"]))
            key = bus.answer_key(question["id"])
            self._redis.rpush(key, json.dumps(self._say(question["kind"], question["args"])))
            self._redis.expire(key, 20)

    def _say(self, kind: str, args: dict[str, Any]) -> Any:
        if kind in self.errors:
            return {"error": self.errors[kind]}
        row = next((row for row in self.rows if row["symbol"] == args["symbol"]), None)
        return None if row is None else answer(kind, args, float(row["price"]))
