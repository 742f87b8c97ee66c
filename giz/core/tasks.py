"""Celery entry points of jobs: a message only wakes a worker, the row decides."""

from typing import Any

import structlog
from celery import shared_task
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from giz.core.errors import Refused
from giz.core.jobs import JobLeaseLost, run_job, sweep_dead_jobs
from giz.core.models import Job

log = structlog.get_logger("giz.jobs")

SWEEP_SECONDS = 30  # as in CELERY_BEAT_SCHEDULE


@shared_task(name="giz.core.tasks.wake_job")
def wake_job(job_id: str) -> None:
    job = Job.objects.filter(id=job_id).first()
    if job is None:
        return
    try:
        run_job(job)
    except (Refused, JobLeaseLost) as error:
        log.info("job_not_run", job=job_id, reason=str(error))


def wake_on_commit(job: Job) -> None:
    """Have a worker begin this job once its row is committed. Without a broker the sweeper finds it later."""
    transaction.on_commit(lambda: _wake(job))


def _wake(job: Job) -> None:
    try:
        _send(str(job.pk), job.kind)
    except (OperationalError, OSError) as error:
        log.warning("broker_unavailable", error=type(error).__name__, effect="the job begins with the next sweep")


@shared_task(name="giz.core.tasks.sweep_jobs")
def sweep_jobs() -> None:
    kinds = dict(Job.objects.filter(id__in=sweep_dead_jobs()).order_by("created_at").values_list("id", "kind"))
    for job_id, kind in kinds.items():
        # What nobody hears within the time of two sweeps is said again: no heap of messages behind a long job.
        _send(str(job_id), kind, expires=2 * SWEEP_SECONDS)


def _send(job_id: str, kind: str, **options: Any) -> None:
    """To the queue of this kind of job: work of hours has workers of its own, so that nobody waits behind it."""
    wake_job.apply_async((job_id,), queue=settings.JOB_QUEUES.get(kind, settings.CELERY_TASK_DEFAULT_QUEUE), **options)
