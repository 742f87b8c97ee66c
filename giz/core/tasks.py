"""Celery tasks of jobs (a message only wakes a worker; the row decides), and beat's scheduler."""

import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar

import structlog
from celery import shared_task
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, close_old_connections, transaction
from django_celery_beat.schedulers import DatabaseScheduler
from kombu.exceptions import OperationalError

from giz.core.checks import exit_where_unsafe
from giz.core.errors import Refused
from giz.core.jobs import JobLeaseLost, jobs_delete_old, run_job, sweep_dead_jobs
from giz.core.models import Job

log = structlog.get_logger("giz.jobs")

SWEEP_SECONDS = 30  # as in CELERY_BEAT_SCHEDULE
SILENCE_SECONDS, SLOW_SECONDS = 10, 0.5
RETRY_S = 2.0


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
    """Have a worker start this job once its row is committed. Without a broker the sweeper finds it later."""
    transaction.on_commit(lambda: _wake(job))


def _wake(job: Job) -> None:
    publish(lambda: _send(str(job.pk), job.kind), effect="the job begins with the next sweep")


class _Broker:
    """State of this process: until when to leave the broker alone, and when each thread started to send."""

    silent_until = float("-inf")
    sending: ClassVar[dict[int, float]] = {}


def publish(send: Callable[[], object], *, effect: str) -> bool:
    """Send a message that may be lost; return whether it was sent. ``effect`` tells the log what follows if not.

    While the broker does not answer, one thread waits for it once in ten seconds; the others go on without.
    """
    begun = time.monotonic()
    is_slow = any(begun - since > SLOW_SECONDS for since in tuple(_Broker.sending.values()))
    if begun < _Broker.silent_until or is_slow:
        return False
    _Broker.sending[threading.get_ident()] = begun
    try:
        send()
    except (OperationalError, OSError) as error:
        _Broker.silent_until = time.monotonic() + SILENCE_SECONDS
        log.warning("broker_unavailable", error=type(error).__name__, effect=effect)
        return False
    finally:
        del _Broker.sending[threading.get_ident()]
    return True


@shared_task(name="giz.core.tasks.sweep_jobs")
def sweep_jobs() -> None:
    kinds = dict(Job.objects.filter(id__in=sweep_dead_jobs()).order_by("created_at").values_list("id", "kind"))
    for job_id, kind in kinds.items():
        # A message that nobody takes expires after two sweeps, so that none pile up behind a long job.
        _send(str(job_id), kind, expires=2 * SWEEP_SECONDS)


@shared_task(name="giz.core.tasks.tidy_up")
def tidy_up() -> None:
    """Delete jobs that ended long ago, and expired sessions."""
    log.info("tidied_up", jobs=jobs_delete_old())
    call_command("clearsessions")


def _send(job_id: str, kind: str, **options: Any) -> None:
    """Send to the queue of this kind of job; kinds that take hours have their own workers."""
    wake_job.apply_async((job_id,), queue=settings.JOB_QUEUES.get(kind, settings.CELERY_TASK_DEFAULT_QUEUE), **options)


class SteadyScheduler(DatabaseScheduler):  # type: ignore[misc]
    """django-celery-beat's scheduler, which would end with the first statement that fails; this one tries again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        exit_where_unsafe()
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        while not self._try(super().setup_schedule)[0]:
            time.sleep(RETRY_S)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        done, interval = self._try(super().tick, *args, **kwargs)
        return float(interval or 0) if done else RETRY_S

    def sync(self) -> None:
        self._try(super().sync)

    def _try(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[bool, Any]:
        try:
            return True, call(*args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            log.warning("beat_waits_for_database", error=type(error).__name__, seconds=RETRY_S)
            close_old_connections()
            # The schedule may have been read in part, or not at all.
            self._initial_read = True
            return False, None
