"""Ends lanes whose key is no longer theirs: revoked, or replaced by another one.

A lane signs with the key that it began with. What is revoked signs nothing more within seconds
(SE-15); where a person has pasted another key, the lane begins again with that one.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from trading.contracts import AccountState, Venue
from trading.executor.database import Database
from trading.executor.supervisor import Supervisor
from trading.models import TradingAccount

log = structlog.get_logger(__name__)

LOOK_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class KeyWatch:
    """Looks at the keys of all lanes of one supervisor together."""

    supervisor: Supervisor
    db: Database

    async def turn(self) -> None:
        """End what must not sign any more; let what has another key begin again."""
        hosted = {
            pk: held
            for pk, held in self.supervisor.lanes.items()
            if held.lane is not None and held.ref.venue is not Venue.PAPER
        }
        if not hosted:
            return
        for pk, state, key_id in await self.db.run(_keys, list(hosted)):
            lane = hosted[pk].lane
            if lane is None:
                continue
            if state == AccountState.REVOKED.value:
                await self.supervisor.drop(pk)
            elif key_id != hosted[pk].key_id:
                log.info("lane_takes_another_key", account=str(pk))
                lane.end()


def _keys(ids: list[UUID]) -> list[tuple[UUID, str, str]]:
    rows = TradingAccount.objects.across_tenants("executor: keys of lanes")
    return list(rows.filter(pk__in=ids).values_list("pk", "state", "api_key"))
