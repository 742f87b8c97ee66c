"""The audit trail: security refusals and what staff changed; numbers, never e-mails or addresses."""

from typing import Any

import structlog

from giz.core.models import AuditEvent

log = structlog.get_logger("giz.audit")


def record(action: str, *, actor: Any = None, subject: str = "", **detail: Any) -> AuditEvent:
    """Append an event in the caller's transaction."""
    return AuditEvent.objects.create(
        action=action, actor_number=getattr(actor, "volunteer_number", None), subject=subject[:120], detail=detail
    )


def note_refusal(code: str, path: str) -> None:
    """Say a refusal of an unauthenticated request in the log: rows would let a stranger fill the database."""
    log.warning("refused", code=code, path=path[:200])
