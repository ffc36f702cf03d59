"""The translated texts of the modules: what a page in another language than English carries."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import get_language, to_locale


def texts_of_scripts() -> dict[str, Any] | None:
    """Return texts and plural table of the active language; None where there is nothing to carry.

    `manage.py catalogue` writes the file beside the catalogue it is made from.
    """
    language = get_language() or "en"
    if language == "en" or language not in dict(settings.LANGUAGES):
        return None
    folder = Path(settings.LOCALE_PATHS[0], to_locale(language), "LC_MESSAGES")
    try:
        return _read(folder / "djangojs.json", (folder / "djangojs.json").stat().st_mtime_ns)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=16)
def _read(path: Path, _changed: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
