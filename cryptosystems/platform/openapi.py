"""What the API says of itself: who may call, what an error looks like, which words it uses."""

from typing import Any, Final

from django.conf import settings
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from cryptosystems.platform.scopes import Access

JsonSchema = dict[str, Any]

TEXT: Final[JsonSchema] = {"type": "string"}
NUMBER: Final[JsonSchema] = {"type": "number"}
COUNT: Final[JsonSchema] = {"type": "integer"}
FLAG: Final[JsonSchema] = {"type": "boolean"}
TIME: Final[JsonSchema] = {"type": "string", "format": "date-time"}
UUID: Final[JsonSchema] = {"type": "string", "format": "uuid"}


def words(*allowed: str) -> JsonSchema:
    """Return the schema of one of a few words."""
    return {"type": "string", "enum": list(allowed)}


def array(of: JsonSchema) -> JsonSchema:
    """Return the schema of a list."""
    return {"type": "array", "items": of}


def nullable(of: JsonSchema) -> JsonSchema:
    """Return the schema of something that may be unknown."""
    return {"anyOf": [of, {"type": "null"}]}


def record(*optional: str, **fields: JsonSchema) -> JsonSchema:
    """Return the schema of an object whose fields are always there, save the optional ones."""
    return {
        "type": "object",
        "properties": fields,
        "required": [name for name in fields if name not in optional],
    }


def ref(name: str) -> JsonSchema:
    """Return a pointer to a named component."""
    return {"$ref": f"#/components/schemas/{name}"}


def count_parameter(name: str, most: int, meaning: str) -> OpenApiParameter:
    """Return a query parameter that `platform.query.count` reads."""
    schema = {"type": "integer", "minimum": 1, "maximum": most}
    return OpenApiParameter(name, schema, description=meaning)


_PROBLEM: Final = {
    **record(
        "errors",
        type=TEXT,
        title=TEXT,
        status=COUNT,
        detail=TEXT,
        code=TEXT,
        request_id=TEXT,
        errors=array(record(field=TEXT, detail=TEXT)),
    ),
    "description": "Problem details (RFC 9457). `code` is stable; `detail` is for a person.",
}
_ERRORS: Final = {
    400: "The request is not usable; `detail` says what fits.",
    401: "No valid token or session.",
    403: "Not with this token, plan or session.",
    404: "Nothing under this name, or not yours.",
    406: "Only JSON is spoken here.",
    413: "The body is longer than 64 KiB.",
    415: "Send `application/json` in UTF-8.",
    429: "Too many requests; wait `Retry-After` seconds.",
    500: "Our fault; `request_id` finds it.",
    503: "The engine or the database has no answer now.",
}
TRADING_PATHS: Final = (
    "/api/v1/bot",
    "/api/v1/positions",
    "/api/v1/executions",
    "/api/v1/trades",
    "/api/v1/api-keys",
)
_SECURITY: Final = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "A personal token, as `Authorization: Bearer cs_…`. It reads; with the scope `trade` it "
            "also acts within the limits of the bot."
        ),
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": settings.SESSION_COOKIE_NAME,
        "description": "The browser's session; what changes something also needs `X-CSRFToken`.",
    },
}


class Schema(AutoSchema):
    """Describes a view from its own declaration."""

    @property
    def access(self) -> Access:
        """What the view has declared."""
        view: Any = self.view
        declared: Access = view.access
        return declared

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Return who may call: visitors, tokens, sessions."""
        if self.method != "GET":
            return [{"token": []}, {"session": []}] if self.access.acts else [{"session": []}]
        return [*([{}] if self.access.is_public else []), {"token": []}, {"session": []}]

    def get_operation_id(self) -> str:
        """Name the operation as its view is named."""
        name = type(self.view).__name__
        return name if self.method == "GET" else f"{name}_{self.method.lower()}"

    def get_tags(self) -> list[str]:
        """Group addresses by the scope they need."""
        if self.path.startswith(TRADING_PATHS):
            return ["Trading"]
        return ["Account" if self.access.scope == "account:read" else "Markets and signals"]

    def get_operation(self, *arguments: Any) -> dict[str, Any] | None:
        """Add the scope and the errors that every operation can answer."""
        operation: dict[str, Any] | None = super().get_operation(*arguments)
        if operation is None:
            return None
        needed = self.access.scope if self.method == "GET" else self.access.acts
        if needed:
            needs = f"A token needs the scope `{needed}`."
            operation["description"] = f"{operation.get('description', '')}\n\n{needs}".strip()
        # A moment may be named in the question too, and nothing be kept of it.
        asks_of = any(told["name"] == "at" for told in operation.get("parameters", ()))
        absent = set() if "{" in self.path or asks_of else {404}
        absent |= set() if "requestBody" in operation else {413, 415}
        for code, said in _ERRORS.items():
            if code not in absent:
                operation["responses"].setdefault(
                    str(code),
                    {
                        "description": said,
                        "content": {"application/problem+json": {"schema": ref("Problem")}},
                    },
                )
        return operation


def add_to(result: dict[str, Any], **schemas: JsonSchema) -> dict[str, Any]:
    """Add named components to a description."""
    held = result.setdefault("components", {}).setdefault("schemas", {})
    held.update(schemas)
    result["components"]["schemas"] = dict(sorted(held.items()))
    return result


def add_components(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the error's shape and the ways to sign in."""
    add_to(result, Problem=_PROBLEM)
    result["components"]["securitySchemes"] = _SECURITY
    return result
