"""What has to be there before the first process starts: tables, and collected static files."""

from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from blog import api as blog
from cryptosystems.kernel.identifiers import canonical_json, sha256_hex

UNUSED_STATIC = ("drf_spectacular_sidecar/redoc/*",)


def prepare_database() -> None:
    """Bring the tables up to date; quick where they are."""
    connection = connections["default"]
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)
    blog.seed()
    connections.close_all()


def prepare_static(storage: Path) -> None:
    """Collect static files if any of them has changed since the last time."""
    seen = [
        [path, source.size(path), source.get_modified_time(path).isoformat()]
        for finder in get_finders()
        for path, source in finder.list(UNUSED_STATIC)
    ]
    wanted = sha256_hex(canonical_json(sorted(seen)))
    mark = storage / "static.collected"
    if mark.exists() and mark.read_text() == wanted and Path(settings.STATIC_ROOT).is_dir():
        return
    call_command(
        "collectstatic",
        interactive=False,
        verbosity=0,
        clear=True,
        ignore_patterns=list(UNUSED_STATIC),
    )
    mark.write_text(wanted)
