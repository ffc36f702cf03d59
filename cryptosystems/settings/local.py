"""Embedded defaults: what `bin/up` and `manage.py` use where nothing is configured."""

from cryptosystems.settings.base import *  # noqa: F403
from cryptosystems.settings.base import ENV, STORAGE_DIR

STORAGE_DIR.mkdir(parents=True, exist_ok=True)
# `bin/up` makes a lasting key in var/secrets; a bare management command needs none.
SECRET_KEY = ENV["SECRET_KEY"] or "only-for-commands-run-without-bin-up-never-for-a-server"
# The embedded site is plain http on loopback, where browsers take passkeys on localhost only.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
KEY_ENCRYPTION_KEYS = ENV["KEY_ENCRYPTION_KEYS"] or (
    ("local", b"only-for-commands-without-bin-up"),
)
