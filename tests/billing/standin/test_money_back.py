"""Refunds and disputes: whole, in parts, won, lost."""

from typing import Any

import httpx
import pytest
import stripe

from tests.billing.standin.conftest import Shop
from tests.support.stripe_standin import KEY


def _charge(shop: Shop, customer: str) -> stripe.Charge:
    """Find the charge as the product has to: from the invoice, over its payment."""
    [invoice] = shop.invoices(customer)
    assert invoice.payments is not None
    name = invoice.payments.data[0].payment.payment_intent
    assert isinstance(name, str)
    intent = shop.stripe.v1.payment_intents.retrieve(name, {"expand": ["latest_charge"]})
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge


def _standin(shop: Shop, path: str, **form: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {KEY}"}
    return httpx.post(f"{shop.standin.base_url}/_standin/{path}", data=form, headers=headers)


def test_parts_are_given_back_until_nothing_is_left(shop: Shop) -> None:
    charge = _charge(shop, shop.subscriber())
    shop.stripe.v1.refunds.create({"charge": charge.id, "amount": 1000})
    part = shop.stripe.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert (part.amount_refunded, part.refunded) == (1000, False)
    assert part.refunds is not None and [each.amount for each in part.refunds.data] == [1000]
    with pytest.raises(stripe.InvalidRequestError, match="4999"):
        shop.stripe.v1.refunds.create({"charge": charge.id, "amount": 5000})

    rest = shop.stripe.v1.refunds.create({"payment_intent": str(charge.payment_intent)})

    assert rest.amount == 4999
    whole = shop.stripe.v1.charges.retrieve(charge.id)
    assert (whole.amount_refunded, whole.refunded) == (5999, True)
    assert shop.events().count("charge.refunded") == 2
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded"):
        shop.stripe.v1.refunds.create({"charge": charge.id})


@pytest.mark.parametrize("end", ["won", "lost"])
def test_a_dispute_is_opened_and_decided(shop: Shop, end: str) -> None:
    charge = _charge(shop, shop.subscriber())
    made = _standin(shop, "disputes", charge=charge.id).json()
    assert made["status"] == "needs_response"
    assert shop.stripe.v1.charges.retrieve(charge.id).disputed
    [found] = shop.stripe.v1.disputes.list({"charge": charge.id}).data
    assert found.id == made["id"] and found.amount == 5999
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        shop.stripe.v1.refunds.create({"charge": charge.id})

    assert _standin(shop, f"disputes/{made['id']}", status=end).json()["status"] == end

    told = shop.events()
    assert told.count("charge.dispute.created") == told.count("charge.dispute.closed") == 1
    assert ("charge.dispute.funds_reinstated" in told) == (end == "won")
    assert _standin(shop, f"disputes/{made['id']}", status="won").status_code == 400


def test_an_inquiry_is_no_dispute_yet(shop: Shop) -> None:
    charge = _charge(shop, shop.subscriber())
    made = _standin(shop, "disputes", charge=charge.id, status="warning_needs_response").json()
    assert not shop.stripe.v1.charges.retrieve(charge.id).disputed
    assert "charge.dispute.funds_withdrawn" not in shop.events()
    _standin(shop, f"disputes/{made['id']}", status="needs_response")
    assert shop.stripe.v1.charges.retrieve(charge.id).disputed
