"""A browser page in which somebody is signed in, without walking through the form."""

from typing import Any

from accounts.models import User
from tests.support.people import signed_in


def sign_in(page: Any, user: User, url: str) -> None:
    """Give the page's context the session of this user."""
    cookie = signed_in(user).cookies["sessionid"]
    page.context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": url}])
