"""Each factor against its textbook, by hand; when it is silent, and which way it points."""

from math import log, pi, sqrt

import numpy as np
import pytest

from cryptosystems.kernel.timeframes import Timeframe
from signals.features.base import GROUPS, FactorContext
from signals.features.catalogue import CATALOGUE
from signals.features.engine import CLIP, FLOOR, FeatureEngine
from signals.features.inputs import SideInputs
from signals.market.history import History
from tests.signals.cases import START_MS, random_history
from tests.signals.features import textbook
from tests.signals.features.test_engine import inputs_at

H1 = Timeframe.H1
STEPS = 330


def run(history: History, *, told: bool = True) -> tuple[FeatureEngine, np.ndarray]:
    """Drive an engine; return it and the readings of every step, (T, n, F)."""
    engine = FeatureEngine(history.timeframe, history.n, 0)
    out = []
    for step, open_ms in enumerate(history.open_ms.tolist()):
        inputs = inputs_at(history, step) if told else SideInputs.unknown(history.n)
        engine.update(history.candles[step], inputs, np.ones(history.n, dtype=bool), open_ms)
        out.append(engine.readings)
    return engine, np.stack(out)


@pytest.fixture(scope="module")
def history() -> History:
    return random_history(STEPS, 3, H1, seed=6)


@pytest.fixture(scope="module")
def driven(history: History) -> tuple[FeatureEngine, np.ndarray]:
    return run(history)


def reading(driven: tuple, name: str, row: int = 1, step: int = -1) -> float:
    return float(driven[1][step, row, CATALOGUE.names.index(name)])


def test_every_group_has_factors_and_every_factor_is_declared_once() -> None:
    assert CATALOGUE.size >= 28
    assert set(CATALOGUE.groups) == set(GROUPS)
    assert len(set(CATALOGUE.names)) == CATALOGUE.size
    for factor in CATALOGUE.factors:
        assert factor.title
        assert factor.source
        assert factor.sign in (-1, 0, 1)
        assert factor.scale is None or factor.scale > 0


@pytest.mark.parametrize("factor", CATALOGUE.factors, ids=lambda factor: factor.name)
def test_a_factor_is_silent_while_it_warms_up_and_speaks_right_after(factor, driven) -> None:  # type: ignore[no-untyped-def]
    column = driven[1][:, 1, CATALOGUE.names.index(factor.name)]
    known = np.isfinite(column)
    first = int(np.argmax(known))
    assert first == max(factor.warm_up - 1, 0)
    assert known[first:].all()


def test_a_column_waits_for_what_is_usual_unless_it_is_bounded(driven) -> None:  # type: ignore[no-untyped-def]
    engine = FeatureEngine(H1, 3, 0)
    history = random_history(130, 3, H1, seed=6)
    columns = []
    for step, open_ms in enumerate(history.open_ms.tolist()):
        X = engine.update(
            history.candles[step], inputs_at(history, step), np.ones(3, dtype=bool), open_ms
        )
        columns.append(X[1].copy())
    known = np.isfinite(np.stack(columns))
    for place, factor in enumerate(CATALOGUE.factors):
        needed = max(factor.warm_up, 1) + (0 if factor.scale is not None else FLOOR)
        if needed <= 130:
            assert int(np.argmax(known[:, place])) == needed - 1, factor.name


@pytest.mark.parametrize(
    ("group", "silent"),
    [
        ("order_book", True),
        ("open_interest", True),
        ("liquidation", True),
        ("funding", True),
        ("trend", False),
        ("reversion", False),
        ("volatility", False),
        ("volume", False),
        ("time", False),
    ],
)
def test_without_its_input_a_factor_is_not_known_rather_than_zero(
    history: History, group: str, silent: bool
) -> None:
    _, readings = run(history, told=False)
    for place, factor in enumerate(CATALOGUE.factors):
        if factor.group == group and factor.name != "trend_mtf":
            assert np.isnan(readings[-1, 1, place]) == silent, factor.name


def test_an_input_that_goes_stale_silences_its_factors_at_once(history: History) -> None:
    engine, _ = run(history)
    last = int(history.open_ms[-1])
    X = engine.peek(history.candles[-1], SideInputs.unknown(3), last + 3_600_000, last + 3_700_000)
    for name in ("obi_10", "ofi_60s", "microprice", "fund_z", "oi_chg_4", "liq_imb", "heat_pull"):
        assert np.isnan(X[1, CATALOGUE.names.index(name)]), name
    assert np.isfinite(X[1, CATALOGUE.names.index("mom_16")])


