"""Who may call an address of the API: said beside each view, asked at one door.

A view without a declaration is refused, so that forgetting it never opens anything. Whether a
token's owner has the API in their plan is a matter of billing, which lies above this room: the
settings name the function to ask (`API_GATE`), so this room asks without importing upwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from cryptosystems.kernel.errors import InvalidInput, NotAllowed

if TYPE_CHECKING:
    from rest_framework.views import APIView

SIGNALS: Final = "signals:read"
ACCOUNT: Final = "account:read"
TRADE: Final = "trade"

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Access:
    """What a view has declared."""

    scope: str
    """What a token needs to read here."""
    is_public: bool
    """Visitors may read."""
    query: frozenset[str]
    """Parameters the address knows; any other is refused."""
    acts: str = ""
    """What a token needs to change something here; empty: only a person, signed in, does."""


def scope(
    name: str, *, public: bool = False, query: tuple[str, ...] = (), acts: str = ""
) -> Callable[[View], View]:
    """Declare a view: the scope a token needs, whether visitors may read, and its parameters.

    Stands above `@api_view`. What changes something is open to a token only where `acts` names the
    scope for it; elsewhere a person does that, signed in.
    """

    def declare(view: View) -> View:
        view.cls.access = Access(name, public, frozenset(query), acts)  # type: ignore[attr-defined]
        return view

    return declare


@cache
def _gate(path: str) -> Callable[[UUID], object]:
    found: Callable[[UUID], object] = import_string(path)
    return found


class Declared(BasePermission):
    """The one door of the API."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Let a caller through, or raise what says why not."""
        access: Access | None = getattr(view, "access", None)
        if access is None:
            raise NotAllowed("This address is closed: it says nowhere who may use it.")
        if request.method == "OPTIONS" or request.method not in view.allowed_methods:
            return True  # the view answers 405
        if request.auth is None:
            _check_person(request, access)
        else:
            _check_token(request, access)
        check_query(request, access.query)
        return True


def caller_id(request: Request) -> UUID:
    """Return who asks, in a view that is not public."""
    found: UUID | None = request.user.pk
    if found is None:
        raise NotAuthenticated
    return found


def _check_person(request: Request, access: Access) -> None:
    if request.user.is_authenticated:
        return
    if not access.is_public or request.method not in SAFE_METHODS:
        raise NotAuthenticated("Sign in, or send a token as `Authorization: Bearer cs_…`.")


def _check_token(request: Request, access: Access) -> None:
    needed = access.scope if request.method in SAFE_METHODS else access.acts
    if not needed:
        raise NotAllowed(
            "A token reads. Change this on your account's pages, signed in.", code="session_only"
        )
    token: Any = request.auth
    if needed not in token.scopes:
        raise NotAllowed(
            f"This token lacks the scope {needed}. Make one that has it.",
            code="insufficient_scope",
        )
    _gate(settings.API_GATE)(caller_id(request))


def check_query(request: Request, known: frozenset[str]) -> None:
    """Refuse parameters that are unknown or given twice, with the names that are known."""
    for name, values in request.query_params.lists():
        if name not in known:
            said = f"it knows {', '.join(sorted(known))}" if known else "it takes none"
            raise InvalidInput(f"There is no parameter {name[:40]!a} here; {said}.")
        if len(values) > 1:
            raise InvalidInput(f"The parameter {name} is given twice; give it once.")
        if "\0" in values[0] or len(values[0]) > 200:
            raise InvalidInput(f"The value of {name} is not usable.")
