"""Faults of a training job: killed, delivered twice, a step longer than a heartbeat, label sets that were poisoned."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings as site
from django.db import connection
from django.db.models.functions import Now

from giz.core import jobs
from giz.core.errors import Refused
from giz.core.jobs import job_claim, run_job, sweep_dead_jobs
from giz.core.models import Job, JobLogLine
from giz.core.tasks import wake_job
from giz.labelset.manifest import content_digest, file_entries
from giz.training.jobs import training_job
from giz.training.models import ModelVersion, TrainingRun
from giz.training.nn.loop import Trainer
from giz.training.storage import models_folder, run_folder
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = 24


@pytest.fixture(autouse=True)
def _home(settings: Any, tmp_path: Path) -> None:
    settings.GIZ_HOME = tmp_path / "home"


def worker(job: Job) -> subprocess.Popen[str]:
    """A worker process that does this job, on this test's database and data folder."""
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "GIZ_HOME": str(site.GIZ_HOME),
        "CELERY_BROKER_URL": site.CELERY_BROKER_URL,
        "CACHE_URL": site.CACHES["default"]["LOCATION"],
        "SECRET_KEY": site.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "giz.settings",
        "OMP_NUM_THREADS": "1",
    }
    code = f"import django; django.setup(); from giz.core.tasks import wake_job; wake_job('{job.pk}')"
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors


def weights(run: TrainingRun) -> str:
    """The checksum of all that a run knows at its end."""
    return str(json.loads((run_folder(run) / "last.json").read_bytes())["sha256"])


@pytest.mark.finding("fault F9")
def test_killed_in_the_middle_the_job_goes_on_and_ends_with_the_same_network(discs: Path) -> None:
    job = training_job(labelset=discs, network="ours", steps=STEPS)
    run = TrainingRun.objects.get()
    process = worker(job)
    while len(TrainingRun.objects.get().history) < 4:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    job.refresh_from_db()
    assert job.state == Job.State.RUNNING
    assert 0 < job.progress_done < STEPS
    assert sweep_dead_jobs() == [str(job.pk)], "its process is gone, so nobody waits for the lease to end"
    finished(worker(job))
    job.refresh_from_db()
    assert (job.state, job.attempt) == (Job.State.DONE, 2)

    unbroken = training_job(labelset=discs, network="ours", steps=STEPS)
    assert unbroken.pk != job.pk
    finished(worker(unbroken))
    other = TrainingRun.objects.exclude(pk=run.pk).get()
    run.refresh_from_db()
    assert weights(run) == weights(other)
    assert run.history == other.history
    assert run.version is not None
    assert run.version == other.version
    assert [path.name for path in models_folder().iterdir()] == [run.version.file_name]


@pytest.mark.finding("fault F10")
def test_two_deliveries_of_one_job_make_one_network(discs: Path) -> None:
    job = training_job(labelset=discs, network="ours", steps=4)
    processes = [worker(job), worker(job)]
    for process in processes:
        finished(process)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (Job.State.DONE, 1)
    assert (TrainingRun.objects.count(), ModelVersion.objects.count()) == (1, 1)
    wake_job(str(job.pk))
    job.refresh_from_db()
    assert job.attempt == 1, "a third one, after the end, does nothing"
    assert JobLogLine.objects.filter(job=job, text__startswith="Gate: ").count() == 1


