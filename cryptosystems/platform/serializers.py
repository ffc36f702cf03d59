"""Input of the API: each field is named, typed and meant; what is unknown is refused, not dropped."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.platform.text import check_plain_text


class StrictText(serializers.CharField):
    """Plain text: a number is not turned into one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            return check_plain_text(data, most=self.max_length or 2_000)
        except InvalidInput as error:
            raise serializers.ValidationError(str(error)) from None


class StrictChoice(serializers.ChoiceField):
    """One of a few words, as they are written."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            allowed = ", ".join(str(choice) for choice in self.choices)
            raise serializers.ValidationError(f"One of {allowed}.")
        return data


class StrictFlag(serializers.BooleanField):
    """true or false, and neither 1 nor "yes"."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("true or false.")
        return data


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses names it does not know, names that are only read, and an empty change."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError({"body": ["Send one JSON object."]})
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> Any:
        known = {name for name, field in self.fields.items() if not field.read_only}
        strange = {str(name)[:40]: [self.refused(str(name))] for name in data if name not in known}
        if strange:
            raise serializers.ValidationError(strange)
        if not data:
            said = ", ".join(sorted(known))
            raise serializers.ValidationError({"body": [f"Send at least one of {said}."]})
        return super().to_internal_value(data)

    def refused(self, name: str) -> str:
        """Say why a name is not taken."""
        if name in self.fields:
            return "This is only read."
        return f"Unknown; one of {', '.join(sorted(self.fields))}."
