"""JSON logs in UTC, without secrets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

HIDDEN: Final = "[hidden]"
_SECRET_NAME: Final = re.compile(
    r"secret|password|passphrase|token|api_?key|signature|authorization|cookie|private", re.I
)
_SECRET_IN_TEXT: Final = re.compile(
    r"(?i)\b(signature|api_?key|secret|token|password|listenkey)=([^&\s\"']+)"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
)


def _clean_text(text: str) -> str:
    return _SECRET_IN_TEXT.sub(lambda m: f"{m[1]}={HIDDEN}" if m[1] else HIDDEN, text)


def _clean(name: str, value: Any) -> Any:
    if _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, dict):
        return {key: _clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", inner) for inner in value]
    return value


def hide_secrets(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace secret values by name and by shape, at every depth."""
    return {key: _clean(key, value) for key, value in event.items()}


def configure(options: dict[str, Any]) -> None:
    """Set up structlog and the standard library's loggers alike (Django's LOGGING_CONFIG)."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(options["level"])
    # A probe that answers "not ready yet" is an answer, not an error of ours.
    logging.getLogger("django.request").addFilter(
        lambda record: "/readyz" not in record.getMessage()
    )
    for noisy in ("httpx", "httpcore", "numba", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def request_id() -> str:
    """Return the id of the request at work; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
