"""CPU a picture takes in training and in serving, the share of data, and all of it against Keras.

``python -m tests.bench.bench_training`` measures us alone; ``make bench-training`` adds ``--keras``: the same networks
in TensorFlow, which is installed into a temporary folder, in turns with ours, so that both see the same machine.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch

from giz.labelset import LabelSet
from giz.training.nn.augment import SYNTHETIC
from giz.training.nn.batches import Sample, make_sample
from giz.training.nn.data import TrainingData
from giz.training.nn.devices import bf16_helps, bf16_speed
from giz.training.nn.export import export_onnx
from giz.training.nn.kinds import OURS
from giz.training.nn.loop import TrainConfig, Trainer, keep_memory
from giz.training.nn.networks import ServedReference, network_for
from giz.training.nn.ours import Served
from giz.training.nn.predictor import Predictor
from tests.bench.training.rival import Keras, keras
from tests.training.discs import write_discs
from tests.training.nn.test_networks import parameter_count

SIZE_PX, GALAXIES = 128, 300
# Three networks, each in four flavours, and three that tell the verdict: a request of the original.
ENSEMBLE = ["model4", "model5", "model6"] * 4 + ["model4-binary", "model5-binary", "model6-binary"]
VIEWS = 2


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


class Ours:
    """One network in our trainer, with a batch ready."""

    def __init__(self, data: TrainingData, name: str, folder: Path, bf16: bool | None = None) -> None:
        self.data, self.name = data, name
        # model5 takes so long that half a batch must do.
        size = 36 if name == "model5" else 0
        # The most that is ever done to pictures: what synthetic galaxies get.
        config = TrainConfig(network=name, steps=100_000, workers=0, batch_size=size, augmentation=SYNTHETIC)
        self.trainer = Trainer(data, config, folder)
        if bf16 is not None:
            self.trainer.state.bf16 = bf16
        self.sample = self.feed(0)
        self.step()

    def feed(self, number: int) -> Sample:
        return make_sample(self.data, self.trainer.plan.batch(number), self.trainer.augmenter)

    def step(self) -> None:
        self.trainer._step(self.sample)

    @property
    def size(self) -> int:
        return self.trainer.plan.size


def measure_alone(data: TrainingData, names: list[str], rounds: int, root: Path) -> None:
    print(
        "network          step: ms of CPU a picture   data+augmentation of it   serve: ms a picture   MB   ONNX − torch"
    )
    for name in names:
        ours = Ours(data, name, root / f"alone-{name}")
        feeding, stepping = [], []
        for number in range(rounds):
            feeding.append(spent(partial(ours.feed, number))[1])
            stepping.append(spent(ours.step)[1])
        fed, stepped = median(feeding), median(stepping)
        difference, path = exported(name, root)
        predictor, megabytes = Predictor(path, threads=torch.get_num_threads()), path.stat().st_size / 1e6
        pictures, present = np.full((32, 6, SIZE_PX, SIZE_PX), 128, np.uint8), np.ones((32, 4), bool)
        ask = partial(predictor.predict, pictures, present)
        ask()
        served = median(spent(ask)[1] for _ in range(rounds)) / 32
        print(
            f"{name:16s} {(fed + stepped) / ours.size * 1e3:25.1f}   {fed / (fed + stepped):24.0%}   "
            f"{served * 1e3:19.2f}   {megabytes:.1f}   {difference:.5f}", flush=True,
        )  # fmt: skip


def exported(name: str, root: Path) -> tuple[float, Path]:
    """How far an untrained network as it is served is from torch (degrees or shares), and its file."""
    torch.manual_seed(0)
    network = network_for(name, SIZE_PX).eval()
    served = Served(network) if name == OURS else ServedReference(network)  # type: ignore[arg-type]
    path = root / f"{name}.onnx"
    return export_onnx(served.eval(), path, size_px=SIZE_PX, card={"network": name}), path


def against_keras(data: TrainingData, names: list[str], rounds: int, root: Path, rival: Keras) -> None:
    """The same architecture and size of batch in turns; a ratio above 1 means that we are faster."""
    print(f"Keras {rival.version}; {torch.get_num_threads()} threads each; s a step, wall (CPU)")
    for name in names:
        sides = {
            "fp32": Ours(data, name, root / f"{name}-fp32", False),
            "bf16": Ours(data, name, root / f"{name}-bf16", True),
        }
        size, used = sides["fp32"].size, "bf16" if bf16_helps(torch.device("cpu")) else "fp32"
        parameters = rival.ask("train", [name], size=size, rounds=1)["parameters"]
        assert parameters == parameter_count(sides["fp32"].trainer.network)
        theirs: list[tuple[float, float]] = []
        mine: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        for _ in range(rounds):
            said = rival.ask("train", [name], size=size, rounds=1)
            theirs.append((said["wall"], said["cpu"]))
            for side, ours in sides.items():
                mine[side].append(spent(ours.step))
        for side in sides:
            row(
                f"{name}, {int(parameters):,} parameters, {side}{' (used here)' if side == used else ''}",
                theirs,
                mine[side],
            )


def row(what: str, theirs: list[tuple[float, float]], mine: list[tuple[float, float]]) -> None:
    (their_wall, their_cpu), (wall, cpu) = (np.median(np.array(times), axis=0) for times in (theirs, mine))
    print(
        f"{what:45s} Keras {their_wall:6.3f} ({their_cpu:6.3f})   GIZ {wall:6.3f} ({cpu:6.3f})   "
        f"{their_wall / wall:5.2f} × as fast by the clock, {their_cpu / cpu:5.2f} × by CPU", flush=True,
    )  # fmt: skip


def request_against_keras(rounds: int, root: Path, rival: Keras) -> None:
    """A whole request of the original: fifteen networks, two views."""
    files = {name: exported(name, root)[1] for name in set(ENSEMBLE)}
    ours = [Predictor(files[name], threads=torch.get_num_threads()) for name in ENSEMBLE]
    pictures, present = np.full((VIEWS, 6, SIZE_PX, SIZE_PX), 99, np.uint8), np.ones((VIEWS, 4), bool)

    def ask() -> None:
        for predictor in ours:
            predictor.predict(pictures, present)

    ask()
    for way in ("predict", "predict_on_batch"):
        rival.ask(way, ENSEMBLE, size=VIEWS, rounds=1)
        theirs, mine = [], []
        for _ in range(rounds):
            said = rival.ask(way, ENSEMBLE, size=VIEWS, rounds=1)
            theirs.append((said["wall"], said["cpu"]))
            mine.append(spent(ask))
        row(f"request of {len(ENSEMBLE)} networks × {VIEWS} views, {way}", theirs, mine)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_training", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="steps of each network (default 4)")
    parser.add_argument("--networks", nargs="+", default=[], help="which; model5 takes minutes")
    parser.add_argument("--keras", action="store_true", help="compare model4 and model5 and a request with Keras")
    parser.add_argument("--tensorflow", default="", metavar="PYTHON", help="a Python that has TensorFlow already")
    parser.add_argument("--threads", type=int, default=0, help="of each side (default 1, with --keras all cores)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads or ((os.cpu_count() or 1) if options.keras else 1))
    keep_memory()
    print(f"A convolution and its gradients in bfloat16: {bf16_speed():.2f} × as fast as in float32")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        data = TrainingData.of(LabelSet.open(write_discs(root / "discs", GALAXIES, SIZE_PX)))
        if not options.keras:
            measure_alone(data, options.networks or [OURS, "model4", "model6"], options.rounds, root)
            return
        with keras(torch.get_num_threads(), options.tensorflow) as rival:
            against_keras(data, options.networks or ["model4", "model5"], options.rounds, root, rival)
            request_against_keras(options.rounds, root, rival)


if __name__ == "__main__":
    main()
