"""What the hosted pages look like: plain HTML, no script."""

from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from typing import Final

from billing.standin import customers, invoices
from billing.standin.state import Obj, State
from billing.standin.subscriptions import OVER, first_item

SENTENCE: Final = "This is a local stand-in for Stripe: no money moves."
_STATES: Final = {
    "active": "Active",
    "trialing": "Trial",
    "past_due": "Payment overdue",
    "unpaid": "Unpaid",
    "incomplete": "Waiting for the first payment",
    "incomplete_expired": "Expired before the first payment",
    "canceled": "Ended",
    "paused": "Paused",
    "paid": "Paid",
    "open": "Open",
    "void": "Void",
    "draft": "Draft",
    "uncollectible": "Uncollectible",
}


def document(title: str, body: str) -> str:
    """Return a whole page."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="dark light">'
        f"<title>{escape(title)} – Stripe stand-in</title>"
        '<link rel="stylesheet" href="/standin.css"></head><body>'
        f'<header><p class="ribbon">{SENTENCE}</p></header><main><h1>{escape(title)}</h1>{body}</main>'
        "</body></html>"
    )


def notice(text: str, kind: str = "") -> str:
    """Return a sentence that stands out."""
    role = "alert" if kind == "bad" else "status"
    return f'<p class="notice {kind}" role="{role}" data-notice>{escape(text)}</p>'


def money(amount: int, currency: str) -> str:
    """Return an amount of minor units for people."""
    return f"{Decimal(amount) / 100:,.2f} {currency.upper()}"


def day(at: int | None) -> str:
    """Return a date for people."""
    return datetime.fromtimestamp(at, UTC).strftime("%d %b %Y, %H:%M UTC") if at else "–"


def _facts(*rows: tuple[str, str]) -> str:
    cells = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    return f"<dl>{cells}</dl>"


def _button(name: str, value: str, text: str, kind: str = "") -> str:
    return f'<button name="{name}" value="{escape(value)}" class="{kind}">{escape(text)}</button>'


def _form(token: str, body: str) -> str:
    hidden = f'<input type="hidden" name="token" value="{token}">'
    return f'<form method="post">{hidden}{body}</form>'


def _link(address: str, text: str) -> str:
    return f'<a href="{escape(address)}" rel="noreferrer">{escape(text)}</a>'


def start() -> str:
    """Return the page at the root."""
    return (
        "<p>CryptoSystems talks to this process instead of Stripe while no Stripe key is set. "
        "Checkout and customer portal open from the product's own pages.</p>"
    )


# --- checkout -------------------------------------------------------------------------------------


def checkout(state: State, session: Obj, token: str, message: str) -> str:
    """Return the page where a subscription is bought."""
    if session["status"] == "complete":
        return notice("This checkout is done.") + _back(session["success_url"], "Continue")
    if session["status"] == "expired":
        text = "This checkout has expired. Nothing was paid. Start again from the product."
        return notice(text, "bad") + _back(session["cancel_url"], "Back")
    price = state.objects[session["_price"]]
    product = state.objects[price["product"]]
    full = price["unit_amount"]
    rows = [
        (product["name"], f"{money(full, price['currency'])} a {price['recurring']['interval']}")
    ]
    coupon = state.objects.get(session["_coupon"] or "")
    if coupon is not None:
        off = coupon["percent_off"]
        cut = round(full * off / 100) if off is not None else min(full, coupon["amount_off"])
        rows.append((coupon["name"] or coupon["id"], f"-{money(cut, price['currency'])}"))
        full -= cut
    trial_end = session["_trial_end"]
    if trial_end:
        rows.append(("First payment", day(trial_end)))
    rows.append(("Due today", money(0 if trial_end else full, price["currency"])))
    body = notice(message, "bad") if message else ""
    body += _facts(*rows)
    fields = ""
    if session["allow_promotion_codes"] and coupon is None:
        fields += '<label>Promotion code <input name="code" autocomplete="off"></label>' + _button(
            "apply", "1", "Apply"
        )
    if session["automatic_tax"]["enabled"]:
        options = "".join(f"<option>{country}</option>" for country in invoices.TAX_PERCENT)
        fields += f'<label>Country <select name="country">{options}</select></label>'
    fields += (
        '<div class="choices">'
        + _button("pay", "1", "Pay", "main")
        + _button("decline", "1", "Card is declined")
        + _button("confirm", "1", "Bank asks for confirmation (3-D Secure)")
        + "</div>"
    )
    # Enter in the code's field applies the code; it must never pay.
    first = (
        '<button name="apply" value="1" class="unseen" tabindex="-1" aria-hidden="true"></button>'
    )
    return body + _form(token, first + fields) + _back(session["cancel_url"], "Back")


def _back(address: str | None, text: str) -> str:
    return f'<p class="back">{_link(address, text)}</p>' if address else ""


def confirmation(intent: Obj, token: str, back: str) -> str:
    """Return the bank's page."""
    body = _facts(("Payment", money(intent["amount"], intent["currency"])))
    if intent["status"] == "requires_action":
        body += "<p>Your bank wants to know that it is you.</p>"
        body += _form(
            token,
            '<div class="choices">'
            + _button("pass", "1", "Confirm the payment", "main")
            + _button("fail", "1", "Do not confirm")
            + "</div>",
        )
    elif intent["status"] == "succeeded":
        body = notice("This payment is confirmed.") + body
    else:
        body = notice("The payment was not confirmed. Nothing was paid.", "bad") + body
    return body + _back(back, "Back")


# --- invoices -------------------------------------------------------------------------------------


