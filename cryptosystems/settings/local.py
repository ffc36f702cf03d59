"""Embedded defaults: what `bin/up` and `manage.py` use where nothing is configured."""

from base64 import b64encode

from cryptosystems.settings.base import *  # noqa: F403
from cryptosystems.settings.base import ENV, STORAGE_DIR
from cryptosystems.settings.env import key_ring

STORAGE_DIR.mkdir(parents=True, exist_ok=True)


def _kept(name: str, otherwise: str) -> str:
    """Return a secret that `bin/up` made, so that a bare command reads what the product wrote."""
    path = STORAGE_DIR / "secrets" / name
    return path.read_text(encoding="utf-8") if path.exists() else otherwise


SECRET_KEY = ENV["SECRET_KEY"] or _kept(
    "secret_key", "only-for-commands-run-without-bin-up-never-for-a-server"
)
KEY_ENCRYPTION_KEYS = ENV["KEY_ENCRYPTION_KEYS"] or key_ring(
    _kept("key_encryption_keys", "none:" + b64encode(b"only-for-commands-without-bin-up").decode())
)
# The embedded site is plain http on loopback, where browsers take passkeys on localhost only.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
