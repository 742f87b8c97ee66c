"""Staff pages of jobs, their logs and the audit trail: read-only, but a job can be cancelled."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from giz.core import audit
from giz.core.errors import Refused
from giz.core.jobs import UNFINISHED, job_cancel
from giz.core.models import AuditEvent, Job, JobLogLine
from giz.core.staff_admin import HistoryAdmin, PostButton, column, progress_bar, row_link, text_block

LOG_LINES_SHOWN = 200


def cancel(request: HttpRequest, job: Job) -> str:
    if not job_cancel(job.id):
        raise Refused("job_finished", "This job has already ended, so it can't be cancelled.", status=409)
    audit.record("job_cancel", actor=request.user, subject=str(job.id), kind=job.kind)
    return "The job will be cancelled. A running job stops at its next step."


@admin.register(Job)
class JobAdmin(HistoryAdmin):
    list_display = ("kind", "state_label", "bar", "message", "owner_link", "created_at", "finished_at")
    list_filter = ("state", "kind", "created_at")
    search_fields = ("kind", "message", "error", "=id")
    list_select_related = ("owner",)
    fieldsets = (
        (None, {"fields": ("kind", "state_label", "bar", "message", "error_text", "result")}),
        ("Log", {"fields": ("log_lines",)}),
        ("Work", {"fields": ("params", "checkpoint", "owner_link", "attempt", "max_attempts", "cancel_requested")}),
        ("Times", {"fields": ("created_at", "started_at", "heartbeat_at", "lease_until", "finished_at")}),
    )
    post_buttons: ClassVar[tuple[PostButton, ...]] = (
        PostButton("cancel", "Cancel this job", cancel, lambda job: job.state in UNFINISHED, "danger"),
    )

    @column(
        "state",
        ordering="state",
        label={"queued": "info", "running": "warning", "done": "success", "failed": "danger"},
    )
    def state_label(self, job: Job) -> str:
        return job.state

    @column("progress")
    def bar(self, job: Job) -> str:
        return progress_bar(job.progress_done, job.progress_total)

    @column("requested by")
    def owner_link(self, job: Job) -> str:
        return row_link(job.owner, job.owner.public_name) if job.owner else "–"

    @column("error")
    def error_text(self, job: Job) -> str:
        if not job.error:
            return "–"
        return text_block(format_html('<span class="error">{}</span>', job.error))

    @column("log")
    def log_lines(self, job: Job) -> str:
        lines = list(job.log.order_by("-id")[: LOG_LINES_SHOWN + 1])
        if not lines:
            return "Empty so far."
        shown = format_html_join(
            "\n",
            '<span class="{}">{}  {}</span>',
            ((line.level, f"{line.at:%H:%M:%S}", line.text) for line in reversed(lines[:LOG_LINES_SHOWN])),
        )
        address = reverse("admin:core_joblogline_changelist") + f"?job__id__exact={job.id}"
        more = format_html('<a href="{}">Full log</a>', address) if len(lines) > LOG_LINES_SHOWN else ""
        return format_html("{}{}", text_block(shown), more)


@admin.register(JobLogLine)
class JobLogLineAdmin(HistoryAdmin):
    list_display = ("at", "level", "text", "job")
    list_filter = ("level", "job__kind", "at")
    search_fields = ("text",)
    list_select_related = ("job",)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "job__id__exact" or bool(super().lookup_allowed(lookup, value, request))


@admin.register(AuditEvent)
class AuditEventAdmin(HistoryAdmin):
    list_display = ("at", "action", "subject", "actor", "detail")
    list_filter = ("action", "at")
    search_fields = ("action", "subject", "=actor_number")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        events: QuerySet[AuditEvent] = super().get_queryset(request)
        return events.order_by("-id")

    @column("by", ordering="actor_number")
    def actor(self, event: AuditEvent) -> str:
        return f"v{event.actor_number}" if event.actor_number else "–"
