"""docs/keys.md names every secret setting, and says all there is to say of each (SE-19)."""

import re

from django.apps import apps
from django.conf import settings

from cryptosystems.settings.env import SETTINGS

PAGE = (settings.BASE_DIR / "docs/keys.md").read_text(encoding="utf-8")
COLUMNS = 6


def table(title: str) -> list[list[str]]:
    """Return the cells of the table under a title, without its head."""
    part = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_every_secret_setting_is_in_the_inventory_and_no_other() -> None:
    named = [row[0].strip("` ") for row in table("Set by the operator")]
    assert sorted(named) == sorted(setting.name for setting in SETTINGS if setting.is_secret)


def test_each_line_says_all_six_things() -> None:
    for title in ("Set by the operator", "Made by the product"):
        for row in table(title):
            assert len(row) == COLUMNS and all(row), row


def test_the_fields_it_names_are_there() -> None:
    fields = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
    }
    named = set(re.findall(r"`([A-Z]\w+\.\w+)`", PAGE))
    assert {"TradingAccount.sealed_secret", "ApiToken.digest"} <= named
    assert named <= fields


def test_what_sounds_like_a_secret_is_declared_as_one() -> None:
    """A new setting with a password or key in it must not be told in an error of the start."""
    sounds = re.compile(r"SECRET|TOKEN|PASSWORD|PRIVATE|ENCRYPTION|_URL$")
    open_ones = {"SITE_URL", "MARKET_REST_URL", "MARKET_WS_URL"}
    quiet = {s.name for s in SETTINGS if sounds.search(s.name) and not s.is_secret}
    assert quiet == open_ones
