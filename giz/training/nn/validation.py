"""How good a network is on galaxies that it does not learn from, while it trains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from giz.core.vocabulary import BANDS
from giz.training.nn.augment import PLAIN, Augmenter
from giz.training.nn.batches import Batch, Sample, make_sample
from giz.training.nn.data import COLOUR_INDEX, VIEWS, Rows, Side, TrainingData, TrainingError
from giz.training.nn.metrics import inclination_metrics, verdict_metrics
from giz.training.nn.networks import Trainable

ASKED_AT_ONCE = 128


@dataclass(frozen=True, eq=False)
class Answered:
    """Answers about galaxies in one view; arrays are empty where the network gives none.

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
    """The score of a run: `value` (smaller is better), and what else is worth a curve."""

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
    data: TrainingData, network: Trainable, rows: Rows, view: str, device: torch.device | str = "cpu"
) -> Answered:
    """Ask the network about galaxies (n,) in one view."""
    network.eval()
    asked, columns = [], []
    for part, sample in _plain_samples(data, rows, view, Augmenter(PLAIN, device)):
        found = network.predict(sample)
        asked.append(part)
        columns.append([found.inclination_deg, found.sigma_deg, found.rejected, found.reasons])
    joined = [
        np.concatenate([value.double().cpu().numpy() for value in values])
        if values and values[0] is not None
        else np.empty(0)
        for values in zip(*columns, strict=True)
    ] or [np.empty(0)] * 4
    return Answered(view, np.concatenate(asked) if asked else rows[:0], *joined)


def _plain_samples(data: TrainingData, rows: Rows, view: str, augmenter: Augmenter) -> Iterator[tuple[Rows, Sample]]:
    """Yield (rows, unchanged pictures) of galaxies in one view; those without a picture in that band are left out."""
    rows = rows if view == "all" else rows[data.has_band[rows, BANDS.index(view)]]
    for first in range(0, rows.size, ASKED_AT_ONCE):
        part = rows[first : first + ASKED_AT_ONCE]
        if view == "all":
            wanted = data.has_band[part]
            main = np.where(wanted[:, COLOUR_INDEX], COLOUR_INDEX, wanted.argmax(axis=1)).astype(np.int64)
        else:
            main = np.full(part.size, BANDS.index(view))
            wanted = np.arange(len(BANDS)) == main[:, None]
        upright, seeds = np.zeros(part.size, bool), np.zeros(part.size, np.uint64)
        batch = Batch(part, main, upright, wanted, data.is_accepted[part], seeds)
        yield part, make_sample(data, batch, augmenter)


def rows_of(data: TrainingData, side: Side) -> Rows:
    """Return the rows of a side, which must hold an accepted galaxy."""
    rows = data.rows(side)
    if not data.is_accepted[rows].any():
        raise TrainingError("too_few_galaxies", f"No accepted galaxy with pictures among the {side} galaxies.")
    return rows


def validate(data: TrainingData, network: Trainable, device: torch.device | str = "cpu") -> Score:
    """Score a network on the validation galaxies, each seen once: in all bands, or in one band, in turn."""
    rows = rows_of(data, "validation")
    views = VIEWS if network.all_bands else VIEWS[1:]
    predicted, truth, rejected, is_rejected = [], [], [], []
    for number, view in enumerate(views):
        found = answers(data, network, rows[number :: len(views)], view, device)
        measured = data.is_accepted[found.rows]
        if found.inclination_deg.size:
            predicted.append(found.inclination_deg[measured])
            truth.append(data.inclination_deg[found.rows[measured]])
        if found.rejected.size:
            rejected.append(found.rejected)
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
