"""Roles of staff, with the least each needs. The code is the truth: groups are brought to it."""

from typing import Final

from django.contrib.auth.models import Group, Permission

SUPPORT: Final = "support"
OPERATOR: Final = "operator"
EDITOR: Final = "editor"

ROLES: Final[dict[str, frozenset[str]]] = {
    SUPPORT: frozenset(
        (
            "accounts.view_user",
            "accounts.view_auditentry",
            "billing.view_customer",
            "billing.view_grant",
            "billing.view_invoice",
            "billing.view_plan",
            "billing.view_subscription",
            "billing.view_trial",
            "trading.view_botsettings",
            "trading.view_cashflowrow",
            "trading.view_fill",
            "trading.view_journalentry",
            "trading.view_keycheck",
            "trading.view_trade",
            "trading.view_tradeorder",
            "trading.view_tradingaccount",
            "console.act_on_people",
            "console.grant",
            "console.impersonate",
        )
    ),
    OPERATOR: frozenset(
        (
            "accounts.view_auditentry",
            "billing.view_plan",
            "billing.view_providerevent",
            "console.replay",
            "console.see_machine",
            "console.switch",
            "console.train",
            "platform.add_announcement",
            "platform.change_announcement",
            "platform.delete_announcement",
            "platform.view_announcement",
            "platform.view_outgoingmail",
            "signals.view_chainentry",
            "signals.view_modelversion",
            "signals.view_rejectedsetup",
            "signals.view_settlement",
            "signals.view_signal",
            "trading.view_killswitch",
            "trading.view_secretopening",
            "trading.view_trade",
            "trading.view_tradeorder",
        )
    ),
    EDITOR: frozenset(
        (
            "blog.add_article",
            "blog.change_article",
            "blog.view_article",
            "blog.view_revision",
        )
    ),
}
"""Rights by role. Export, and giving roles to others, are for superusers alone."""


def make_roles() -> None:
    """Bring each role's group to its rights; nothing else of a group is touched."""
    wanted = {name for rights in ROLES.values() for name in rights}
    held = {
        f"{right.content_type.app_label}.{right.codename}": right
        for right in Permission.objects.select_related("content_type").filter(
            codename__in={name.partition(".")[2] for name in wanted}
        )
    }
    for role, rights in ROLES.items():
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set([held[name] for name in sorted(rights) if name in held])
