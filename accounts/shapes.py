"""What the account's addresses answer, as JSON Schema for the API's description."""

from typing import Any

from accounts.models import ApiToken
from cryptosystems.platform.openapi import (
    COUNT,
    TEXT,
    TIME,
    UUID,
    add_to,
    array,
    nullable,
    record,
    ref,
    words,
)


def add_components(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add tokens and the log."""
    token = record(
        id=UUID,
        name=TEXT,
        prefix=TEXT,
        scopes=array(words(*ApiToken.Scope.values)),
        created_at=TIME,
        expires_at=nullable(TIME),
        last_used_at=nullable(TIME),
        revoked_at=nullable(TIME),
    )
    line = record(
        sequence=COUNT,
        at=TIME,
        action=TEXT,
        title=TEXT,
        by=words("user", "staff", "system"),
        details={"type": "object"},
    )
    return add_to(
        result,
        Token=token,
        TokenList=record(results=array(ref("Token"))),
        AuditLine=line,
        AuditList=record(next=nullable(COUNT), results=array(ref("AuditLine"))),
    )
