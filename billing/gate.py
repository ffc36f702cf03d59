"""Billing's word on the doors of other rooms: the settings point here (`API_GATE`)."""

from uuid import UUID

from billing import api
from billing.contracts import Feature


def require_api(user_id: UUID) -> None:
    """Let the owner of a token pass while the plan has the API.

    Raises
    ------
    NotAllowed
        With the code `not_entitled` and the sentence that says what opens it.
    """
    api.require(user_id, Feature.API)
