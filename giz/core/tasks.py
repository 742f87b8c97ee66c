"""Celery entry points of jobs: a message only wakes a worker, the row decides."""

import structlog
from celery import shared_task

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


@shared_task(name="giz.core.tasks.sweep_jobs")
def sweep_jobs() -> None:
    for job_id in sweep_dead_jobs():
        wake_job.delay(job_id)
