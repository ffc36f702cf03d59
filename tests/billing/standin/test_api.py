"""The API as Stripe's own client sees it: errors, keys, lists, searches, expansion."""

import re
from typing import Any

import httpx
import pytest
import stripe

from billing.standin.faults import ApiFault
from billing.standin.params import decode
from billing.standin.server import StandInConfig, StandInServer
from tests.billing.standin.conftest import DAY, START, Shop
from tests.support.stripe_standin import KEY, PRICE_ID


def test_a_customer_is_kept_changed_found_and_deleted(shop: Shop) -> None:
    name = shop.customer(metadata={"user": "a-1", "kind": "person"}, name="Alice")
    shop.customer("charlie@example.org", metadata={"user": "c-3"})
    changed = shop.stripe.v1.customers.update(name, {"metadata": {"kind": ""}, "name": "Al"})
    assert changed.name == "Al" and changed.metadata is not None
    assert changed.metadata.to_dict() == {"user": "a-1"}
    found = shop.stripe.v1.customers.search({"query": "metadata['user']:'a-1'"}).data
    assert [each.id for each in found] == [name]
    by_mail = {"query": "email:'charlie@example.org' AND metadata['user']:'a-1'"}
    assert shop.stripe.v1.customers.search(by_mail).data == []  # type: ignore[arg-type]
    gone = shop.stripe.v1.customers.delete(name)
    assert gone.deleted
    assert shop.stripe.v1.customers.retrieve(name).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such customer") as refused:
        shop.stripe.v1.customers.retrieve("cus_unknown")
    assert (refused.value.code, refused.value.http_status) == ("resource_missing", 404)


def test_deleting_a_customer_ends_the_subscription(shop: Shop) -> None:
    customer = shop.subscriber()
    name = shop.subscription(customer).id
    shop.stripe.v1.customers.delete(customer)
    assert shop.stripe.v1.subscriptions.retrieve(name).status == "canceled"
    assert shop.events()[-2:] == ["customer.subscription.deleted", "customer.deleted"]


def test_the_same_key_gives_the_same_answer_once(shop: Shop) -> None:
    def create(email: str) -> Any:
        return shop.stripe.v1.customers.create({"email": email}, {"idempotency_key": "cust:a"})

    first, again = create("alice@example.org"), create("alice@example.org")
    assert first.id == again.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(shop.stripe.v1.customers.list().data) == 1
    with pytest.raises(stripe.IdempotencyError):
        create("charlie@example.org")
    shop.standin.call(lambda server: setattr(server.state, "offset_s", DAY - 60))
    assert create("alice@example.org").id == first.id
    shop.standin.call(lambda server: setattr(server.state, "offset_s", DAY + 60))
    assert create("alice@example.org").id != first.id


def test_a_lost_answer_is_made_up_by_the_key(shop: Shop) -> None:
    order = ApiFault("POST /v1/customers", "cut_after")
    shop.standin.call(lambda server: server.faults.orders.append(order))
    options: Any = {"idempotency_key": "cust:b"}
    with pytest.raises(stripe.APIConnectionError):
        shop.stripe.v1.customers.create({"email": "alice@example.org"}, options)
    shop.stripe.v1.customers.create({"email": "alice@example.org"}, options)
    assert len(shop.stripe.v1.customers.list().data) == 1
    shop.standin.call(
        lambda server: server.faults.orders.append(ApiFault("GET /v1/prices/.*", "status"))
    )
    with pytest.raises(stripe.APIError):
        shop.stripe.v1.prices.retrieve(PRICE_ID)
    assert shop.stripe.v1.prices.retrieve(PRICE_ID).id == PRICE_ID


def test_lists_are_paged_from_the_newest(shop: Shop) -> None:
    names = [shop.customer(f"p{i}@example.org") for i in range(5)]
    page = shop.stripe.v1.customers.list({"limit": 2})
    assert page.has_more and [each.id for each in page.data] == [names[4], names[3]]
    after = shop.stripe.v1.customers.list({"limit": 3, "starting_after": names[3]})
    assert not after.has_more and [each.id for each in after.data] == names[2::-1]
    assert [each.id for each in page.auto_paging_iter()] == names[::-1]
    before = shop.stripe.v1.customers.list({"limit": 2, "ending_before": names[1]})
    assert before.has_more and [each.id for each in before.data] == [names[3], names[2]]
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        shop.stripe.v1.customers.list({"emial": "x"})  # type: ignore[arg-type]


def test_events_are_listed_by_type_and_time_for_thirty_days(shop: Shop) -> None:
    shop.customer()
    [event] = shop.stripe.v1.events.list({"type": "customer.created"}).data
    assert event.data.object["email"] == "alice@example.org"
    since: Any = {"created": {"gte": event.created}, "types": ["customer.created", "price.created"]}
    assert [each.id for each in shop.stripe.v1.events.list(since).data] == [event.id]
    since["created"] = {"gt": event.created}
    assert shop.stripe.v1.events.list(since).data == []
    shop.events()
    shop.standin.call(lambda server: setattr(server.state, "offset_s", 31 * DAY))
    assert shop.stripe.v1.events.list().data == []


