"""The guards by name. A test may take one away and must then go red; nothing else may.

A fault test that passes without its guard proves nothing (TB-6).
"""

from enum import StrEnum


class Guard(StrEnum):
    """What each protects from is the rule beside it."""

    STOP_FIRST = "stop_first"
    """EX-08: the guard stands before the entry leaves."""
    SEEN = "seen"
    """EX-09: a stop counts once it was seen, not once it was sent."""
    CLOSE_UNPROTECTED = "close_unprotected"
    """EX-10: five seconds without a confirmed stop end in a close."""
    CLOSE_WITHOUT_END = "close_without_end"
    """EX-11: a close is tried until nothing is open."""
    WATCH = "watch"
    """EX-12: stops that rest are looked for."""
    EMPTY_IS_NOT_FLAT = "empty_is_not_flat"
    """EX-14: a position is gone when a fill explains it."""
    NO_ORPHANS = "no_orphans"
    """EX-16: what is left of ours is cancelled once nothing is open."""
    DEADLINE = "deadline"
    """EX-20: an entry does not rest longer than the signal is valid."""
    TWENTY_SECONDS = "twenty_seconds"
    """EX-06: "not found" counts late, and several times."""
    BRIDGE = "bridge"
    """EX-36: a stop moves over another one."""
    CLAIM_ONCE = "claim_once"
    """EX-04: one conditional update decides who sends."""
    NEVER_AGAIN = "never_again"
    """EX-06: an entry of unknown outcome is never sent again."""
    SWITCHES = "switches"
    """EX-25: kill switches and limits are read in the claim."""
    RECONCILE_FIRST = "reconcile_first"
    """EX-17: nothing opens risk before everything was read."""
    JOIN_CHILD = "join_child"
    """EX-19: what a fired stop became is joined to it by the order id."""
    LEASE = "lease"
    """MD-19: an older epoch sends nothing and writes nothing."""
