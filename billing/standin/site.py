"""The hosted pages: which address shows what, and what a button does."""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from billing.standin import (
    checkout,
    customers,
    invoices,
    pages,
    payments,
    pdf,
    subscriptions,
    timeline,
)
from billing.standin.errors import StripeFault
from billing.standin.months import DAY_S, add_months
from billing.standin.pages import SENTENCE
from billing.standin.state import Obj, State
from billing.standin.subscriptions import OVER, Dunning, first_item

_CSS: Final = Path(__file__).with_name("standin.css")
_HOUR_S: Final = 3600
_OUTCOMES: Final = {
    payments.DECLINED: "The card was declined. Nothing was paid.",
    payments.ACTION: "The bank asks for a confirmation.",
}
_BEHAVIOURS: Final = {
    "pay": customers.GOOD,
    "confirm": customers.ASKS,
    "decline": customers.DECLINES,
}
Form = dict[str, str]


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """What the browser gets."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Site:
    """Shows pages and does what their buttons say."""

    def __init__(self, state: State, dunning: Dunning) -> None:
        self.state = state
        self.dunning = dunning

    def answer(self, method: str, path: str, form: Form) -> PageAnswer:
        """Answer a browser."""
        try:
            return self._route(method, path, form)
        except StripeFault as fault:
            text = str(fault)
            return self._page(path, "This did not work", pages.notice(text, "bad"), fault.status)

    def _route(self, method: str, path: str, form: Form) -> PageAnswer:
        if path == "/standin.css":
            return PageAnswer(200, _CSS.read_bytes(), {"Content-Type": "text/css; charset=utf-8"})
        if path == "/":
            return self._page(path, "Stripe stand-in", pages.start())
        found = re.fullmatch(r"/([capi])/([A-Za-z0-9_]+)(\.pdf)?", path)
        if found is None or (found[3] and found[1] != "i"):
            return self._page(path, "Nothing is here", pages.notice("Nothing is here.", "bad"), 404)
        if method == "POST" and not hmac.compare_digest(form.get("token", ""), self._token(path)):
            text = "This form is out of date. Load the page again."
            return self._page(path, "Load the page again", pages.notice(text, "bad"), 403)
        if method not in ("GET", "HEAD", "POST"):
            return self._page(path, "Nothing is here", pages.notice("Nothing is here.", "bad"), 405)
        if found[3]:
            return self._pdf(found[2])
        shows: dict[str, Callable[[str, str, Form | None], PageAnswer]] = {
            "c": self._checkout,
            "a": self._confirmation,
            "p": self._portal,
            "i": self._invoice,
        }
        return shows[found[1]](path, found[2], form if method == "POST" else None)

    # --- parts ----------------------------------------------------------------------------------

    def _token(self, path: str) -> str:
        return hmac.new(self.state.form_key.encode(), path.encode(), "sha256").hexdigest()

    def _page(
        self, path: str, title: str, body: str, status: int = 200, leads_to: str | None = None
    ) -> PageAnswer:
        # A form that ends at the product again needs the product's origin in the policy.
        parts = urlsplit(leads_to or "")
        target = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
        policy = (
            "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action 'self'{target}"
        )
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
        return PageAnswer(status, pages.document(title, body).encode(), headers)

    def _go(self, address: str) -> PageAnswer:
        return PageAnswer(303, b"", {"Location": address})

    # --- checkout -------------------------------------------------------------------------------

    def _checkout(self, path: str, name: str, form: Form | None) -> PageAnswer:
        session = self.state.get("checkout.session", name)
        message = ""
        if form is not None and session["status"] == "open":
            checkout.take_country(self.state, session, form.get("country", ""))
            if form.get("code") and not checkout.apply_code(self.state, session, form["code"]):
                message = "This promotion code does not count."
            elif "decline" in form:
                message = _OUTCOMES[payments.DECLINED]
            elif "pay" in form or "confirm" in form:
                behaviour = customers.GOOD if "pay" in form else customers.ASKS
                outcome, intent = checkout.pay(self.state, session, behaviour, self.dunning)
                if intent is not None and outcome == payments.ACTION:
                    return self._go(f"/a/{intent['id']}")
                return self._go(checkout.return_address(session))
        body = pages.checkout(self.state, session, self._token(path), message)
        status = 402 if message else 200
        return self._page(path, "Checkout", body, status, session["success_url"])

    def _confirmation(self, path: str, name: str, form: Form | None) -> PageAnswer:
        intent = self.state.get("payment_intent", name)
        invoice = self.state.objects[intent["_invoice"]]
        subscription = invoices.subscription_of(self.state, invoice)
        session = checkout.session_of(self.state, subscription)
        back = f"/c/{session['id']}" if session else f"/i/{invoice['id']}"
        if form is not None and intent["status"] == "requires_action":
            if "pass" in form:
                checkout.confirmed(self.state, intent)
                return self._go(checkout.return_address(session) if session else back)
            checkout.not_confirmed(self.state, intent, self.dunning)
        body = pages.confirmation(intent, self._token(path), back)
        leads_to = session["success_url"] if session else None
        return self._page(path, "Confirmation", body, 200, leads_to)

    # --- invoices -------------------------------------------------------------------------------

    def _invoice(self, path: str, name: str, form: Form | None) -> PageAnswer:
        invoice = self.state.get("invoice", name)
        message = ""
        if form is not None and invoice["status"] == "open":
            asked = next((each for each in _BEHAVIOURS if each in form), None)
            customer = self.state.objects[invoice["customer"]]
            if asked is not None and not customer.get("deleted"):
                method = customers.new_card(self.state, customer, _BEHAVIOURS[asked])
                outcome = self._collect(invoice, method)
                if outcome == payments.ACTION:
                    return self._to_confirmation(invoice)
                message = _OUTCOMES.get(outcome, "")
        body = pages.invoice(self.state, invoice, self._token(path), message)
        return self._page(path, "Invoice", body, 402 if message else 200)

    def _collect(self, invoice: Obj, method: Obj | None = None) -> str:
        outcome = subscriptions.collect(
            self.state, invoice, method, dunning=self.dunning, is_on_session=True
        )
        if outcome == payments.PAID:
            checkout.settled(self.state, invoice)
        return outcome

    def _to_confirmation(self, invoice: Obj) -> PageAnswer:
        intent = invoices.intent_of(self.state, invoice)
        return self._go(f"/a/{intent['id']}" if intent else f"/i/{invoice['id']}")

    def _pdf(self, name: str) -> PageAnswer:
        invoice = self.state.get("invoice", name)
        number = invoice["number"] or "draft"
        headers = {
            "Content-Type": "application/pdf",
            "Content-Disposition": f'inline; filename="{number}.pdf"',
            "Content-Security-Policy": "default-src 'none'",
        }
        return PageAnswer(200, pdf.document([*pages.receipt(invoice), "", SENTENCE]), headers)

    # --- portal ---------------------------------------------------------------------------------

    def _portal(self, path: str, name: str, form: Form | None) -> PageAnswer:
        session = self.state.get("billing_portal.session", name)
        customer = self.state.get("customer", session["customer"])
        if form is not None:
            return self._act(path, session, customer, form)
        return self._show_portal(path, session, customer, "")

    def _show_portal(self, path: str, session: Obj, customer: Obj, message: str) -> PageAnswer:
        if customer.get("deleted"):
            return self._page(path, "Gone", pages.notice("This customer was deleted.", "bad"), 410)
        body = pages.portal(self.state, session, self._token(path), message)
        return self._page(path, "Your subscription", body, 402 if message else 200)

    def _act(self, path: str, session: Obj, customer: Obj, form: Form) -> PageAnswer:
        state = self.state
        subscription = pages.current_subscription(state, customer)
        is_live = subscription is not None and subscription["status"] not in OVER
        if subscription is not None and is_live and ("cancel" in form or "renew" in form):
            with state.changing(subscription, "customer.subscription.updated"):
                subscriptions.end_at_period_end(state, subscription, "cancel" in form)
        if form.get("card") in customers.CARDS:
            self._change_card(customer, subscription if is_live else None, form["card"])
        if "pay" in form:
            invoice = state.get("invoice", form["pay"])
            if invoice["customer"] != customer["id"]:
                return self._show_portal(path, session, customer, "This is not your invoice.")
            outcome = self._collect(invoice)
            if outcome == payments.ACTION:
                return self._to_confirmation(invoice)
            if outcome != payments.PAID:
                return self._show_portal(path, session, customer, _OUTCOMES[outcome])
        if "advance" in form:
            self._advance(customer, subscription if is_live else None, form["advance"])
        return self._go(path)

    def _change_card(self, customer: Obj, subscription: Obj | None, behaviour: str) -> None:
        method = customers.new_card(self.state, customer, behaviour)
        customers.use_card(self.state, customer, method)
        if subscription is not None:
            with self.state.changing(subscription, "customer.subscription.updated"):
                subscription["default_payment_method"] = method["id"]

    def _advance(self, customer: Obj, subscription: Obj | None, how_far: str) -> None:
        now = self.state.now_of(customer)
        target = now + DAY_S
        if how_far == "month":
            target = add_months(now, 1) + _HOUR_S
        elif how_far == "period" and subscription is not None:
            # Stripe charges a renewal an hour after the period has turned.
            target = max(now, first_item(subscription)["current_period_end"]) + _HOUR_S
        timeline.advance_customer(self.state, customer, target - now, self.dunning)
