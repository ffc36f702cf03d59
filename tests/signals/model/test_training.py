"""From lessons to a model: it finds what is there, says nothing where there is nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cryptosystems.kernel.errors import NeedsOperator
from cryptosystems.kernel.timeframes import Timeframe
from signals.builder.rules import EDGE_MARGIN, KNOWN_FLOOR
from signals.features.catalogue import CATALOGUE
from signals.model import artifact
from signals.model.evaluate import auc
from signals.model.model import Model, Prediction
from signals.model.train import Lesson, train
from tests.signals.model.worlds import H1, half_way, lesson


@pytest.fixture(scope="module")
def drifting() -> tuple[Lesson, Model]:
    held = lesson(0.12)
    model = train({H1: held}, version="drifting", before_ms=half_way(held))
    assert model is not None
    return held, model


@pytest.fixture(scope="module")
def martingale() -> tuple[Lesson, Model]:
    held = lesson(0.0)
    model = train({H1: held}, version="martingale", before_ms=half_way(held))
    assert model is not None
    return held, model


def judged(held: Lesson, model: Model) -> tuple[Prediction, np.ndarray, np.ndarray]:
    """Predict every known decision after the half; return scores, wins (2, m) and net R."""
    steps = np.nonzero(held.features.open_ms >= half_way(held))[0]
    X = held.features.X[steps].reshape(-1, CATALOGUE.size).astype(np.float64)
    assets = np.tile(model.asset_places(held.features.symbols), steps.size)
    shape = (2, steps.size * len(held.features.symbols))
    win = held.labels.win[:, steps].reshape(shape)
    return model.predict(H1, X, assets), win, held.labels.net_r[:, steps].reshape(shape)


def test_what_is_there_is_found_out_of_sample(drifting: tuple[Lesson, Model]) -> None:
    p, win, net = judged(*drifting)
    known = ~np.isnan(win)
    for side in range(2):
        chosen = known[side]
        assert auc(p.p_win[side, chosen], win[side, chosen]) > 0.53
        best = chosen & (p.p_win[side] >= np.nanquantile(p.p_win[side, chosen], 0.9))
        assert net[side, best].mean() > net[side, chosen].mean() + 0.1


def test_it_is_momentum_that_it_finds(drifting: tuple[Lesson, Model]) -> None:
    p, _, _ = judged(*drifting)
    weight = np.abs(p.contributions).mean(axis=(0, 1))
    best = [CATALOGUE.names[k] for k in np.argsort(-weight)[:10]]
    trending = {"mom_16", "mom_96", "ema_spread", "don_24", "don_168", "vwap_dist", "mom_4",
                "macd", "adx", "rsi_14", "resid_24"}  # fmt: skip
    assert len(trending & set(best)) >= 5


def test_on_a_martingale_it_falls_silent(martingale: tuple[Lesson, Model]) -> None:
    held, model = martingale
    p, win, _ = judged(held, model)
    payoffs = model.payoffs(H1)
    cost = 2 * 0.0006 / 0.012  # a stop of 1.2 % of the price: a small cost, so a low hurdle
    for side in range(2):
        known = ~np.isnan(win[side])
        assert abs(auc(p.p_win[side, known], win[side, known]) - 0.5) < 0.06
        gain, loss = payoffs[side] - cost
        break_even = -loss / (gain - loss)
        speaks = p.p_low[side, known] >= break_even + EDGE_MARGIN
        assert speaks.mean() < 0.002
        assert p.p_win[side].std() < 0.04
        assert p.p_win[side].mean() == pytest.approx(model.base_rates(H1)[side], abs=0.05)


def test_contributions_sum_to_the_score(drifting: tuple[Lesson, Model]) -> None:
    p, _, _ = judged(*drifting)
    np.testing.assert_allclose(
        p.base_logit + p.contributions.sum(axis=-1), p.logit, rtol=0, atol=1e-12
    )


def test_the_chance_lies_within_its_interval_and_rises_with_the_score(
    drifting: tuple[Lesson, Model],
) -> None:
    p, _, _ = judged(*drifting)
    assert (p.p_low <= p.p_win).all()
    assert (p.p_win <= p.p_high).all()
    for side in range(2):
        order = np.argsort(p.logit[side])
        for name in ("p_win", "p_low", "p_high", "p_tp2", "p_tp3"):
            values = getattr(p, name)[side, order]
            assert (np.diff(values) >= -1e-12).all(), name
            assert (values >= 0).all()
            assert (values <= 1).all()


def test_what_is_not_known_has_its_own_weight_and_breaks_nothing(
    drifting: tuple[Lesson, Model],
) -> None:
    _, model = drifting
    X = np.full((1, CATALOGUE.size), np.nan)
    p = model.predict(H1, X, np.array([0]))
    assert np.isfinite(p.p_win).all()
    assert p.known_share[0] == 0.0


def test_a_model_of_candles_alone_can_speak_on_candles_alone(
    drifting: tuple[Lesson, Model],
) -> None:
    """No book, no open interest, then and now: their absence must not silence it."""
    held, model = drifting
    p, _, _ = judged(held, model)
    assert p.known_share.min() >= KNOWN_FLOOR
    assert (p.novelty >= 0.02).mean() > 0.9
    # And an input that it never heard changes neither its score nor how strange it finds it.
    X = held.features.X[-1].astype(np.float64)
    told = X.copy()
    told[:, CATALOGUE.names.index("obi_10")] = 3.0
    assets = model.asset_places(held.features.symbols)
    before, after = model.predict(H1, X, assets), model.predict(H1, told, assets)
    np.testing.assert_array_equal(before.logit, after.logit)
    np.testing.assert_array_equal(before.novelty, after.novelty)


def test_a_strange_situation_is_called_strange(drifting: tuple[Lesson, Model]) -> None:
    held, model = drifting
    X = np.where(np.isnan(held.features.X[-1]), np.nan, 5.0).astype(np.float64)
    assert (model.predict(H1, X, np.full(X.shape[0], -1)).novelty < 0.02).all()


def test_an_asset_it_has_never_seen_gets_the_market_s_weights(
    drifting: tuple[Lesson, Model],
) -> None:
    held, model = drifting
    X = held.features.X[-1].astype(np.float64)
    p = model.predict(H1, X, model.asset_places(["NEWUSDT"] * X.shape[0]))
    side = model.sides[H1][0].score
    np.testing.assert_allclose(p.logit[0], side.intercept + side.parts(X).sum(axis=1), atol=1e-12)


def test_another_future_gives_the_same_model(drifting: tuple[Lesson, Model]) -> None:
    """The leak test: what is decided after the cut must not move a weight before it."""
    held, model = drifting
    cut = half_way(held)
    later = held.features.open_ms + H1.duration_ms >= cut
    rng = np.random.default_rng(0)
    X = held.features.X.copy()
    X[later] = rng.permuted(X[later], axis=0)
    unsettled = held.labels.end_ms >= cut
    win = np.where(unsettled, rng.integers(0, 2, held.labels.win.shape), held.labels.win)
    gross = np.where(unsettled, 9.0, held.labels.gross_r)
    other = Lesson(replace(held.features, X=X), replace(held.labels, win=win, gross_r=gross))
    again = train({H1: other}, version="drifting", before_ms=cut)
    assert again is not None
    steps = ~later
    rows = held.features.X[steps].reshape(-1, CATALOGUE.size).astype(np.float64)
    assets = np.tile(model.asset_places(held.features.symbols), int(steps.sum()))
    first, second = model.predict(H1, rows, assets), again.predict(H1, rows, assets)
    np.testing.assert_array_equal(first.p_win, second.p_win)
    np.testing.assert_array_equal(first.p_low, second.p_low)


def test_no_outcome_speaks_for_its_own_score(drifting: tuple[Lesson, Model]) -> None:
    """Where the newest outcomes turn against what was learned, the score counts for less.

    A model that calibrated on rows it had learned from would have learned the turn, and be sure.
    """
    held, model = drifting
    cut = half_way(held)
    first = int(held.features.open_ms[200])
    edge = cut - int((cut - first) * 0.2)
    late = held.features.open_ms[:, None] >= edge
    win = np.where(late & ~np.isnan(held.labels.win), 1 - held.labels.win, held.labels.win)
    turned = Lesson(held.features, replace(held.labels, win=win))
    other = train({H1: turned}, version="turned", before_ms=cut)
    assert other is not None
    for one, two in zip(model.sides[H1], other.sides[H1], strict=True):
        assert two.win.slope < 0.6 * one.win.slope


def test_too_little_history_gives_no_model(drifting: tuple[Lesson, Model]) -> None:
    held, _ = drifting
    early = int(held.features.open_ms[220])
    assert train({H1: held}, version="early", before_ms=early) is None


def test_the_same_lessons_give_the_same_file(
    drifting: tuple[Lesson, Model], tmp_path: Path
) -> None:
    held, model = drifting
    again = train({H1: held}, version="drifting", before_ms=half_way(held))
    assert again is not None
    assert artifact.save(model, tmp_path / "a.npz") == artifact.save(again, tmp_path / "b.npz")


def test_a_saved_model_says_the_same_after_loading(
    drifting: tuple[Lesson, Model], tmp_path: Path
) -> None:
    held, model = drifting
    path = tmp_path / "model.npz"
    checksum = artifact.save(model, path)
    loaded = artifact.load(path, checksum=checksum, catalogue_hash=CATALOGUE.hash)
    X = held.features.X[-5:].reshape(-1, CATALOGUE.size).astype(np.float64)
    assets = np.tile(model.asset_places(held.features.symbols), 5)
    for name in Prediction.__dataclass_fields__:
        np.testing.assert_array_equal(
            getattr(loaded.predict(H1, X, assets), name),
            getattr(model.predict(H1, X, assets), name),
        )
    assert (loaded.version, loaded.assets, loaded.checksum) == ("drifting", model.assets, checksum)
    assert loaded.speaks(H1)
    assert not loaded.speaks(Timeframe.H4)
    assert loaded.calibrate(H1, 0, 0.3) == model.calibrate(H1, 0, 0.3)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ("checksum", "checksum differs"),
        ("cut", "is damaged"),
        ("flip", "is damaged"),
        ("gone", "cannot be read"),
        ("other", "other factors"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(
    drifting: tuple[Lesson, Model], tmp_path: Path, harm: str, message: str
) -> None:
    path = tmp_path / "model.npz"
    artifact.save(drifting[1], path)
    content = bytearray(path.read_bytes())
    if harm == "cut":
        path.write_bytes(content[:2_000])
    elif harm == "flip":
        middle = len(content) // 2  # wide enough to reach past the archive's own headers
        content[middle : middle + 256] = bytes(b ^ 0xFF for b in content[middle : middle + 256])
        path.write_bytes(content)
    elif harm == "gone":
        path.unlink()
    with pytest.raises(NeedsOperator, match=message):
        artifact.load(
            path,
            checksum="0" * 64 if harm == "checksum" else None,
            catalogue_hash="0" * 64 if harm == "other" else CATALOGUE.hash,
        )
