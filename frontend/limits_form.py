"""The form of a bot's limits: shapes only. What is allowed, the trading room says."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_SYMBOL: Final = re.compile(r"[A-Z0-9]{2,32}")
MOST_SYMBOLS: Final = 100
LEVERAGES: Final = (1, 2, 3, 5, 10, 20)
_NUMBER = {"class": "input num", "inputmode": "decimal", "autocomplete": "off"}
_WHOLE = {"class": "input num", "inputmode": "numeric", "autocomplete": "off"}
_SELECT = {"class": "input"}


def _decimal(label: Any, digits: int, places: int) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        min_value=0,
        max_digits=digits,
        decimal_places=places,
        widget=forms.TextInput(attrs=_NUMBER),
    )


def _whole(label: Any, most: int) -> forms.IntegerField:
    widget = forms.TextInput(attrs=_WHOLE)
    return forms.IntegerField(label=label, min_value=0, max_value=most, widget=widget)


class SymbolsField(forms.CharField):
    """Names of markets with commas or spaces between them."""

    def __init__(self, label: Any) -> None:
        attrs = {"class": "input", "autocomplete": "off", "spellcheck": "false"}
        widget = forms.TextInput(attrs=attrs)
        super().__init__(label=label, required=False, max_length=2_000, widget=widget)

    def clean(self, value: Any) -> list[str]:
        """Return the names in capitals, each once."""
        names = dict.fromkeys(re.split(r"[\s,;]+", str(super().clean(value)).upper().strip()))
        names.pop("", None)
        if len(names) > MOST_SYMBOLS:
            raise forms.ValidationError(_("At most 100 markets."))
        strange = [name for name in names if not _SYMBOL.fullmatch(name)]
        if strange:
            raise forms.ValidationError(_("Name markets as BTCUSDT, with commas between them."))
        return list(names)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value


class LimitsForm(forms.Form):
    """Every limit of one bot."""

    risk_percent = _decimal(gettext_lazy("Risk per trade"), 5, 2)
    max_positions = _whole(gettext_lazy("Open positions at once"), 50)
    max_leverage = forms.TypedChoiceField(
        label=gettext_lazy("Leverage limit"),
        coerce=int,
        choices=[(n, f"{n}×") for n in LEVERAGES],
        widget=forms.Select(attrs=_SELECT),
    )
    max_notional = _decimal(gettext_lazy("Largest position"), 14, 2)
    max_trades_day = _whole(gettext_lazy("New trades a day"), 200)
    daily_loss_percent = _decimal(gettext_lazy("Daily-loss limit"), 5, 2)
    on_daily_loss = forms.ChoiceField(
        label=gettext_lazy("When it is reached"),
        choices=[
            ("hold", gettext_lazy("Open nothing new")),
            ("flatten", gettext_lazy("Close everything at market")),
        ],
        widget=forms.Select(attrs=_SELECT),
    )
    drawdown_percent = _decimal(gettext_lazy("Drawdown limit"), 5, 2)
    pause_after_stops = _whole(gettext_lazy("Pause after stops in a row"), 50)
    is_approved_by_hand = forms.BooleanField(
        label=gettext_lazy("Approve each trade"), required=False
    )
    offer_s = _whole(gettext_lazy("Time to answer"), 900)
    min_confidence = _decimal(gettext_lazy("Smallest confidence"), 5, 2)
    sides = forms.ChoiceField(
        label=gettext_lazy("Sides"),
        choices=[
            ("both", gettext_lazy("Long and short")),
            ("long", gettext_lazy("Long only")),
            ("short", gettext_lazy("Short only")),
        ],
        widget=forms.Select(attrs=_SELECT),
    )
    timeframes = forms.MultipleChoiceField(
        label=gettext_lazy("Timeframes"),
        required=False,
        choices=[(each, each) for each in ("15m", "1h", "4h")],
        widget=forms.CheckboxSelectMultiple,
    )
    only_symbols = SymbolsField(gettext_lazy("Only these markets"))
    not_symbols = SymbolsField(gettext_lazy("Never these markets"))
    is_trailing = forms.BooleanField(label=gettext_lazy("Trail the stop after TP2"), required=False)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        held = _whole_or_none(self.data.get("max_leverage") or self.initial.get("max_leverage"))
        field = self.fields["max_leverage"]
        if held is not None and held not in LEVERAGES and 1 <= held <= 20:
            assert isinstance(field, forms.TypedChoiceField)
            field.choices = [(n, f"{n}×") for n in sorted({*LEVERAGES, held})]

    def clean_min_confidence(self) -> float:
        """Return the share that is typed as a percentage."""
        percent = self.cleaned_data["min_confidence"]
        if percent > 100:
            raise forms.ValidationError(_("A percentage from 0 to 100."))
        return float(percent / 100)

    def changes(self) -> dict[str, Any]:
        """Return every limit as the trading room takes it; call it on a valid form."""
        return dict(self.cleaned_data)


def form_of(limits: Mapping[str, Any]) -> LimitsForm:
    """Return the form filled with limits as a `BotView` gives them."""
    initial = {name: limits.get(name) for name in LimitsForm.base_fields}
    share = _number(limits.get("min_confidence"))
    initial["min_confidence"] = None if share is None else f"{share * 100:.0f}"
    for name in ("is_approved_by_hand", "is_trailing"):
        initial[name] = limits.get(name) in (True, "true", "True", "1")
    return LimitsForm(initial=initial)


def _number(x: Any) -> Decimal | None:
    try:
        found = Decimal(str(x))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _whole_or_none(x: Any) -> int | None:
    found = _number(x)
    return int(found) if found is not None and abs(found) < 1_000 and found == int(found) else None
