"""Who asks."""

from uuid import UUID

from django.http import HttpRequest


def user_id_of(request: HttpRequest) -> UUID:
    """Return the id of the signed-in person; call it behind `login_required`."""
    user_id = request.user.pk
    assert isinstance(user_id, UUID)
    return user_id
