"""Ends what an account pays for, then lets the account go."""

from datetime import datetime

import structlog

from accounts import api as accounts
from billing.services.subscriptions import close_for_deletion
from cryptosystems.kernel.errors import CryptoSystemsError

log = structlog.get_logger(__name__)


def close_accounts(now: datetime | None = None) -> int:
    """Delete every account whose time of regret is over; return how many went.

    Where the provider does not answer, the account stays until it does: a subscription of a
    deleted account would go on being paid, with nobody left to cancel it.
    """
    gone = 0
    for user_id in accounts.deletions_due(now):
        try:
            close_for_deletion(user_id, now)
            accounts.delete_everything(user_id)
        except CryptoSystemsError as error:
            log.warning("account_not_deleted_yet", user=str(user_id), error=error.code)
            continue
        gone += 1
    return gone
