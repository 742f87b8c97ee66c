"""The trainer: learns, resumes exactly after kill -9, stops early, keeps best and last apart; the file it serves."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from giz.labelset import LabelSet
from giz.training.nn import devices
from giz.training.nn.augment import PLAIN, augmentation_for
from giz.training.nn.batches import make_sample
from giz.training.nn.checkpoint import checkpoint_digest, load_checkpoint, save_checkpoint
from giz.training.nn.data import TrainingData
from giz.training.nn.devices import bf16_speed
from giz.training.nn.evaluation import evaluate
from giz.training.nn.export import best_network, export_onnx, served_network
from giz.training.nn.loop import BEST, LAST, TrainConfig, Trainer, one_cycle
from giz.training.nn.predictor import Predictor
from giz.training.nn.validation import answers
from tests.refusals import refuses
from tests.training.discs import write_discs

CONFIG = TrainConfig(steps=12, validations=2, seed=11, batch_size=48, workers=1)
SCRIPT = """
import sys, time, torch
from pathlib import Path
from giz.labelset import LabelSet
from giz.training.nn.data import TrainingData
from giz.training.nn.loop import TrainConfig, Trainer
torch.set_num_threads(1)
config = TrainConfig(steps=12, validations=2, seed=11, batch_size=48, workers=1)
trainer = Trainer(TrainingData.of(LabelSet.open(sys.argv[1])), config, Path(sys.argv[2]))
def report(done, total, message):
    print(done, flush=True)
    if done >= int(sys.argv[3]):
        time.sleep(60)
