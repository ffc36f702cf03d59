"""What every test may use."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.core.management.commands import flush

from cryptosystems.platform import announcements
from frontend import executing, figures
from signals.delivery import bus
from tests.support.browsers import chromium_browser
from tests.support.first_rows import FirstRows
from tests.support.servers import valkey

LONG: Final = (
    *("tenancy/test_bad_forms.py", "tenancy/test_two_tenants.py", "tenancy/test_headers.py"),
    *("billing/test_order_of_events.py", "signals/backtest/test_walk_forward.py"),
    *("console/test_browser.py", "console/test_impersonation.py", "console/test_secrets.py"),
    *("cryptosystems/test_bench.py", "cryptosystems/test_catalogue.py", "faults/test_process.py"),
    *("trading/executor/test_process.py", "frontend/test_dashboard.py", "accounts/test_looks.py"),
    *("signals/model/test_training.py", "frontend/test_record.py", "faults/test_kills.py"),
)
"""Files that take long: they begin first, so that none is left to one worker at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order files for workers that take them in turn; within a file nothing moves."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A real Redis-protocol server, one for the session."""
    with valkey() as url:
        yield url


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """After a test that emptied the database its first rows are put back, not worked out again."""
    with django_db_blocker.unblock():
        first = FirstRows.of("default")
    patched = pytest.MonkeyPatch()
    patched.setattr(flush, "emit_post_migrate_signal", first.put_back)
    yield
    patched.undo()


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """What a process keeps for some seconds is not carried from one test into the next."""
    announcements.forget()
    figures.forget()
    executing.forget()


@pytest.fixture
def redis_url(valkey_url: str, settings: Any) -> str:
    """The same server, emptied, and set as the broker between engine and web."""
    settings.REDIS_URL = valkey_url
    bus.connect().flushall()
    return valkey_url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for the module."""
    with chromium_browser() as browser:
        yield browser
