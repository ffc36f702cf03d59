"""What is sold: one product, one price, and a promotion code to try."""

from typing import Final

from billing.standin.state import Obj, State

PRODUCT_ID: Final = "prod_standin"
PRICE_ID: Final = "price_standin_monthly"
AMOUNT: Final = 5999
COUPON_ID: Final = "half_first_month"
CODE: Final = "HALF"


def price(state: State, name: str, product: str, amount: int, currency: str, interval: str) -> Obj:
    """Return a new price."""
    return {
        "id": name,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": state.now(),
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product,
        "recurring": {
            "interval": interval,
            "interval_count": 1,
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        },
        "tax_behavior": "exclusive",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def promotion_code(state: State, name: str, code: str, coupon: str) -> Obj:
    """Return a new promotion code."""
    return {
        "id": name,
        "object": "promotion_code",
        "active": True,
        "code": code,
        "created": state.now(),
        "customer": None,
        "expires_at": None,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "promotion": {"type": "coupon", "coupon": coupon},
        "restrictions": {
            "first_time_transaction": False,
            "minimum_amount": None,
            "minimum_amount_currency": None,
        },
        "times_redeemed": 0,
    }


def stock(state: State) -> None:
    """Lay out what is sold, if it is not there yet."""
    if PRODUCT_ID in state.objects:
        return
    now = state.now()
    state.add(
        {
            "id": PRODUCT_ID,
            "object": "product",
            "active": True,
            "created": now,
            "default_price": PRICE_ID,
            "description": None,
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": {},
            "name": "CryptoSystems",
            "package_dimensions": None,
            "shippable": None,
            "tax_code": None,
            "type": "service",
            "unit_label": None,
            "updated": now,
            "url": None,
        }
    )
    state.add(price(state, PRICE_ID, PRODUCT_ID, AMOUNT, "usd", "month"))
    state.add(
        {
            "id": COUPON_ID,
            "object": "coupon",
            "amount_off": None,
            "created": now,
            "currency": None,
            "duration": "once",
            "duration_in_months": None,
            "livemode": False,
            "max_redemptions": None,
            "metadata": {},
            "name": "Half of the first month",
            "percent_off": 50.0,
            "redeem_by": None,
            "times_redeemed": 0,
            "valid": True,
        }
    )
    state.add(promotion_code(state, "promo_standin_half", CODE, COUPON_ID))


def find_code(state: State, text: str) -> Obj | None:
    """Return the promotion code that somebody typed, if it counts."""
    for code in state.all("promotion_code", active=True):
        expires_at = code["expires_at"]
        if code["code"].upper() == text.strip().upper() and (
            expires_at is None or expires_at > state.now()
        ):
            return code
    return None
