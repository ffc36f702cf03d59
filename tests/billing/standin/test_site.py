"""The hosted pages: what they say, what their forms refuse, and what they let nobody do."""

import re

import pytest

from tests.billing.standin.conftest import Shop

SENTENCE = "This is a local stand-in for Stripe: no money moves."


def test_every_page_says_that_no_money_moves_and_runs_no_script(shop: Shop) -> None:
    customer = shop.customer()
    session = shop.checkout(customer)
    bank = shop.press(session.url, "confirm").headers["Location"]
    [invoice] = shop.invoices(customer)
    addresses = ["/", str(session.url), bank, shop.portal(customer)]
    addresses += [str(invoice.hosted_invoice_url), "/nothing", "/c/unknown", "/p/unknown"]
    for address in addresses:
        page = shop.browser.get(address)
        assert SENTENCE in page.text, address
        assert "<script" not in page.text and "style=" not in page.text
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
    policy = shop.browser.get(str(session.url)).headers["Content-Security-Policy"]
    assert "form-action 'self' http://127.0.0.1:8000" in policy
    assert shop.browser.get("/standin.css").headers["Content-Type"].startswith("text/css")


def test_a_promotion_code_halves_the_first_month_only(shop: Shop) -> None:
    clock = shop.clock()
    customer = shop.customer(test_clock=clock)
    session = shop.checkout(customer)
    wrong = shop.press(session.url, "apply", code="NOTHING")
    assert "does not count" in wrong.text
    right = shop.press(session.url, "apply", code="half")
    assert "Half of the first month" in right.text and "29.99 USD" in right.text
    shop.press(session.url, "pay")
    [invoice] = shop.invoices(customer)
    assert (invoice.subtotal, invoice.total, invoice.amount_paid) == (5999, 2999, 2999)
    assert shop.stripe.v1.checkout.sessions.retrieve(session.id).amount_total == 2999
    shop.press(shop.portal(customer), "advance", "period")
    assert [each.total for each in shop.invoices(customer)] == [5999, 2999]
    [code] = shop.stripe.v1.promotion_codes.list({"code": "HALF"}).data
    assert code.times_redeemed == 1


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_form_without_its_token_does_nothing(shop: Shop, token: str) -> None:
    customer = shop.customer()
    session = shop.checkout(customer)
    answer = shop.browser.post(str(session.url), data={"pay": "1", "token": token})
    assert answer.status_code == 403
    assert shop.standin.objects("subscription") == []


def test_a_form_from_another_site_does_nothing(shop: Shop) -> None:
    session = shop.checkout(shop.customer())
    page = shop.browser.get(str(session.url)).text
    token = re.search(r'name="token" value="([0-9a-f]+)"', page)
    assert token is not None
    form, url = {"pay": "1", "token": token[1]}, str(session.url)
    for origin in ("https://evil.example", "null"):
        answer = shop.browser.post(url, data=form, headers={"Origin": origin})
        assert answer.status_code == 403
    assert shop.standin.objects("subscription") == []
    own = {"Origin": shop.standin.base_url}
    assert shop.browser.post(url, data=form, headers=own).status_code == 303


def test_a_token_of_one_page_opens_no_other(shop: Shop) -> None:
    alice, charlie = shop.customer(), shop.customer("charlie@example.org")
    hers, his = shop.checkout(alice), shop.checkout(charlie)
    token = re.search(r'name="token" value="([0-9a-f]+)"', shop.browser.get(str(his.url)).text)
    assert token is not None
    answer = shop.browser.post(str(hers.url), data={"pay": "1", "token": token[1]})
    assert answer.status_code == 403


def test_charlie_cannot_pay_alices_invoice_in_his_portal(shop: Shop) -> None:
    alice, charlie = shop.customer(), shop.subscriber()
    shop.press(shop.checkout(alice).url, "confirm")
    [invoice] = shop.invoices(alice)
    portal = shop.portal(charlie)
    assert invoice.id not in shop.browser.get(portal).text
    token = re.search(r'name="token" value="([0-9a-f]+)"', shop.browser.get(portal).text)
    assert token is not None
    answer = shop.browser.post(portal, data={"pay": invoice.id, "token": token[1]})
    assert "not your invoice" in answer.text
    assert shop.invoices(alice)[0].status == "open"


def test_names_are_shown_as_text(shop: Shop) -> None:
    customer = shop.subscriber()
    shop.stripe.v1.customers.update(customer, {"email": "<b>@example.org"})
    shop.press(shop.portal(customer), "advance", "period")
    page = shop.browser.get(str(shop.invoices(customer)[0].hosted_invoice_url)).text
    assert "&lt;b&gt;@example.org" in page and "<b>" not in page


def test_a_finished_checkout_is_not_paid_twice(shop: Shop) -> None:
    customer = shop.customer()
    session = shop.checkout(customer)
    page = shop.browser.get(str(session.url)).text
    token = re.search(r'name="token" value="([0-9a-f]+)"', page)
    assert token is not None
    for _ in range(2):
        shop.browser.post(str(session.url), data={"pay": "1", "token": token[1]})
    assert len(shop.standin.objects("subscription")) == 1
    assert "done" in shop.browser.get(str(session.url)).text
