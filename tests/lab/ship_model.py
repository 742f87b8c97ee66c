"""Make the network that comes with GIZ: synthesize, train, measure on unseen galaxies, write the file and its cards.

``python -m tests.lab.ship_model --work FOLDER``. It reads and writes files only and resumes after an interruption.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from giz.catalog.services.synthesis import labelset_synthesize
from giz.core.command import GizCommand
from giz.core.errors import Refused
from giz.synthetic.population import POPULATION_RULES
from giz.training.nn.data import TrainingData
from giz.training.nn.evaluation import ask, report_of
from giz.training.nn.predictor import Predictor
from giz.training.nn.real_error import CARD_NAME, MEASURED
from giz.training.reports import evaluation_text as figures_text
from giz.training.services.gating import reference_of
from giz.training.services.pictures import pictures_evaluate, summary
from giz.training.services.runs import labelset_opened, refusals
from giz.training.storage import SHIPPED_FILE
from tests.bench.real_sky.figures import sky_figures
from tests.lab import run
from tests.lab.model_card import card_text

if TYPE_CHECKING:
    from torch import Tensor

    from giz.training.nn.loop import Trainer

SHIPPED_FOLDER = SHIPPED_FILE.parent
REJECTED_FROM = 0.5
# Decay of the running average of the weights of a run, and how often it is validated.
AVERAGE, VALIDATIONS = 0.99, 4
FILES = ("begin", "real_sky", "pictures", "truth")
NUMBERS = (
    *("galaxies", "rule", "runs", "steps", "batch_size", "rate", "seed"),
    *("test_galaxies", "test_seed", "workers", "threads", "bf16"),
)
# (part, done, total)
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Shipping:
    """What to make. `work` holds label sets and runs; `pictures` and `truth`, real galaxies for a last look.

    rule : population to learn from; it is measured on every population, with `test_galaxies` of each.
    begin : ONNX file of the network to go on from, or None.
    runs : of `steps`, each with a seed of its own, from the same beginning; the mean of their weights ships.
    rate : of learning, at its peak. threads : of torch; another number rounds otherwise.
    bf16 : to train in bfloat16 whatever the processor, be it faster or slower: the file must not depend on that.
    real_sky : folder of real pictures (`tests.bench.real_sky`), of which figures go into the cards.
    """

    work: Path
    out: Path
    galaxies: int
    rule: str
    test_galaxies: int
    steps: int
    runs: int
    batch_size: int
    rate: float
    seed: int
    test_seed: int
    workers: int
    threads: int
    size_px: int = 128
    bf16: bool = False
    begin: Path | None = None
    real_sky: Path | None = None
    pictures: Path | None = None
    truth: Path | None = None

    @property
    def command(self) -> str:
        """What makes the same network again."""
        return (
            f"python -m tests.lab.ship_model --work FOLDER{' --begin FILE' * (self.begin is not None)} "
            f"--galaxies {self.galaxies} --rule {self.rule} --runs {self.runs} --steps {self.steps} "
            f"--batch-size {self.batch_size} --rate {self.rate:g} --seed {self.seed} --threads {self.threads} "
            f"--test-galaxies {self.test_galaxies} --test-seed {self.test_seed}{' --bf16' * self.bf16}"
        )


def model_ship(*, plan: Shipping, on_progress: OnProgress) -> dict[str, Any]:
    """Make the network and write ``ours.onnx``, ``ours.json`` and ``MODEL_CARD.md``; returns what the JSON holds.

    The card inside the file has the figures, too, under ``report``.
    """
    learned = _synthesized(plan, plan.rule, plan.galaxies, plan.seed, on_progress)
    file, card = _trained(plan, learned, on_progress)
    tests = []
    for rule in POPULATION_RULES:
        unseen = _synthesized(plan, rule, plan.test_galaxies, plan.test_seed, on_progress)
        rows = np.concatenate([unseen.rows(side) for side in ("train", "validation", "test")])
        asked = ask(unseen, Predictor(file), rows, lambda done, total: on_progress("Measuring", done, total))
        measured = report_of(unseen, card, asked)
        tests.append({"population_rule": rule, "galaxies": int(rows.size), "views": measured["views"]})
        if rule == plan.rule:
            card["report"] = {
                "views": measured["views"],
                "outliers": measured["outliers"],
                "reference": reference_of(unseen, asked),
            }
    with refusals():
        from giz.training.nn.export import write_card

        plan.out.mkdir(parents=True, exist_ok=True)
        write_card(file, plan.out / "ours.onnx", card)
    data = (plan.out / "ours.onnx").read_bytes()
    shipped: dict[str, Any] = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "command": plan.command,
        "card": card,
        "test": {"seed": plan.test_seed, "populations": tests},
    }
    if plan.real_sky:
        shipped["real_sky"] = sky_figures(file, plan.real_sky, plan.work)
    if plan.pictures:
        shipped["real"] = _real(plan, file, on_progress)
    text = json.dumps(shipped, indent=1, sort_keys=True, allow_nan=False)
    (plan.out / "ours.json").write_text(text + "\n", encoding="utf-8")
    (plan.out / "MODEL_CARD.md").write_text(card_text(shipped), encoding="utf-8")
    return shipped


def _synthesized(plan: Shipping, rule: str, galaxies: int, seed: int, on_progress: OnProgress) -> TrainingData:
    folder = plan.work / f"{rule}-{galaxies}-seed{seed}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    labelset_synthesize(
        folder=folder,
        galaxies=galaxies,
        size_px=plan.size_px,
        seed=seed,
        workers=plan.workers,
        rule=rule,
        on_progress=lambda done, total: on_progress(f"Galaxies of {rule}", done, total),
    )
    return labelset_opened(folder)


def _trained(plan: Shipping, data: TrainingData, on_progress: OnProgress) -> tuple[Path, dict[str, Any]]:
    """Train every run, then write the network with the mean of their weights."""
    with refusals():
        import torch

        from giz.training.nn.augment import FRAMED
        from giz.training.nn.export import export_onnx, served_network
        from giz.training.nn.loop import TrainConfig, Trainer

        torch.set_num_threads(plan.threads)
        trainers = []
        for number in range(plan.runs):
            config = TrainConfig(
                steps=plan.steps,
                seed=plan.seed + number,
                batch_size=plan.batch_size,
                learning_rate=plan.rate,
                bf16=plan.bf16,
                patience=0,
                workers=min(plan.threads - 1, 1),
                average=AVERAGE,
                validations=VALIDATIONS,
                even_degrees=False,
                augmentation=FRAMED,
            )
            trainer = Trainer(data, config, plan.work / f"run{number + 1}", begin=plan.begin)
            trainer.state.bf16 = plan.bf16
            trainer.fit(lambda done, total, _message, number=number: on_progress(f"Run {number + 1}", done, total))  # type: ignore[misc]
            trainers.append(trainer)
        network = trainers[0].average
        network.load_state_dict(mean_of([trainer.average.state_dict() for trainer in trainers]))
        file, card = plan.work / "ours.onnx", _card(trainers)
        # It is measured on other galaxies: those that a run keeps for that calibrate the intervals, too.
        rows = np.concatenate([data.rows("validation"), data.rows("test")])
        export_onnx(served_network(data, network, rows), file, size_px=data.size_px, card=card)
    return file, card


def mean_of(weights: list[dict[str, Tensor]]) -> dict[str, Any]:
    """Mean of the weights of networks that began alike: better than each of them (Wortsman et al. 2022)."""
    return {
        name: sum(one[name] for one in weights) / len(weights) if first.is_floating_point() else first
        for name, first in weights[0].items()
    }


def _card(trainers: list[Trainer]) -> dict[str, Any]:
    first = trainers[0]
    manifest = first.data.labelset.manifest
    return {
        "network": first.config.network,
        "flavour": first.config.flavour,
        "labelset": {key: manifest[key] for key in ("name", "title", "origin", "digest", "counts", "versions")},
        "validation": first.state.history[-1],
        "steps": first.state.step,
        "runs": len(trainers),
        "begun_from": first.begun_from,
        "batch_size": first.plan.size,
        "size_px": first.data.size_px,
        "config": first.settings(),
        CARD_NAME: MEASURED.as_json(),
    }


def _real(plan: Shipping, file: Path, on_progress: OnProgress) -> dict[str, Any]:
    """Figures of real galaxies whose inclination is known; those that are face-on by their label can't be measured."""
    galaxies, _unusable = pictures_evaluate(
        model=file,
        folder=plan.pictures or Path(),
        truth=plan.truth,
        on_progress=lambda done, total: on_progress("Real galaxies", done, total),
    )
    known = [galaxy for galaxy in galaxies if galaxy.truth_deg is not None]
    found = summary(known)
    return found | {
        "rejected": sum((galaxy.rejection or 0.0) >= REJECTED_FROM for galaxy in known),
        "held_95": sum(abs(galaxy.error_deg or 0.0) <= (galaxy.half_width_95_deg or 0.0) for galaxy in known),
    }


