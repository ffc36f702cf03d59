"""What staff type into the console's own forms."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
)

from cryptosystems.console.roles import ROLES
from cryptosystems.platform.switches import LEAST_REASON
from cryptosystems.platform.text import plain_text


class ReasonForm(forms.Form):
    """Every act has a reason: it stays in the audit log."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=LEAST_REASON,
        max_length=300,
        validators=[plain_text],
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )


class HoursForm(ReasonForm):
    """How much longer a trial runs."""

    hours = forms.IntegerField(
        label=_("Hours"),
        min_value=1,
        max_value=24 * 366,
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    field_order = ("hours", "reason")


class UntilForm(ReasonForm):
    """Until the end of which day (UTC) something is given."""

    until = forms.DateField(
        label=_("Until the end of (UTC)"),
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
    )
    field_order = ("until", "reason")

    def clean_until(self) -> datetime:
        """Return the last moment of that day."""
        day = self.cleaned_data["until"]
        until = datetime.combine(day + timedelta(days=1), time(0), tzinfo=UTC)
        if until <= timezone.now():
            raise forms.ValidationError(_("Choose a day that lies ahead."))
        return until


class TokenForm(ReasonForm):
    """Which token is revoked."""

    token = forms.UUIDField(widget=forms.HiddenInput())


class RolesForm(ReasonForm):
    """What a member of staff may do; nothing chosen: no member of staff."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=[(role, role.capitalize()) for role in ROLES],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    field_order = ("roles", "reason")


def first_fault(form: forms.Form) -> str:
    """Return the first thing that is wrong, with the field's name."""
    name, faults = next(iter(form.errors.items()))
    field: Any = form.fields.get(name)
    return f"{field.label or name}: {faults[0]}" if field else str(faults[0])
