"""What real labels are worth: the error on real galaxies against the number of labels that a network went on with.

``python -m tests.bench.real_sky.label_curve [MODEL] [--labels 0 30 100 300 700]``. For each of five splits the network
goes on from MODEL with so many labels of people, half of each batch, and synthetic galaxies, the other half, and is
then asked about the galaxies of the fifth that was left out. Labels are all that people said of EFIGI's galaxies:
inclinations, face-on and rejected. Of 870 a split has about 700. The weights are thrown away.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import django
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from giz.core.vocabulary import BANDS, COLOUR, REASONS
from giz.labelset import LabelSet
from giz.training.nn.augment import PLAIN, SYNTHETIC, Augmentation, Augmenter
from giz.training.nn.batches import Batch, BatchPlan, Sample, make_sample
from giz.training.nn.data import CHANNELS, COLOUR_INDEX, Rows, TrainingData
from giz.training.nn.loop import follow, one_cycle
from giz.training.nn.metrics import rms
from giz.training.nn.ours import MEAN_LOSS_SHARE, OurNet
from giz.training.nn.restore import restore
from giz.training.nn.validation import answers
from tests.bench.real_sky.__main__ import OUT, ROOT, SHIPPED
from tests.bench.real_sky.figures import FOLDS, fold_of
from tests.bench.real_sky.sky import Pixels, RealPicture, load_pixels, read_sky

ASKED_AT_ONCE, MOST_GUARDS = 64, 310
# For the last layers: changed copies of each real picture, batches of synthetic ones, and how they learn.
CHANGED, SYNTHETIC_BATCHES, HEAD_BATCH, HEAD_RATE = 8, 60, 48, 1e-3
FRAMES = Augmentation(level_share=0.2, zoom=(0.85, 1.25), untouched_share=0.15)
SYNTHETIC_FRAMES = replace(SYNTHETIC, frame_share=0.5, frame=(0.45, 0.8), level_share=0.2, untouched_share=0.15)


@dataclass(frozen=True, eq=False)
class RealLabels:
    """What people said of n pictures, read as a network reads a label set."""

    pixels: Pixels
    people_deg: npt.NDArray[np.float64]
    is_accepted: npt.NDArray[np.bool_]
    reasons: npt.NDArray[np.float32]
    fold: Rows
    is_cut: npt.NDArray[np.bool_]

    @property
    def inclination_deg(self) -> npt.NDArray[np.float64]:
        return np.where(self.is_accepted, self.people_deg, np.nan)

    def pictures(self, rows: Rows, wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        found = np.zeros((rows.size, 6, *self.pixels.shape[1:3]), np.uint8)
        found[:, CHANNELS[COLOUR]] = self.pixels[rows].transpose(0, 3, 1, 2)
        return found

    def batch(self, rows: Rows, rng: np.random.Generator) -> Batch:
        n = rows.size
        wanted = np.tile([band == COLOUR for band in BANDS], (n, 1))
        seeds = rng.integers(2**63, size=n, dtype=np.uint64)
        return Batch(rows, np.full(n, COLOUR_INDEX), np.zeros(n, bool), wanted, self.is_accepted[rows], seeds)


def real_labels(rows: list[RealPicture], pixels: Pixels) -> RealLabels:
    chosen = [number for number, row in enumerate(rows) if row.is_measured or row.verdict in ("F", "J")]
    mine = [rows[number] for number in chosen]
    reasons = np.zeros((len(mine), len(REASONS)), np.float32)
    for number, row in enumerate(mine):
        for code in ("face_on",) if row.verdict == "F" else row.reasons if row.verdict == "J" else ():
            reasons[number, REASONS.index(code)] = 1
    return RealLabels(
        pixels[chosen],
        np.array([row.people_deg for row in mine]),
        np.array([row.is_measured for row in mine]),
        reasons,
        np.array([fold_of(row.pgc) for row in mine]),
        np.array([row.is_cut for row in mine]),
    )


class Tuning:
    """The network of a file, and what it goes on with."""

    def __init__(
        self, model: Path, real: RealLabels, made: TrainingData, guard: TrainingData, options: argparse.Namespace
    ) -> None:
        self.real, self.made, self.guard, self.options = real, made, guard, options
        self.half = options.batch // 2
        # Half of a batch that keeps the rules of batches.
        self.plan = BatchPlan(made, task="both", size=2 * self.half, seed=options.seed, all_bands=True, processes=2)
        self.of_real, self.of_made = Augmenter(FRAMES, "cpu"), Augmenter(SYNTHETIC_FRAMES, "cpu")
        whole = BatchPlan(made, task="both", size=96, seed=options.seed, all_bands=True)
        self.start = OurNet()
        restore(self.start, model, make_sample(made, whole.whole_batch(0), self.of_made))

    def network(self, known: Rows, seed: int) -> OurNet:
        """Go on with these labels (rows of the real ones); without any, return the network of the file.

        First the last layers learn alone, on features that are kept, which takes seconds; then all of them.
        """
        network = OurNet().eval()
        network.load_state_dict(self.start.state_dict())
        if known.size:
            self._learn_last_layers(network, known, np.random.default_rng([self.options.seed, seed]))
            if self.options.steps:
                self._learn_all_layers(network, known, seed)
        return network

    def _learn_last_layers(self, network: OurNet, known: Rows, rng: np.random.Generator) -> None:
        real, made = self.features
        measured, steps = known[self.real.is_accepted[known]], self.options.head_steps
        people = torch.from_numpy(self.real.people_deg).float()
        learned = [*network.mix.parameters(), *network.bins.parameters()]
        optimizer = torch.optim.AdamW(learned, lr=HEAD_RATE, weight_decay=0.02)
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = HEAD_RATE * one_cycle(step / steps)
            rows = rng.choice(measured, HEAD_BATCH)
            features, truth_deg = made[rng.integers(len(made))]
            features = torch.cat([real[rng.integers(len(real), size=rows.size), rows], features])
            truth_deg = torch.cat([people[rows], truth_deg])
            bins = network.bins(functional.silu(network.mix(features)))
            mean_deg = (torch.softmax(bins, 1) * network.degrees).sum(1)
            published = functional.smooth_l1_loss(mean_deg, truth_deg, beta=2.0)
            loss = functional.cross_entropy(bins, network.soft_labels(truth_deg)) + MEAN_LOSS_SHARE * published
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    @cached_property
    def features(self) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """What the last layers see: of the real pictures as they are and changed (1 + CHANGED, n, features), and of
        batches of synthetic disks, with their inclinations."""
        seen: list[Tensor] = []
        network = OurNet().eval()
        network.load_state_dict(self.start.state_dict())
        network.mix.register_forward_pre_hook(lambda _layer, inputs: seen.append(inputs[0].float()))
        rng, n = np.random.default_rng(self.options.seed), len(self.real.fold)
        with torch.inference_mode():
            for number in range(1 + CHANGED):
                augmenter = self.of_real if number else Augmenter(PLAIN, "cpu")
                for first in range(0, n, ASKED_AT_ONCE):
                    rows = np.arange(first, min(n, first + ASKED_AT_ONCE))
                    sample = make_sample(self.real, self.real.batch(rows, rng), augmenter)  # type: ignore[arg-type]
                    network(sample.pictures, sample.present)
            real, seen[:] = torch.cat(seen).unflatten(0, (1 + CHANGED, n)), []
            made = []
            for number in range(SYNTHETIC_BATCHES):
                sample = make_sample(self.made, self.plan.whole_batch(number), self.of_made)
                network(sample.pictures, sample.present)
                made.append((seen.pop()[sample.is_measured], sample.inclination_deg[sample.is_measured]))
        return real.clone(), [(features.clone(), deg.clone()) for features, deg in made]

    def _learn_all_layers(self, network: OurNet, known: Rows, seed: int) -> None:
        # The norms keep their statistics: batches are small, and half of them of another look than the file's.
        average = deepcopy(network)
        optimizer = torch.optim.AdamW(network.parameters(), lr=self.options.rate, weight_decay=0.02)
        rng, steps = np.random.default_rng([self.options.seed, seed, 1]), self.options.steps
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = self.options.rate * one_cycle(step / steps)
            sample = self._sample(known, rng, seed * steps + step)
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.options.bf16):
                loss = network.loss(sample)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            follow(average, network, min(0.97, (1 + step) / (10 + step)))
        network.load_state_dict(average.state_dict())

    def _sample(self, known: Rows, rng: np.random.Generator, number: int) -> Sample:
        measured, others = (known[self.real.is_accepted[known] == flag] for flag in (True, False))
        quarter = self.half // 4 if others.size else 0
        drawn = [rng.choice(measured, self.half - quarter), rng.choice(others, quarter) if quarter else others]
        batch = self.real.batch(np.concatenate(drawn), rng)
        parts = [
            make_sample(self.real, batch, self.of_real),  # type: ignore[arg-type]  # what of TrainingData is read
            make_sample(self.made, self.plan.batch(number), self.of_made),
        ]
        names = Sample.__dataclass_fields__
        return Sample(*(torch.cat([getattr(part, name) for part in parts]) for name in names))

    def said(self, network: OurNet, rows: Rows) -> npt.NDArray[np.float64]:
        """Answers about real pictures (n,), degrees."""
        wanted = np.tile([band == COLOUR for band in BANDS], (ASKED_AT_ONCE, 1))
        found = []
        with torch.inference_mode():
            for first in range(0, rows.size, ASKED_AT_ONCE):
                part = rows[first : first + ASKED_AT_ONCE]
                pictures = torch.from_numpy(self.real.pictures(part, wanted[: part.size])).float() / 255.0
                found.append(network.joined(pictures, torch.from_numpy(wanted[: part.size]).float())[0].numpy())
        return np.clip(np.concatenate(found), 45.0, 90.0)

    def synthetic_rms(self, network: OurNet) -> float:
        said = answers(self.guard, network, np.flatnonzero(self.guard.is_accepted)[:MOST_GUARDS], "all")
        return rms(np.clip(said.inclination_deg, 45.0, 90.0) - self.guard.inclination_deg[said.rows])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.real_sky.label_curve", description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=SHIPPED, help="ONNX file (default: what ships)")
    parser.add_argument("--sky", type=Path, default=ROOT.parent / "shared" / "real" / "sky", help="folder of sky.csv")
    parser.add_argument("--out", type=Path, default=OUT, help="for the scaled pictures")
    parser.add_argument("--labels", type=int, nargs="+", default=[0, 30, 100, 300, 700], metavar="N")
    parser.add_argument("--splits", type=int, default=FOLDS, help=f"at most {FOLDS}")
    parser.add_argument("--head-steps", type=int, default=1000, help="of the last layers")
    parser.add_argument("--steps", type=int, default=0, help="of all layers, after that (default 0)")
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16")
    parser.add_argument("--synthetic", type=Path, help="label set of synthetic galaxies (default: 1,000 are made)")
    parser.add_argument("--guard", type=Path, help="label set of other synthetic galaxies to measure (400 are made)")
    options = parser.parse_args()
    if not (options.sky / "sky.csv").exists():
        print(f"No real pictures at {options.sky}: nothing is measured.")
        return
    torch.set_num_threads(1)
    rows = read_sky(options.sky)
    with tempfile.TemporaryDirectory() as made:
        learn = options.synthetic or synthesized(Path(made) / "learn", 1000, 2032)
        guard = options.guard or synthesized(Path(made) / "guard", 400, 5000)
        real = real_labels(rows, load_pixels(options.sky, rows, 128, options.out))
        curve(
            Tuning(options.model, real, *(TrainingData.of(LabelSet.open(one)) for one in (learn, guard)), options),
            options,
        )


def synthesized(folder: Path, galaxies: int, seed: int) -> Path:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "giz.settings")
    django.setup()
    from giz.catalog.services.synthesis import labelset_synthesize

    labelset_synthesize(folder=folder, galaxies=galaxies, size_px=128, seed=seed, workers=1)
    return folder


def curve(tuning: Tuning, options: argparse.Namespace) -> None:
    real = tuning.real
    steps = f"{options.head_steps} steps of the last layers, {options.steps} of all"
    print(f"{len(real.fold)} labels, {real.is_accepted.sum()} of them inclinations; {steps}")
    for count in options.labels:
        began, error, synthetic, used = time.monotonic(), np.full(len(real.fold), np.nan), [], []
        for split in range(options.splits):
            known, left_out = np.flatnonzero(real.fold != split), np.flatnonzero(real.fold == split)
            random.Random(split).shuffle(known)
            network = tuning.network(known[:count], split)
            asked = left_out[real.is_accepted[left_out]]
            error[asked] = tuning.said(network, asked) - real.people_deg[asked]
            synthetic.append(tuning.synthetic_rms(network))
            used.append(min(count, known.size))
        is_asked = np.isfinite(error)
        by_split = [rms(error[is_asked & ~real.is_cut & (real.fold == split)]) for split in range(options.splits)]
        words = [f"{np.mean(used):4.0f} labels"]
        for name, chosen in (("whole", is_asked & ~real.is_cut), ("cut", is_asked & real.is_cut)):
            mine = error[chosen]
            words.append(f"{name} RMS {rms(mine):.2f} MAE {np.abs(mine).mean():.2f} bias {mine.mean():+.2f}")
        words.append(f"whole by split {' '.join(f'{value:.2f}' for value in by_split)}")
        words.append(f"synthetic {np.mean(synthetic):.2f} (worst {max(synthetic):.2f})")
        print("; ".join(words), f"({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
