"""Celery entry points of jobs: a message only wakes a worker, the row decides."""

import structlog
from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from giz.core.errors import Refused
from giz.core.jobs import JobLeaseLost, run_job, sweep_dead_jobs
from giz.core.models import Job

log = structlog.get_logger("giz.jobs")


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
    transaction.on_commit(lambda: _wake(str(job.pk)))


def _wake(job_id: str) -> None:
    try:
        wake_job.delay(job_id)
    except (OperationalError, OSError) as error:
        log.warning("broker_unavailable", error=type(error).__name__, effect="the job begins with the next sweep")


@shared_task(name="giz.core.tasks.sweep_jobs")
def sweep_jobs() -> None:
    for job_id in sweep_dead_jobs():
        wake_job.delay(job_id)
