"""Jobs of hours have a queue and a worker of their own: nobody's short work waits behind them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from giz.celery import app
from giz.core import jobs
from giz.core.jobs import job_create
from giz.core.tasks import sweep_jobs, wake_on_commit
from giz.embedded.management.commands.up import shared_queues, worker_queues
from giz.embedded.site import SiteOptions, trainer_part, votes_part, worker_part

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting() -> Iterator[Any]:
    """How many messages wait in a queue of the real broker."""
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        names = (settings.CELERY_TASK_DEFAULT_QUEUE, "training")
        for name in names:
            channel.queue_purge(name)
        yield lambda name: channel._size(name)
        for name in names:
            channel.queue_purge(name)


def test_training_is_sent_to_its_own_queue_by_whoever_asks_and_by_the_sweeper(
    waiting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(jobs._handlers, "short", lambda _job: {})
    wake_on_commit(job_create(kind="train", params={}))
    wake_on_commit(job_create(kind="short", params={}))
    assert (waiting("default"), waiting("training")) == (1, 1)
    sweep_jobs()
    assert (waiting("default"), waiting("training")) == (2, 2)


def test_the_ordinary_worker_never_takes_training_where_it_can_be_done() -> None:
    ordinary, long = shared_queues(has_torch=True)
    assert "training" not in ordinary
    argv = trainer_part(SiteOptions(queues=ordinary, trainer_queues=long), {}).argv
    assert argv[argv.index("--queues") + 1] == "training"
    assert argv[argv.index("--concurrency") + 1] == "1"


@pytest.mark.finding("security S9")
def test_what_voting_waits_for_stands_in_no_queue_that_strangers_can_fill() -> None:
    def queue_of(task: str) -> str:
        return str(app.amqp.router.route({}, task)["queue"].name)

    for task in settings.CELERY_BEAT_SCHEDULE.values():
        assert queue_of(task["task"]) == settings.VOTES_QUEUE
    assert queue_of("giz.core.tasks.wake_job") == "default"
    assert settings.JOB_QUEUES["fetch_source"] != settings.VOTES_QUEUE
    for has_torch in (True, False):
        ordinary, _long = shared_queues(has_torch=has_torch)
        assert settings.VOTES_QUEUE not in ordinary
    argv = votes_part(SiteOptions(queues=ordinary), {}).argv
    assert argv[argv.index("--queues") + 1] == settings.VOTES_QUEUE


def test_without_torch_the_ordinary_worker_says_so_at_once() -> None:
    ordinary, long = shared_queues(has_torch=False)
    assert long == ()
    argv = worker_part(SiteOptions(queues=ordinary), {}).argv
    assert set(argv[argv.index("--queues") + 1].split(",")) == {*worker_queues(), "training"}
