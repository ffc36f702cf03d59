"""Higher timeframes from closed 1m candles, equal to the exchange's own."""

from collections.abc import Iterator

import numpy as np

from cryptosystems.kernel.timeframes import MINUTE_MS, TIMEFRAMES, Timeframe
from signals.market.panel import (
    CLOSE,
    HIGH,
    LOW,
    N_FIELDS,
    NEVER,
    OPEN,
    VOLUME,
    Append,
    CandlePanel,
    FloatArray,
    IntArray,
)

HIGHER = TIMEFRAMES[1:]


def merge(candles: FloatArray) -> FloatArray:
    """Return one candle from consecutive ones, shape (k, fields) or (k, fields, n).

    A missing one (NaN) makes the whole missing.
    """
    out = np.empty(candles.shape[1:])
    out[OPEN] = candles[0, OPEN]
    out[HIGH] = candles[:, HIGH].max(axis=0)
    out[LOW] = candles[:, LOW].min(axis=0)
    out[CLOSE] = candles[-1, CLOSE]
    out[VOLUME:] = candles[:, VOLUME:].sum(axis=0)
    missing = np.isnan(candles[:, CLOSE]).any(axis=0)
    return np.where(missing, np.nan, out)


class _Bucket:
    """The running candle of one timeframe, all symbols: values, open time, minutes so far."""

    def __init__(self, n: int) -> None:
        self.values: FloatArray = np.full((N_FIELDS, n), np.nan)
        self.open_ms: IntArray = np.full(n, NEVER, dtype=np.int64)
        self.n_minutes: IntArray = np.zeros(n, dtype=np.int64)

    def add(self, row: int, bucket_ms: int, minute: FloatArray | tuple[float, ...]) -> None:
        held = self.values
        if self.open_ms[row] != bucket_ms:
            held[:, row] = minute
            self.open_ms[row] = bucket_ms
            self.n_minutes[row] = 1
            return
        if minute[HIGH] > held[HIGH, row]:
            held[HIGH, row] = minute[HIGH]
        if minute[LOW] < held[LOW, row]:
            held[LOW, row] = minute[LOW]
        held[CLOSE, row] = minute[CLOSE]
        held[VOLUME:, row] += minute[VOLUME:]
        self.n_minutes[row] += 1


class CandleBuilder:
    """Feeds closed 1m candles to the panels of every timeframe."""

    def __init__(self, panels: dict[Timeframe, CandlePanel]) -> None:
        self.panels = panels
        self._minutes = panels[Timeframe.M1]
        n = self._minutes.n_symbols
        self._buckets = {timeframe: _Bucket(n) for timeframe in HIGHER}

    def close(
        self, row: int, open_ms: int, values: tuple[float, ...]
    ) -> Iterator[tuple[Timeframe, int, Append]]:
        """Take one closed 1m candle; yield what it did to each timeframe's panel."""
        became = self._minutes.append(row, open_ms, values)
        yield Timeframe.M1, open_ms, became
        if became is Append.NEW:
            for timeframe in HIGHER:
                done = self._extend(timeframe, row, open_ms, values)
                if done is not None:
                    yield timeframe, done, Append.NEW
        elif became is Append.REPAIRED:
            yield from self._repair(row, open_ms)

    def _extend(
        self, timeframe: Timeframe, row: int, open_ms: int, values: tuple[float, ...]
    ) -> int | None:
        bucket_ms = timeframe.open_of(open_ms)
        bucket = self._buckets[timeframe]
        bucket.add(row, bucket_ms, values)
        if (open_ms + MINUTE_MS) % timeframe.duration_ms:
            return None
        if bucket.n_minutes[row] != timeframe.minutes:
            return None  # a minute is missing: so is the candle, until it is repaired
        self.panels[timeframe].append(row, bucket_ms, bucket.values[:, row].copy())
        return bucket_ms

    def _repair(self, row: int, open_ms: int) -> Iterator[tuple[Timeframe, int, Append]]:
        for timeframe in HIGHER:
            bucket_ms = timeframe.open_of(open_ms)
            minutes = np.stack(
                [
                    self._minutes.at(bucket_ms + k * MINUTE_MS)[:, row]
                    for k in range(timeframe.minutes)
                ]
            )
            known = ~np.isnan(minutes[:, CLOSE])
            if known.all():
                became = self.panels[timeframe].append(row, bucket_ms, merge(minutes))
                if became in (Append.NEW, Append.REPAIRED):
                    yield timeframe, bucket_ms, became
            elif self._buckets[timeframe].open_ms[row] == bucket_ms:
                self._refill(timeframe, row, bucket_ms, minutes[known])

    def resume(self, row: int) -> None:
        """Rebuild the running candles of one symbol from the 1m panel (after loading history)."""
        newest = int(self._minutes.last_open_ms[row])
        if newest == NEVER:
            return
        for timeframe in HIGHER:
            bucket_ms = timeframe.open_of(newest)
            count = (newest - bucket_ms) // MINUTE_MS + 1
            minutes = np.stack(
                [self._minutes.at(bucket_ms + k * MINUTE_MS)[:, row] for k in range(count)]
            )
            self._refill(timeframe, row, bucket_ms, minutes[~np.isnan(minutes[:, CLOSE])])

    def _refill(self, timeframe: Timeframe, row: int, bucket_ms: int, minutes: FloatArray) -> None:
        bucket = self._buckets[timeframe]
        bucket.open_ms[row] = bucket_ms
        bucket.n_minutes[row] = len(minutes)
        if len(minutes):
            bucket.values[:, row] = merge(minutes)

    def forming(self, timeframe: Timeframe) -> FloatArray:
        """Return the running candle of every symbol, shape (fields, n), the open minute included.

        NaN where it is not known: a minute of it is missing, or it has closed already.
        """
        minutes, minute_ms = self._minutes, self._minutes.forming_open_ms
        minute = minutes.forming
        # The minute that was forming may have closed: then it is in the bucket already.
        is_open = minute_ms > minutes.last_open_ms
        if timeframe is Timeframe.M1:
            return np.where(is_open, minute, np.nan)
        bucket = self._buckets[timeframe]
        held = bucket.values
        bucket_ms = minute_ms - minute_ms % timeframe.duration_ms
        n_before = (minute_ms - bucket_ms) // MINUTE_MS
        in_bucket = np.where(bucket.open_ms == bucket_ms, bucket.n_minutes, 0)
        joined = minute.copy()
        started = in_bucket > 0
        np.copyto(joined[OPEN], held[OPEN], where=started)
        np.copyto(joined[HIGH], np.maximum(held[HIGH], minute[HIGH]), where=started)
        np.copyto(joined[LOW], np.minimum(held[LOW], minute[LOW]), where=started)
        np.copyto(joined[VOLUME:], held[VOLUME:] + minute[VOLUME:], where=started)
        joined[:, in_bucket != n_before] = np.nan
        whole = (in_bucket == n_before + 1) & (in_bucket < timeframe.minutes)
        return np.where(is_open, joined, np.where(whole, held, np.nan))
