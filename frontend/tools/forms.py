"""What each calculator asks for, and what is wrong with it, beside the field it is wrong in."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from frontend.tools.fields import NumberField, SymbolField
from frontend.tools.words import fixed

TRILLION: Final = Decimal(10) ** 12
_RATE_HINT: Final = gettext_lazy("Binance's ordinary taker fee is 0.05%, its maker fee 0.02%.")


def _side() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=gettext_lazy("Side"),
        choices=[("long", gettext_lazy("Long")), ("short", gettext_lazy("Short"))],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose long or short.")},
    )


def _price(label: Any, **more: Any) -> NumberField:
    return NumberField(label, "USDT", **more)


def _leverage() -> NumberField:
    return NumberField(
        gettext_lazy("Leverage"), "×", least=1, most=150, may_be_least=True, is_whole=True
    )


def _fee(label: Any, hint: Any = "") -> NumberField:
    return NumberField(label, "%", least=0, most=5, may_be_least=True, hint=hint)


def _signed(label: Any, unit: str, hint: Any = "") -> NumberField:
    return NumberField(
        label,
        unit,
        least=-TRILLION,
        most=TRILLION,
        may_be_least=True,
        required=False,
        hint=hint,
    )


class ToolForm(forms.Form):
    """Asked by GET, so that every result has an address."""

    use_required_attribute = False
    """What is missing is said in a sentence beside the field, not by the browser."""

    def __init__(self, data: Mapping[str, str]) -> None:
        super().__init__(data, auto_id="t-%s")

    def amount(self, name: str) -> Decimal:
        """Return a number of a valid form; 0 where an optional one is empty."""
        return self.cleaned_data.get(name) or Decimal(0)

    def fraction(self, name: str) -> Decimal:
        """Return a percentage as a fraction."""
        return self.amount(name) / 100

    def clean(self) -> dict[str, Any]:
        """Leave what goes across fields to each form."""
        found = super().clean() or self.cleaned_data
        stop, entry = found.get("stop"), found.get("entry")
        if stop is not None and stop == entry:
            self.add_error("stop", _("The stop has to differ from the entry."))
        return found

    def check_target(self, name: str) -> None:
        """Refuse a target on the stop's side of the entry."""
        given = self.cleaned_data
        entry, stop, target = given.get("entry"), given.get("stop"), given.get(name)
        if entry is None or stop is None or target is None or stop == entry:
            return
        if stop < entry and target <= entry:
            self.add_error(
                name, _("With the stop below, this is a long: its target lies above the entry.")
            )
        elif stop > entry and target >= entry:
            self.add_error(
                name, _("With the stop above, this is a short: its target lies below the entry.")
            )


class LiquidationForm(ToolForm):
    """Where a position would be liquidated."""

    symbol = SymbolField()
    side = _side()
    entry = _price(gettext_lazy("Entry"))
    quantity = NumberField(gettext_lazy("Quantity"), "", most=TRILLION)
    margin = forms.ChoiceField(
        label=gettext_lazy("Margin"),
        choices=[("isolated", gettext_lazy("Isolated")), ("crossed", gettext_lazy("Crossed"))],
        widget=forms.RadioSelect,
    )
    leverage = _leverage()
    added = _price(gettext_lazy("Margin added"), most=TRILLION, may_be_least=True, required=False)
    fee = _fee(
        gettext_lazy("Opening fee"),
        gettext_lazy("Taken out of the margin on opening. Put 0 for the bare formula."),
    )
    wallet = _price(gettext_lazy("Wallet balance"), most=TRILLION, required=False)
    others_maintenance = _price(
        gettext_lazy("Maintenance margin of other positions"),
        most=TRILLION,
        may_be_least=True,
        required=False,
    )
    others_unrealised = _signed(gettext_lazy("Unrealised result of other positions"), "USDT")

    def clean(self) -> dict[str, Any]:
        """A crossed position needs the wallet it stands on."""
        found = super().clean()
        is_crossed = found.get("margin") == "crossed"
        if is_crossed and "wallet" not in self.errors and not found.get("wallet"):
            self.add_error("wallet", _("Type the wallet balance: crossed margin stands on it."))
        return found


class SizeForm(ToolForm):
    """How large a position may be."""

    symbol = SymbolField()
    account = _price(gettext_lazy("Account"))
    risk = NumberField(gettext_lazy("Risk on this trade"), "%", most=100)
    entry = _price(gettext_lazy("Entry"))
    stop = _price(gettext_lazy("Stop"))
    target = _price(gettext_lazy("Target"), required=False)
    leverage = _leverage()
    fee = _fee(gettext_lazy("Fee a side"), _RATE_HINT)

    def clean(self) -> dict[str, Any]:
        """Refuse a target on the wrong side."""
        found = super().clean()
        self.check_target("target")
        return found


