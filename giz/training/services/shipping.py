"""Make the network that comes with GIZ: synthesize, train, measure on galaxies it has not seen, write file and cards.

Files only, no database. Each part goes on where it was interrupted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from giz.catalog.services.synthesis import labelset_synthesize
from giz.training.model_card import card_text
from giz.training.nn.data import TrainingData
from giz.training.nn.evaluation import ask, report_of
from giz.training.nn.predictor import Predictor
from giz.training.services.gating import reference_of
from giz.training.services.pictures import pictures_evaluate, summary
from giz.training.services.runs import labelset_opened, refusals

if TYPE_CHECKING:
    from giz.training.nn.loop import Trainer

SHIPPED_FOLDER = Path(__file__).resolve().parents[1] / "shipped"
REJECTED_FROM = 0.5
# The finish (docs/decisions/0025-a-finish-with-plain-pictures.md): the share of pictures that are only turned, and the
# learning rate at its peak.
FINISH_PLAIN_SHARE, FINISH_RATE = 0.5, 1e-3
# (part, done, total)
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Shipping:
    """What to make. `work` holds label sets and the run; `pictures` and `truth`, real galaxies for a last look.

    finish_steps : of training after `steps`, with half of the pictures as they come.
    bf16 : to train in bfloat16 whatever the processor, be it faster or slower: the file must not depend on that.
    """

    work: Path
    out: Path
    galaxies: int
    test_galaxies: int
    steps: int
    seed: int
    test_seed: int
    workers: int
    size_px: int = 128
    finish_steps: int = 0
    bf16: bool = False
    pictures: Path | None = None
    truth: Path | None = None

    @property
    def command(self) -> str:
        """What makes the same network again."""
        finish = f" --finish-steps {self.finish_steps}" if self.finish_steps else ""
        return (
            f"manage.py ship_model --work FOLDER --galaxies {self.galaxies} --steps {self.steps}{finish} "
            f"--seed {self.seed} --test-galaxies {self.test_galaxies} --test-seed {self.test_seed}"
            f"{' --bf16' * self.bf16}"
        )


def model_ship(*, plan: Shipping, on_progress: OnProgress) -> dict[str, Any]:
    """Make the network and write ``ours.onnx``, ``ours.json`` and ``MODEL_CARD.md``; returns what the JSON holds.

    The card inside the file has the figures, too, under ``report``.
    """
    learned = _synthesized(plan, "learn", plan.galaxies, plan.seed, on_progress)
    file, card = _trained(plan, learned, on_progress)
    unseen = _synthesized(plan, "unseen", plan.test_galaxies, plan.test_seed, on_progress)
    rows = np.concatenate([unseen.rows(side) for side in ("train", "validation", "test")])
    asked = ask(unseen, Predictor(file), rows, lambda done, total: on_progress("Measuring", done, total))
    measured = report_of(unseen, card, asked)
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
        "test": {
            "galaxies": int(rows.size),
            "population_rule": unseen.labelset.manifest["versions"]["population_rule"],
            "seed": plan.test_seed,
        },
    }
    if plan.pictures:
        shipped["real"] = _real(plan, file, on_progress)
    text = json.dumps(shipped, indent=1, sort_keys=True, allow_nan=False)
    (plan.out / "ours.json").write_text(text + "\n", encoding="utf-8")
    (plan.out / "MODEL_CARD.md").write_text(card_text(shipped), encoding="utf-8")
    return shipped


def _synthesized(plan: Shipping, name: str, galaxies: int, seed: int, on_progress: OnProgress) -> TrainingData:
    folder = plan.work / f"{name}-{galaxies}-seed{seed}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    labelset_synthesize(
        folder=folder,
        galaxies=galaxies,
        size_px=plan.size_px,
        seed=seed,
        workers=plan.workers,
        on_progress=lambda done, total: on_progress(f"Galaxies to {name}", done, total),
    )
    return labelset_opened(folder)


def _trained(plan: Shipping, data: TrainingData, on_progress: OnProgress) -> tuple[Path, dict[str, Any]]:
    with refusals():
        from giz.training.nn.augment import SYNTHETIC
        from giz.training.nn.export import best_network, export_onnx, served_network
        from giz.training.nn.loop import TrainConfig, Trainer

        config = TrainConfig(steps=plan.steps, seed=plan.seed, bf16=plan.bf16, patience=0, workers=1)
        trainer = _fitted(Trainer(data, config, plan.work / "run"), plan, "Training", on_progress)
        card = _card(trainer)
        if plan.finish_steps:
            config = replace(
                config,
                steps=plan.finish_steps,
                seed=plan.seed + 1,
                learning_rate=FINISH_RATE,
                augmentation=replace(SYNTHETIC, plain_share=FINISH_PLAIN_SHARE),
            )
            finishing = Trainer(data, config, plan.work / "finish", begin=trainer.folder)
            trainer = _fitted(finishing, plan, "Finishing", on_progress)
            card |= {
                "validation": trainer.state.best,
                "finish": {"steps": trainer.state.step, "config": trainer.told()},
            }
        file = plan.work / "ours.onnx"
        # It is measured on other galaxies: those that a run keeps for that calibrate the intervals, too.
        rows = np.concatenate([data.rows("validation"), data.rows("test")])
        served = served_network(data, trainer.learner, best_network(trainer.folder, trainer.learner), rows)
        export_onnx(served, file, size_px=data.size_px, card=card)
    return file, card


def _fitted(trainer: Trainer, plan: Shipping, part: str, on_progress: OnProgress) -> Trainer:
    trainer.state.bf16 = plan.bf16
    trainer.fit(lambda done, total, _message: on_progress(part, done, total))
    return trainer


def _card(trainer: Trainer) -> dict[str, Any]:
    manifest = trainer.data.labelset.manifest
    return {
        "network": trainer.config.network,
        "flavour": trainer.config.flavour,
        "labelset": {key: manifest[key] for key in ("name", "title", "origin", "digest", "counts", "versions")},
        "validation": trainer.state.best,
        "steps": trainer.state.step,
        "batch_size": trainer.plan.size,
        "size_px": trainer.data.size_px,
        "config": trainer.told(),
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