class Command(GizCommand):
    help = (
        "Make the network that comes with GIZ: synthesize galaxies, train on them, measure on others, write ours.onnx, "
        "ours.json and MODEL_CARD.md. This takes hours; after an interruption the same command resumes."
    )
    needs_database = False
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--work", required=True, metavar="FOLDER", help="folder for label sets and checkpoints")
        parser.add_argument("--out", default=str(SHIPPED_FOLDER), metavar="FOLDER", help="where the files go")
        parser.add_argument(
            "--begin", metavar="FILE", help="ONNX file of the network to go on from (default: from new weights)"
        )
        parser.add_argument("--galaxies", type=int, default=8_000, metavar="N", help="to learn from (default 8,000)")
        parser.add_argument(
            "--rule", default=POPULATION_RULES[-1], choices=POPULATION_RULES, help="population of these"
        )
        parser.add_argument(
            "--runs",
            type=int,
            default=2,
            metavar="N",
            help="whose weights are averaged, with seeds of their own (default 2)",
        )
        parser.add_argument("--steps", type=int, default=2_200, metavar="N", help="of each run (default 2,200)")
        parser.add_argument("--batch-size", type=int, default=48, metavar="N", help="pictures a step (default 48)")
        parser.add_argument(
            "--rate", type=float, default=1e-3, metavar="X", help="of learning at its peak (default 0.001)"
        )
        parser.add_argument("--seed", type=int, default=2031, metavar="N", help="of galaxies and runs (default 2031)")
        parser.add_argument("--test-galaxies", type=int, default=5_000, metavar="N", help="unseen (default 5,000)")
        parser.add_argument("--test-seed", type=int, default=5_000, metavar="N", help="of those (default 5000)")
        parser.add_argument("--size", type=int, default=128, metavar="PX", help="side of the pictures (default 128)")
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="that render")
        parser.add_argument(
            "--threads",
            type=int,
            default=1,
            metavar="N",
            help="that train; another number rounds otherwise (default 1)",
        )
        parser.add_argument(
            "--bf16", action="store_true", help="train in bfloat16: other rounding, on some machines twice as fast"
        )
        parser.add_argument(
            "--real-sky", metavar="FOLDER", help="real pictures with sky.csv, whose figures go into the cards"
        )
        parser.add_argument("--pictures", metavar="FOLDER", help="real galaxies for a last look, see evaluate_pictures")
        parser.add_argument("--truth", metavar="FILE", help="table with the columns pgc and inc, for these")

    def handle(self, *, work: str, out: str, **options: Any) -> None:
        if options["seed"] == options["test_seed"]:
            raise Refused("bad_number", "--test-seed must differ from --seed, or the galaxies were seen in training.")
        if min(options["steps"], options["runs"], options["threads"]) < 1:
            raise Refused("bad_number", "--steps, --runs and --threads must be 1 or more.")
        files: dict[str, Any] = {name: options[name] and Path(options[name]).expanduser() for name in FILES}
        numbers = {name: options[name] for name in NUMBERS}
        plan = Shipping(
            work=Path(work).expanduser().absolute(),
            out=Path(out).expanduser().absolute(),
            size_px=options["size"],
            **files,
            **numbers,
        )
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        tasks: dict[str, TaskID] = {}
        try:
            with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:

                def report(part: str, done: int, total: int) -> None:
                    if part not in tasks:
                        tasks[part] = bar.add_task(part, total=total)
                    bar.update(tasks[part], completed=done, total=total)

                shipped = model_ship(plan=plan, on_progress=report)
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run the same command again to continue from here.", returncode=130) from None
        self.stdout.write(figures_text(shipped["card"]["report"]))
        self.stdout.write(f"{plan.out / 'ours.onnx'} ({shipped['bytes'] / 1e6:.1f} MB)")


if __name__ == "__main__":
    run(Command(), "ship_model")
