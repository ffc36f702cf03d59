"""A market's memory on disk: the tape as it grows, and the state at each minute's end.

The tape is a file of fixed-size records, one a minute, only ever appended to; the state names
how many records belong to it, so a record written just before a power cut is dropped and made
again, the same, by the same arithmetic. The state is replaced whole.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from trading.simulator.tape import N_TAPE

if TYPE_CHECKING:
    from trading.simulator.world import SyntheticWorld

_TAPE: Final = "tape.bin"
_INTEREST: Final = "interest.bin"
_STATE: Final = "state.npz"


def keep(world: "SyntheticWorld", directory: Path) -> None:
    """Write what is new; call it at a minute's end only."""
    directory.mkdir(parents=True, exist_ok=True)
    minutes = world.tape.n_minutes
    tape, interest = directory / _TAPE, directory / _INTEREST
    size, small = world.n * N_TAPE * 8, world.n * 4
    kept = min(
        tape.stat().st_size // size if tape.exists() else 0,
        interest.stat().st_size // small if interest.exists() else 0,
        minutes,
    )
    if not (directory / _STATE).exists():
        kept = 0
    for path, width, rows in (
        (tape, size, world.tape._rows[:, kept:minutes].transpose(1, 0, 2)),
        (interest, small, world._interest[:, kept:minutes].T),
    ):
        mode = "r+b" if path.exists() else "w+b"
        with path.open(mode) as file:
            file.seek(kept * width)
            file.truncate()
            file.write(np.ascontiguousarray(rows).tobytes())
    draft = directory / "state.part.npz"
    times = np.array([at for at, _, _ in world._funding], dtype=np.int64)
    with draft.open("wb") as file:
        np.savez(
            file,
            identity=np.array(world._identity()),
            start_ms=np.array(world.start_ms),
            n_minutes=np.array(minutes),
            n_segments=np.array(world._n_segments),
            S=world.S,
            mass=world.mass,
            shared=world._shared_state,
            last_close=world._last_close,
            premiums=np.stack(
                [world._premiums.total, world._premiums.weight, world._premiums.count]
            ),
            rate=world._rate,
            funding_at=times,
            funding=np.array([rate for _, rate, _ in world._funding]).reshape(-1, world.n),
            funding_mark=np.array([mark for _, _, mark in world._funding]).reshape(-1, world.n),
        )
    draft.replace(directory / _STATE)


def restore(world: "SyntheticWorld", directory: Path) -> bool:
    """Take the market up where it stood; False where there is nothing that fits."""
    path = directory / _STATE
    if not path.exists():
        return False
    try:
        with np.load(path, allow_pickle=False) as held:
            state = {name: held[name] for name in held.files}
    except (OSError, ValueError, KeyError, EOFError):
        return False
    if str(state["identity"]) != world._identity():
        return False
    minutes = int(state["n_minutes"])
    tape = np.fromfile(directory / _TAPE, dtype=np.int64)[: minutes * world.n * N_TAPE]
    interest = np.fromfile(directory / _INTEREST, dtype=np.float32)[: minutes * world.n]
    if tape.size != minutes * world.n * N_TAPE or interest.size != minutes * world.n:
        return False
    world._begin(int(state["start_ms"]))
    world.start_ms = int(state["start_ms"])
    world.tape.append(tape.reshape(minutes, world.n, N_TAPE).transpose(1, 0, 2))
    world._interest = np.zeros((world.n, minutes + 4096), dtype=np.float32)
    world._interest[:, :minutes] = interest.reshape(minutes, world.n).T
    world.S, world.mass = state["S"], state["mass"]
    world._shared_state, world._last_close = state["shared"], state["last_close"]
    world._n_segments = int(state["n_segments"])
    world._premiums.total, world._premiums.weight, world._premiums.count = (
        row.copy() for row in state["premiums"]
    )
    world._rate = state["rate"]
    world._funding = [
        (int(at), rate, mark)
        for at, rate, mark in zip(
            state["funding_at"], state["funding"], state["funding_mark"], strict=True
        )
    ]
    return True
