"""The synthetic market's arithmetic, compiled: one symbol, many steps of 15 seconds.

Random numbers come from a counter (seed, symbol, step, draw), so a market is the same
however it is cut into calls. Positions of leveraged holders live on a grid of log prices
(5 bp a bin) by the price at which they would be liquidated; when the mark price crosses a
bin, what stands there is closed by force, moves the price, and may take the next bin along.
"""

from math import cos, exp, log, pi, sqrt, tanh

import numpy as np
from numba import njit

N_BINS = 8192
BIN = 5e-4
LEVERAGES = np.array([2.0, 3.0, 5.0, 10.0, 20.0, 25.0, 50.0, 75.0, 100.0])
MIX = np.array([0.06, 0.09, 0.16, 0.24, 0.22, 0.08, 0.09, 0.03, 0.03])
LIQUIDATABLE_TAKER = 0.10
LIQUIDATABLE_MAKER = 0.02

# State columns of one symbol.
LOGP, TRANSIENT, ACT_FAST, ACT_MID, ACT_SLOW, OBI, PRESSURE_SLOW, PRESSURE_FAST = range(8)
TREND_60, TREND_720, PREMIUM, OI, LAST_RET, LAST_BTC, SCALE_LONG, SCALE_SHORT = range(8, 16)
FREE_LONG, FREE_SHORT, OI_SLOW, PREV_Z = range(16, 20)
N_STATE = 20

# Parameter columns of one symbol.
P_SIGMA, P_BETA, P_MMR, P_MAXLEV, P_OI0, P_VOLUME, P_OWN, P_SLOW, P_FAST, P_BOOK = range(10)
P_FUND, P_INTEREST, P_LAG, P_IMPACT, P_PREM_SD = range(10, 15)
N_PARAM = 15

# Output columns of one step.
O_PRICE, O_HIGH, O_LOW, O_QTY, O_BUY, O_TRADES, O_OI, O_PREMIUM, O_OBI, O_ACT = range(10)
O_LIQ_LONG, O_LIQ_SHORT, O_LIQ_PRICE, O_RET = range(10, 14)
N_OUT = 14

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)


@njit(cache=True, nogil=True)
def uniform(seed, symbol, step, draw):  # type: ignore[no-untyped-def]
    """Return a uniform in (0, 1): splitmix64 of the four counters."""
    x = np.uint64(seed) * _GOLDEN + np.uint64(symbol + 1) * _MIX1
    x ^= np.uint64(step) * _MIX2 + np.uint64(draw) * _GOLDEN
    for _ in range(2):
        x = x + _GOLDEN
        x = (x ^ (x >> np.uint64(30))) * _MIX1
        x = (x ^ (x >> np.uint64(27))) * _MIX2
        x = x ^ (x >> np.uint64(31))
    return (float(x >> np.uint64(11)) + 0.5) / 9007199254740992.0


@njit(cache=True, nogil=True)
def normal(seed, symbol, step, draw):  # type: ignore[no-untyped-def]
    """Return a standard normal (Box, Muller 1958)."""
    u = uniform(seed, symbol, step, draw)
    v = uniform(seed, symbol, step, draw + 1000)
    return sqrt(-2.0 * log(u)) * cos(2.0 * pi * v)


@njit(cache=True, nogil=True)
def student(seed, symbol, step, draw, nu):  # type: ignore[no-untyped-def]
    """Return Student's t with `nu` degrees, scaled to unit variance (Bailey 1994)."""
    u = uniform(seed, symbol, step, draw)
    v = uniform(seed, symbol, step, draw + 1000)
    return sqrt(nu * (u ** (-2.0 / nu) - 1.0)) * cos(2.0 * pi * v) * sqrt((nu - 2.0) / nu)


