"""What somebody chose: time zone, numbers, colours, language."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts import api
from frontend.context import SettingsPage
from frontend.people import user_id_of
from frontend.shell import make_shell

_SELECT = {"class": "input input-l"}


class SettingsForm(forms.Form):
    """The settings of an account."""

    time_zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("Type a city. For times on your pages; charts stay in UTC."),
        max_length=64,
        widget=forms.TextInput(attrs={"class": "input input-l", "list": "zones"}),
    )
    number_format = forms.ChoiceField(
        label=gettext_lazy("Numbers"), widget=forms.Select(attrs=_SELECT)
    )
    theme = forms.ChoiceField(label=gettext_lazy("Colours"), widget=forms.Select(attrs=_SELECT))
    language = forms.ChoiceField(label=gettext_lazy("Language"), widget=forms.Select(attrs=_SELECT))
    is_colour_blind_safe = forms.BooleanField(
        label=gettext_lazy("Blue and orange instead of green and red"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in api.setting_choices().items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = choices
                field.error_messages["invalid_choice"] = _("Choose one of the list.")

    def clean_time_zone(self) -> str:
        """Refuse a name that is not on the list."""
        name = str(self.cleaned_data["time_zone"])
        if name not in dict(api.setting_choices()["time_zone"]):
            raise forms.ValidationError(_("Choose one of the list, such as Europe/Berlin."))
        return name


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    """Show the settings, or store them."""
    user_id = user_id_of(request)
    if request.method == "POST":
        form = SettingsForm(request.POST)
        if form.is_valid():
            api.save_settings(user_id, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("frontend:settings")
    else:
        view = api.user_by_id(user_id)
        form = SettingsForm(
            initial={name: getattr(view, name) for name in SettingsForm.base_fields}
        )
    zones = tuple(name for name, _title in api.setting_choices()["time_zone"])
    page = SettingsPage(make_shell("settings", request), form, zones)
    status = 400 if form.errors else 200
    return render(
        request,
        "frontend/account/settings.html",
        {"page": page, "shell": page.shell},
        status=status,
    )
