"""How good a network is on galaxies it does not learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from giz.training.nn.augment import PLAIN, Augmenter
from giz.training.nn.data import VIEWS, Rows, Side, TrainingData
from giz.training.nn.errors import TrainingError
from giz.training.nn.feed import look_at
from giz.training.nn.learners import Learner
from giz.training.nn.metrics import inclination_metrics, verdict_metrics


@dataclass(frozen=True, eq=False)
class Answered:
    """Answers about galaxies in one view; fields without an answer are empty.

    rows : (n,) of the label set. inclination_deg, sigma_deg, rejected (logit) : (n,). reasons : (n, 9) logits.
    """

    view: str
    rows: Rows
    inclination_deg: npt.NDArray[np.float64]
    sigma_deg: npt.NDArray[np.float64]
    rejected: npt.NDArray[np.float64]
    reasons: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Score:
    """What a run is judged by: `value` (smaller is better), and what else is worth a curve."""

    value: float
    rms_deg: float | None
    mae_deg: float | None
    accuracy: float | None

    @property
    def words(self) -> str:
        parts = [] if self.rms_deg is None else [f"RMS {self.rms_deg:.2f}°"]
        if self.accuracy is not None:
            parts.append(f"verdict {self.accuracy:.1%}")
        return ", ".join(parts)

    def as_json(self) -> dict[str, Any]:
        rounded = {
            name: None if value is None else round(value, 5)
            for name, value in (("rms_deg", self.rms_deg), ("mae_deg", self.mae_deg), ("accuracy", self.accuracy))
        }
        return {"value": round(self.value, 6), **rounded, "words": self.words}


@torch.inference_mode()
def answers(
    data: TrainingData,
    learner: Learner,
    network: nn.Module,
    rows: Rows,
    view: str,
    device: torch.device | str = "cpu",
) -> Answered:
    """Ask the network about galaxies in one view."""
    network.eval()
    asked, columns = [], []
    augmenter = Augmenter(PLAIN, device)
    for part, sample in look_at(data, rows, view, augmenter):
        said = learner.predict(network, sample)
        asked.append(part)
        columns.append([said.inclination_deg, said.sigma_deg, said.rejected, said.reasons])
    joined = [
        np.concatenate([value.double().cpu().numpy() for value in values])
        if values and values[0] is not None
        else np.empty(0)
        for values in zip(*columns, strict=True)
    ] or [np.empty(0)] * 4
    return Answered(view, np.concatenate(asked) if asked else rows[:0], *joined)


def rows_of(data: TrainingData, side: Side) -> Rows:
    rows = data.rows(side)
    if not data.is_accepted[rows].any():
        raise TrainingError("too_few_galaxies", f"No accepted galaxy with pictures among the {side} galaxies.")
    return rows


def validate(data: TrainingData, learner: Learner, network: nn.Module, device: torch.device | str = "cpu") -> Score:
    """Score on the validation galaxies, each seen once: in all bands, or one band in turn."""
    rows = rows_of(data, "validation")
    views = VIEWS if learner.all_bands else VIEWS[1:]
    predicted, truth, rejected, is_rejected = [], [], [], []
    for number, view in enumerate(views):
        said = answers(data, learner, network, rows[number :: len(views)], view, device)
        measured = data.is_accepted[said.rows]
        if said.inclination_deg.size:
            predicted.append(said.inclination_deg[measured])
            truth.append(data.inclination_deg[said.rows[measured]])
        if said.rejected.size:
            rejected.append(said.rejected)
            is_rejected.append(~measured)
    rms_deg = mae_deg = accuracy = None
    value = 0.0
    if predicted:
        errors = inclination_metrics(np.clip(np.concatenate(predicted), 45, 90), np.concatenate(truth))
        rms_deg, mae_deg, value = errors.rms_deg, errors.mae_deg, errors.rms_deg
    if rejected:
        logits, true = np.concatenate(rejected), np.concatenate(is_rejected)
        accuracy = verdict_metrics(logits, true, threshold=0.0).accuracy
        if not predicted:
            value = float(np.mean(np.logaddexp(0.0, np.where(true, -logits, logits))))
    return Score(value, rms_deg, mae_deg, accuracy)
