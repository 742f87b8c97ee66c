"""A job that gets its worker killed ends: the broker delivers its message anew, but not without end."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from giz.celery import app
from giz.core import jobs
from giz.core.jobs import job_claim, job_create, job_resume, run_job
from giz.core.models import Job
from giz.core.tasks import wake_on_commit
from giz.embedded.site import SiteOptions, worker_part
from tests.core.dying_job import KIND

pytestmark = pytest.mark.django_db(transaction=True)
LONGEST_S = 120.0
QUEUE = "redelivery"


@pytest.mark.finding("review 4.7")
def test_a_job_that_kills_its_worker_fails_after_its_last_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker as it is shipped and the real broker; no beat, so no sweeper comes to help."""
    monkeypatch.setattr(settings, "JOB_QUEUES", {KIND: QUEUE})
    with app.connection_for_write() as broker:
        broker.default_channel.queue_purge(QUEUE)
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "CELERY_BROKER_URL": settings.CELERY_BROKER_URL,
        "CACHE_URL": settings.CACHES["default"]["LOCATION"],
        "PYTHONWARNINGS": "ignore",
    }
    part = worker_part(SiteOptions(worker_concurrency=1, queues=(QUEUE,)), environment)
    attempts = tmp_path / "attempts"
    job = job_create(kind=KIND, params={"file": str(attempts)})
    log = tmp_path / "worker.log"
    command = [*part.argv, "--include", "tests.core.dying_job"]
    with log.open("wb") as out:
        worker = subprocess.Popen(command, cwd=part.cwd, env=part.env, stdout=out, stderr=out)
    try:
        wake_on_commit(job)
        end = time.monotonic() + LONGEST_S
        while Job.objects.get().state != Job.State.FAILED:
            assert time.monotonic() < end, log.read_text()[-3000:]
            time.sleep(0.3)
    finally:
        worker.terminate()
        worker.wait(30)
    job.refresh_from_db()
    assert attempts.read_text().splitlines() == [f"attempt {number}" for number in (1, 2, 3)]
    assert (job.attempt, job.max_attempts) == (3, 3)
    assert "died during each attempt" in job.error
    assert job.finished_at is not None
    assert "WorkerLostError" in log.read_text()


@pytest.mark.finding("review 4.7")
@pytest.mark.parametrize("state", [Job.State.RUNNING, Job.State.QUEUED])
def test_a_claim_after_the_last_attempt_fails_the_job_however_it_was_left(state: str) -> None:
    job = job_create(kind=KIND, params={"file": "never"})
    Job.objects.update(state=state, attempt=F("max_attempts"), lease_until=None if state == Job.State.QUEUED else Now())
    assert job_claim(job.id) is None
    job.refresh_from_db()
    assert (job.state, job.attempt) == (Job.State.FAILED, job.max_attempts)
    assert job.error


@pytest.mark.finding("review 4.7")
def test_a_job_that_failed_so_is_resumed_with_all_its_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jobs._handlers, KIND, lambda _job: {"done": True})
    job = job_create(kind=KIND, params={"file": "never"})
    Job.objects.update(state=Job.State.RUNNING, attempt=F("max_attempts"), lease_until=Now())
    assert job_claim(job.id) is None
    assert job_resume(job.id)
    assert run_job(job).result == {"done": True}


def test_the_last_attempt_itself_is_not_taken_away() -> None:
    job = job_create(kind=KIND, params={"file": "never"})
    Job.objects.update(attempt=F("max_attempts") - 1)
    claimed = job_claim(job.id)
    assert claimed is not None
    assert claimed.attempt == claimed.max_attempts
    assert job_claim(job.id) is None, "its worker lives"
    job.refresh_from_db()
    assert job.state == Job.State.RUNNING
