"""A job's row is its truth: claimed once, kept alive, resumed, cancelled, swept."""

import subprocess
import sys
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now

from giz.core import jobs
from giz.core.errors import Refused
from giz.core.jobs import JobCancelled, JobContext, job_cancel, job_claim, job_create, job_handler, run_job
from giz.core.models import Job, JobLogLine

pytestmark = pytest.mark.django_db
KIND = "count_to"


@pytest.fixture(autouse=True)
def _counting_job() -> Any:
    @job_handler(KIND)
    def count_to(job: JobContext) -> dict[str, Any]:
        for number in range(job.checkpoint.get("done", 0), job.params["n"]):
            if number == job.params.get("fail_at") and job.attempt == 1:
                raise RuntimeError("the disk went away")
            if number == job.params.get("interrupt_at") and job.attempt == 1 and not job.checkpoint.get("resumed"):
                job.save_checkpoint({"done": number, "resumed": True})
                raise KeyboardInterrupt
            job.save_checkpoint({**job.checkpoint, "done": number + 1})
            job.progress(number + 1, job.params["n"])
        return {"counted": job.params["n"]}

    yield
    jobs._handlers.pop(KIND)


def test_a_job_runs_to_its_result_with_progress() -> None:
    seen: list[tuple[int, int]] = []
    job = job_create(kind=KIND, params={"n": 5})
    done = run_job(job, on_progress=lambda at, total, _text: seen.append((at, total)))
    assert done.state == Job.State.DONE
    assert done.result == {"counted": 5}
    assert (done.progress_done, done.progress_total) == (5, 5)
    assert seen == [(n, 5) for n in range(1, 6)]


def test_the_same_unfinished_work_is_one_row_and_finished_work_starts_anew() -> None:
    first = job_create(kind=KIND, params={"n": 2})
    assert job_create(kind=KIND, params={"n": 2}).id == first.id
    assert job_create(kind=KIND, params={"n": 3}).id != first.id
    run_job(first)
    assert job_create(kind=KIND, params={"n": 2}).id != first.id


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refused, match=KIND) as refused:
        job_create(kind="cuont_to", params={})
    assert refused.value.code == "unknown_job"


def test_a_running_job_can_not_be_claimed_a_second_time() -> None:
    job = job_create(kind=KIND, params={"n": 1})
    assert job_claim(job.id) is not None
    assert job_claim(job.id) is None
    with pytest.raises(Refused, match="already running"):
        run_job(job)


@pytest.mark.finding("fault F10")
@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_woken_for_one_job_exactly_one_gets_it() -> None:
    job = job_create(kind=KIND, params={"n": 1})
    barrier = threading.Barrier(8)
    claimed: list[bool] = []

    def claim() -> None:
        barrier.wait()
        claimed.append(job_claim(job.id) is not None)
        connection.close()

    workers = [threading.Thread(target=claim) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(claimed) == [False] * 7 + [True]


def test_a_failed_attempt_is_queued_again_and_goes_on_from_its_checkpoint() -> None:
    job = job_create(kind=KIND, params={"n": 4, "fail_at": 2})
    with pytest.raises(RuntimeError):
        run_job(job)
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED
    assert "the disk went away" in job.error
    assert job.checkpoint["done"] == 2
    assert run_job(job).result == {"counted": 4}


def test_attempts_are_capped() -> None:
    job = job_create(kind=KIND, params={"n": 4, "fail_at": 2}, max_attempts=1)
    with pytest.raises(RuntimeError):
        run_job(job)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED


def test_an_interruption_gives_the_job_back_without_using_up_an_attempt() -> None:
    job = job_create(kind=KIND, params={"n": 4, "interrupt_at": 2})
    with pytest.raises(KeyboardInterrupt):
        run_job(job)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.checkpoint["done"]) == (Job.State.QUEUED, 0, 2)
    assert run_job(job).state == Job.State.DONE


def test_a_cancelled_job_stops_at_its_next_report() -> None:
    job = job_create(kind=KIND, params={"n": 4})

    def cancel(at: int, _total: int, _text: str) -> None:
        if at == 2:
            job_cancel(job.id)

    done = run_job(job, on_progress=cancel)
    assert done.state == Job.State.CANCELLED
    assert done.checkpoint["done"] < 4


