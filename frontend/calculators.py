"""From a worked example of an article to the calculator that works it again, with its values in place."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.urls import Resolver404, resolve
from django.utils.http import urlencode

from blog.contracts import WorkedExample

_SYMBOL: Final = "BTCUSDT"
_OF_KIND: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "liquidation": (
        "liquidation-price",
        {
            "side": "Side",
            "entry": "Entry",
            "quantity": "Quantity",
            "leverage": "Leverage",
            "fee": "Fee to open",
        },
    ),
    "result": (
        "pnl",
        {
            "side": "Side",
            "entry": "Entry",
            "exit": "Exit",
            "quantity": "Quantity",
            "leverage": "Leverage",
            "entry_fee": "Fee a side",
            "exit_fee": "Fee a side",
            "funding": "Funding paid",
        },
    ),
    "size": (
        "position-size",
        {
            "account": "Account",
            "risk": "Risk",
            "entry": "Entry",
            "stop": "Stop",
            "fee": "Fee a side",
        },
    ),
    "funding": (
        "funding",
        {
            "side": "Side",
            "notional": "Position",
            "rate": "Rate",
            "interval": "Interval",
            "hours": "Held",
        },
    ),
    "reward": ("risk-reward", {"entry": "Entry", "stop": "Stop", "fee": "Fee a side"}),
}
"""Which calculator works which kind, and which of its fields takes which line."""
LIQUIDATION: Final = "/tools/liquidation-price"


@dataclass(frozen=True, slots=True)
class Worked:
    """A worked example and where to work it again."""

    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """What the form of the liquidation calculator inside an article starts with."""

    address: str
    symbol: str
    side: str
    entry: str
    quantity: str
    leverage: str


def worked(examples: Iterable[WorkedExample]) -> tuple[Worked, ...]:
    """Return the examples that a calculator of ours can work again."""
    found = []
    for example in examples:
        slug, fields = _OF_KIND.get(example.kind, ("", {}))
        if slug and is_there(f"/tools/{slug}"):
            found.append(
                Worked(example.title, f"/tools/{slug}?{urlencode(_asked(example, fields))}")
            )
    return tuple(found)


def embedded(examples: Iterable[WorkedExample]) -> Embedded | None:
    """Return the form for the first liquidation of an article; None without one."""
    first = next((one for one in examples if one.kind == "liquidation"), None)
    if first is None or not is_there(LIQUIDATION):
        return None
    held = _asked(first, _OF_KIND["liquidation"][1])
    return Embedded(
        LIQUIDATION, _SYMBOL, held["side"], held["entry"], held["quantity"], held["leverage"]
    )


def is_there(address: str) -> bool:
    """Say whether a page answers at an address of ours."""
    try:
        resolve(address)
    except Resolver404:
        return False
    return True


def _asked(example: WorkedExample, fields: dict[str, str]) -> dict[str, str]:
    values = dict(example.values)
    asked = {"symbol": _SYMBOL} if example.kind in ("liquidation", "result", "size") else {}
    asked |= {name: values[line] for name, line in fields.items() if line in values}
    for number in (1, 2, 3):
        price, _, share = values.get(f"Target {number}", "").partition(" for ")
        if price:
            asked |= {f"target{number}": price, f"share{number}": share}
    return asked
