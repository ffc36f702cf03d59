"""Refusals in Stripe's shape."""

from typing import Any


class StripeFault(Exception):
    """A request that Stripe would answer with an error."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self._error = {"type": kind, "message": message, "code": code, "param": param, **more}

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        return {"error": {name: value for name, value in self._error.items() if value is not None}}


def missing(kind: str, name: str) -> StripeFault:
    """Return the refusal for an id that stands for nothing."""
    return StripeFault(f"No such {kind}: '{name}'", status=404, code="resource_missing", param="id")


def needs(param: str) -> StripeFault:
    """Return the refusal for a parameter that has to be there."""
    return StripeFault(f"Missing required param: {param}.", code="parameter_missing", param=param)
