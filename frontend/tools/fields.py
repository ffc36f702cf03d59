"""A number as people type it, exact, and a plain sentence beside it where it is none."""

import re
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from frontend.tools.words import number

LONGEST: Final = 40
_SPACES: Final = re.compile(r"[\s\u2009\u202f']")
_GROUPED: Final = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
_NUMBER: Final = re.compile(r"-?([0-9]{1,15}(\.[0-9]{0,12})?|\.[0-9]{1,12})")
_SYMBOL: Final = re.compile(r"[A-Z0-9]{2,32}")
BILLION: Final = Decimal(10) ** 9


def read_number(text: str) -> Decimal | None:
    """Return the number that is typed (5,000 · 5 000 · 0.5 · 0,5); None where it is none.

    At most 15 digits before the point and 12 behind it: nothing we sum is larger or finer.
    """
    bare = _SPACES.sub("", text).replace("\u2212", "-")
    bare = bare.replace(",", "") if _GROUPED.fullmatch(bare) else bare.replace(",", ".")
    return Decimal(bare) if _NUMBER.fullmatch(bare) else None


class NumberField(forms.Field):
    """One number with its unit, within bounds that a sentence names."""

    def __init__(
        self,
        label: Any,
        unit: Any = "",
        *,
        least: Decimal | int | str = 0,
        most: Decimal | int | str = BILLION,
        may_be_least: bool = False,
        is_whole: bool = False,
        required: bool = True,
        hint: Any = "",
    ) -> None:
        mode = "numeric" if is_whole else "decimal"
        attrs = {"class": "input num", "inputmode": mode, "autocomplete": "off"}
        super().__init__(
            label=label, required=required, help_text=hint, widget=forms.TextInput(attrs=attrs)
        )
        self.error_messages["required"] = gettext_lazy("Type a number.")
        self.unit = unit
        self.least, self.most = Decimal(least), Decimal(most)
        self.may_be_least, self.is_whole = may_be_least, is_whole

    def to_python(self, value: Any) -> Decimal | None:
        """Return the number; an optional one that is empty is None."""
        text = str(value or "").strip()
        if not text:
            return None
        found = read_number(text) if len(text) <= LONGEST else None
        if found is None:
            raise ValidationError(
                _("Type a number such as 60,640.5: digits, one point, no letters.")
            )
        return found

    def validate(self, value: Any) -> None:
        """Refuse what is outside of the bounds."""
        super().validate(value)
        if value is None:
            return
        if value < self.least or (value == self.least and not self.may_be_least):
            least = number(self.least)
            raise ValidationError(
                _("At least %(least)s.") % {"least": least}
                if self.may_be_least
                else _("Above %(least)s.") % {"least": least}
            )
        if value > self.most:
            raise ValidationError(_("At most %(most)s.") % {"most": number(self.most)})
        if self.is_whole and value != value.to_integral_value():
            raise ValidationError(_("A whole number."))


class SymbolField(forms.CharField):
    """The name of a market, in capitals."""

    unit = ""

    def __init__(self) -> None:
        attrs = {
            "class": "input",
            "autocomplete": "off",
            "autocapitalize": "characters",
            "spellcheck": "false",
            "list": "tool-markets",
        }
        super().__init__(
            label=gettext_lazy("Market"), max_length=32, widget=forms.TextInput(attrs=attrs)
        )

    def clean(self, value: Any) -> str:
        """Return the name; a strange one is refused before anything looks it up."""
        name = str(super().clean(value)).strip().upper()
        if not _SYMBOL.fullmatch(name):
            raise ValidationError(_("Name a market as BTCUSDT."))
        return name
