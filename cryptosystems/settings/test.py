"""Tests: nothing outside this process unless a test starts it."""

import tempfile
from pathlib import Path

from cryptosystems.settings.base import *  # noqa: F403
from cryptosystems.settings.base import DATABASES as _DATABASES
from cryptosystems.settings.base import ENV, SQLITE_OPTIONS

SECRET_KEY = "tests-only-" + "x" * 50
KEY_ENCRYPTION_KEYS = (("test", b"tests-only-tests-only-tests-only"),)
DELIVERY_EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
STORAGE_DIR = Path(tempfile.mkdtemp(prefix="cs-test-"))
MODEL_DIR = STORAGE_DIR / "models"
STATIC_ROOT = STORAGE_DIR / "static"
STATIC_ROOT.mkdir()
# DATABASE_URL=postgres://… runs the same tests on PostgreSQL.
DATABASES = (
    _DATABASES
    if ENV["DATABASE_URL"]
    else {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": STORAGE_DIR / "test.sqlite3",
            "OPTIONS": SQLITE_OPTIONS,
            "TEST": {"NAME": STORAGE_DIR / "test.sqlite3"},
        }
    }
)
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
# A worker would fetch its files while the next test begins; the tests about it turn it on.
SERVICE_WORKER = False
CELERY_TASK_ALWAYS_EAGER = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# All tests ask from one address; those about rates set their own.
API_RATES = {"token": 100_000, "user": 100_000, "visitor": 100_000, "refused": 100_000}
