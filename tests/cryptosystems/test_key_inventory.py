"""docs/keys.md lists every key: a new secret setting without its line fails here (SE-19)."""

import re
from pathlib import Path

from django.conf import settings

from cryptosystems.settings.env import SETTINGS

INVENTORY = Path(settings.BASE_DIR) / "docs" / "keys.md"
PASSWORDS = ("DATABASE_URL", "REDIS_URL")
"""Addresses that hold a password as a rule, though not always."""


def listed() -> dict[str, list[str]]:
    """Return the names in the first column, each with the other cells of its row."""
    found: dict[str, list[str]] = {}
    for line in INVENTORY.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for name in re.findall(r"`([A-Z_]+)`", cells[0]) if line.startswith("| `") else ():
            found[name] = cells[1:]
    return found


def test_every_secret_setting_has_its_line_and_no_line_is_left_over() -> None:
    secret = {setting.name for setting in SETTINGS if setting.is_secret}
    assert set(listed()) == secret | {"VAULT_PUBLIC_KEY", *PASSWORDS}


def test_each_line_says_algorithm_holder_change_and_loss() -> None:
    for name, cells in listed().items():
        assert len(cells) == 4 and all(cells), name