def test_a_queued_job_is_cancelled_at_once() -> None:
    job = job_create(kind=KIND, params={"n": 4})
    assert job_cancel(job.id)
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert not job_cancel(job.id)


@pytest.mark.finding("fault F7")
def test_the_sweeper_queues_a_job_whose_worker_died_and_fails_it_after_its_last_attempt() -> None:
    job = job_create(kind=KIND, params={"n": 1})
    job_claim(job.id)
    assert jobs.sweep_dead_jobs() == []
    Job.objects.filter(id=job.id).update(lease_until=Now() - timedelta(seconds=1))
    assert jobs.sweep_dead_jobs() == [str(job.id)]
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED
    Job.objects.filter(id=job.id).update(
        state=Job.State.RUNNING, attempt=job.max_attempts, lease_until=Now() - timedelta(seconds=1)
    )
    assert jobs.sweep_dead_jobs() == []
    job.refresh_from_db()
    assert job.state == Job.State.FAILED


def test_a_worker_that_was_taken_over_can_not_write_any_more() -> None:
    job = job_create(kind=KIND, params={"n": 1})
    old = JobContext(job_claim(job.id))
    Job.objects.filter(id=job.id).update(lease_until=Now() - timedelta(seconds=1))
    assert job_claim(job.id) is not None
    with pytest.raises(jobs.JobLeaseLost):
        old.save_checkpoint({"done": 99})


@pytest.mark.django_db(transaction=True)
def test_what_is_reported_from_within_a_transaction_is_written_by_the_heartbeat_and_ends_what_lost_its_lease() -> None:
    job = job_create(kind=KIND, params={"n": 9})
    context = JobContext(job_claim(job.id))
    with transaction.atomic():
        context.progress_aside(9, 9, "nearly")
        assert context.has_news.is_set()
    assert Job.objects.get(id=job.id).progress_done == 0
    context.keep_alive()
    context.keep_alive()
    job.refresh_from_db()
    assert (job.progress_done, job.progress_total, job.message) == (9, 9, "nearly")
    Job.objects.filter(id=job.id).update(lease_until=Now() - timedelta(seconds=1))
    assert job_claim(job.id) is not None
    context.keep_alive()
    with transaction.atomic(), pytest.raises(jobs.JobLeaseLost):
        context.progress_aside(9, 9)


@pytest.mark.django_db(transaction=True)
def test_news_that_could_not_be_written_is_written_by_the_next_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    job = job_create(kind=KIND, params={"n": 9})
    context = JobContext(job_claim(job.id))
    context.progress_aside(9, 9, "nearly")
    write = JobContext._write

    def away(*_args: Any, **_values: Any) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(JobContext, "_write", away)
    with pytest.raises(OperationalError):
        context.keep_alive()
    monkeypatch.setattr(JobContext, "_write", write)
    context.keep_alive()
    assert Job.objects.get(id=job.id).progress_done == 9


def test_cancel_reaches_the_handler_as_an_exception() -> None:
    job = job_create(kind=KIND, params={"n": 1})
    context = JobContext(job_claim(job.id))
    job_cancel(job.id)
    with pytest.raises(JobCancelled):
        context.progress(1, 1)


def test_a_job_speaks_in_its_log() -> None:
    job = job_create(kind=KIND, params={"n": 1})
    context = JobContext(job_claim(job.id))
    context.log("line 7: ra is 400", level="warning")
    assert [(line.level, line.text) for line in JobLogLine.objects.filter(job=job)] == [
        ("warning", "line 7: ra is 400")
    ]


@pytest.mark.finding("fault F6")
def test_the_job_of_a_process_that_died_on_this_host_is_taken_over_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    job = job_create(kind=KIND, params={"n": 2})
    assert job_claim(job.id)
    assert job_claim(job.id) is None, "its process lives"
    host = Job.objects.get(id=job.id).lease_holder.rpartition(":")[0]
    Job.objects.filter(id=job.id).update(lease_holder=f"{host}:{int(done.stdout)}")
    assert jobs.sweep_dead_jobs() == [str(job.id)]
    assert run_job(job).state == Job.State.DONE


def test_a_lease_held_on_another_host_runs_its_time() -> None:
    job = job_create(kind=KIND, params={"n": 2})
    assert job_claim(job.id)
    Job.objects.filter(id=job.id).update(lease_holder="another-host:1")
    assert jobs.sweep_dead_jobs() == []
    assert job_claim(job.id) is None
