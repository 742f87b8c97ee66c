"""The audit trail: security refusals and changes by staff, with volunteer numbers, never e-mails or addresses."""

from typing import Any

import structlog

from giz.core.models import AuditEvent

log = structlog.get_logger("giz.audit")


def record(action: str, *, actor: Any = None, subject: str = "", **detail: Any) -> AuditEvent:
    """Add an event in the caller's transaction."""
    return AuditEvent.objects.create(
        action=action, actor_number=getattr(actor, "volunteer_number", None), subject=subject[:120], detail=detail
    )


def note_refusal(code: str, path: str) -> None:
    """Write the refusal of an unauthenticated request to the log; with rows a stranger could fill the database."""
    log.warning("refused", code=code, path=path[:200])
