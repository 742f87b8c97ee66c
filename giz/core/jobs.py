"""Jobs: the row in PostgreSQL decides; the worker that holds its lease does the work and extends the lease.

A job is claimed by one conditional UPDATE, so that two deliveries of one message can't run it twice. A heartbeat
thread extends the lease; when a worker dies, the lease expires and the sweeper queues the row again.
"""

import hashlib
import json
import os
import socket
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from giz.core.errors import Refused
from giz.core.machine import is_running
from giz.core.models import Job, JobLogLine

log = structlog.get_logger("giz.jobs")

LEASE = timedelta(seconds=60)
HEARTBEAT_SECONDS = 10.0
PROGRESS_SECONDS = 0.5
UNFINISHED = (Job.State.QUEUED, Job.State.RUNNING)

# Returns the job's result; with a sentence under ``error`` the job has failed, and the result is kept.
Handler = Callable[["JobContext"], dict[str, Any]]
# How long finished jobs and their logs are kept; those of visitors (no owner) only for days. The log of a training
# belongs to its network and stays.
KEPT, KEPT_OF_VISITORS = timedelta(days=90), timedelta(days=3)
VISITORS_KINDS, LASTING_KINDS = ("fetch_source",), ("train",)
OnProgress = Callable[[int, int, str], None]
_handlers: dict[str, Handler] = {}


class JobCancelled(Exception):
    """Somebody asked to stop this job; raised by ``JobContext.progress``."""


class JobLeaseLost(Exception):
    """Another worker has taken over this job, because this one did not extend its lease."""


def job_handler(kind: str) -> Callable[[Handler], Handler]:
    """Register the function that does jobs of this kind."""

    def register(handler: Handler) -> Handler:
        _handlers[kind] = handler
        return handler

    return register


def params_hash(kind: str, params: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([kind, params], sort_keys=True).encode()).hexdigest()


def job_create(*, kind: str, params: dict[str, Any], owner: Any = None, max_attempts: int = 3, lane: str = "") -> Job:
    """Create a job row, or return that of the same work where it is unfinished, so that a rerun resumes it.

    lane : jobs with the same one run one after the other, however many workers there are.
    """
    if kind not in _handlers:
        raise Refused("unknown_job", f"Unknown kind of job {kind!r}. Known: {', '.join(sorted(_handlers))}.")
    digest = params_hash(kind, params)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [digest])
        found = Job.objects.filter(kind=kind, params_hash=digest, state__in=UNFINISHED).first()
        return found or Job.objects.create(
            kind=kind, params=params, params_hash=digest, owner=owner, max_attempts=max_attempts, lane=lane
        )


def job_cancel(job_id: uuid.UUID | str) -> bool:
    """Ask a job to stop: a queued one ends at once, a running one at its next progress report."""
    queued = Job.objects.filter(id=job_id, state=Job.State.QUEUED).update(
        state=Job.State.CANCELLED, cancel_requested=True, finished_at=Now()
    )
    running = Job.objects.filter(id=job_id, state=Job.State.RUNNING).update(cancel_requested=True)
    return bool(queued or running)


def job_resume(job_id: uuid.UUID | str) -> bool:
    """Queue a cancelled or failed job again: it continues from its checkpoint, with all its attempts."""
    return bool(
        Job.objects.filter(id=job_id, state__in=(Job.State.CANCELLED, Job.State.FAILED)).update(
            state=Job.State.QUEUED, cancel_requested=False, attempt=0, error="", finished_at=None
        )
    )


def job_claim(job_id: uuid.UUID | str) -> Job | None:
    """Claim the job if it is queued or its worker has died.

    Return None where somebody else has it, it is finished, or another job runs in its lane (then the sweeper wakes it
    later). A job whose worker died in its last attempt fails here: the broker redelivers the message of a worker that
    was killed, so it would otherwise be run and killed without end.
    """
    mine = Job.objects.filter(id=job_id)
    _expire_leases_of_the_dead(mine)
    _fail_exhausted(mine)
    try:
        with transaction.atomic():  # the constraint of lanes may refuse
            return _claimed(job_id)
    except IntegrityError:
        return None


