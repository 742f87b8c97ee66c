"""Scheduled retraining: only on enough new labels, once a label set, off until staff switch it on."""

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask

from giz.core.errors import Refused
from giz.core.jobs import run_job
from giz.core.models import Job
from giz.labelset import LabelSet
from giz.training import tasks
from giz.training.jobs import training_cancel, training_resume, training_start
from giz.training.models import ModelVersion, Promotion, TrainingRun
from giz.training.selectors import retraining_said
from giz.training.services import retraining
from giz.training.services.retraining import new_labels, retraining_due
from giz.training.storage import labelsets_known
from tests.training.discs import SIZE_PX, write_discs

pytestmark = pytest.mark.django_db
retrain = partial(tasks.retrain, size_px=SIZE_PX)
due_now = partial(retraining_due, network="ours", least_new_labels=1, size_px=SIZE_PX)


@pytest.fixture(autouse=True)
def _home(settings: Any, tmp_path: Path) -> None:
    settings.GIZ_HOME = tmp_path / "home"
    (settings.GIZ_HOME / "labelsets").mkdir(parents=True)


@pytest.fixture(scope="module")
def fewer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_discs(tmp_path_factory.mktemp("fewer") / "fewer", 100)


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_discs(tmp_path_factory.mktemp("more") / "more", 160)


