"""A made-up minute of market data as the exchange would send it: seeded, so every run is the same.

Rates are per symbol and second. Updates of candles, trades and best prices fall off with a
symbol's rank; partial books come every half second for every symbol, marks in one array a
second. These rates are an assumption: no published tape states them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

START_MS: Final = 1_780_000_000_000 - 1_780_000_000_000 % 60_000 + 35_000
"""The corpus begins 25 s before a minute's end, so that it holds a close."""
_LEVELS: Final = 20
_BURST_S: Final = 0.02
_KLINE_S: Final = 0.25
_N_QUANTITIES: Final = 512
_MOST_A_SECOND: Final = {"kline": 3.8, "aggTrade": 60.0, "bookTicker": 200.0}


@dataclass(frozen=True, slots=True)
class Mix:
    """Messages a symbol and second, by kind."""

    name: str
    rates: Mapping[str, float]


FOLLOWED: Final = Mix("followed", {"depth20": 2.0, "kline": 1.185})
"""The streams of `signals.ingest.topics`."""
WITH_TRADES: Final = Mix(
    "with_trades",
    {"depth20": 2.0, "kline": 1.185, "aggTrade": 1.9, "bookTicker": 12.3},
)
"""The same, and every aggregate trade and best price."""
MIXES: Final = {mix.name: mix for mix in (FOLLOWED, WITH_TRADES)}
_FORCED_PER_S: Final = 0.75


@dataclass(frozen=True, slots=True)
class Frame:
    """One text frame of a combined socket."""

    at_ms: int
    stream: str
    payload: bytes


def symbol_names(n: int) -> list[str]:
    """Return BTCUSDT, ETHUSDT and made-up names."""
    return ["BTCUSDT", "ETHUSDT", *(f"X{place:03d}USDT" for place in range(2, n))][:n]


def start_prices(n: int, seed: int = 7) -> list[tuple[float, int]]:
    """Return (price, decimals) of every symbol as `make_corpus` starts it."""
    random = Random(seed)
    symbols = [_Symbol(name, random, START_MS) for name in symbol_names(n)]
    return [(symbol.price / 10**symbol.decimals, symbol.decimals) for symbol in symbols]


class _Symbol:
    """The running state of one symbol, prices in ticks."""

    def __init__(self, name: str, random: Random, start_ms: int) -> None:
        self.name = name
        self.lower = name.lower()
        self.decimals = random.randint(1, 6)
        self.price = random.randint(20_000, 900_000)
        self.open = self.high = self.low = self.price
        self.minute_ms = start_ms - start_ms % 60_000
        self.volume = random.uniform(10, 1_000)
        self.n_trades = 100
        self.update = random.randint(10**12, 10**13)
        self.trade = random.randint(10**8, 10**9)
        self.quantities = [f"{random.lognormvariate(2, 1.5):.3f}" for _ in range(_N_QUANTITIES)]

    def move(self, random: Random) -> None:
        self.price += random.randint(-3, 3)
        self.high, self.low = max(self.high, self.price), min(self.low, self.price)
        self.volume += random.random()
        self.n_trades += random.randint(1, 9)

    def open_minute(self, minute_ms: int) -> None:
        self.minute_ms = minute_ms
        self.open = self.high = self.low = self.price
        self.volume, self.n_trades = 1.0, 1

    def text(self, ticks: int) -> str:
        return f"{ticks / 10**self.decimals:.{self.decimals}f}"


def _kline(s: _Symbol, random: Random, at_ms: int, *, closed: bool = False) -> str:
    quote = s.volume * s.price / 10**s.decimals
    return (
        f'{{"e":"kline","E":{at_ms},"s":"{s.name}","k":{{"t":{s.minute_ms},'
        f'"T":{s.minute_ms + 59_999},"s":"{s.name}","i":"1m","f":{s.trade},"L":{s.trade + s.n_trades},'
        f'"o":"{s.text(s.open)}","c":"{s.text(s.price)}","h":"{s.text(s.high)}",'
        f'"l":"{s.text(s.low)}","v":"{s.volume:.3f}","n":{s.n_trades},"x":{str(closed).lower()},'
        f'"q":"{quote:.5f}","V":"{s.volume / 2:.3f}","Q":"{quote / 2:.5f}","B":"0"}}}}'
    )


def _side(s: _Symbol, random: Random, best: int, step: int) -> str:
    first = random.randrange(_N_QUANTITIES - _LEVELS)
    levels = []
    for quantity in s.quantities[first : first + _LEVELS]:
        levels.append(f'["{s.text(best)}","{quantity}"]')
        best += step * random.randint(1, 3)
    return ",".join(levels)


def _depth20(s: _Symbol, random: Random, at_ms: int) -> str:
    before, s.update = s.update, s.update + random.randint(1, 400)
    return (
        f'{{"e":"depthUpdate","E":{at_ms},"T":{at_ms - 4},"s":"{s.name}","U":{before + 1},'
        f'"u":{s.update},"pu":{before},"b":[{_side(s, random, s.price - 1, -1)}],'
        f'"a":[{_side(s, random, s.price + 1, 1)}],"ps":"{s.name}","st":1}}'
    )


def _agg_trade(s: _Symbol, random: Random, at_ms: int) -> str:
    s.trade += 1
    quantity = s.quantities[s.trade % _N_QUANTITIES]
    maker = "true" if random.random() < 0.5 else "false"
    return (
        f'{{"e":"aggTrade","E":{at_ms},"s":"{s.name}","a":{s.trade},"p":"{s.text(s.price)}",'
        f'"q":"{quantity}","nq":"{quantity}","f":{s.trade},"l":{s.trade},"T":{at_ms - 2},'
        f'"m":{maker},"st":1}}'
    )


