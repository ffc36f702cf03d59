"""Payments: intents, charges, refunds and disputes."""

from typing import Final

from billing.standin.customers import ASKS, DECLINES
from billing.standin.errors import StripeFault
from billing.standin.months import DAY_S
from billing.standin.params import Params, merged_metadata, whole
from billing.standin.state import OWN_ADDRESS, Obj, State, new_id

PAID, DECLINED, ACTION = "paid", "declined", "action"
"""What came of an attempt."""
_DECLINE: Final = {
    "type": "card_error",
    "code": "card_declined",
    "decline_code": "generic_decline",
    "message": "Your card was declined.",
}
_NOT_CONFIRMED: Final = {
    "type": "card_error",
    "code": "payment_intent_authentication_failure",
    "message": "We are unable to authenticate your payment method. Please choose a different "
    "payment method and try again.",
}
OPEN_DISPUTES: Final = (
    "needs_response",
    "under_review",
    "warning_needs_response",
    "warning_under_review",
)


def new_intent(state: State, invoice: Obj) -> Obj:
    """Return what will collect the money of an invoice."""
    name = new_id("pi")
    intent: Obj = {
        "id": name,
        "object": "payment_intent",
        "amount": invoice["amount_due"],
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": new_id(f"{name}_secret"),
        "confirmation_method": "automatic",
        "created": state.now_of(invoice),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "description": "Subscription",
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "receipt_email": None,
        "setup_future_usage": "off_session",
        "shipping": None,
        "status": "requires_payment_method",
        "_invoice": invoice["id"],
    }
    state.add(intent)
    state.emit("payment_intent.created", intent)
    return intent


def attempt(state: State, intent: Obj, method: Obj) -> str:
    """Charge a card; say what came of it."""
    intent["payment_method"] = method["id"]
    if method["_behaves"] == ASKS:
        intent["status"] = "requires_action"
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": None, "url": f"{OWN_ADDRESS}/a/{intent['id']}"},
        }
        state.emit("payment_intent.requires_action", intent)
        return ACTION
    if method["_behaves"] == DECLINES:
        charge = _charge(state, intent, method, "failed")
        state.emit("charge.failed", charge)
        _reject(state, intent, {**_DECLINE, "charge": charge["id"]})
        return DECLINED
    succeed(state, intent)
    return PAID


def succeed(state: State, intent: Obj) -> None:
    """Take the money."""
    method = state.objects[intent["payment_method"]]
    charge = _charge(state, intent, method, "succeeded")
    intent.update(
        status="succeeded",
        amount_received=intent["amount"],
        next_action=None,
        last_payment_error=None,
    )
    state.emit("charge.succeeded", charge)
    state.emit("payment_intent.succeeded", intent)


def refuse_confirmation(state: State, intent: Obj) -> None:
    """The bank's question was answered wrongly."""
    _reject(state, intent, dict(_NOT_CONFIRMED))


def _reject(state: State, intent: Obj, error: Obj) -> None:
    intent.update(
        status="requires_payment_method",
        next_action=None,
        last_payment_error={**error, "payment_method": state.objects[intent["payment_method"]]},
        payment_method=None,
    )
    state.emit("payment_intent.payment_failed", intent)


def cancel(state: State, intent: Obj) -> None:
    """Give up collecting."""
    with state.changing(intent):
        intent.update(
            status="canceled",
            canceled_at=state.now_of(intent),
            cancellation_reason="void_invoice",
            next_action=None,
        )
    state.emit("payment_intent.canceled", intent)


def _charge(state: State, intent: Obj, method: Obj, status: str) -> Obj:
    is_paid = status == "succeeded"
    charge: Obj = {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if is_paid else 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "captured": is_paid,
        "created": state.now_of(intent),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": None if is_paid else "card_declined",
        "failure_message": None if is_paid else _DECLINE["message"],
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "outcome": {
            "network_status": "approved_by_network" if is_paid else "declined_by_network",
            "reason": None if is_paid else "generic_decline",
            "risk_level": "normal",
            "seller_message": "Payment complete." if is_paid else "The bank did not say why.",
            "type": "authorized" if is_paid else "issuer_declined",
        },
        "paid": is_paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"type": "card", "card": method["card"]},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": f"{OWN_ADDRESS}/i/{intent['_invoice']}" if is_paid else None,
        "refunded": False,
        "shipping": None,
        "status": status,
    }
    intent["latest_charge"] = charge["id"]
    return state.add(charge)


