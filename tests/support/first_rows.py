"""The rows that migrations and their followers leave: rights, roles, articles."""

from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction


@dataclass(frozen=True, slots=True)
class FirstRows:
    """What each table held before the first test."""

    tables: dict[str, list[tuple[Any, ...]]]

    @classmethod
    def of(cls, alias: str) -> "FirstRows":
        """Read them."""
        connection = connections[alias]
        with connection.cursor() as cursor:
            names = set(connection.introspection.table_names(cursor)) - {"django_migrations"}
            held = {}
            for name in sorted(names):
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")  # noqa: S608
                held[name] = [tuple(row) for row in cursor.fetchall()]
        return cls({name: rows for name, rows in held.items() if rows})

    def put_back(self, verbosity: int, interactive: bool, db: str, **_: Any) -> None:
        """Write them into emptied tables, in place of the signal that would make them anew."""
        connection = connections[db]
        with transaction.atomic(using=db), connection.cursor() as cursor:
            for name, rows in self.tables.items():
                places = ", ".join(["%s"] * len(rows[0]))
                table = connection.ops.quote_name(name)
                cursor.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608
