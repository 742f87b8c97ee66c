"""The gate with real files: the new network's answers against those of the served file on the same test galaxies."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction

from giz.labelset import LabelSet
from giz.training.gate import Gate
from giz.training.models import ModelVersion, Promotion, TrainingRun
from giz.training.nn.data import TrainingData
from giz.training.nn.evaluation import Asked, ask
from giz.training.nn.predictor import NetworkOutput, Predictor
from giz.training.selectors import served_model
from giz.training.services.gating import reference_of, version_judge
from giz.training.services.registry import model_promote, model_register, role_lock
from giz.training.services.runs import _conclude
from giz.training.storage import models_folder
from tests.training.discs import write_discs

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _home(settings: Any, tmp_path: Path) -> None:
    settings.GIZ_HOME = tmp_path / "home"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    """Enough disks for a gate: about a hundred on the test side."""
    return TrainingData.of(LabelSet.open(write_discs(tmp_path_factory.mktemp("many") / "many", 1000)))


def good_answers(data: TrainingData, error_deg: float = 2.0) -> Asked:
    """What a network would say that is off by this much."""
    rows = data.rows("test")
    rng = np.random.default_rng(1)
    truth = np.nan_to_num(data.inclination_deg[rows], nan=60.0)
    inclination = (truth + rng.normal(0, error_deg, rows.size)).astype(np.float32)
    rejection = np.where(data.is_accepted[rows], 0.1, 0.9).astype(np.float32)
    return {"all": (rows, NetworkOutput(inclination_deg=inclination, rejection=rejection))}


def registered(path: Path, words: bytes) -> ModelVersion:
    path.write_bytes(words)
    return model_register(path, card={"network": "ours"}, report={})


def quiet(_done: int, _total: int, _words: str) -> None:
    """Nobody looks."""


def run_for(version: ModelVersion) -> TrainingRun:
    return TrainingRun.objects.create(labelset_name="many", labelset_digest="d", network="ours")


@pytest.fixture
def served(model_file: Path) -> ModelVersion:
    """An untrained network that answers."""
    version = model_register(model_file, card={"network": "ours"}, report={})
    model_promote(version=version, why="test")
    return version


def test_a_better_network_is_promoted_and_the_history_holds_why(
    many: TrainingData, served: ModelVersion, tmp_path: Path
) -> None:
    new = registered(tmp_path / "new", b"new")
    gate = version_judge(new, data=many, asked=good_answers(many), on_progress=quiet)
    assert gate.passed, gate.why
    run = run_for(new)
    _conclude(run, new, lambda: gate, promote=True)
    assert served_model() == new
    newest = Promotion.objects.first()
    assert newest is not None
    assert (newest.kind, newest.why, newest.actor_number) == ("gate", gate.why, None)
    assert newest.gate["rival"] == served.sha256
    run.refresh_from_db()
    assert run.gate == json.loads(json.dumps(gate.as_json()))
    assert run.version == new
    assert run.finished_at is not None


def test_where_nobody_wants_it_promoted_the_verdict_stays_with_the_run(
    many: TrainingData, served: ModelVersion, tmp_path: Path
) -> None:
    new = registered(tmp_path / "new", b"new")
    gate = version_judge(new, data=many, asked=good_answers(many), on_progress=quiet)
    _conclude(run_for(new), new, lambda: gate, promote=False)
    assert served_model() == served


def test_a_network_that_is_no_better_stays_out_and_its_run_says_why(
    many: TrainingData, served: ModelVersion, model_file: Path, tmp_path: Path
) -> None:
    new = registered(tmp_path / "new", b"new")
    same = ask(many, Predictor(model_file), many.rows("test"))
    gate = version_judge(new, data=many, asked=same, on_progress=quiet)
    run = run_for(new)
    _conclude(run, new, lambda: gate, promote=True)
    assert served_model() == served
    run.refresh_from_db()
    assert run.gate == json.loads(json.dumps(gate.as_json()))
    assert gate.why.startswith("Not better than the served one outside the noise, on the same ")
    assert gate.differences[0].difference == 0


def test_the_first_network_is_compared_with_a_constant_guess(many: TrainingData, tmp_path: Path) -> None:
    new = registered(tmp_path / "new", b"new")
    gate = version_judge(new, data=many, asked=good_answers(many), on_progress=quiet)
    assert gate.passed
    assert "a constant guess" in gate.why
    # Inclinations even over 45 degrees scatter by 45 / sqrt(12) = 13.0 about their mean.
    assert gate.differences[0].served == pytest.approx(13.0, abs=1.5)
    blind = version_judge(new, data=many, asked=good_answers(many, error_deg=20.0), on_progress=quiet)
    assert not blind.passed


def lately(gate: Gate, again: Callable[[], Gate]) -> Callable[[], Gate]:
    """Judged before something else came to be served; whoever asks once more is judged in earnest."""
    gates = iter([gate])
    return lambda: next(gates, None) or again()


def test_what_another_run_has_promoted_meanwhile_is_not_overtaken_by_a_network_compared_with_the_one_before(
    many: TrainingData, served: ModelVersion, tmp_path: Path
) -> None:
    good, fair = registered(tmp_path / "good", b"good"), registered(tmp_path / "fair", b"fair")
    gates = {
        version: version_judge(version, data=many, asked=good_answers(many, error_deg), on_progress=quiet)
        for version, error_deg in ((good, 1.0), (fair, 6.0))
    }
    assert all(gate.passed and gate.rival == served.sha256 for gate in gates.values())
    _conclude(run_for(good), good, lambda: gates[good], promote=True)
    run = run_for(fair)

    def again() -> Gate:
        return version_judge(fair, data=many, asked=good_answers(many, 6.0), on_progress=quiet)

    _conclude(run, fair, lately(gates[fair], again), promote=True)
    assert served_model() == good
    run.refresh_from_db()
    assert run.gate is not None
    assert (run.gate["rival"], run.gate["passed"]) == (good.sha256, False)


def test_a_network_better_than_what_staff_have_put_there_meanwhile_answers_and_the_history_names_that_rival(
    many: TrainingData, model_file: Path, tmp_path: Path
) -> None:
    new = registered(tmp_path / "new", b"new")

    def judged() -> Gate:
        return version_judge(new, data=many, asked=good_answers(many), on_progress=quiet)

    before = judged()
    staffs = model_register(model_file, card={"network": "ours"}, report={})
    model_promote(version=staffs, why="meanwhile")
    _conclude(run_for(new), new, lately(before, judged), promote=True)
    newest = Promotion.objects.first()
    assert newest is not None
    assert (newest.version, newest.gate["rival"]) == (new, staffs.sha256)


@pytest.mark.django_db(transaction=True)
def test_a_promotion_that_is_under_way_is_waited_for(
    many: TrainingData, served: ModelVersion, model_file: Path, tmp_path: Path
) -> None:
    new, staffs = registered(tmp_path / "new", b"new"), registered(tmp_path / "staffs", b"staffs")
    gate = version_judge(new, data=many, asked=good_answers(many), on_progress=quiet)
    refused = Gate(False, "test", staffs.sha256)

    def conclude() -> None:
        try:
            _conclude(run_for(new), new, lately(gate, lambda: refused), promote=True)
        finally:
            connection.close()

    concluding = threading.Thread(target=conclude)
    with transaction.atomic():
        role_lock("ours")
        concluding.start()
        time.sleep(1.0)
        assert concluding.is_alive()
        model_promote(version=staffs, why="meanwhile")
    concluding.join(timeout=60)
    assert served_model() == staffs
    assert TrainingRun.objects.get().gate == json.loads(json.dumps(refused.as_json()))


def test_a_served_file_that_was_changed_can_not_be_compared_with(
    many: TrainingData, served: ModelVersion, tmp_path: Path
) -> None:
    (models_folder() / served.file_name).write_bytes(b"changed")
    gate = version_judge(registered(tmp_path / "new", b"new"), data=many, asked=good_answers(many), on_progress=quiet)
    assert not gate.passed
    assert "is not the file that was registered" in gate.why


def test_the_same_file_again_is_no_rival_to_itself(many: TrainingData, served: ModelVersion) -> None:
    gate = version_judge(served, data=many, asked=good_answers(many), on_progress=quiet)
    assert not gate.passed
    assert "served version itself" in gate.why


def test_the_distributions_on_the_test_galaxies_are_kept(many: TrainingData) -> None:
    found = reference_of(many, good_answers(many))
    rows = many.rows("test")
    assert sum(found["inclination_deg"]) == sum(found["rejection"]) == rows.size
    assert sum(found["g mean"]) == int(many.has_band[rows, 0].sum())
    assert sum(found["gri sigma"]) == int(many.has_band[rows, 3].sum())
