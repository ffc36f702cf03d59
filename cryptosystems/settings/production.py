"""Production: everything by environment, nothing embedded."""

from cryptosystems.settings.base import *  # noqa: F403
from cryptosystems.settings.base import ENV
from cryptosystems.settings.env import WrongSettings

_missing = [
    name
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "KEY_ENCRYPTION_KEYS")
    if not ENV[name]
]
if _missing:
    raise WrongSettings(
        "Cannot start in production: set "
        + ", ".join(_missing)
        + " (docs/reference/settings.md explains each)."
    )
# A random key is practically never readable text; an example or a test key always is.
if any(
    key.decode("latin-1").isprintable() and key.isascii() for _, key in ENV["KEY_ENCRYPTION_KEYS"]
):
    raise WrongSettings(
        "Cannot start in production: KEY_ENCRYPTION_KEYS holds an example. Make a key with "
        "`openssl rand -base64 32`."
    )
SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_SECURE = True
