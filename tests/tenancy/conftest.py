"""An engine that answers, so that market pages have something to show."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.frontend.played_engine import PlayedEngine


@pytest.fixture
def engine(redis_url: str) -> Iterator[PlayedEngine]:
    """A played engine behind a real broker."""
    played = PlayedEngine().start()
    yield played
    played.stop()


@pytest.fixture(autouse=True)
def vault(settings: Any) -> None:
    """A web process that may store exchange keys, and cannot open one."""
    public = X25519PrivateKey.from_private_bytes(os.urandom(32)).public_key()
    settings.VAULT_PUBLIC_KEY = ("tests", public.public_bytes_raw())
    settings.VAULT_PRIVATE_KEYS = ()
