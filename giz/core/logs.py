"""JSON logs, one object a line, without personal data."""

import logging
import re
from typing import Any

import structlog

_MASK = "[private]"
_PRIVATE = {"email", "password", "ip", "remote_addr", "cookie", "authorization", "token", "sessionid", "csrftoken"}

# An e-mail address, also inside a database's error message; the key of a link that was e-mailed; an access token; the
# code that shows a certificate.
_ADDRESS = re.compile(r"[^\s@\"'(<=,:]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*")
_MAILED_KEY = re.compile(r"(/accounts/(?:password/reset/key|confirm-email|email/change)/)[^\s\"']+")
_CERTIFICATE = re.compile(r"(/certificate/\d+/)[^\s\"'/]+")
_TOKEN = re.compile(r"giz_[A-Za-z0-9_-]{20,}")
_SECRETS = (
    (_ADDRESS, _MASK),
    (_TOKEN, _MASK),
    (_MAILED_KEY, rf"\1{_MASK}"),
    (_CERTIFICATE, rf"\1{_MASK}"),
)


def without_private(value: Any) -> Any:
    """Return the value with addresses, e-mailed keys, codes and tokens masked, in nested lists and dicts too."""
    if isinstance(value, str):
        for secret, mask in _SECRETS:
            value = secret.sub(mask, value)
        return value
    if isinstance(value, dict):
        return {name: _MASK if str(name).lower() in _PRIVATE else without_private(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_private(one) for one in value]
    return value


def drop_private(_logger: Any, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Mask personal data and secrets: fields with such names, and addresses inside any text."""
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = _MASK if key.lower() in _PRIVATE else without_private(value)
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
    """Return the formatter of Django's LOGGING: structlog and standard records become one JSON line each."""
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
