"""The doctor names what is wrong and what to do, and exits with an error only then."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from signals.models import Signal
from signals.services.publish import publish
from tests.support.setups import make_draft

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_storage(tmp_path: Path, settings: Any) -> None:
    settings.STORAGE_DIR = tmp_path
    settings.REDIS_URL = ""


def examine() -> str:
    out = StringIO()
    try:
        call_command("doctor", stdout=out)
    except CommandError as error:
        out.write(str(error))
    return out.getvalue()


def test_a_new_installation_lacks_only_its_model() -> None:
    told = examine()
    assert "ok     database: " in told
    assert "ok     chain: 0 links" in told
    assert "wrong  model: none yet" in told
    assert "1 thing(s) need attention" in told


def test_a_broker_that_is_away_is_named_with_the_remedy(settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock?db=0"
    told = examine()
    assert "wrong  broker: does not answer" in told
    assert "→ Start the server REDIS_URL names" in told


def test_an_exchange_that_does_not_answer_is_named(settings: Any) -> None:
    settings.MARKET_REST_URL = "http://127.0.0.1:9"
    assert "wrong  exchange: http://127.0.0.1:9: ConnectError" in examine()


def test_a_broken_chain_is_named() -> None:
    publish(make_draft())
    Signal.objects.update(confidence=0.99)
    assert "wrong  chain: 0 links" in examine()
