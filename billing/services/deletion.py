"""An account that goes: no further charge from the day it asks, then the end of everything."""

from datetime import datetime
from uuid import UUID

import structlog

from accounts import api as accounts
from billing.models import Subscription
from billing.services.overview import LIVE
from billing.services.subscriptions import cancel_subscription, close_for_deletion
from cryptosystems.kernel.errors import CryptoSystemsError

log = structlog.get_logger(__name__)


def stop_renewal(user_id: UUID, now: datetime | None = None) -> bool:
    """Let somebody who asked to be deleted not be charged again; True if that was done now.

    Access runs to the end of what is paid: who stays after all has lost nothing. Where the
    provider is silent the hourly sweep asks again.
    """
    live = Subscription.objects.for_user(user_id).filter(status__in=LIVE, is_ending=False)
    if not live.exists():
        return False
    try:
        cancel_subscription(user_id, now)
    except CryptoSystemsError as error:
        log.warning("renewal_not_stopped_yet", user=str(user_id), error=error.code)
        return False
    return True


def stop_renewals(now: datetime | None = None) -> int:
    """Do so for everybody who asked; return how many were cancelled now."""
    return sum(stop_renewal(user_id, now) for user_id in accounts.deletions_asked())


def close_accounts(now: datetime | None = None) -> int:
    """Delete every account whose time of regret is over; return how many went.

    Where the provider does not answer, the account stays until it does: a subscription of a
    deleted account would go on being paid, with nobody left to cancel it. The same while a
    position is open: it is being closed, with the key that goes last.
    """
    gone = 0
    for user_id in accounts.deletions_due(now):
        left = accounts.deletion_waits_for(user_id)
        if left:
            log.warning("account_not_deleted_yet", user=str(user_id), waits_for=left)
            continue
        try:
            close_for_deletion(user_id, now)
            accounts.delete_everything(user_id)
        except CryptoSystemsError as error:
            log.warning("account_not_deleted_yet", user=str(user_id), error=error.code)
            continue
        gone += 1
    return gone
