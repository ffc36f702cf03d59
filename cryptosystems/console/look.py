"""How the console looks and what its sidebar leads to, in unfold's own words."""

from typing import Any, Final

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _file(name: str) -> Any:
    return lambda request: static(name)


def _right(name: str) -> Any:
    def may(request: HttpRequest) -> bool:
        return request.user.has_perm(name)

    return may


def _item(title: Any, icon: str, url: str, right: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{url}"),
        "permission": _right(right),
    }


def _table(title: Any, icon: str, app: str, model: str) -> dict[str, Any]:
    return _item(title, icon, f"{app}_{model}_changelist", f"{app}.view_{model}")


_PEOPLE: Final = [
    _table(_("Users"), "group", "accounts", "user"),
    _table(_("Audit log"), "history", "accounts", "auditentry"),
    _table(_("API tokens"), "key", "accounts", "apitoken"),
    _table(_("Consents"), "task_alt", "accounts", "consent"),
    _table(_("Announcements"), "campaign", "platform", "announcement"),
]
_MONEY: Final = [
    _table(_("Subscriptions"), "autorenew", "billing", "subscription"),
    _table(_("Trials"), "hourglass", "billing", "trial"),
    _table(_("Grants"), "redeem", "billing", "grant"),
    _table(_("Invoices"), "receipt_long", "billing", "invoice"),
    _table(_("Customers"), "badge", "billing", "customer"),
    _table(_("Plans"), "sell", "billing", "plan"),
    _table(_("Webhook inbox"), "inbox", "billing", "providerevent"),
]
_BLOG: Final = [
    _table(_("Articles"), "article", "blog", "article"),
    _table(_("Revisions"), "history", "blog", "revision"),
]
_SIGNALS: Final = [
    _table(_("Signals"), "show_chart", "signals", "signal"),
    _table(_("Settlements"), "gavel", "signals", "settlement"),
    _table(_("Turned down"), "block", "signals", "rejectedsetup"),
    _table(_("Chain"), "link", "signals", "chainentry"),
    _table(_("Models"), "model_training", "signals", "modelversion"),
]
_TRADING: Final = [
    _table(_("Trades"), "swap_vert", "trading", "trade"),
    _table(_("Orders"), "receipt_long", "trading", "tradeorder"),
    _table(_("Fills"), "done_all", "trading", "fill"),
    _table(_("Journal"), "history", "trading", "journalentry"),
    _table(_("Exchange accounts"), "key", "trading", "tradingaccount"),
    _table(_("Key tests"), "rule", "trading", "keycheck"),
    _table(_("Bots"), "tune", "trading", "botsettings"),
    _table(_("Income lines"), "payments", "trading", "cashflowrow"),
    _table(_("Kill switches"), "block", "trading", "killswitch"),
    _table(_("Openings of keys"), "lock_open", "trading", "secretopening"),
]
_MACHINE: Final = [
    _item(_("Feeds and queues"), "monitor_heart", "machine", "console.see_machine"),
    _item(_("Switches"), "toggle_on", "switches", "console.switch"),
    _item(_("Exports"), "download", "exports", "console.export"),
    _table(_("Outgoing mail"), "mail", "platform", "outgoingmail"),
]

# The neutral steps are those of the product's own tokens; the accent is its blue.
_BASE: Final = {
    "50": "#f5f6f6",
    "100": "#eceeef",
    "200": "#e0e4e6",
    "300": "#c6ccd1",
    "400": "#aab3bb",
    "500": "#7c858d",
    "600": "#5f6870",
    "700": "#444d55",
    "800": "#20262b",
    "900": "#101316",
    "950": "#0b0d0f",
}
_PRIMARY: Final = {
    "50": "#f1f5ff",
    "100": "#e2eaff",
    "200": "#c9d8ff",
    "300": "#b0c6ff",
    "400": "#a1bbff",
    "500": "#93b4ff",
    "600": "#2b50c0",
    "700": "#2443a3",
    "800": "#1d3683",
    "900": "#172a66",
    "950": "#0f1b42",
}

UNFOLD: Final[dict[str, Any]] = {
    "SITE_TITLE": "CryptoSystems",
    "SITE_HEADER": "CryptoSystems",
    "SITE_SUBHEADER": _("Staff console"),
    "SITE_URL": "/",
    "SITE_ICON": _file("frontend/img/favicon.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": _file("frontend/img/favicon.svg")}
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "5px",
    "COLORS": {
        "base": _BASE,
        "primary": _PRIMARY,
        "font": {
            "subtle-light": "#5f6870",
            "subtle-dark": "#87919b",
            "default-light": "#444d55",
            "default-dark": "#aab3bb",
            "important-light": "#14181b",
            "important-dark": "#e9ecee",
        },
    },
    "STYLES": [_file("cryptosystems/console.css")],
    "ACCOUNT": {
        "navigation": [
            {"title": _("Security"), "link": "/account/security"},
        ]
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "items": [
                    {
                        "title": _("Dashboard"),
                        "icon": "dashboard",
                        "link": reverse_lazy("admin:index"),
                    }
                ]
            },
            {"title": _("People"), "separator": True, "items": _PEOPLE},
            {"title": _("Money"), "separator": True, "items": _MONEY},
            {"title": _("Blog"), "separator": True, "items": _BLOG},
            {"title": _("Signals"), "separator": True, "items": _SIGNALS},
            {"title": _("Trading"), "separator": True, "items": _TRADING},
            {"title": _("Machine"), "separator": True, "items": _MACHINE},
        ],
    },
}
