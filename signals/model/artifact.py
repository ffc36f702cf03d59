"""A model as one file: arrays and a JSON header, with the catalogue's hash and a checksum."""

import io
import json
import zlib
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np

from cryptosystems.kernel.errors import NeedsOperator
from cryptosystems.kernel.identifiers import canonical_json, sha256_hex
from cryptosystems.kernel.timeframes import Timeframe
from signals.model.calibration import Platt
from signals.model.model import Model, SideModel
from signals.model.score import AdditiveScore

FORMAT: Final = 3
_SCORE: Final = (
    "linear",
    "high",
    "low",
    "missing",
    "edges",
    "mean",
    "groups",
    "asset_group",
    "asset_bias",
    "pairs",
    "regime",
)
_SIDE: Final = ("grid", "low", "high")


def save(model: Model, path: Path) -> str:
    """Write the model (whole or not at all); return its checksum."""
    arrays: dict[str, Any] = {}
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": model.version,
        "catalogue_hash": model.catalogue_hash,
        "assets": list(model.assets),
        "card": model.card,
        "sides": {},
    }
    for timeframe, pair in model.sides.items():
        arrays[f"{timeframe}/unusual"] = model.unusual[timeframe]
        header["sides"][timeframe.value] = []
        for place, side in enumerate(pair):
            prefix = f"{timeframe}/{place}"
            for name in _SCORE:
                arrays[f"{prefix}/score/{name}"] = getattr(side.score, name)
            for name in _SIDE:
                arrays[f"{prefix}/{name}"] = getattr(side, name)
            header["sides"][timeframe.value].append(
                {
                    "intercept": side.score.intercept,
                    "maps": [
                        [m.slope, m.offset, m.lowest, m.highest]
                        for m in (side.win, side.target_2, side.target_3)
                    ],
                    "base_rate": side.base_rate,
                    "win_r": side.win_r,
                    "loss_r": side.loss_r,
                }
            )
    arrays["header"] = np.frombuffer(canonical_json(header), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    content = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_bytes(content)
    draft.replace(path)
    return sha256_hex(content)


def load(path: Path, *, checksum: str | None = None, catalogue_hash: str | None = None) -> Model:
    """Read a model.

    Raises
    ------
    NeedsOperator
        If the file is missing, damaged, not the one that was registered, or made for other
        factors.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NeedsOperator(f"{path.name} cannot be read: {error.strerror}; train again") from error
    found = sha256_hex(content)
    if checksum is not None and found != checksum:
        raise NeedsOperator(f"{path.name} is not the file that was registered (checksum differs)")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        header = json.loads(arrays["header"].tobytes())
    except (ValueError, KeyError, OSError, BadZipFile, zlib.error) as error:
        raise NeedsOperator(f"{path.name} is damaged: {error}; train again") from error
    if header["format"] != FORMAT:
        raise NeedsOperator(f"{path.name} has format {header['format']}, this code reads {FORMAT}")
    if catalogue_hash is not None and header["catalogue_hash"] != catalogue_hash:
        raise NeedsOperator(
            f"{path.name} was trained on other factors than this code computes; train again"
        )
    sides: dict[Timeframe, tuple[SideModel, SideModel]] = {}
    for name, pair in header["sides"].items():
        long, short = (_side(arrays, f"{name}/{place}", part) for place, part in enumerate(pair))
        sides[Timeframe(name)] = (long, short)
    return Model(
        version=header["version"],
        catalogue_hash=header["catalogue_hash"],
        assets=tuple(header["assets"]),
        sides=sides,
        unusual={timeframe: arrays[f"{timeframe}/unusual"] for timeframe in sides},
        card=header["card"],
        checksum=found,
    )


def _side(arrays: dict[str, Any], prefix: str, part: dict[str, Any]) -> SideModel:
    score = AdditiveScore(
        intercept=part["intercept"],
        **{name: arrays[f"{prefix}/score/{name}"] for name in _SCORE},
    )
    maps = [Platt(*pair) for pair in part["maps"]]
    return SideModel(
        score=score,
        win=maps[0],
        target_2=maps[1],
        target_3=maps[2],
        **{name: arrays[f"{prefix}/{name}"] for name in _SIDE},
        base_rate=part["base_rate"],
        win_r=part["win_r"],
        loss_r=part["loss_r"],
    )
