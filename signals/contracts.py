"""What other rooms may hold of the signals room: plain names, no rows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """How the engine's inputs stand."""

    is_ready: bool
    n_streams: int
    n_live: int
    oldest_s: float | None
