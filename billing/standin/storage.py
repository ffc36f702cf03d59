"""The state on disk: one JSON file, replaced whole, never half written."""

import json
import os
from pathlib import Path

from billing.standin.state import State
from cryptosystems.kernel.errors import NeedsOperator


def save(state: State, path: Path) -> None:
    """Write the state, for its owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(state.dump(), file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def load(state: State, path: Path) -> None:
    """Take up what an earlier start left, if it left something.

    Raises
    ------
    NeedsOperator
        If the file is damaged: it is put aside, so that the next start begins anew.
    """
    if not path.exists():
        return
    try:
        state.load(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        aside = path.with_name(f"{path.name}.damaged")
        number = 1
        while aside.exists():
            number += 1
            aside = path.with_name(f"{path.name}.damaged-{number}")
        path.replace(aside)
        raise NeedsOperator(
            f"The Stripe stand-in cannot read what it kept in {path} ({type(error).__name__}). "
            f"The file is kept as {aside.name}. Start again to begin with an empty stand-in, or "
            "mend the file and put it back."
        ) from error
