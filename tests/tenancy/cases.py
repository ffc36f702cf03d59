"""Who may come to each address. A new one without a line here fails the build.

everyone   the same for all; nothing of anybody's is in it
own        needs a session or token, and shows the asker's own rows
owned      names a row in its address: somebody else's is not there
staff      the console; everybody else is sent away
machine    checks a signature of its own
"""

from typing import Final

EVERYONE: Final = {
    "healthz",
    "readyz",
    "metrics",
    "schema",
    "docs",
    "^api(?:/|$)",
    "signals:status",
    "signals:markets",
    "signals:candles",
    "signals:factors",
    "signals:gates",
    "signals:heatmap",
    "signals:book",
    "signals:funding",
    "signals:correlation",
    "signals:signal-list",
    "signals:signal-detail",
    "signals:signal-recompute",
    "signals:track-record",
    "frontend:landing",
    "frontend:dashboard",
    "frontend:status",
    "frontend:plans",
    "frontend:terms",
    "frontend:risk",
    "own-factor-list",
    "own-session-list",
    "account_login",
    "account_inactive",
    "account_signup",
    "account_email_verification_sent",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_confirm_login_code",
    "mfa_authenticate",
    "mfa_login_webauthn",
}
OWN: Final = {
    "trading:bot-list",
    "trading:key-list",
    "trading:position-list",
    "trading:execution-list",
    "trading:execution-export",
    "trading:follow",
    "billing_api:account",
    "billing_api:entitlement",
    "billing_api:invoice-list",
    "accounts:token-list",
    "signals:signal-export",
    "accounts:audit-list",
    "frontend:account",
    "frontend:billing",
    "frontend:subscribe",
    "frontend:billing-portal",
    "frontend:billing-cancel",
    "frontend:billing-keep",
    "frontend:billing-done",
    "frontend:billing-done-state",
    "frontend:api-tokens",
    "frontend:api-keys",
    "frontend:security",
    "frontend:end-sessions",
    "frontend:settings",
    "frontend:data",
    "frontend:data-export",
    "frontend:data-delete",
    "frontend:data-keep",
    "account_logout",
    "account_reauthenticate",
    "account_email",
    "account_change_password",
    "account_set_password",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "mfa_list_webauthn",
    "mfa_add_webauthn",
    "mfa_reauthenticate_webauthn",
    "usersessions_list",
}
OWNED: Final = {
    "frontend:api-key",
    "frontend:api-key-finish",
    "frontend:api-key-test",
    "frontend:api-key-revoke",
    "frontend:api-key-state",
    "trading:bot",
    "trading:key",
    "trading:bot-mode",
    "trading:bot-automation",
    "trading:bot-flatten",
    "trading:trade",
    "trading:trade-close",
    "trading:trade-approve",
    "trading:trade-decline",
    "accounts:token-detail",
    "frontend:end-session",
    "frontend:revoke-token",
    "mfa_remove_webauthn",
    "mfa_edit_webauthn",
}
MACHINE: Final = {"billing:webhook"}
STAFF_PREFIXES: Final = ("admin:", "console:")


def who_may(name: str) -> str:
    """Return the kind of a route; empty: nobody has said."""
    for kind, names in (
        ("everyone", EVERYONE),
        ("own", OWN),
        ("owned", OWNED),
        ("machine", MACHINE),
    ):
        if name in names:
            return kind
    return "staff" if name.startswith(STAFF_PREFIXES) else ""