def test_a_step_longer_than_the_lease_keeps_it(discs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease is two seconds here and the first step takes five: without the heartbeat the job would be taken."""
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=2))
    monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 0.3)
    step, taken = Trainer._step, []

    def slow(trainer: Trainer, sample: Any) -> float:
        if trainer.state.step == 0:
            end = time.monotonic() + 5
            while time.monotonic() < end:
                # Another host would look at nothing but the time.
                taken.append(Job.objects.filter(pk=job.pk, lease_until__lt=Now()).exists())
                time.sleep(0.2)
        return step(trainer, sample)

    monkeypatch.setattr(Trainer, "_step", slow)
    job = training_job(labelset=discs, network="ours", steps=2)
    assert run_job(job).state == Job.State.DONE
    assert len(taken) > 5
    assert not any(taken)


@pytest.mark.finding("fault F9")
def test_a_stopped_training_goes_on_where_it_was(discs: Path) -> None:
    from giz.core.jobs import job_cancel, job_resume

    job = training_job(labelset=discs, network="ours", steps=6)

    def stop(done: int, _total: int, message: str) -> None:
        if done == 3 and "checking" not in message:
            job_cancel(job.pk)

    assert run_job(job, on_progress=stop).state == Job.State.CANCELLED
    steps = json.loads((run_folder(TrainingRun.objects.get()) / "last.json").read_bytes())["state"]["run"]["step"]
    assert 3 <= steps < 6
    assert job_resume(job.pk)
    seen: list[int] = []
    run_job(job, on_progress=lambda done, _total, message: seen.append(done) if not message else None)
    assert TrainingRun.objects.count() == 1
    assert [entry["step"] for entry in TrainingRun.objects.get().history] == [1, 2, 3, 4, 5, 6]


# --- poisoned label sets: changed by somebody who also made all checksums fit ---
Change = Callable[[pa.Table], pa.Table]


def poisoned(discs: Path, folder: Path, change: Change) -> Path:
    """A copy with changed labels, its manifest honest about the new files."""
    shutil.copytree(discs, folder)
    table = change(pq.read_table(folder / "labels.parquet"))
    pq.write_table(table, folder / "labels.parquet")
    sealed(folder, {"labels.parquet": table.num_rows})
    return folder


def sealed(folder: Path, rows: dict[str, int]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["files"]:
        data = (folder / entry["path"]).read_bytes()
        entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        entry["rows"] = rows.get(entry["path"], entry["rows"])
    manifest["digest"] = content_digest(file_entries(manifest).values())
    (folder / "manifest.json").write_text(json.dumps(manifest))


def with_column(name: str, values: Callable[[list[Any]], list[Any]]) -> Change:
    def change(table: pa.Table) -> pa.Table:
        place = table.column_names.index(name)
        column = pa.array(values(table[name].to_pylist()), table.schema.field(name).type)
        return table.set_column(place, table.schema.field(name), column)

    return change


def first_accepted(value: float) -> Callable[[list[Any]], list[Any]]:
    def change(cells: list[Any]) -> list[Any]:
        place = next(number for number, cell in enumerate(cells) if cell is not None)
        return [*cells[:place], value, *cells[place + 1 :]]

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (with_column("inclination_deg", first_accepted(float("nan"))), "is NaN or infinite"),
        (with_column("inclination_deg", first_accepted(float("inf"))), "is NaN or infinite"),
        (with_column("inclination_deg", first_accepted(400.0)), "not within 0 to 90 degrees"),
        (with_column("pgc", lambda cells: [cells[1], *cells[1:]]), "appear in the label set more than once"),
        (with_column("split", lambda cells: ["train"] * len(cells)), "is not on that side by the split rule"),
        (with_column("verdict", lambda cells: ["Z", *cells[1:]]), "the verdict is none of"),
        (lambda table: table.drop_columns(["inclination_deg"]), "has no column inclination_deg"),
        (lambda table: table.slice(0, 10), r"images.*|galaxies|galaxy"),
    ],
)
def test_poisoned_labels_are_refused_before_the_first_step(
    discs: Path, tmp_path: Path, change: Change, words: str
) -> None:
    folder = poisoned(discs, tmp_path / "poisoned", change)
    job = training_job(labelset=folder, network="ours", steps=4)
    with pytest.raises(Refused, match=words):
        run_job(job)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert job.error, "the sentence stands with the job"
    run = TrainingRun.objects.get()
    assert run.history == []
    assert not run_folder(run).exists()


def test_pictures_of_a_wrong_size_are_refused_before_the_first_step(discs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "poisoned"
    shutil.copytree(discs, folder)
    shard = next((folder / "images").glob("r-*.npy"))
    np.save(shard, np.load(shard)[:, :16, :16])
    sealed(folder, {})
    job = training_job(labelset=folder, network="ours", steps=4)
    with pytest.raises(Refused, match=shard.name):
        run_job(job)
    assert TrainingRun.objects.get().history == []


def test_a_job_that_somebody_else_holds_is_left_alone(discs: Path) -> None:
    job = training_job(labelset=discs, network="ours", steps=2)
    assert job_claim(job.pk)
    wake_job(str(job.pk))
    assert not ModelVersion.objects.exists()
