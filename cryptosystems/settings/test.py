"""Tests: nothing outside this process unless a test starts it."""

import tempfile
from pathlib import Path

from cryptosystems.settings.base import *  # noqa: F403

SECRET_KEY = "tests-only-" + "x" * 50
STORAGE_DIR = Path(tempfile.mkdtemp(prefix="cs-test-"))
MODEL_DIR = STORAGE_DIR / "models"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": STORAGE_DIR / "test.sqlite3"}
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
CELERY_TASK_ALWAYS_EAGER = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