def test_a_missing_candle_silences_the_symbol_and_starts_it_again(history: History) -> None:
    engine = FeatureEngine(H1, 3, 0)
    for step, open_ms in enumerate(history.open_ms.tolist()):
        rows = np.array([True, step != 300, True])
        engine.update(history.candles[step], inputs_at(history, step), rows, open_ms)
        if step == 300:
            assert np.isnan(engine.values[1]).all()
            others = np.isfinite(engine.values[2])
            assert [CATALOGUE.names[k] for k in np.nonzero(~others)[0]] == ["breadth"]
    place = CATALOGUE.names.index
    assert np.isfinite(engine.readings[1, place("rsi_14")]), "fifteen candles have come since"
    assert np.isnan(engine.readings[1, place("mom_16")]), "sixty-four have not"


def test_indicators_equal_their_textbooks(history: History, driven) -> None:  # type: ignore[no-untyped-def]
    for row in range(3):
        _, high, low, close = history.candles[:, :4, row].T.tolist()
        sigma = textbook.sigma(close)
        per_sigma = sigma * close[-1]
        assert reading(driven, "rsi_14", row) == pytest.approx(textbook.rsi(close), rel=1e-10)
        assert driven[0].atr[row] == pytest.approx(textbook.atr(high, low, close), rel=1e-10)
        assert reading(driven, "atr_pct", row) == pytest.approx(
            textbook.atr(high, low, close) / close[-1], rel=1e-10
        )
        assert reading(driven, "adx", row) == pytest.approx(
            textbook.signed_adx(high, low, close), rel=1e-9
        )
        spread = textbook.ema(close, 12)[-1] - textbook.ema(close, 48)[-1]
        assert reading(driven, "ema_spread", row) == pytest.approx(spread / per_sigma, rel=1e-9)
        assert reading(driven, "macd", row) == pytest.approx(
            textbook.macd_histogram(close) / per_sigma, rel=1e-8
        )
        assert driven[0].sigma[row] == pytest.approx(sigma, rel=1e-10)


def test_the_rsi_of_wilders_kind_on_a_case_small_enough_for_paper() -> None:
    # Fourteen changes, seven of +2 and seven of -1: averages 1.0 and 0.5, so RSI = 66.67;
    # then +1: (13 + 1)/14 = 1.0 and 6.5/14 = 0.46429, so RSI = 68.29.
    close = [100.0]
    for k in range(14):
        close.append(close[-1] + (2.0 if k % 2 == 0 else -1.0))
    close.append(close[-1] + 1.0)
    prices = np.array(close)
    candles = np.ones((16, 8, 1))
    candles[:, :4, 0] = prices[:, None]
    open_ms = START_MS + np.arange(16, dtype=np.int64) * 3_600_000
    readings = run(History(("XUSDT",), H1, open_ms, candles), told=False)[1]
    rsi = readings[:, 0, CATALOGUE.names.index("rsi_14")]
    assert np.isnan(rsi[:14]).all()
    assert rsi[14] == pytest.approx(66.6667, abs=1e-4)
    assert rsi[15] == pytest.approx(68.2927, abs=1e-4)


