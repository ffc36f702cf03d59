"""Addresses of the console's own pages, below /admin/."""

from django.urls import URLPattern, path

from cryptosystems.console import components, exports, impersonation, machine, people, switchboard
from cryptosystems.console.site import ConsoleSite, page_view, post_view


def own_urls(site: ConsoleSite) -> list[URLPattern]:
    """Return them, each behind the site's guard and a right."""
    return [
        path(
            "people/<uuid:user_id>/",
            page_view(site, people.person, "accounts.view_user"),
            name="person",
        ),
        path(
            "people/<uuid:user_id>/act/<slug:act>/",
            post_view(site, people.act, "accounts.view_user"),
            name="person_act",
        ),
        path(
            "grants/<int:grant_id>/<slug:answer>/",
            post_view(site, people.answer_grant, "console.grant"),
            name="grant_answer",
        ),
        path(
            "components/",
            page_view(site, components.components, "console.see_machine"),
            name="components",
        ),
        path("machine/", page_view(site, machine.machine, "console.see_machine"), name="machine"),
        path(
            "switches/",
            page_view(site, switchboard.switchboard, "console.switch"),
            name="switches",
        ),
        path(
            "switches/<slug:name>/<slug:act>/",
            post_view(site, switchboard.turn, "console.switch"),
            name="switch_turn",
        ),
        path("exports/", page_view(site, exports.exports, "console.export"), name="exports"),
        path(
            "exports/<slug:app>/<slug:model>/",
            post_view(site, exports.export, "console.export"),
            name="export",
        ),
        # Reached while the console itself is shut, so without its guard.
        path("impersonation/end/", impersonation.end, name="impersonation_end"),
    ]