@pytest.fixture
def put(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a label set where frozen ones lie, as if people had labelled it."""
    monkeypatch.setattr(retraining, "PEOPLE", "test")

    def placed(folder: Path) -> Path:
        return Path(shutil.copytree(folder, settings.GIZ_HOME / "labelsets" / folder.name))

    return placed


def serve(folder: Path) -> ModelVersion:
    """As if the served network had learned from this label set."""
    digest = LabelSet.open(folder).manifest["digest"]
    version = ModelVersion.objects.create(
        sha256="a" * 64, network="ours", byte_count=1, card={"labelset": {"digest": digest}}, report={}
    )
    Promotion.objects.create(role="ours", version=version, kind="staff", why="test")
    return version


def test_both_schedules_are_there_and_off_with_settings_that_staff_may_edit() -> None:
    for name, task in (
        ("train on new labels", "giz.training.tasks.retrain"),
        ("freeze new labels", "labeling.tasks.freeze_new_labels"),
    ):
        row = PeriodicTask.objects.get(name=name)
        assert (row.enabled, row.task) == (False, task)
        assert json.loads(row.kwargs)["least_new_labels"] == 500
        assert "least_new_labels" in row.description
        assert json.loads(row.kwargs)["size_px"] == 128
        assert "size_px" in row.description
    row = PeriodicTask.objects.get(name="train on new labels")
    assert json.loads(row.kwargs)["continued"] is True
    assert "continued" in row.description


def test_without_label_sets_nothing_is_trained_and_it_says_why() -> None:
    assert f"no label set from votes with pictures of {SIZE_PX} px yet" in retrain()
    assert not Job.objects.exists()
    said = retraining_said()
    assert said is not None
    assert "no label set" in said["said"]


def test_synthetic_label_sets_do_not_count(fewer: Path, put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(fewer)
    monkeypatch.setattr(retraining, "PEOPLE", "volunteers")
    assert due_now().labelset is None


def test_only_labels_that_the_served_network_has_not_seen_count(fewer: Path, more: Path, put: Any) -> None:
    put(fewer)
    served = serve(fewer)
    (known,) = labelsets_known()
    assert new_labels(known, None) == 100
    assert new_labels(known, served) == 0
    put(more)
    newest = next(known for known in labelsets_known() if known.name == "more")
    assert new_labels(newest, served) == 60


def test_a_training_begins_with_enough_new_labels_and_only_once_a_label_set(fewer: Path, more: Path, put: Any) -> None:
    put(fewer)
    serve(fewer)
    put(more)
    assert "60 new labels; training begins at 61" in retrain(least_new_labels=61, minutes=5)
    assert not Job.objects.exists()
    assert "A training was started" in retrain(least_new_labels=60, minutes=5)
    job = Job.objects.get()
    assert job.params["settings"]["minutes"] == 5
    assert job.params["promote"] is True
    assert Path(job.params["labelset"]).name == "more"
    # It goes on from what is served, with synthetic galaxies beside the labels.
    assert (job.params["start"], job.params["mixed"]) == ("a" * 64, True)
    assert "already" in retrain(least_new_labels=60, minutes=5)
    Job.objects.update(state=Job.State.DONE)
    assert "already" in retrain(least_new_labels=60, minutes=5), "also when its training has ended"
    assert TrainingRun.objects.count() == 1


def test_a_training_that_failed_or_was_stopped_is_told_as_such_and_not_begun_again_by_itself(
    fewer: Path, put: Any, bob: Any
) -> None:
    folder = put(fewer)
    assert "A training was started" in retrain(least_new_labels=1, minutes=5)
    run = TrainingRun.objects.get()
    (folder / "labels.parquet").rename(folder / "lost.parquet")
    with pytest.raises(Refused, match=r"labels\.parquet"):
        run_job(Job.objects.get())
    run.refresh_from_db()
    said = retrain(least_new_labels=1, minutes=5)
    assert said.startswith(f"The training of ours on the newest label set, fewer, failed: {run.error} ")
    assert said.endswith("Resume it on its page, or start a new one.")
    (folder / "lost.parquet").rename(folder / "labels.parquet")
    training_resume(run=run, actor=bob)
    assert (
        retrain(least_new_labels=1, minutes=5)
        == "ours is already waiting to be trained on the newest label set, fewer."
    )
    Job.objects.update(state=Job.State.RUNNING)
    assert retrain(least_new_labels=1, minutes=5) == "ours is already being trained on the newest label set, fewer."
    Job.objects.update(state=Job.State.QUEUED)
    training_cancel(run=TrainingRun.objects.get(), actor=bob)
    stopped = "The training of ours on the newest label set, fewer, was stopped."
    assert retrain(least_new_labels=1, minutes=5).startswith(stopped)
    job, run.job = run.job, None
    assert job is not None
    run.save()
    job.delete()
    assert retrain(least_new_labels=1, minutes=5).startswith(stopped), "also when its job was tidied away"
    assert TrainingRun.objects.count() == 1
    training_start(labelset="fewer", network="ours", minutes=5, owner=bob)
    Job.objects.update(state=Job.State.DONE)
    assert retrain(least_new_labels=1, minutes=5) == "ours has already been trained on the newest label set, fewer."


def test_a_try_of_somebodys_is_waited_for_but_is_no_training_on_the_label_set(fewer: Path, put: Any, bob: Any) -> None:
    put(fewer)
    short = training_start(labelset="fewer", network="ours", minutes=0.2, owner=bob)
    assert (
        retrain(least_new_labels=1, minutes=5)
        == "ours is already waiting to be trained on the newest label set, fewer."
    )
    Job.objects.update(state=Job.State.DONE)
    unpromoted = training_start(labelset="fewer", network="ours", minutes=5, promote=False, owner=bob)
    Job.objects.filter(pk=unpromoted.job_id).update(state=Job.State.FAILED)
    assert "A training was started" in retrain(least_new_labels=1, minutes=5)
    began = TrainingRun.objects.exclude(pk__in=[short.pk, unpromoted.pk]).get()
    assert began.job is not None
    Job.objects.filter(pk=began.job.pk).update(state=Job.State.DONE)
    assert "already been trained on the newest label set" in retrain(least_new_labels=1, minutes=5)


def test_label_sets_of_other_picture_sizes_do_not_count(fewer: Path, more: Path, put: Any, tmp_path: Path) -> None:
    put(fewer)
    put(write_discs(tmp_path / "larger", 110, size_px=2 * SIZE_PX))
    due = due_now()
    assert due.labelset is not None
    assert due.labelset.name == "fewer"
    larger = due_now(size_px=2 * SIZE_PX).labelset
    assert larger is not None
    assert larger.name == "larger"
    assert "no label set from votes with pictures of 48 px yet" in due_now(size_px=48).why


def test_wrong_settings_are_told_and_start_nothing(fewer: Path, put: Any) -> None:
    put(fewer)
    assert "least_new_labels must be 1 or more" in retrain(least_new_labels=0)
    assert "There is no network" in retrain(network="model9", least_new_labels=1)
    assert "either the number of minutes" in retrain(minutes=0, least_new_labels=1)
    assert not Job.objects.exists()


def test_other_campaigns_label_sets_do_not_count(fewer: Path, put: Any) -> None:
    put(fewer)
    assert due_now(campaigns=["spirals"]).labelset is None


def test_a_damaged_label_set_is_told(fewer: Path, put: Any) -> None:
    folder = put(fewer)
    (folder / "labels.parquet").write_bytes(b"")
    with pytest.raises(Refused, match=r"labels\.parquet"):
        due_now()


@pytest.mark.parametrize(("told", "size_px"), [({"continued": False}, SIZE_PX), ({}, 64)])
def test_retraining_begins_from_nothing_where_it_is_told_so_or_the_served_network_takes_other_pictures(
    fewer: Path, put: Any, told: dict[str, bool], size_px: int
) -> None:
    put(fewer)
    version = serve(fewer)
    version.card = {"size_px": size_px}
    version.save()
    assert "A training was started" in retrain(least_new_labels=1, minutes=5, **told)
    assert not {"start", "mixed"} & set(Job.objects.get().params)