def _claimed(job_id: uuid.UUID | str) -> Job | None:
    token = uuid.uuid4()
    claimed = Job.objects.filter(
        Q(state=Job.State.QUEUED) | Q(state=Job.State.RUNNING, lease_until__lt=Now()),
        id=job_id,
        attempt__lt=F("max_attempts"),
    ).update(
        state=Job.State.RUNNING,
        lease_token=token,
        lease_holder=f"{socket.gethostname()}:{os.getpid()}"[:120],
        lease_until=Now() + LEASE,
        heartbeat_at=Now(),
        started_at=Now(),
        attempt=F("attempt") + 1,
        error="",
    )
    return Job.objects.get(id=job_id) if claimed else None


def _fail_exhausted(jobs: QuerySet[Job]) -> None:
    """Fail the jobs that no worker holds and that have no attempt left."""
    is_left = Q(state=Job.State.QUEUED) | Q(state=Job.State.RUNNING, lease_until__lt=Now())
    jobs.filter(is_left, attempt__gte=F("max_attempts")).update(
        state=Job.State.FAILED,
        finished_at=Now(),
        lease_until=None,
        lease_token=None,
        error="The worker died during each attempt at this job, perhaps because memory ran out. The job's log shows "
        "how far it got; the system log shows whether it was killed.",
    )


def _expire_leases_of_the_dead(jobs: QuerySet[Job]) -> None:
    """End at once the leases of processes of this host that no longer run."""
    running = jobs.filter(state=Job.State.RUNNING, lease_until__gte=Now())
    for job_id, token, holder in running.values_list("id", "lease_token", "lease_holder"):
        host, _, pid = holder.rpartition(":")
        if host == socket.gethostname() and not is_running(int(pid)):
            Job.objects.filter(id=job_id, lease_token=token).update(lease_until=Now() - LEASE)


class JobContext:
    """A handler's view of its job: parameters, the last checkpoint, and methods to report."""

    def __init__(self, job: Job, on_progress: OnProgress | None = None) -> None:
        self.id = job.id
        self.kind = job.kind
        self.params: dict[str, Any] = job.params
        self.checkpoint: dict[str, Any] = job.checkpoint
        self.attempt = job.attempt
        self._token = job.lease_token
        self._on_progress = on_progress
        self._last_report = 0.0
        self.total: int | None = None
        self.has_news = threading.Event()
        self._news: dict[str, Any] = {}
        self._end: JobCancelled | JobLeaseLost | None = None

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Report progress, written at most twice a second; raise JobCancelled where asked to stop."""
        if values := self._reported(done, total, message):
            self._write(**values)

    def progress_aside(self, done: int, total: int, message: str = "") -> None:
        """Report progress inside a long transaction: the heartbeat writes it, so that others see it and can cancel."""
        if values := self._reported(done, total, message):
            self._news = values
            self.has_news.set()
        if self._end is not None:
            raise self._end

    def _reported(self, done: int, total: int, message: str) -> dict[str, Any]:
        """Call the listener in this process; return the values that are due to be written."""
        if self._on_progress:
            self._on_progress(done, total, message)
        self.total = total
        now = time.monotonic()
        if now - self._last_report < PROGRESS_SECONDS and done < total:
            return {}
        self._last_report = now
        return {"progress_done": min(done, total), "progress_total": total, "message": message[:200]}

    def save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save where to resume. Call it in the transaction of the work that it describes."""
        self.checkpoint = checkpoint
        self._write(checkpoint=checkpoint)

    def log(self, text: str, *, level: str = "info") -> None:
        JobLogLine.objects.create(job_id=self.id, text=text, level=level)

    def log_many(self, texts: list[str], *, level: str = "info") -> None:
        JobLogLine.objects.bulk_create([JobLogLine(job_id=self.id, text=text, level=level) for text in texts])

    def _write(self, **values: Any) -> None:
        mine = Job.objects.filter(id=self.id, lease_token=self._token, state=Job.State.RUNNING)
        if not mine.update(heartbeat_at=Now(), lease_until=Now() + LEASE, **values):
            raise JobLeaseLost(f"job {self.id} was taken over by another worker")
        if Job.objects.filter(id=self.id, cancel_requested=True).exists():
            raise JobCancelled

    def keep_alive(self) -> None:
        """Extend the lease and write the progress reported aside (called by the heartbeat thread)."""
        news = self._news
        try:
            self._write(**news)
        except JobCancelled as end:
            self._end = end
        except JobLeaseLost as end:
            # This thread can't see a job whose transaction has not been committed.
            self._end = end if Job.objects.filter(id=self.id).exists() else None
        # Progress reported in the meantime is written next time.
        if self._news is news:
            self._news = {}