def _book_ticker(s: _Symbol, random: Random, at_ms: int) -> str:
    s.update += random.randint(1, 40)
    bid, ask = s.quantities[s.update % _N_QUANTITIES], s.quantities[(s.update + 7) % _N_QUANTITIES]
    return (
        f'{{"e":"bookTicker","u":{s.update},"E":{at_ms},"T":{at_ms - 1},"s":"{s.name}",'
        f'"b":"{s.text(s.price - 1)}","B":"{bid}","a":"{s.text(s.price + 1)}","A":"{ask}",'
        f'"ps":"{s.name}","st":1}}'
    )


def _mark(s: _Symbol, random: Random, at_ms: int) -> str:
    mark, index = s.text(s.price * 100 + 7), s.text(s.price * 100 - 9)
    return (
        f'{{"e":"markPriceUpdate","E":{at_ms},"s":"{s.name}","p":"{mark}","i":"{index}",'
        f'"P":"{mark}","r":"0.00010000","ap":"{mark}","T":{at_ms + 9_000_000},"st":1}}'
    )


def _forced(s: _Symbol, random: Random, at_ms: int) -> str:
    quantity, price = s.quantities[at_ms % _N_QUANTITIES], s.text(s.price)
    side = random.choice(("SELL", "BUY"))
    return (
        f'{{"e":"forceOrder","E":{at_ms},"o":{{"s":"{s.name}","S":"{side}","o":"LIMIT","f":"IOC",'
        f'"q":"{quantity}","p":"{price}","ap":"{price}","X":"FILLED","l":"{quantity}",'
        f'"z":"{quantity}","T":{at_ms - 3}}},"ps":"{s.name}","st":1}}'
    )


_WRITERS: Final[dict[str, tuple[str, Callable[[_Symbol, Random, int], str]]]] = {
    "depth20": ("depth20@500ms", _depth20),
    "kline": ("kline_1m", _kline),
    "aggTrade": ("aggTrade", _agg_trade),
    "bookTicker": ("bookTicker", _book_ticker),
}


def stream_of(symbol: str, kind: str) -> str:
    """Return the name of a symbol's stream of one kind."""
    return f"{symbol.lower()}@{_WRITERS[kind][0]}"


def _times(
    mix: Mix, n: int, seconds: float, start_ms: int, random: Random
) -> list[tuple[float, str, int]]:
    """Return (second, kind, symbol or -1) of everything that happens, in order."""
    out: list[tuple[float, str, int]] = []
    for kind, rate in mix.rates.items():
        if kind == "depth20":
            for place in range(n):
                phase = random.random() * 0.5
                steps = int(seconds * rate) + 1
                out += [(phase + step / rate, kind, place) for step in range(steps)]
            continue
        weights = [(place + 1) ** -0.5 for place in range(n)]
        scale = rate * n / sum(weights)
        for place, weight in enumerate(weights):
            own = min(weight * scale, _MOST_A_SECOND[kind])
            at = random.random() / own
            while at < seconds:
                out.append((at, kind, place))
                at += _pause(kind, own, random)
    out += [(second + 0.5, "marks", -1) for second in range(int(seconds) + 1)]
    at = random.expovariate(_FORCED_PER_S)
    while at < seconds:
        out.append((at, "forced", random.randrange(n)))
        at += random.expovariate(_FORCED_PER_S)
    minute = (60_000 - start_ms % 60_000) / 1000
    while minute < seconds:
        out += [(minute + 0.013 * place / n, "close", place) for place in range(n)]
        minute += 60.0
    return sorted(out)


def _pause(kind: str, rate: float, random: Random) -> float:
    """Return the time to the next message of a stream."""
    if kind == "kline":
        # The exchange sends a candle every 250 ms at most.
        return _KLINE_S + random.expovariate(1 / (1 / rate - _KLINE_S))
    # Half of what happens comes on the heels of what happened before.
    return random.random() * _BURST_S if random.random() < 0.5 else random.expovariate(rate / 2)


def rate_per_s(mix: Mix, n_symbols: int) -> float:
    """Return how many messages a second this mix brings."""
    return sum(mix.rates.values()) * n_symbols + 1.0 + _FORCED_PER_S


def make_corpus(
    mix: Mix, n_symbols: int, n_messages: int, seed: int = 7, start_ms: int = START_MS
) -> list[Frame]:
    """Return `n_messages` frames in the order they are sent, the first at `start_ms`."""
    random = Random(seed)
    symbols = [_Symbol(name, random, start_ms) for name in symbol_names(n_symbols)]
    seconds = n_messages / rate_per_s(mix, n_symbols) * 1.3 + 2.0
    frames = []
    for second, kind, place in _times(mix, n_symbols, seconds, start_ms, random)[:n_messages]:
        at_ms = start_ms + int(second * 1000)
        stream, text = _write(symbols, kind, place, at_ms, random)
        payload = f'{{"stream":"{stream}","data":{text}}}'.encode()
        frames.append(Frame(at_ms, stream, payload))
    return frames


def _write(
    symbols: list[_Symbol], kind: str, place: int, at_ms: int, random: Random
) -> tuple[str, str]:
    if kind == "marks":
        rows = ",".join(_mark(symbol, random, at_ms) for symbol in symbols)
        return "!markPrice@arr@1s", f"[{rows}]"
    symbol = symbols[place]
    if kind == "forced":
        return "!forceOrder@arr", _forced(symbol, random, at_ms)
    if kind == "close":
        text = _kline(symbol, random, at_ms, closed=True)
        symbol.open_minute(at_ms - at_ms % 60_000)
        return stream_of(symbol.name, "kline"), text
    symbol.move(random)
    return stream_of(symbol.name, kind), _WRITERS[kind][1](symbol, random, at_ms)