def test_windowed_factors_equal_plain_sums(history: History, driven) -> None:  # type: ignore[no-untyped-def]
    open_, high, low, close, volume, quote, taker, _ = history.candles[:, :, 1].T.tolist()
    r = textbook.returns(close)
    sigma = textbook.sigma(close)

    def satchell(k: int) -> float:
        return sqrt(
            sum(
                log(h / c) * log(h / o) + log(low_ / c) * log(low_ / o)
                for o, h, low_, c in zip(open_[-k:], high[-k:], low[-k:], close[-k:], strict=True)
            )
            / k
        )

    signed = [2 * t - v for t, v in zip(taker, volume, strict=True)]
    ranges = [log(h / low_) ** 2 for h, low_ in zip(high, low, strict=True)]
    top, bottom = log(max(high[-24:])), log(min(low[-24:]))
    bipower = pi / 2 * sum(abs(a) * abs(b) for a, b in zip(r[-60:], r[-61:-1], strict=True))
    flows = [2 * t / v - 1 for t, v in zip(taker, volume, strict=True)]
    cost = [abs(x) / q for x, q in zip(r, quote[1:], strict=True)]
    typical = [
        (h + low_ + c) / 3 * v for h, low_, c, v in zip(high, low, close, volume, strict=True)
    ]
    vwap = textbook.decayed(typical, 48) / textbook.decayed(volume, 48)
    moved_24 = (log(close[-1]) - log(close[-25])) / (sigma * sqrt(24))
    expected = {
        "mom_4": sum(r[-4:]) / (sigma * 2),
        "mom_16": sum(r[-16:]) / (sigma * 4),
        "mom_96": sum(r[-96:]) / (sigma * sqrt(96)),
        "rev_1": -r[-1] / sigma,
        "don_24": (log(close[-1]) - bottom) / (top - bottom) - 0.5,
        "vwap_dist": (close[-1] - vwap) / (sigma * close[-1]),
        "vol_ratio": log(satchell(24) / satchell(168)),
        "park_cc": 0.5
        * log((sum(ranges[-24:]) / (96 * log(2))) / (sum(x * x for x in r[-24:]) / 24)),
        "jump_share": max(0.0, 1 - bipower / sum(x * x for x in r[-60:])),
        "vol_z": log(volume[-1] / (sum(volume[-25:-1]) / 24)),
        "taker_imb": textbook.decayed(flows, 8),
        "taker_day": sum(signed[-96:]) / sum(volume[-96:]),
        "cvd_div": 10 * sum(signed[-24:]) / sum(volume[-24:]) - moved_24,
        "amihud": log(textbook.decayed(cost, 24)),
    }
    for name, value in expected.items():
        assert reading(driven, name) == pytest.approx(value, rel=1e-8, abs=1e-10), name


def test_factors_beside_the_candles_equal_plain_arithmetic(history: History, driven) -> None:  # type: ignore[no-untyped-def]
    close = history.candles[:, 3, 1].tolist()
    sigma = textbook.sigma(close)
    told = [inputs_at(history, step) for step in range(STEPS)]
    interest = [log(inputs.open_interest[1]) for inputs in told]
    now = told[-1]
    longs, shorts = now.liquidated_15m[:, 1]
    fast_longs, fast_shorts = now.liquidated_5m[:, 1]
    day = now.liquidated_day[:, 1].sum()
    change_8, change_24 = interest[-1] - interest[-9], interest[-1] - interest[-25]
    direction = 1 if close[-1] > close[-9] else -1
    moved = (log(close[-1]) - log(close[-25])) / (sigma * sqrt(24))
    distance = now.heat.nearest_distance[1]
    volume = history.candles[-96:, 4, 1].sum()
    expected = {
        "fund_z": now.funding_8h[1],
        "fund_cum": now.funding_3d[1] / (sigma * sqrt(24)),
        "basis_mom": now.premium[1] - told[-5].premium[1],
        "oi_chg_4": interest[-1] - interest[-5],
        "oi_chg_24": change_24,
        "oi_quadrant": direction * change_8 * (1.0 if change_8 > 0 else 0.3),
        "oi_div": max(0.0, change_24) * max(-3.0, min(3.0, moved)),
        "lev_build": interest[-1] - log(volume),
        "liq_imb": (shorts - longs) / (shorts + longs + day / 24 + 1),
        "liq_burst": np.sign(fast_shorts - fast_longs)
        * log(1 + (fast_longs + fast_shorts) / (day * 300 / 86_400 + 1)),
        "heat_pull": now.heat.pull_up[1] - now.heat.pull_down[1],
        "heat_dist": np.sign(distance) / (1 + abs(distance)),
        "obi_10": now.imbalance[0, 1],
        "obi_100": now.imbalance[2, 1],
        "spread": now.spread_bps[1],
        "trend_mtf": now.trend_higher[1],
    }
    for name, value in expected.items():
        assert reading(driven, name) == pytest.approx(float(value), rel=1e-8), name


def test_market_wide_factors_are_measured_against_btc(history: History, driven) -> None:  # type: ignore[no-untyped-def]
    btc, mine = (textbook.returns(history.candles[:, 3, row].tolist()) for row in (0, 1))
    alpha = 1 - 2 ** (-1 / 200)
    xy, xx = mine[0] * btc[0], btc[0] ** 2
    for a, b in zip(mine[1:], btc[1:], strict=True):
        xy, xx = xy + alpha * (a * b - xy), xx + alpha * (b * b - xx)
    beta, sigma = xy / xx, textbook.sigma(history.candles[:, 3, 1].tolist())
    assert reading(driven, "btc_lead") == pytest.approx((beta * btc[-1] - mine[-1]) / sigma)
    assert reading(driven, "resid_24") == pytest.approx(
        (sum(mine[-24:]) - beta * sum(btc[-24:])) / (sigma * sqrt(24))
    )
    rose = sum(
        sum(textbook.returns(history.candles[:, 3, row].tolist())[-24:]) > 0 for row in range(3)
    )
    assert reading(driven, "breadth") == pytest.approx(rose / 3)