class _Heartbeat(threading.Thread):
    """Extends the lease while the handler computes, with its own connection; after a failure it tries again."""

    def __init__(self, context: JobContext) -> None:
        super().__init__(daemon=True, name=f"heartbeat-{context.id}")
        self._context = context
        self._is_stopped = False

    def run(self) -> None:
        while True:
            self._context.has_news.wait(HEARTBEAT_SECONDS)
            self._context.has_news.clear()
            if self._is_stopped:
                return
            try:
                self._context.keep_alive()
            except Exception as error:  # noqa: BLE001 - any failure here must not end the beat; the lease tells
                log.warning("heartbeat_failed", job=str(self._context.id), error=repr(error))
            finally:
                connection.close()

    def stop(self) -> None:
        self._is_stopped = True
        self._context.has_news.set()
        self.join(timeout=HEARTBEAT_SECONDS)


def run_job(job: Job, *, on_progress: OnProgress | None = None) -> Job:
    """Claim and do the job in this process; record and re-raise what the handler raises.

    An interruption (Ctrl-C, SystemExit) puts the job back into the queue and keeps its checkpoint.
    """
    claimed = job_claim(job.id)
    if claimed is None:
        raise Refused(
            "job_taken",
            f"This {job.kind} is already running, has finished, or is waiting for another job (job {job.id}).",
            status=409,
        )
    context = JobContext(claimed, on_progress)
    heartbeat = _Heartbeat(context)
    heartbeat.start()
    try:
        result = _handlers[claimed.kind](context)
    except JobCancelled:
        _finish(context, Job.State.CANCELLED, message="cancelled")
    except JobLeaseLost:
        log.warning("job_lease_lost", job=str(job.id))
        raise
    except (KeyboardInterrupt, SystemExit):
        _give_back(context)
        raise
    except Refused as error:
        _finish(context, Job.State.FAILED, error=error.detail)
        raise
    except Exception:
        _fail_or_retry(context, claimed, traceback.format_exc())
        raise
    else:
        _end(context, result)
    finally:
        heartbeat.stop()
    return Job.objects.get(id=job.id)


def _mine(context: JobContext) -> Any:
    return Job.objects.filter(id=context.id, lease_token=context._token, state=Job.State.RUNNING)


def _finish(context: JobContext, state: Job.State, **values: Any) -> None:
    _mine(context).update(state=state, finished_at=Now(), lease_until=None, lease_token=None, **values)


def _end(context: JobContext, result: dict[str, Any]) -> None:
    """Record the result of a job; one with an ``error`` has failed."""
    if error := result.pop("error", ""):
        _finish(context, Job.State.FAILED, result=result, error=error)
        return
    total = F("progress_total") if context.total is None else context.total
    _finish(context, Job.State.DONE, result=result, progress_done=total, progress_total=total)


def _give_back(context: JobContext) -> None:
    _mine(context).update(
        state=Job.State.QUEUED, lease_until=None, lease_token=None, attempt=F("attempt") - 1, message="interrupted"
    )


def _fail_or_retry(context: JobContext, job: Job, error: str) -> None:
    if job.attempt >= job.max_attempts:
        _finish(context, Job.State.FAILED, error=error)
    else:
        _mine(context).update(state=Job.State.QUEUED, lease_until=None, lease_token=None, error=error)
    log.error("job_failed", job=str(job.id), kind=job.kind, attempt=job.attempt)


def jobs_delete_old() -> int:
    """Delete jobs that ended long ago; return how many."""
    ended = Job.objects.exclude(state__in=UNFINISHED).exclude(kind__in=LASTING_KINDS)
    of_visitors = Q(kind__in=VISITORS_KINDS, owner__isnull=True, finished_at__lt=Now() - KEPT_OF_VISITORS)
    old = ended.filter(of_visitors | Q(finished_at__lt=Now() - KEPT))
    _, counts = old.delete()
    return counts.get(Job._meta.label, 0)


def sweep_dead_jobs() -> list[str]:
    """Queue jobs whose worker has died, or fail those without attempts left; return the ids to wake."""
    _expire_leases_of_the_dead(Job.objects.all())
    _fail_exhausted(Job.objects.all())
    dead = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=Now())
    dead.update(state=Job.State.QUEUED, lease_until=None, lease_token=None)
    waiting = Job.objects.filter(state=Job.State.QUEUED).order_by("created_at")
    return [str(job_id) for job_id in waiting.values_list("id", flat=True)[:100]]
