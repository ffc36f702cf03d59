"""The tenant wall: a query that does not start from its user raises instead of answering."""

import pytest
from django.contrib.auth import get_user_model

from accounts.models import Consent
from cryptosystems.platform.tenancy import TenantWall

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> tuple[object, object]:
    make = get_user_model().objects.create_user
    alice, charlie = make("alice@example.com"), make("charlie@example.com")
    Consent.objects.add_for(alice.pk, kind="risk", version="1")
    return alice, charlie


def test_rows_are_reached_through_their_owner(people) -> None:  # type: ignore[no-untyped-def]
    alice, charlie = people
    assert Consent.objects.for_user(alice.pk).count() == 1
    assert Consent.objects.for_user(charlie.pk).count() == 0


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Consent.objects.all(),
        lambda: Consent.objects.filter(kind="risk"),
        lambda: Consent.objects.get(kind="risk"),
        lambda: Consent.objects.count(),
        lambda: Consent.objects.create(kind="risk", version="2"),
        lambda: list(Consent._default_manager.values()),
        lambda: Consent.objects.across_tenants(""),
    ],
)
def test_any_other_way_raises(people, ask) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TenantWall):
        ask()


def test_a_job_that_names_itself_sees_all(people) -> None:  # type: ignore[no-untyped-def]
    assert Consent.objects.across_tenants("a test").count() == 1


def test_rows_go_with_their_owner(people) -> None:  # type: ignore[no-untyped-def]
    alice, _ = people
    alice.delete()
    assert Consent.objects.across_tenants("a test").count() == 0