def test_what_is_expanded_comes_whole_and_the_rest_as_ids(shop: Shop) -> None:
    customer = shop.subscriber()
    plain = shop.stripe.v1.invoices.list({"customer": customer}).data[0]
    assert not hasattr(plain, "payments")
    deep = shop.stripe.v1.subscriptions.list(
        {"customer": customer, "expand": ["data.latest_invoice.payments", "data.customer"]}
    ).data[0]
    assert isinstance(deep.latest_invoice, stripe.Invoice)
    assert deep.latest_invoice.payments is not None and deep.latest_invoice.payments.data
    assert isinstance(deep.customer, stripe.Customer)
    whole = shop.stripe.v1.customers.retrieve(customer, {"expand": ["subscriptions"]})
    assert whole.subscriptions is not None and whole.subscriptions.data[0].id == deep.id
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        shop.stripe.v1.customers.retrieve(customer, {"expand": ["nonsense"]})
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        shop.stripe.v1.invoices.list({"expand": ["data.payments.data.payment.payment_intent"]})


def test_no_key_or_a_wrong_one_opens_nothing(shop: Shop) -> None:
    for key in ("sk_standin_wrong", "sk_live_somebody"):
        with pytest.raises(stripe.AuthenticationError):
            shop.standin.client(key).v1.customers.list()
    assert httpx.get(f"{shop.standin.base_url}/v1/customers").status_code == 401
    assert httpx.post(f"{shop.standin.base_url}/_standin/advance").status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1.evil.example:80"])
def test_a_forged_host_is_refused(shop: Shop, host: str) -> None:
    headers = {"Host": host, "Authorization": f"Bearer {KEY}"}
    answer = httpx.get(f"{shop.standin.base_url}/v1/customers", headers=headers)
    assert answer.status_code == 421


def test_only_loopback_and_only_its_own_keys() -> None:
    with pytest.raises(ValueError, match="loopback"):
        StandInServer(StandInConfig(host="0.0.0.0"))
    with pytest.raises(ValueError, match="sk_standin"):
        StandInServer(StandInConfig(secret_key="sk_live_x"))


def test_checkout_refuses_what_stripe_refuses(shop: Shop) -> None:
    customer = shop.customer()
    with pytest.raises(stripe.InvalidRequestError, match="No such price"):
        shop.checkout(customer, line_items=[{"price": "price_forged", "quantity": 1}])
    with pytest.raises(stripe.InvalidRequestError, match="valid URL"):
        shop.checkout(customer, success_url="javascript:alert(1)")
    with pytest.raises(stripe.InvalidRequestError, match="valid address"):
        shop.checkout(customer, automatic_tax={"enabled": True})
    shop.stripe.v1.prices.update(PRICE_ID, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        shop.checkout(customer)


def test_tax_is_added_by_the_country_that_was_chosen(shop: Shop) -> None:
    customer = shop.customer(test_clock=shop.clock())
    session = shop.checkout(
        customer, automatic_tax={"enabled": True}, customer_update={"address": "auto"}
    )
    shop.press(session.url, "pay", country="DE")
    [invoice] = shop.invoices(customer)
    assert invoice.total_taxes is not None
    assert [tax.amount for tax in invoice.total_taxes] == [1140]
    assert (invoice.subtotal, invoice.total) == (5999, 7139)


def test_nested_parameters_are_read_as_stripe_reads_them() -> None:
    pairs = [("a[0][b]", "1"), ("a[1][b]", "2"), ("e[]", "x"), ("e[]", "y"), ("metadata[0]", "z")]
    assert decode(pairs) == {
        "a": [{"b": "1"}, {"b": "2"}],
        "e": ["x", "y"],
        "metadata": {"0": "z"},
    }
    deep = "a" + "[b]" * 500
    for wrong in (
        [(deep, "1")],
        [("a", "1"), ("a[b]", "2")],
        [("a[b]", "1"), ("a", "2"), ("a[c]", "3")],
    ):
        with pytest.raises(Exception, match="Invalid parameter"):
            decode(wrong)


@pytest.mark.parametrize(
    "body", [b"customer[a]=1&mode=subscription&success_url=http://x", b"\xff\xfe=%ff", b"expand=x"]
)
def test_nonsense_is_refused_and_breaks_nothing(shop: Shop, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = httpx.post(
        f"{shop.standin.base_url}/v1/checkout/sessions", content=body, headers=headers
    )
    assert 400 <= answer.status_code < 500 and answer.json()["error"]["message"]


def test_a_change_that_it_cannot_make_is_not_swallowed(shop: Shop) -> None:
    name = shop.subscription(shop.subscriber()).id
    with pytest.raises(stripe.InvalidRequestError, match="cannot change this: items"):
        shop.stripe.v1.subscriptions.update(name, {"items": [{"price": PRICE_ID}]})


def test_every_id_and_address_is_our_own(shop: Shop) -> None:
    customer = shop.subscriber()
    [invoice] = shop.invoices(customer)
    assert re.fullmatch(r"in_[A-Za-z0-9]{24}", invoice.id)
    assert str(invoice.hosted_invoice_url).startswith(shop.standin.base_url)
    document = shop.browser.get(str(invoice.invoice_pdf))
    assert document.content.startswith(b"%PDF-1.4") and b"no money moves" in document.content
    assert shop.clock(START).startswith("clock_")