class ResultForm(ToolForm):
    """What a trade brings."""

    symbol = SymbolField()
    side = _side()
    entry = _price(gettext_lazy("Entry"))
    exit = _price(gettext_lazy("Exit"))
    quantity = NumberField(gettext_lazy("Quantity"), "", most=TRILLION)
    leverage = _leverage()
    entry_fee = _fee(gettext_lazy("Entry fee"), _RATE_HINT)
    exit_fee = _fee(gettext_lazy("Exit fee"))
    funding = _signed(
        gettext_lazy("Funding paid"), "USDT", gettext_lazy("Below 0: funding was received.")
    )


class FundingForm(ToolForm):
    """What holding costs."""

    symbol = SymbolField()
    side = _side()
    notional = _price(
        gettext_lazy("Position value"),
        most=TRILLION,
        hint=gettext_lazy("Quantity times the mark price."),
    )
    rate = NumberField(gettext_lazy("Funding rate"), "%", least=-5, most=5, may_be_least=True)
    interval = forms.TypedChoiceField(
        label=gettext_lazy("Paid every"),
        coerce=int,
        choices=[
            ("1", gettext_lazy("1 hour")),
            ("2", gettext_lazy("2 hours")),
            ("4", gettext_lazy("4 hours")),
            ("8", gettext_lazy("8 hours")),
        ],
        widget=forms.Select(attrs={"class": "input"}),
    )
    until_next = NumberField(
        gettext_lazy("Next payment in"),
        gettext_lazy("hours"),
        most=24,
        may_be_least=True,
        required=False,
        hint=gettext_lazy("Empty: after one whole period."),
    )
    hours = NumberField(gettext_lazy("Held for"), gettext_lazy("hours"), most=8_784)


class RewardForm(ToolForm):
    """What a plan pays for its risk."""

    entry = _price(gettext_lazy("Entry"))
    stop = _price(gettext_lazy("Stop"))
    target1 = _price(gettext_lazy("Target 1"))
    share1 = NumberField(gettext_lazy("Share 1"), "%", most=100)
    target2 = _price(gettext_lazy("Target 2"), required=False)
    share2 = NumberField(gettext_lazy("Share 2"), "%", most=100, required=False)
    target3 = _price(gettext_lazy("Target 3"), required=False)
    share3 = NumberField(gettext_lazy("Share 3"), "%", most=100, required=False)
    fee = _fee(gettext_lazy("Fee a side"), _RATE_HINT)
    win_rate = NumberField(
        gettext_lazy("How often you reach it"),
        "%",
        most=100,
        may_be_least=True,
        required=False,
        hint=gettext_lazy("Your own figure, if you have measured one."),
    )

    def clean(self) -> dict[str, Any]:
        """Targets lie on one side and their shares make the whole position."""
        found = super().clean()
        for n in (1, 2, 3):
            self.check_target(f"target{n}")
            has_price, has_share = (
                found.get(f"{name}{n}") is not None for name in ("target", "share")
            )
            if has_price and not has_share and f"share{n}" not in self.errors:
                self.add_error(f"share{n}", _("How much of the position is closed there?"))
            if has_share and not has_price and f"target{n}" not in self.errors:
                self.add_error(f"target{n}", _("At which price?"))
        if not self.errors:
            total = sum((share for _price, share in self.targets()), Decimal(0)) * 100
            if total != 100:
                self.add_error(
                    "share1",
                    _("The shares add up to %(total)s%%, not to 100%%.")
                    % {"total": fixed(total, 2)},
                )
        return found

    def targets(self) -> list[tuple[Decimal, Decimal]]:
        """Return (price, share as a fraction) of the targets that are given."""
        given = self.cleaned_data
        return [
            (given[f"target{n}"], given[f"share{n}"] / 100)
            for n in (1, 2, 3)
            if given.get(f"target{n}") is not None and given.get(f"share{n}") is not None
        ]


class SubscriptionForm(ToolForm):
    """What the fee asks of an account."""

    account = _price(gettext_lazy("Account"))
    risk = NumberField(gettext_lazy("Risk per trade"), "%", most=100)
    trades = NumberField(
        gettext_lazy("Trades you take a month"),
        gettext_lazy("trades"),
        most=10_000,
        is_whole=True,
    )
    expectancy = NumberField(
        gettext_lazy("Your mean result a trade"),
        "R",
        least=-20,
        most=20,
        may_be_least=True,
        hint=gettext_lazy("Measured on your own trades, after costs. 0 if you have none."),
    )
