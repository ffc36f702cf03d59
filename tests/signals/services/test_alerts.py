"""An alert goes off on what the engine saw, for whom it concerns, and the socket's owner is told."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from signals.delivery.standing import standing_of
from signals.services import alerts
from signals.services.publish import publish
from tests.signals.engine.rows import market_row
from tests.support.people import person
from tests.support.setups import make_draft
from workspace import api as workspace
from workspace.contracts import AlertKind

pytestmark = pytest.mark.django_db

NOW = datetime(2126, 1, 1, tzinfo=UTC)


@pytest.fixture
def alice() -> Any:
    return person("alice")


def test_the_extreme_between_two_looks_counts(alice: Any) -> None:
    workspace.add_alert(alice.pk, symbol="BTCUSDT", kind=AlertKind.PRICE_ABOVE, level="60500")
    watch = alerts.PriceWatch()
    for price in ("60000.0", "60500.5", "60100.0"):
        watch.see([market_row("BTCUSDT", price), market_row("ETHUSDT", "3000.0")])
    watch.see([market_row("BTCUSDT", "70000.0", stale=True)])
    (seen, _) = watch.take()
    assert (seen.price, seen.high, seen.low) == (
        Decimal("60100.0"),
        Decimal("60500.5"),
        Decimal("60000.0"),
    )
    assert watch.take() == []
    assert alerts.look("simulated", [seen], NOW) == 1
    (told,) = workspace.alerts_of(alice.pk)
    assert told.fired_value == Decimal("60500.5")
    assert '"symbol":"BTCUSDT"' in standing_of(alice.pk).account


def test_a_signal_that_is_issued_after_it_was_asked_for_is_told(alice: Any) -> None:
    publish(make_draft())
    workspace.add_alert(alice.pk, symbol="BTCUSDT", kind=AlertKind.SIGNAL)
    watch = alerts.PriceWatch()

    def look() -> int:
        watch.see([market_row("BTCUSDT", "60000.0")])
        return alerts.look("simulated", watch.take(), NOW)

    assert [look(), look()] == [0, 0], "the one that was there is no news"
    publish(make_draft(at_ms=1_764_032_400_000))
    assert [look(), look()] == [1, 0]