trainer.fit(report, checkpoint_seconds=0.0)
"""


def test_a_run_keeps_the_augmentation_that_suits_its_galaxies_unless_it_is_told_another(
    data: TrainingData, tmp_path: Path
) -> None:
    suits = augmentation_for(data.labelset.manifest["origin"])
    assert Trainer(data, CONFIG, tmp_path / "a").config.augmentation == suits
    assert Trainer(data, CONFIG, tmp_path / "a").settings()["augmentation"]["halo_share"] == suits.halo_share
    assert Trainer(data, replace(CONFIG, augmentation=PLAIN), tmp_path / "b").config.augmentation == PLAIN


@pytest.fixture(scope="module")
def unbroken(data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    Trainer(data, CONFIG, folder).fit()
    torch.set_num_threads(threads)
    return folder


def test_a_trainer_killed_mid_run_ends_with_the_weights_of_an_unbroken_one(
    discs: Path, unbroken: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", SCRIPT, str(discs), str(tmp_path)]
    with subprocess.Popen([*command, "4"], stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        for line in killed.stdout:
            if int(line) == 4:
                os.kill(killed.pid, signal.SIGKILL)
                break
    resumed = subprocess.run([*command, "99"], capture_output=True, text=True, check=True)
    steps = [int(line) for line in resumed.stdout.split()]
    assert 3 < steps[0] <= 5
    assert steps[-1] == 12
    for name in (LAST, BEST):
        expected, found = load_checkpoint(unbroken, name), load_checkpoint(tmp_path, name)
        assert expected is not None
        assert found is not None
        assert all(torch.equal(found[0][key], value) for key, value in expected[0].items())
        assert found[1] == expected[1]


def test_a_reference_network_that_was_interrupted_ends_with_the_weights_of_an_unbroken_run(tmp_path: Path) -> None:
    data = TrainingData.of(LabelSet.open(write_discs(tmp_path / "discs", 120, 128)))
    config = TrainConfig(network="model6-binary", steps=3, validations=1, seed=5, workers=0, bf16=False, batch_size=24)
    with refuses("bad_layers"):
        Trainer(data, replace(config, layers="last"), tmp_path / "none")
    unbroken, broken = Trainer(data, config, tmp_path / "unbroken"), Trainer(data, config, tmp_path / "broken")
    unbroken.fit()

    def stop(done: int, _total: int, _message: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken.fit(stop, checkpoint_seconds=0.0)
    resumed = Trainer(data, config, tmp_path / "broken")
    assert resumed.fit().step == 3
    expected = unbroken.network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in resumed.network.state_dict().items())


def test_it_learns(unbroken: Path) -> None:
    found = load_checkpoint(unbroken, LAST)
    assert found is not None
    history = found[1]["run"]["history"]
    assert [entry["step"] for entry in history] == [6, 12]
    assert history[-1]["loss"] < history[0]["loss"]
    assert found[1]["run"]["best"]["value"] == min(entry["value"] for entry in history)


def test_a_folder_of_another_run_is_refused(data: TrainingData, unbroken: Path) -> None:
    with refuses("another_run"):
        Trainer(data, TrainConfig(steps=12, seed=12), unbroken)


def test_a_run_begins_from_the_best_weights_of_another_and_goes_on_only_with_those(
    data: TrainingData, unbroken: Path, tmp_path: Path
) -> None:
    best, _ = load_checkpoint(unbroken, BEST) or ({}, {})
    config = replace(CONFIG, steps=4, seed=12)
    trainer = Trainer(data, config, tmp_path / "second", begin=unbroken)
    for mine in (trainer.network, trainer.average):
        assert all(torch.equal(value, best[name]) for name, value in mine.state_dict().items())
    assert trainer.fit().step == 4
    again = Trainer(data, config, tmp_path / "second", begin=unbroken)
    assert again.state.step == 4
    assert not torch.equal(again.average.stem.weight, best["stem.weight"])  # type: ignore[union-attr]
    with refuses("another_run"):
        Trainer(data, config, tmp_path / "second")
    with refuses("another_run"):
        Trainer(data, config, tmp_path / "second", begin=tmp_path / "second")
    with refuses("no_checkpoint"):
        Trainer(data, config, tmp_path / "third", begin=tmp_path / "nothing")
    save_checkpoint(tmp_path / "larger", BEST, best, {"config": {"network": "ours"}, "size_px": 64})
    with refuses("another_run"):
        Trainer(data, config, tmp_path / "third", begin=tmp_path / "larger")


def test_with_the_last_layers_alone_the_rest_stays_as_it_was_also_when_the_run_resumes(
    data: TrainingData, unbroken: Path, tmp_path: Path
) -> None:
    best, _ = load_checkpoint(unbroken, BEST) or ({}, {})
    config = replace(CONFIG, steps=4, seed=12, layers="last")
    whole, broken = (Trainer(data, config, tmp_path / name, begin=unbroken) for name in ("whole", "broken"))
    whole.fit(checkpoint_seconds=0.0)
    # The norms' statistics are among these.
    for mine in (whole.network, whole.average):
        changed = {name for name, value in mine.state_dict().items() if not torch.equal(value, best[name])}
        assert changed == {f"{layer}.{kind}" for layer in ("mix", "bins", "verdict") for kind in ("weight", "bias")}

    def stop(done: int, _total: int, _message: str) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken.fit(stop, checkpoint_seconds=0.0)
    resumed = Trainer(data, config, tmp_path / "broken", begin=unbroken)
    assert resumed.state.step == 3
    resumed.fit()
    for name in (LAST, BEST):
        assert checkpoint_digest(tmp_path / "broken", name) == checkpoint_digest(tmp_path / "whole", name)
    with refuses("another_run"):
        Trainer(data, replace(config, layers="all"), tmp_path / "whole", begin=unbroken)


def test_a_run_begins_from_the_file_of_a_network_and_answers_at_first_as_that_does(
    data: TrainingData, unbroken: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.onnx"
    export_onnx(served_network(data, best_network(unbroken)), model, size_px=data.size_px, card={"network": "ours"})
    config = replace(CONFIG, steps=2, seed=12)
    trainer = Trainer(data, config, tmp_path / "second", begin=model)
    assert trainer.begun_from == hashlib.sha256(model.read_bytes()).hexdigest()
    rows = data.rows("test")
    for view in ("all", "gri"):
        expected = answers(data, best_network(unbroken), rows, view)
        found = answers(data, trainer.average, rows, view)
        np.testing.assert_allclose(found.inclination_deg, expected.inclination_deg, atol=0.01)
        np.testing.assert_allclose(found.rejected, expected.rejected, atol=0.01)
    # With the norms' statistics of a batch, as in training, it knows as much as with those of the file.
    sample = make_sample(data, trainer.plan.whole_batch(0), trainer.augmenter)
    with torch.no_grad():
        losses = [float(trainer.network.train(mode).loss(sample)) for mode in (True, False)]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    assert trainer.fit().step == 2
    with refuses("another_run"):
        Trainer(data, config, tmp_path / "second")
    (tmp_path / "none.onnx").write_bytes(b"hello")
    with refuses("bad_model"):
        Trainer(data, config, tmp_path / "third", begin=tmp_path / "none.onnx")


def test_a_run_goes_on_that_began_before_there_was_a_setting(data: TrainingData, tmp_path: Path) -> None:
    Trainer(data, CONFIG, tmp_path).save()
    described = json.loads((tmp_path / f"{LAST}.json").read_text())
    del described["state"]["config"]["augmentation"]["frame_share"], described["state"]["config"]["layers"]
    (tmp_path / f"{LAST}.json").write_text(json.dumps(described))
    assert Trainer(data, CONFIG, tmp_path).state.step == 0
    described["state"]["config"]["augmentation"]["noise"] = 0.3
    (tmp_path / f"{LAST}.json").write_text(json.dumps(described))
    with refuses("another_run"):
        Trainer(data, CONFIG, tmp_path)


def test_it_stops_where_validation_no_longer_gets_better(data: TrainingData, tmp_path: Path) -> None:
    config = TrainConfig(steps=20, validations=10, patience=2, batch_size=48, learning_rate=1e-9, average=0.0)
    state = Trainer(data, config, tmp_path).fit()
    assert state.stopped_early
    assert state.step < 20
    again = Trainer(data, config, tmp_path).fit()
    assert again.step == state.step


def test_minutes_become_steps_by_the_speed_of_the_first(data: TrainingData, tmp_path: Path) -> None:
    trainer = Trainer(data, TrainConfig(minutes=0.001, batch_size=48, validations=1), tmp_path)
    before = {key: value.clone() for key, value in trainer.network.state_dict().items()}
    assert trainer._steps_in(0.001) == 20
    assert all(torch.equal(before[key], value) for key, value in trainer.network.state_dict().items())
    assert trainer.optimizer.state_dict()["state"] == {}


def test_a_run_goes_on_in_the_precision_it_began_with_wherever_that_is(data: TrainingData, tmp_path: Path) -> None:
    for begun in (True, False):
        folder = tmp_path / str(begun)
        trainer = Trainer(data, CONFIG, folder)
        trainer.state.bf16 = begun
        trainer.save()
        assert Trainer(data, CONFIG, folder).state.bf16 is begun
    asked_for_fp32 = Trainer(data, replace(CONFIG, bf16=False), tmp_path / "new")
    assert asked_for_fp32.state.bf16 is asked_for_fp32.settings()["bf16"] is False


def test_a_run_of_before_precision_was_timed_goes_on_as_it_was(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(data, CONFIG, tmp_path)
    trainer.save()
    described = json.loads((tmp_path / f"{LAST}.json").read_text())
    del described["state"]["run"]["bf16"]
    (tmp_path / f"{LAST}.json").write_text(json.dumps(described))
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(devices, "bf16_speed", lambda: 9.0)
    devices.bf16_helps.cache_clear()
    for has_tiles in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda has_tiles=has_tiles: has_tiles)
        assert Trainer(data, CONFIG, tmp_path).state.bf16 is has_tiles
    devices.bf16_helps.cache_clear()


@pytest.mark.parametrize(
    ("has_tiles", "has_instructions", "speed", "helps"),
    [
        (True, True, 0.5, True),
        (False, True, 1.15, True),
        (False, True, 1.14, False),
        (False, False, 9.0, False),
    ],
)
def test_bfloat16_is_taken_where_it_is_known_or_timed_to_be_faster(
    has_tiles: bool, has_instructions: bool, speed: float, helps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has_tiles)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_instructions)
    monkeypatch.setattr(devices, "bf16_speed", lambda: speed)
    devices.bf16_helps.cache_clear()
    assert devices.bf16_helps(torch.device("cpu")) is helps
    devices.bf16_helps.cache_clear()


def test_a_cpu_is_timed_in_both_precisions_without_a_trace_in_what_is_drawn() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    assert 0.05 < bf16_speed() < 20
    assert torch.equal(torch.rand(3), expected)


def test_a_length_must_be_said_once(data: TrainingData, tmp_path: Path) -> None:
    for config in (TrainConfig(), TrainConfig(minutes=1, steps=5)):
        with refuses("bad_length"):
            Trainer(data, config, tmp_path)


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [one_cycle(step / 100) for step in range(101)]
    assert max(rates) == rates[10] == pytest.approx(1.0)
    assert rates[0] < 0.1
    assert rates[-1] == pytest.approx(0.001)


def test_the_served_file_answers_as_torch_does_and_is_measured_in_every_view(
    data: TrainingData, unbroken: Path, tmp_path: Path
) -> None:
    served = served_network(data, best_network(unbroken))
    path = tmp_path / "model.onnx"
    difference = export_onnx(served, path, size_px=data.size_px, card={"network": "ours"})
    assert difference <= 0.01
    assert path.stat().st_size < 8_000_000
    predictor = Predictor(path, threads=1)
    assert predictor.card["network"] == "ours"
    rows = data.rows("test")
    wanted = data.has_band[rows].copy()
    with torch.inference_mode():
        mine = served(torch.from_numpy(data.pictures(rows, wanted)).float() / 255, torch.from_numpy(wanted).float())
    said = predictor.predict(data.pictures(rows, wanted), wanted)
    np.testing.assert_allclose(said.inclination_deg, mine[0].numpy(), atol=0.01)
    np.testing.assert_allclose(said.rejection, mine[2].numpy(), atol=0.001)
    report = evaluate(data, predictor, rows)
    assert set(report["views"]) == {"all", "g", "r", "i", "gri"}
    assert report["views"]["all"]["galaxies"] == rows.size
    assert json.loads(json.dumps(report, allow_nan=False))["views"]["g"]["coverage"]["95%"] > 0.7


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"hello")
    with refuses("bad_model"):
        Predictor(path)


def test_half_of_each_batch_are_the_galaxies_beside_and_a_run_with_them_is_one_of_its_own(
    data: TrainingData, tmp_path: Path
) -> None:
    others = replace(data, inclination_deg=np.where(data.is_accepted, 77.25, np.nan))
    config = replace(CONFIG, steps=2, validations=1)
    trainer = Trainer(data, config, tmp_path, beside=others)
    samples = list(trainer._samples(0, 3))
    for sample in samples:
        assert len(sample.pictures) == len(sample.is_measured) == CONFIG.batch_size
        beside = sample.inclination_deg[sample.is_measured] == 77.25
        assert beside.sum() * 2 == sample.is_measured.sum() == 36
    trainer.fit()
    assert Trainer(data, config, tmp_path, beside=others).state.step == 2
    with refuses("another_run"):
        Trainer(data, config, tmp_path)
