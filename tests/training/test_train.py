"""`train` and `evaluate`: from a label set to a measured file; interrupted runs go on; mistakes are told."""

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from giz.core.errors import Refused
from giz.core.jobs import run_job
from giz.core.models import Job
from giz.synthetic.population import POPULATION_RULES
from giz.training.jobs import BESIDE_RULE, CONTINUED_RATE, ensemble_made, training_job, training_params
from giz.training.models import ModelVersion, TrainingRun
from giz.training.services import runs
from giz.training.services.runs import labelset_opened
from giz.training.storage import beside_folder, models_folder, run_folder
from tests.refusals import refuses

pytestmark = pytest.mark.django_db
STEPS = 5


@pytest.fixture(autouse=True)
def _home(settings: Any, tmp_path: Path) -> None:
    settings.GIZ_HOME = tmp_path / "home"


def test_an_interrupted_run_ends_with_the_same_file_as_an_unbroken_one_and_is_measured(
    discs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(done: int, _total: int, message: str) -> None:
        if done == 3 and "checking" not in message:
            raise KeyboardInterrupt

    job = training_job(labelset=discs, network="ours", steps=STEPS)
    with pytest.raises(KeyboardInterrupt):
        run_job(job, on_progress=stop)
    run = TrainingRun.objects.get()
    assert (run_folder(run) / "last.json").exists()
    call_command("train", str(discs), steps=STEPS)
    assert Job.objects.get().state == Job.State.DONE
    run.refresh_from_db()
    assert [entry["step"] for entry in run.history] == list(range(1, STEPS + 1))
    assert run.finished_at is not None
    version = ModelVersion.objects.get()
    file = models_folder() / version.file_name
    assert file.stat().st_size == version.byte_count
    assert version.card["labelset"]["digest"] == run.labelset_digest

    second = run_job(training_job(labelset=discs, network="ours", steps=STEPS))
    assert second.id != job.id
    assert second.result["model"] == version.sha256
    assert ModelVersion.objects.count() == 1

    capsys.readouterr()
    call_command("evaluate", str(file), str(discs), report=str(tmp_path / "report.json"))
    said = capsys.readouterr().out
    assert "colour alone" in said
    assert "RMS by 5°" in said
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["views"] == json.loads(json.dumps(version.report))["views"]


def test_interrupted_while_it_is_judged_it_goes_on_with_the_network_it_has(
    discs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_asked: Any, **_options: Any) -> Any:
        raise KeyboardInterrupt

    job = training_job(labelset=discs, network="ours", steps=STEPS)
    with monkeypatch.context() as judging:
        judging.setattr(runs, "version_judge", stop)
        with pytest.raises(KeyboardInterrupt):
            run_job(job)
    version = ModelVersion.objects.get()
    Job.objects.update(lease_until="2026-01-01T00:00:00Z")
    # As with another version of the exporter: other bytes of the same network.
    monkeypatch.setattr(runs, "_exported", stop)
    assert run_job(Job.objects.get()).result["model"] == version.sha256
    run = TrainingRun.objects.get()
    assert run.version == version
    assert run.gate is not None


def test_an_interrupted_ensemble_goes_on_with_the_flavour_it_was_at_and_trains_none_twice(
    discs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(done: int, _total: int, message: str) -> None:
        if done == 1 and "checking" not in message:
            raise KeyboardInterrupt

    asked: dict[str, Any] = {"labelset": discs, "network": "ours", "steps": 2}
    assert ensemble_made(**asked) == {}
    first, second = (run_job(training_job(flavour=flavour, **asked)) for flavour in (0, 1))
    interrupted = training_job(flavour=2, **asked)
    with pytest.raises(KeyboardInterrupt):
        run_job(interrupted, on_progress=stop)
    call_command("train", str(discs), steps=2, ensemble=True)
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if "already" in line] == [
        "ours has already been trained:",
        "ours1 has already been trained:",
    ]
    trained = {run.flavour: run.job for run in TrainingRun.objects.select_related("job")}
    assert TrainingRun.objects.count() == len(trained) == 4
    assert [trained[flavour] for flavour in (0, 1, 2)] == [first, second, interrupted]
    assert first.attempt == trained[0].attempt == 1
    assert {job.state for job in trained.values()} == {Job.State.DONE}
    assert said.count(".onnx (") == ModelVersion.objects.count() == 4
    # Killed from here on, nothing need be trained again for the figures of all together.
    (again,) = [line for line in said.splitlines() if "To repeat this: manage.py " in line]
    call_command(*shlex.split(again.partition("manage.py ")[2]))
    assert capsys.readouterr().out.splitlines()[0] == said.splitlines()[said.splitlines().index(again) + 1]

    assert ensemble_made(**asked) == {}, "a whole ensemble that is asked for again is trained anew"
    again = training_job(flavour=1, **asked)
    assert set(ensemble_made(**asked)) == {0}
    Job.objects.filter(pk=again.pk).update(state=Job.State.FAILED)
    assert set(ensemble_made(**asked)) == {0}
    Job.objects.filter(pk=again.pk).delete()
    (models_folder() / f"{trained[1].result['model']}.onnx").unlink()
    assert set(ensemble_made(**asked)) == {0}, "a file that is gone is made anew"
    Job.objects.filter(pk=trained[3].pk).update(state=Job.State.CANCELLED)
    assert set(ensemble_made(**asked)) == {0, 2}
    assert ensemble_made(**{**asked, "steps": 3}) == {}


def test_two_processes_train_one_network_which_is_measured_like_any_other(discs: Path) -> None:
    call_command("train", str(discs), steps=2, processes=2, device="cpu")
    run = TrainingRun.objects.get()
    assert [entry["step"] for entry in run.history] == [1, 2]
    assert run.version is not None
    assert run.config["steps"] == 2
    assert run.version.report["views"]["all"]["galaxies"] > 0


def test_what_several_processes_refuse_is_told_in_its_own_words(discs: Path) -> None:
    """Before there is a job: nothing is left behind."""
    with pytest.raises(CommandError, match="5 processes can't share batches of 96 evenly; possible are 1, 2, 3, 4"):
        call_command("train", str(discs), steps=2, processes=5)
    with pytest.raises(CommandError, match=r"no GPU that torch can use|8 GPUs are needed"):
        call_command("train", str(discs), steps=2, processes=8, device="cuda")
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network": "model7"}, "Choose one of ours, model4"),
        ({"network": "model4"}, "pictures of 128 px; this label set has 32"),
        ({"flavour": 4}, "A flavour is 0"),
        ({"steps": 0}, "either the number of minutes"),
        ({"minutes": 5.0}, "either the number of minutes"),
        ({"processes": 0}, "From 1 to 64 processes"),
        ({"processes": 5}, "5 processes can't share batches of 96"),
        ({"device": "gpu"}, r"A device is cpu, cuda or cuda:1 \(the second GPU\), not 'gpu'"),
    ],
)
def test_what_can_not_be_trained_is_refused_before_there_is_a_job(
    discs: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        training_job(**{"labelset": discs, "network": "ours", "steps": STEPS, **changes})
    assert not Job.objects.exists()


def test_a_folder_that_is_no_label_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("train", str(tmp_path / "nowhere"), minutes=1.0)


def test_a_folder_that_is_missing_is_told_before_a_length_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no folder .*nowhere\."):
        call_command("train", str(tmp_path / "nowhere"))


def test_a_label_set_changed_on_disk_is_refused_before_the_first_step(discs: Path, tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled"
    shutil.copytree(discs, spoiled)
    shard = next((spoiled / "images").glob("r-*.npy"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"\x07")
    job = training_job(labelset=spoiled, network="ours", steps=STEPS)
    with pytest.raises(Refused, match=shard.name):
        run_job(job)
    assert TrainingRun.objects.get().history == []


def test_a_file_that_is_no_model_is_refused(discs: Path, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no network")
    with refuses("bad_model"):
        call_command("evaluate", str(tmp_path / "model.onnx"), str(discs))


def test_training_starts_from_a_network_that_is_there(discs: Path) -> None:
    call_command("train", str(discs), steps=2)
    first = ModelVersion.objects.get()
    call_command("train", str(discs), steps=2, seed=2, start=first.sha256[:12])
    second = ModelVersion.objects.exclude(pk=first.pk).get()
    assert second.card["config"]["begun_from"] == second.run.config["begun_from"] == first.sha256
    assert second.run.config["learning_rate"] == CONTINUED_RATE
    assert second.card["config"]["layers"] == "last"
    with pytest.raises(CommandError):
        call_command("train", str(discs), steps=2, start="0000")
    with pytest.raises(Refused, check=lambda refused: refused.code == "bad_start"):
        training_job(labelset=discs, network="model4", steps=2, start=first.sha256)


@pytest.mark.parametrize(
    ("too_few", "asked", "learns"), [(1, None, "last"), (0, None, "all"), (0, "last", "last"), (1, "all", "all")]
)
def test_with_few_labels_a_network_that_was_trained_learns_with_its_last_layers_unless_told_otherwise(
    discs: Path, monkeypatch: pytest.MonkeyPatch, too_few: int, asked: Any, learns: str
) -> None:
    labels = labelset_opened(discs).labelset.manifest["counts"]["accepted"]
    monkeypatch.setattr("giz.training.jobs.FEW_LABELS", labels + too_few)
    monkeypatch.setattr("giz.training.jobs.model_found", lambda start: ModelVersion(sha256=start))
    request: dict[str, Any] = {"labelset": discs, "network": "ours", "steps": 2, "layers": asked}
    settings_of_run = training_params(**request, start="a" * 64)[1]["settings"]
    assert settings_of_run.get("layers", "all") == learns
    if asked == "last":
        with refuses("bad_layers"):
            training_params(**request)
    else:
        assert "layers" not in training_params(**request)[1]["settings"]


def test_the_synthetic_galaxies_beside_are_of_the_population_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "BESIDE_GALAXIES", 4)
    folders = set()
    for rule in POPULATION_RULES:
        made = runs.synthetic_beside(64, rule, lambda *_: None).labelset
        assert made.manifest["versions"]["population_rule"] == rule
        folders.add(made.folder)
    assert folders == {beside_folder(64, rule) for rule in POPULATION_RULES}
    assert beside_folder(64, POPULATION_RULES[0]).name == "synthetic-64px", "where older versions made theirs"


def test_synthetic_galaxies_stand_beside_the_labels_where_that_is_asked_for(
    discs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, rules = labelset_opened(discs), []

    def beside_of(_size_px: int, rule: str, _on_progress: Any) -> Any:
        rules.append(rule)
        return beside

    monkeypatch.setattr("giz.training.jobs.synthetic_beside", beside_of)
    call_command("train", str(discs), steps=2, mixed=True)
    assert rules == [BESIDE_RULE]
    version = ModelVersion.objects.get()
    assert version.card["config"]["beside"] == beside.labelset.manifest["name"]
    assert version.card["size_px"] == beside.size_px
    with pytest.raises(Refused, check=lambda refused: refused.code == "bad_start"):
        training_job(labelset=discs, network="model4", steps=2, mixed=True)
    # A run of a version before there were several populations goes on with the first.
    older = training_job(labelset=discs, network="ours", steps=2, seed=2, mixed=True)
    del older.params["population"]
    older.save(update_fields=["params"])
    run_job(older)
    assert rules == [BESIDE_RULE, POPULATION_RULES[0]]
