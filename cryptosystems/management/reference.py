"""Reference pages that are made from the code, so that they cannot drift from it."""

from cryptosystems.settings.env import SETTINGS


def settings_page() -> str:
    """Return `docs/reference/settings.md`."""
    lines = [
        "# Settings",
        "",
        "Made from the declarations in `cryptosystems/settings/env.py` by "
        "`manage.py reference --write`; a test holds it true.",
        "",
        "Everything is set by environment variables. All of them are read and checked at the "
        "start; a wrong one stops it with one message that lists every problem. `bin/up` sets "
        "what it starts itself (`REDIS_URL`, `MARKET_REST_URL`, `MARKET_WS_URL`, `SECRET_KEY`).",
        "",
    ]
    for room in dict.fromkeys(setting.room for setting in SETTINGS):
        lines += [f"## {room.capitalize()}", ""]
        lines += ["| variable | default | expects | meaning |", "|---|---|---|---|"]
        for setting in SETTINGS:
            if setting.room == room:
                default = f"`{setting.default}`" if setting.default else "–"
                secret = " (secret)" if setting.is_secret else ""
                lines.append(
                    f"| `{setting.name}` | {default} | {setting.expects} | "
                    f"{setting.meaning}{secret} |"
                )
        lines.append("")
    lines += [
        "Production (`DJANGO_SETTINGS_MODULE=cryptosystems.settings.production`) needs "
        "`SECRET_KEY`, `DATABASE_URL`, `REDIS_URL` and `KEY_ENCRYPTION_KEYS`; it embeds nothing.",
        "",
    ]
    return "\n".join(lines)


def env_example() -> str:
    """Return `.env.example`: every variable with its meaning, each commented out."""
    lines = [
        "# Every setting there is, made by `manage.py reference --write`. Nothing is needed for",
        "# `bin/up`; production sets what `manage.py check --deploy` asks for. Never commit a copy.",
    ]
    for room in dict.fromkeys(setting.room for setting in SETTINGS):
        lines += ["", f"# --- {room} ---"]
        for setting in SETTINGS:
            if setting.room == room:
                lines += [f"# {setting.meaning} ({setting.expects})"]
                lines += [f"#{setting.name}={setting.default}"]
    return "\n".join(lines) + "\n"