def receipt(invoice: Obj) -> list[str]:
    """Return an invoice as lines of text."""
    currency = invoice["currency"]
    lines = [f"Invoice {invoice['number'] or '(draft)'}", invoice["account_name"], ""]
    lines.append(f"Issued: {day(invoice['created'])}")
    lines.append(f"For: {invoice['customer_email'] or invoice['customer']}")
    lines.append(f"Status: {_STATES[invoice['status']]}")
    lines.append("")
    for line in invoice["lines"]["data"]:
        span = f"{day(line['period']['start'])} to {day(line['period']['end'])}"
        lines.append(f"{line['description']}: {money(line['amount'], currency)}")
        lines.append(f"  {span}")
    for part in invoice["total_discount_amounts"]:
        lines.append(f"Discount: -{money(part['amount'], currency)}")
    for tax in invoice["total_taxes"]:
        lines.append(f"Tax: {money(tax['amount'], currency)}")
    lines.append(f"Total: {money(invoice['total'], currency)}")
    lines.append(f"Paid: {money(invoice['amount_paid'], currency)}")
    return lines


def invoice(state: State, obj: Obj, token: str, message: str) -> str:
    """Return the page of an invoice, with buttons to pay it while it is open."""
    body = notice(message, "bad") if message else ""
    rows = [line.split(": ", 1) for line in receipt(obj)[3:] if ": " in line]
    body += f"<p>{escape(receipt(obj)[0])}</p>"
    body += _facts(*[(row[0], row[1]) for row in rows])
    intent = invoices.intent_of(state, obj)
    if obj["status"] == "open":
        if intent is not None and intent["status"] == "requires_action":
            body += f"<p>{_link('/a/' + intent['id'], 'Confirm the payment at the bank')}</p>"
        body += _form(
            token,
            '<div class="choices">'
            + _button("pay", "1", "Pay", "main")
            + _button("decline", "1", "Card is declined")
            + _button("confirm", "1", "Bank asks for confirmation (3-D Secure)")
            + "</div>",
        )
    return body + f"<p>{_link('/i/' + obj['id'] + '.pdf', 'PDF')}</p>"


# --- portal ---------------------------------------------------------------------------------------


def current_subscription(state: State, customer: Obj) -> Obj | None:
    """Return the subscription that a portal is about: a live one before one that is over."""
    found = state.all("subscription", customer=customer["id"])
    return next((each for each in found if each["status"] not in OVER), next(iter(found), None))


def portal(state: State, session: Obj, token: str, message: str) -> str:
    """Return the page where a customer looks after a subscription."""
    customer = state.objects[session["customer"]]
    subscription = current_subscription(state, customer)
    body = notice(message, "bad") if message else ""
    if subscription is None:
        body += "<p>There is no subscription.</p>"
    else:
        body += _subscription(state, customer, subscription, token)
    body += _invoices(state, customer, token)
    body += (
        f"<section><h2>Test clock</h2><p>Here it is <time data-now>"
        f"{day(state.now_of(customer))}</time>.</p>"
        + _form(
            token,
            '<div class="choices">'
            + _button("advance", "day", "Advance by one day")
            + _button("advance", "period", "Advance to the end of the period")
            + _button("advance", "month", "Advance by one month")
            + "</div>",
        )
        + '<p class="small">Only this customer\'s time moves. A renewal is charged one hour after its '
        "period began; the two longer steps go on until then.</p></section>"
    )
    return body + _back(session["return_url"], "Back")


def _subscription(state: State, customer: Obj, subscription: Obj, token: str) -> str:
    item = first_item(subscription)
    status = subscription["status"]
    amount = money(item["price"]["unit_amount"], subscription["currency"])
    card = customers.default_card(state, customer, subscription)
    ending = subscription["cancel_at_period_end"]
    rows = [
        ("Plan", f"CryptoSystems, {amount} a month"),
        ("Status", _STATES[status]),
        ("Ends" if ending else "Period ends", day(item["current_period_end"])),
        ("Card", f"{card['card']['brand']} ending in {card['card']['last4']}" if card else "none"),
    ]
    if subscription["ended_at"]:
        rows[2] = ("Ended", day(subscription["ended_at"]))
    body = f'<section data-status="{status}"><h2>Subscription</h2>{_facts(*rows)}'
    if status in OVER:
        return body + "</section>"
    end = (
        _button("renew", "1", "Renew", "main")
        if ending
        else _button("cancel", "1", "Cancel at the end of the period")
    )
    cards = (
        _button("card", customers.GOOD, "Use a card that works")
        + _button("card", customers.DECLINES, "Use a card that is declined")
        + _button("card", customers.ASKS, "Use a card that asks for confirmation")
    )
    return body + _form(token, f'<div class="choices">{end}{cards}</div>') + "</section>"


def _invoices(state: State, customer: Obj, token: str) -> str:
    rows = ""
    for obj in state.all("invoice", customer=customer["id"]):
        pay = _button("pay", obj["id"], "Pay", "main") if obj["status"] == "open" else ""
        rows += (
            f'<li data-invoice="{obj["id"]}">'
            f"{_link('/i/' + obj['id'], obj['number'] or 'Draft')} "
            f"<span>{day(obj['created'])}</span> "
            f"<span>{money(obj['total'], obj['currency'])}</span> "
            f"<span>{_STATES[obj['status']]}</span> {pay}</li>"
        )
    if not rows:
        return ""
    return f"<section><h2>Invoices</h2>{_form(token, f'<ul>{rows}</ul>')}</section>"
