"""A database that is away, that fails as it commits, or whose disk is full."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import OperationalError, connection

_TABLES: Final = ("trading_tradeorder", "trading_fill", "trading_journalentry")
_ROOM: Final = 50_000_000


@contextmanager
def database_down() -> Iterator[None]:
    """Let every statement fail, as one does whose server is gone."""

    def fail(*call: Any) -> Any:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(fail):
        yield


@contextmanager
def disk_full() -> Iterator[None]:
    """Let no row of these tables find room.

    On SQLite the file may not grow, and each row asks for more than it has free, so that the error
    is SQLite's own; elsewhere it is one in the server's words.
    """
    if connection.vendor == "sqlite":
        with _full_file():
            yield
        return

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT"):
            raise OperationalError("could not extend file: No space left on device")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        yield


@contextmanager
def _full_file() -> Iterator[None]:
    with connection.cursor() as cursor:
        (before,) = cursor.execute("PRAGMA max_page_count").fetchone()
        cursor.execute("CREATE TABLE filler (what BLOB)")
        for table in _TABLES:
            cursor.execute(
                f"CREATE TRIGGER full_{table} BEFORE INSERT ON {table} "  # noqa: S608 - names of our own
                f"BEGIN INSERT INTO filler VALUES (zeroblob({_ROOM})); END"
            )
        (pages,) = cursor.execute("PRAGMA page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count={pages}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA max_page_count={before}")
            for table in _TABLES:
                cursor.execute(f"DROP TRIGGER full_{table}")
            cursor.execute("DROP TABLE filler")


@contextmanager
def commit_fails_once(is_done: bool) -> Iterator[list[bool]]:
    """Let the next commit fail once the returned list is not empty: not done, or done unheard."""
    armed: list[bool] = []
    commit = connection._commit

    def fail() -> None:
        if not armed:
            commit()
            return
        armed.clear()
        if is_done:
            commit()
        raise OperationalError("server closed the connection unexpectedly")

    connection._commit = fail
    try:
        yield armed
    finally:
        del connection._commit
