"""JSON logs, one object a line, without personal data."""

import logging
from typing import Any

import structlog

_PRIVATE = {"email", "password", "ip", "remote_addr", "cookie", "authorization", "token", "sessionid", "csrftoken"}


def drop_private(_logger: Any, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Replace the values of fields that name personal data or secrets."""
    for key in event:
        if key.lower() in _PRIVATE:
            event[key] = "[private]"
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
    drop_private,
]


def json_formatter() -> logging.Formatter:
    """The formatter of Django's LOGGING: structlog and standard records alike become one JSON line."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
