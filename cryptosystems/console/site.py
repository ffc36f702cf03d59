"""The console's site: who may enter, what each answer carries, and what goes to the audit log."""

from collections.abc import Callable
from functools import update_wrapper
from ipaddress import ip_address
from typing import Any, Final
from uuid import UUID

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import InvalidPage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from unfold.sites import UnfoldAdminSite

from accounts import api as accounts
from cryptosystems.platform.addresses import client_address

RELAXED: Final = {
    # Alpine evaluates expressions of unfold's templates; unfold writes its colours into the page.
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}
"""What pages of the console may do beyond all others; see docs/decisions."""
LONGEST_SEARCH: Final = 200
_NOT_VIEWS: Final = ("jsi18n", "autocomplete", "search")

View = Callable[..., HttpResponseBase]


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold ships no types
    """The admin site. Staff with a second factor enter; for everybody else it is not there."""

    index_template = "console/dashboard.html"
    index_title = "Dashboard"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return (
            user.is_authenticated
            and user.is_active
            and user.is_staff
            and getattr(request, "impersonator", None) is None
            and accounts.has_second_factor(user.pk)
        )

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Wrap a view: turn away who may not enter, relax the CSP here alone, note what was seen."""
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            elsewhere = self._elsewhere(request)
            if elsewhere is not None:
                return elsewhere
            response: HttpResponseBase = inner(request, *args, **kwargs)
            response._csp_update = RELAXED  # type: ignore[attr-defined]  # read by django-csp
            self._note_request(request, response)
            return response

        return update_wrapper(guarded, view)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Send people to the one sign-in there is: its limits and second step hold here too."""
        if not _is_near(request):
            raise Http404
        if self.has_permission(request):
            return redirect("admin:index")
        wanted = request.GET.get("next") or reverse("admin:index")
        return _to(settings.LOGIN_URL, wanted)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Send people to the one page where passwords are changed."""
        return redirect("account_change_password")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Put the console's own pages before the tables."""
        from cryptosystems.console.urls import own_urls

        urls: list[URLPattern | URLResolver] = [*own_urls(self), *super().get_urls()]
        return urls

    def search(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Search; a text or a page that cannot be one is not found, instead of a crash."""
        text = request.GET.get("s", "")
        if "\0" in text or len(text) > LONGEST_SEARCH:
            raise Http404
        try:
            found: HttpResponse = super().search(request, extra_context)
        except InvalidPage:
            raise Http404 from None
        return found

    def index(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the dashboard, as far as this person may see its parts."""
        from cryptosystems.console.dashboard import figures_for

        figures = figures_for(request.user, timezone.now())
        page: HttpResponse = super().index(request, {"figures": figures, **(extra_context or {})})
        return page

    def note(
        self,
        request: HttpRequest,
        action: str,
        *,
        subject_id: UUID | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Write a line of the audit log in the name of the member of staff who asks."""
        accounts.audit(
            action,
            subject_id=subject_id,
            actor_id=request.user.pk,
            actor_kind="staff",
            details=details,
        )

    def _elsewhere(self, request: HttpRequest) -> HttpResponse | None:
        user = request.user
        if not _is_near(request):
            raise Http404
        if not user.is_authenticated:
            return _to(settings.LOGIN_URL, request.get_full_path())
        if getattr(request, "impersonator", None) is not None:
            raise PermissionDenied(_("While you see pages as somebody else, the console is shut."))
        if not (user.is_active and user.is_staff):
            raise Http404
        if not accounts.has_second_factor(user.pk):
            messages.warning(
                request, _("The console asks for a second factor. Set up an authenticator app.")
            )
            return redirect("mfa_activate_totp")
        return None

    def _note_request(self, request: HttpRequest, response: HttpResponseBase) -> None:
        match = request.resolver_match
        if match is None or match.url_name in _NOT_VIEWS or response.status_code >= 400:
            return
        if request.user.is_authenticated:  # not after signing out
            seen = request.method in ("GET", "HEAD")
            self.note(
                request,
                "console_seen" if seen else "console_sent",
                details={"path": request.path[:200]},
            )


def _to(name: str, following: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse(name)}?{urlencode({'next': following})}")


def _is_near(request: HttpRequest) -> bool:
    """Say whether the request comes from where the console may be reached."""
    near = settings.CONSOLE_NETWORKS
    return not near or any(ip_address(client_address(request)) in network for network in near)


def page_view(site: ConsoleSite, view: View, right: str) -> View:
    """Wrap a page of our own: the site's guard, and a right of its own."""

    def righted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(right):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return site.admin_view(update_wrapper(righted, view))


def post_view(site: ConsoleSite, view: View, right: str) -> View:
    """Wrap an act: the same, and by POST only."""
    return page_view(site, require_POST(view), right)
