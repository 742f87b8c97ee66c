"""CPU a picture takes in training and in serving, and the share of data. ``python -m tests.bench.bench_training``

CPU seconds, not wall time: what else runs on the machine stretches these less.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from giz.labelset import LabelSet
from giz.training.nn.augment import Augmentation, Augmenter
from giz.training.nn.data import TrainingData
from giz.training.nn.export import ServedReference, export_onnx
from giz.training.nn.feed import make_sample
from giz.training.nn.learners import learner_for
from giz.training.nn.loop import TrainConfig, Trainer, keep_memory
from giz.training.nn.names import OURS
from giz.training.nn.ours import Served
from giz.training.nn.predictor import Predictor
from tests.training.discs import write_discs

SIZE_PX = 128
GALAXIES = 300


def step_seconds(data: TrainingData, name: str, steps: int, folder: Path) -> tuple[float, float, int]:
    """CPU seconds of a whole step, of its data and augmentation, and the size of a batch."""
    trainer = Trainer(data, TrainConfig(network=name, steps=1000, workers=0), folder)
    augmenter = Augmenter(Augmentation())
    samples = [make_sample(data, trainer.plan.batch(number), augmenter) for number in range(steps)]
    start = time.process_time()
    for number in range(steps):
        make_sample(data, trainer.plan.batch(number), augmenter)
    feeding = (time.process_time() - start) / steps
    trainer._step(samples[0])
    start = time.process_time()
    for sample in samples:
        trainer._step(sample)
    return feeding + (time.process_time() - start) / steps, feeding, trainer.plan.size


def serving_seconds(name: str, rounds: int, folder: Path) -> tuple[float, float]:
    """CPU seconds a picture through ONNX Runtime, and the megabytes of the file."""
    network = learner_for(name, SIZE_PX).network.eval()
    served = Served(network) if name == OURS else ServedReference(network)  # type: ignore[arg-type]
    path = folder / f"{name}.onnx"
    export_onnx(served.eval(), path, size_px=SIZE_PX, card={"network": name})
    predictor = Predictor(path, threads=1)
    pictures, present = np.full((32, 6, SIZE_PX, SIZE_PX), 128, np.uint8), np.ones((32, 4), bool)
    predictor.predict(pictures, present)
    start = time.process_time()
    for _ in range(rounds):
        predictor.predict(pictures, present)
    return (time.process_time() - start) / rounds / 32, path.stat().st_size / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_training", description=__doc__)
    parser.add_argument("--steps", type=int, default=4, help="steps of each network (default 4)")
    parser.add_argument("--networks", nargs="+", default=[OURS, "model4", "model6"], help="model5 takes minutes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    print("one thread, 128 px          train: ms a picture   data+augmentation   serve: ms a picture   MB")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        data = TrainingData.of(LabelSet.open(write_discs(root / "discs", GALAXIES, SIZE_PX)))
        for name in options.networks:
            whole, feeding, size = step_seconds(data, name, options.steps, root / name)
            served, megabytes = serving_seconds(name, options.steps, root)
            train_ms, share = whole / size * 1e3, feeding / whole
            print(f"{name:27s} {train_ms:18.1f}   {share:17.0%}   {served * 1e3:19.2f}   {megabytes:.1f}")


if __name__ == "__main__":
    main()