def test_a_divergence_is_a_new_low_that_the_rsi_does_not_confirm() -> None:
    history = random_history(80, 1, H1, seed=2, sigma=0.001)
    close = history.candles[:, 3, 0]
    fall, rest = np.linspace(0, -0.10, 12), np.linspace(-0.10, -0.06, 20)
    path = np.concatenate([np.zeros(40), fall, rest, np.linspace(-0.06, -0.105, 8)])
    history.candles[:, :4, 0] *= (np.exp(path) * 100.0 / close)[:, None]
    readings = run(history, told=False)[1][:, 0, CATALOGUE.names.index("rsi_div")]
    assert (readings[60:78] == 0).all(), "no new extreme yet"
    assert readings[-1] > 3, "lower low, higher RSI: for a long"


@pytest.mark.parametrize(
    ("name", "direction"),
    [("mom_4", 1), ("mom_16", 1), ("don_24", 1), ("rsi_14", 1), ("rev_1", -1), ("adx", 1),
     ("vwap_dist", 1), ("ema_spread", 1)],
)  # fmt: skip
def test_a_rising_market_points_where_the_sign_says(name: str, direction: int) -> None:
    rising = random_history(260, 1, H1, seed=3)
    rising.candles[:, :4, 0] *= np.exp(0.012 * np.maximum(0, np.arange(260) - 250))[:, None]
    engine, _ = run(rising, told=False)
    value = engine.values[0, CATALOGUE.names.index(name)]
    assert direction * value > 0.5


def test_columns_are_clipped_and_signed(driven) -> None:  # type: ignore[no-untyped-def]
    engine = driven[0]
    known = engine.values[~np.isnan(engine.values)]
    assert np.abs(known).max() <= CLIP
    place = CATALOGUE.names.index("fund_z")
    assert CATALOGUE["fund_z"].sign == -1
    usual = np.nanmedian(driven[1][:, 1, place])
    high = driven[1][-1, 1, place] > usual
    assert (engine.values[1, place] < 0) == high, "paying longs speaks against a long"


def test_one_wild_reading_hardly_moves_what_is_usual() -> None:
    calm, wild = random_history(200, 1, H1, seed=5), random_history(200, 1, H1, seed=5)
    wild.candles[150, 4:7, 0] *= 1e6
    place = CATALOGUE.names.index("vol_z")
    quiet, loud = run(calm, told=False)[0], run(wild, told=False)[0]
    assert abs(loud.values[0, place] - quiet.values[0, place]) < 1.5


def test_percentiles_say_how_many_recent_readings_lie_below(driven) -> None:  # type: ignore[no-untyped-def]
    engine, readings = driven
    place = CATALOGUE.names.index("rsi_14")
    past = readings[-200:, 1, place]
    below = (past < past[-1]).mean() + 0.5 / 200
    assert engine.percentiles(1)[place] == pytest.approx(below)


@pytest.mark.parametrize("factor", CATALOGUE.factors, ids=lambda factor: factor.name)
def test_every_sentence_can_be_said_for_high_low_and_unknown_readings(factor) -> None:  # type: ignore[no-untyped-def]
    context = FactorContext("BTCUSDT", "1h", 0.9)
    for value in (-1.5, 0.0, 0.7, 60.0):
        text = factor.sentence(value, context)
        assert text.endswith(".")
        assert "{" not in text
        assert "nan" not in text
    assert factor.sentence(float("nan"), context) == (f"{factor.title} is not known at the moment.")
    assert factor.text(float("nan")) == "–"


def test_the_hash_changes_with_what_a_column_means() -> None:
    from dataclasses import replace

    from signals.features.catalogue import Catalogue

    first, *rest = CATALOGUE.factors
    assert Catalogue(CATALOGUE.factors).hash == CATALOGUE.hash
    assert Catalogue((replace(first, warm_up=first.warm_up + 1), *rest)).hash != CATALOGUE.hash
    assert Catalogue((*rest, first)).hash != CATALOGUE.hash
