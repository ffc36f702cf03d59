"""Every time limit of execution, milliseconds, with the rule it comes from."""

from typing import Final

READ_LAG_MS: Final = 1_500
"""Reads lag writes by about 1.2 s either way (EX-13)."""
STOP_CONFIRM_MS: Final = 5_000
"""A position without a confirmed stop is closed after this (EX-10)."""
FIRING_MS: Final = 10_000
"""A stop that has fired and left the position is not waited for longer (EX-12)."""
STUCK_MS: Final = 60_000
"""A fired stop that never finishes is given up after this, once nothing is open."""
CONFIRM_ASKS_MS: Final = (250, 500, 1_000, 2_000, 3_500)
"""After sending: when a stop is asked for until it is seen (EX-09)."""
UNKNOWN_ASKS_MS: Final = (500, 1_000, 2_000, 4_000, 8_000)
"""After sending: when an order of unknown outcome is asked for (EX-06)."""
UNKNOWN_AGAIN_MS: Final = 5_000
"""Between later asks."""
UNKNOWN_END_MS: Final = 20_000
"""Receive window 5 s, back end 10 s, margin 5 s: only then "not found" counts (EX-06)."""
UNKNOWN_NOT_FOUND: Final = 3
WATCH_EARLY_MS: Final = 20_000
WATCH_EARLY_FOR_MS: Final = 120_000
WATCH_LATE_MS: Final = 120_000
"""How often a stop is looked for: first two minutes, later (EX-12)."""
PAST_STOP_MS: Final = 2_000
"""Mark price beyond the stop for so long: look at once (EX-12)."""
NOT_PROOF_MS: Final = 1_800_000
"""For half an hour "not found" from the algo service proves nothing (EX-13)."""
SILENT_STOP_MS: Final = 5_000
"""Mark price beyond the stop for so long and nothing fired: we close ourselves (F-38)."""
FLAT_APART_MS: Final = 1_000
"""Two reads that say flat must be so far apart (EX-14)."""
FLAT_AGAIN_MS: Final = 1_000
HOLD_AGAIN_MS: Final = 15_000
"""How often a position that was not explained is read while we hold."""
HOLD_NAKED_MS: Final = 2_000
"""The same where no stop rests: as soon as it shows again it has to be closed."""
CLOSE_FIRST_MS: Final = 200
CLOSE_CAP_MS: Final = 5_000
CLOSE_ALARM_MS: Final = 10_000
CLOSE_PAGE_MS: Final = 30_000
"""The close loop: back-off, alarm, page (EX-11)."""
CLOSE_NOT_FOUND: Final = 2
"""Not-founds after which a close counts as not executed, where nothing but ours is open."""
CANCEL_AGAIN_MS: Final = 2_000
REBUILD_AFTER_MS: Final = 2_000
"""Targets are built anew when the entry has not filled for so long."""
BRIDGE_AGAIN_MS: Final = 30_000
"""A refused move of a stop is tried again after this; the old one rests."""
QUOTE_FRESH_MS: Final = 5_000
"""An entry needs a market price that is younger."""
IDENTIFY_AGAIN_MS: Final = 2_000


def asks_after(sent_ms: int, asked: int, table: tuple[int, ...], again_ms: int) -> int:
    """Return when to ask for the (asked + 1)th time."""
    if asked < len(table):
        return sent_ms + table[asked]
    return sent_ms + table[-1] + again_ms * (asked - len(table) + 1)


def close_pause_ms(tries: int) -> int:
    """Return the pause before try number `tries` of a close (0 is the first)."""
    if tries == 0:
        return 0
    pause: int = CLOSE_FIRST_MS << min(tries - 1, 10)
    return min(CLOSE_CAP_MS, pause)