# --- money that goes back -------------------------------------------------------------------------


def _paid_charge(state: State, params: Params) -> Obj:
    if params.get("payment_intent"):
        intent = state.get("payment_intent", params["payment_intent"])
        params = {"charge": intent["latest_charge"] or ""}
    if not params.get("charge"):
        raise StripeFault("One of the following params should be provided: payment_intent, charge.")
    charge = state.get("charge", params["charge"])
    if not charge["paid"]:
        raise StripeFault(
            f"Charge {charge['id']} has not been paid.",
            code="charge_not_refundable",
            param="charge",
        )
    return charge


def refund(state: State, params: Params) -> Obj:
    """Give back a payment, or a part of it."""
    charge = _paid_charge(state, params)
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise StripeFault(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if charge["disputed"] and not charge.get("_dispute_won"):
        raise StripeFault(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    asked = whole(params, "amount")
    amount = left if asked is None else asked
    if not 0 < amount <= left:
        raise StripeFault(
            f"Refund amount ({amount}) is not between 1 and what is left of the charge ({left}).",
            code="amount_too_large" if amount > left else "parameter_invalid_integer",
            param="amount",
        )
    made: Obj = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": state.now_of(charge),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "destination_details": {"type": "card", "card": {"type": "refund"}},
        "metadata": merged_metadata({}, params),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason") or None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    state.add(made)
    with state.changing(charge, "charge.refunded"):
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    state.emit("refund.created", made)
    return made


def open_dispute(state: State, params: Params) -> Obj:
    """Let the card's holder dispute a payment at the bank."""
    charge = _paid_charge(state, params)
    if charge["disputed"]:
        raise StripeFault(f"Charge {charge['id']} is disputed already.", param="charge")
    status = params.get("status") or "needs_response"
    if status not in OPEN_DISPUTES:
        raise StripeFault(f"A dispute begins as one of {', '.join(OPEN_DISPUTES)}.", param="status")
    now = state.now_of(charge)
    dispute: Obj = {
        "id": new_id("du"),
        "object": "dispute",
        "amount": charge["amount"] - charge["amount_refunded"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": now + 7 * DAY_S,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": status.startswith("warning_"),
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4"},
        },
        "reason": params.get("reason") or "fraudulent",
        "status": status,
        "_customer": charge["customer"],
    }
    # An inquiry (warning_*) takes no money and is not a dispute of the charge.
    charge["disputed"] = not status.startswith("warning_")
    state.add(dispute)
    state.emit("charge.dispute.created", dispute)
    if charge["disputed"]:
        state.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def decide_dispute(state: State, dispute: Obj, status: str) -> Obj:
    """Let the bank go on with a dispute: further along, won, lost, or the inquiry closed."""
    if dispute["status"] not in OPEN_DISPUTES:
        raise StripeFault(f"This dispute is over: {dispute['status']}.")
    is_inquiry = dispute["status"].startswith("warning_")
    ends = ("warning_closed", "needs_response") if is_inquiry else ("won", "lost")
    if status not in (*OPEN_DISPUTES, *ends):
        raise StripeFault(f"From here a dispute becomes one of {', '.join(ends)}.", param="status")
    charge = state.objects[dispute["charge"]]
    with state.changing(dispute, "charge.dispute.updated"):
        dispute["status"] = status
    if status == "needs_response":
        charge["disputed"] = True
        state.emit("charge.dispute.funds_withdrawn", dispute)
    if status == "won":
        charge["_dispute_won"] = True
        state.emit("charge.dispute.funds_reinstated", dispute)
    if status in ("won", "lost", "warning_closed"):
        state.emit("charge.dispute.closed", dispute)
    return dispute