@njit(cache=True, nogil=True)
def season(at_s):  # type: ignore[no-untyped-def]
    """Return the usual activity of this time: US session, midnight UTC, quarter hours, weekend."""
    hour = (at_s / 3600.0) % 24.0
    shape = 0.9 + 0.34 * exp(-0.5 * ((hour - 15.0) / 2.6) ** 2)
    shape += 0.22 * exp(-0.5 * (min(hour, 24.0 - hour) / 0.7) ** 2)
    minute = int(at_s // 60) % 60
    if minute == 0:
        shape *= 1.30
    elif minute % 15 == 0:
        shape *= 1.13
    day = (int(at_s // 86400) + 3) % 7
    if day >= 5:
        shape *= 0.86
    return shape


@njit(cache=True, nogil=True)
def market_activity(seed, step0, n_steps, dt_min, state, out):  # type: ignore[no-untyped-def]
    """Fill the activity all symbols share: (n_steps, 2) of mid and slow parts; state (2,)."""
    a_mid, a_slow = 2.0 ** (-dt_min / 1440.0), 2.0 ** (-dt_min / 14400.0)
    for k in range(n_steps):
        step = step0 + k
        state[0] = a_mid * state[0] + sqrt(1 - a_mid**2) * normal(seed, 9000, step, 1)
        state[1] = a_slow * state[1] + sqrt(1 - a_slow**2) * normal(seed, 9000, step, 2)
        out[k, 0] = state[0]
        out[k, 1] = state[1]


@njit(cache=True, nogil=True)
def _deposit(mass, side, logp, leverage, mmr, amount, jitter):  # type: ignore[no-untyped-def]
    """Put positions opened at `logp` where they would be liquidated."""
    lev = leverage * (1.0 + 0.10 * jitter)
    ratio = (1.0 - 1.0 / lev) / (1.0 - mmr) if side == 0 else (1.0 + 1.0 / lev) / (1.0 + mmr)
    if ratio <= 0.02:
        return 0.0
    at = int(np.floor((logp + log(ratio)) / BIN))
    here = int(np.floor(logp / BIN))
    if (side == 0 and at >= here) or (side == 1 and at <= here):
        return 0.0
    mass[side, at % N_BINS] += 0.5 * amount
    mass[side, (at - 1) % N_BINS] += 0.25 * amount
    mass[side, (at + 1) % N_BINS] += 0.25 * amount
    return amount


@njit(cache=True, nogil=True)
def _open_and_close(seed, symbol, step, dt_min, P, S, mass, act, taker_long):  # type: ignore[no-untyped-def]
    """Let holders open and close for one step; every open adds as much long as short."""
    oi = S[OI]
    opens = 0.8 / 1440.0 * act**0.7 * oi * dt_min * (1.0 + 0.5 * abs(tanh(S[TREND_60])))
    excess = log(oi / P[P_OI0])
    closes = opens * max(0.0, 1.0 + 0.6 * excess) + 0.1 / 1440.0 * oi * dt_min * excess
    share = min(0.2, max(0.0, closes / oi))
    keep = 1.0 - share
    S[SCALE_LONG] *= keep
    S[SCALE_SHORT] *= keep
    S[FREE_LONG] *= keep
    S[FREE_SHORT] *= keep
    S[OI] = oi * keep + opens
    for side in range(2):
        taker = opens * (taker_long if side == 0 else 1.0 - taker_long)
        maker = opens - taker
        scale = S[SCALE_LONG + side]
        placed = 0.0
        at_risk = LIQUIDATABLE_TAKER * taker + LIQUIDATABLE_MAKER * maker
        for k in range(LEVERAGES.size):
            if LEVERAGES[k] > P[P_MAXLEV]:
                continue
            jitter = normal(seed, symbol, step, 40 + 10 * side + k)
            placed += scale * _deposit(
                mass,
                side,
                S[LOGP] + S[TRANSIENT],
                LEVERAGES[k],
                P[P_MMR],
                at_risk * MIX[k] / scale,
                min(2.0, max(-2.0, jitter)),
            )
        S[FREE_LONG + side] += opens - placed
    if S[SCALE_LONG] < 1e-5:
        mass[0] *= S[SCALE_LONG]
        S[SCALE_LONG] = 1.0
    if S[SCALE_SHORT] < 1e-5:
        mass[1] *= S[SCALE_SHORT]
        S[SCALE_SHORT] = 1.0


@njit(cache=True, nogil=True)
def _sweep(P, S, mass, before, out):  # type: ignore[no-untyped-def]
    """Close what the price has crossed; each closing moves the price and may cross more."""
    depth = 0.015 * S[OI] * exp(-0.6 * (S[ACT_FAST] * 0.38))
    start = before
    for _ in range(30):
        mark = S[LOGP] + S[TRANSIENT]
        first, last = int(np.floor(start / BIN)), int(np.floor(mark / BIN))
        if first == last:
            return
        side = 0 if last < first else 1
        scale = S[SCALE_LONG + side]
        taken = 0.0
        if side == 0:
            for b in range(last, first):
                taken += mass[0, b % N_BINS] * scale
                mass[0, b % N_BINS] = 0.0
        else:
            for b in range(first + 1, last + 1):
                taken += mass[1, b % N_BINS] * scale
                mass[1, b % N_BINS] = 0.0
        if taken <= 0.0:
            return
        out[O_LIQ_LONG + side] += taken
        out[O_LIQ_PRICE] = mark
        # A forced close meets an opposite holder (both leave) or a newcomer (who takes it over).
        met = 0.7 * taken
        other = 1 - side
        total_other = S[OI]
        keep = max(0.0, 1.0 - met / total_other)
        S[SCALE_LONG + other] *= keep
        S[FREE_LONG + other] *= keep
        S[FREE_LONG + side] += taken - met
        S[OI] -= met
        start = mark
        if P[P_IMPACT] <= 0.0:
            return
        move = 0.006 * P[P_IMPACT] * taken / max(depth, 1e-9)
        move = min(move, 0.02)
        sign = -1.0 if side == 0 else 1.0
        S[TRANSIENT] += sign * 0.85 * move
        S[LOGP] += sign * 0.15 * move


@njit(cache=True, nogil=True)
def _decays(dt):  # type: ignore[no-untyped-def]
    """Return what is left of each latent after `dt` minutes, named by its half-life below."""
    return (
        2.0 ** (-dt / 25.0),  # fast activity
        2.0 ** (-dt / 1440.0),  # a day: mid activity, premium, slow open interest
        2.0 ** (-dt / 14400.0),  # ten days: slow activity
        2.0 ** (-dt / 0.5),  # order book imbalance
        2.0 ** (-dt / 720.0),  # slow pressure, long trend
        2.0 ** (-dt / 120.0),  # fast pressure
        2.0 ** (-dt / 60.0),  # short trend
    )


@njit(cache=True, nogil=True)
def _evolve(seed, symbol, step, at_s, decays, S, shared):  # type: ignore[no-untyped-def]
    """Move activity, pressure and the book one step; return (activity, pressure, imbalance)."""
    a_fast, a_mid, a_slow, a_obi, a_ps, a_pf, _ = decays
    S[ACT_FAST] = a_fast * S[ACT_FAST] + sqrt(1 - a_fast**2) * (
        -0.10 * S[PREV_Z] + 0.995 * normal(seed, symbol, step, 1)
    )
    S[ACT_MID] = a_mid * S[ACT_MID] + sqrt(1 - a_mid**2) * normal(seed, symbol, step, 2)
    S[ACT_SLOW] = a_slow * S[ACT_SLOW] + sqrt(1 - a_slow**2) * normal(seed, symbol, step, 3)
    own, common = sqrt(0.3), sqrt(0.7)
    log_act = (
        0.38 * S[ACT_FAST]
        + 0.36 * (own * S[ACT_MID] + common * shared[0])
        + 0.40 * (own * S[ACT_SLOW] + common * shared[1])
    )
    act = exp(log_act) * season(at_s)
    S[PRESSURE_SLOW] = a_ps * S[PRESSURE_SLOW] + sqrt(1 - a_ps**2) * normal(seed, symbol, step, 4)
    S[PRESSURE_FAST] = a_pf * S[PRESSURE_FAST] + sqrt(1 - a_pf**2) * normal(seed, symbol, step, 5)
    pressure = 0.7 * S[PRESSURE_SLOW] + 0.7 * S[PRESSURE_FAST]
    S[OBI] = a_obi * S[OBI] + sqrt(1 - a_obi**2) * normal(seed, symbol, step, 6)
    return act, pressure, tanh(0.45 * S[OBI] + 0.25 * pressure)


@njit(cache=True, nogil=True)
def _planted(P, S, sigma, dt):  # type: ignore[no-untyped-def]
    """Return the drift the planted effects give this step: what a model can learn."""
    prem_z = (S[PREMIUM] + 4.2e-4) / max(P[P_PREM_SD], 1e-6)
    grown = log(max(S[OI], 1e-9) / max(S[OI_SLOW], 1e-9))
    return (
        sigma
        * dt
        * (
            P[P_OWN]
            * (
                P[P_SLOW] * S[PRESSURE_SLOW]
                + P[P_FAST] * S[PRESSURE_FAST]
                - P[P_FUND] * min(4.0, max(-4.0, prem_z))
                - P[P_INTEREST] * min(3.0, max(0.0, grown / 0.03)) * tanh(S[TREND_720])
            )
            + P[P_BOOK] * S[OBI]
        )
    )


@njit(cache=True, nogil=True)
def _trades(seed, symbol, step, dt, P, S, sigma, act, pressure, before, out):  # type: ignore[no-untyped-def]
    """Write what was traded on the way from `before` to the price of now, and its range."""
    root = sqrt(dt)
    now = S[LOGP] + S[TRANSIENT]
    total_z = (now - before) / (max(sigma, 1e-9) * root)
    eta = normal(seed, symbol, step, 11) + 0.16 * pressure
    imbalance = 0.8 * tanh(0.19 * total_z + 0.35 * eta)
    quantity = P[P_VOLUME] / 1440.0 * dt * act**1.3 * (0.35 + 0.65 * abs(total_z) ** 0.8)
    quantity *= exp(0.35 * normal(seed, symbol, step, 12) - 0.06)
    quantity += out[O_LIQ_LONG] + out[O_LIQ_SHORT]
    reach_up = abs(normal(seed, symbol, step, 13)) * 0.45 * sigma * root
    reach_down = abs(normal(seed, symbol, step, 14)) * 0.45 * sigma * root
    bounce = 1.2e-4 * normal(seed, symbol, step, 15) * 0.5
    out[O_PRICE] = now + bounce
    out[O_HIGH] = max(before, now) + reach_up
    out[O_LOW] = min(before, now) - reach_down
    out[O_QTY] = quantity
    out[O_BUY] = quantity * 0.5 * (1.0 + imbalance)
    out[O_TRADES] = max(1.0, quantity / max(P[P_VOLUME], 1e-9) * 400_000.0)


@njit(cache=True, nogil=True)
def run_symbol(seed, symbol, step0, n_steps, dt_s, start_s, P, S, mass, shared, btc_ret, outs):  # type: ignore[no-untyped-def]
    """Run one symbol for `n_steps` of `dt_s` seconds, filling `outs` (n_steps, N_OUT).

    `btc_ret` (n_steps,) are the leader's returns (ignored by symbol 0), `shared` (n_steps, 2)
    the activity in common. `S` and `mass` are changed in place.
    """
    dt = dt_s / 60.0
    root = sqrt(dt)
    decays = _decays(dt)
    a_day, a_720, a_60 = decays[1], decays[4], decays[6]
    back = 1.0 - 2.0 ** (-dt / 9.0)
    for k in range(n_steps):
        step = step0 + k
        out = outs[k]
        out[:] = 0.0
        at_s = start_s + k * dt_s
        act, pressure, obi = _evolve(seed, symbol, step, at_s, decays, S, shared[k])
        sigma = P[P_SIGMA] * act
        drift = _planted(P, S, sigma, dt)
        z = student(seed, symbol, step, 7, 4.5)
        shock = sigma * root * z
        if uniform(seed, symbol, step, 8) < 1.5 / 1440.0 * dt:
            shock += 8.0 * sigma * normal(seed, symbol, step, 9)
        ret = shock + drift
        if symbol > 0:
            ret += P[P_BETA] * ((1.0 - P[P_LAG]) * btc_ret[k] + P[P_LAG] * S[LAST_BTC])
            S[LAST_BTC] = btc_ret[k]
        before = S[LOGP] + S[TRANSIENT]
        S[LOGP] += ret
        S[TRANSIENT] *= 1.0 - back
        S[PREV_Z] = z
        unit = max(sigma, 1e-9)
        # Averages of unit-variance returns, brought back to unit variance.
        S[TREND_60] = a_60 * S[TREND_60] + sqrt(1 - a_60**2) * ret / (unit * root)
        S[TREND_720] = a_720 * S[TREND_720] + sqrt(1 - a_720**2) * ret / (unit * root)
        taker_long = min(0.9, max(0.1, 0.5 + 0.18 * tanh(S[TREND_60]) + 0.10 * obi))
        _open_and_close(seed, symbol, step, dt, P, S, mass, act, taker_long)
        _sweep(P, S, mass, before, out)
        S[OI_SLOW] = a_day * S[OI_SLOW] + (1 - a_day) * S[OI]
        noise = P[P_PREM_SD] * sqrt(1 - a_day**2) * normal(seed, symbol, step, 10)
        target = -4.2e-4 + 3.5e-4 * tanh(S[TREND_720])
        S[PREMIUM] = target + a_day * (S[PREMIUM] - target) + noise
        _trades(seed, symbol, step, dt, P, S, sigma, act, pressure, before, out)
        out[O_OI] = S[OI]
        out[O_PREMIUM] = S[PREMIUM]
        out[O_OBI] = obi
        out[O_ACT] = act
        out[O_RET] = ret


@njit(cache=True, nogil=True)
def run_all(seed, step, dt_s, start_s, P, S, mass, shared, outs):  # type: ignore[no-untyped-def]
    """Run every symbol for one step; `outs` (n, 1, N_OUT)."""
    btc = np.zeros(1)
    for symbol in range(P.shape[0]):
        run_symbol(
            seed,
            symbol,
            step,
            1,
            dt_s,
            start_s,
            P[symbol],
            S[symbol],
            mass[symbol],
            shared,
            btc,
            outs[symbol],
        )
        if symbol == 0:
            btc[0] = outs[0, 0, O_RET]
