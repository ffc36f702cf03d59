"""Which random schedules are played: FAULT_SEEDS=20000 plays more (TB-5)."""

import os
from typing import Final

SEEDS: Final = int(os.environ.get("FAULT_SEEDS", "200"))
OVER_SOCKETS: Final = 20
"""Each so many-th seed is played over sockets; the others on the same matching, in process."""
KEPT: Final = (90, 875, 1225, 1245, 1270, 1720)
"""Seeds that have found something: a hidden stop that came back, a position that showed again."""

ON_SOCKETS: Final = sorted({*range(0, SEEDS, OVER_SOCKETS), *KEPT})
IN_PROCESS: Final = [seed for seed in range(SEEDS) if seed % OVER_SOCKETS]
