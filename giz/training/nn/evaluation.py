"""Measure a network file on one side of a label set, in every view; what the report and the gate read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.training.nn.data import BANDS, VIEWS, Rows, TrainingData
from giz.training.nn.ensemble import Answering
from giz.training.nn.metrics import (
    LEVELS,
    OUTLIER_DEG,
    coverage,
    inclination_metrics,
    verdict_metrics,
)
from giz.training.nn.predictor import Prediction

BATCH = 64
MOST_OUTLIERS = 30
OnProgress = Callable[[int, int], None]
# By view: rows of the label set, and the answers about them.
Asked = dict[str, tuple[Rows, Prediction]]


def predictions(
    data: TrainingData, predictor: Answering, rows: Rows, view: str, on_batch: Callable[[int], None] | None = None
) -> Prediction:
    """Answers about galaxies that all have a picture in this view; "all" shows a one-band network the colour."""
    parts: list[Prediction] = []
    for first in range(0, rows.size, BATCH):
        part = rows[first : first + BATCH]
        wanted = data.has_band[part].copy()
        if view != "all":
            wanted &= np.array([band == view for band in BANDS])
        parts.append(predictor.predict(data.pictures(part, wanted), wanted, "gri" if view == "all" else view))
        if on_batch:
            on_batch(part.size)
    return Prediction(
        *(
            np.concatenate([getattr(part, name) for part in parts]) if getattr(parts[0], name) is not None else None
            for name in ("inclination_deg", "half_widths_deg", "rejection", "reasons")
        )
    )


def evaluate(
    data: TrainingData, predictor: Answering, rows: Rows, on_progress: OnProgress | None = None
) -> dict[str, Any]:
    """Figures of every view, fit for JSON: `views`, by view; `outliers`, the worst galaxies of the first view."""
    return report_of(data, predictor.card, ask(data, predictor, rows, on_progress))


def ask(data: TrainingData, predictor: Answering, rows: Rows, on_progress: OnProgress | None = None) -> Asked:
    """What the network says of these galaxies in each view, with the rows of those that can be seen in it."""
    views = VIEWS if predictor.takes_all_bands else VIEWS[1:]
    chosen = {view: rows if view == "all" else rows[data.has_band[rows, BANDS.index(view)]] for view in views}
    total, done = sum(map(len, chosen.values())), 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        if on_progress:
            on_progress(done, total)

    return {view: (mine, predictions(data, predictor, mine, view, count)) for view, mine in chosen.items() if mine.size}


def report_of(data: TrainingData, card: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """The figures of these answers."""
    report: dict[str, Any] = {"card": card, "views": {}, "outliers": []}
    for place, (view, (mine, said)) in enumerate(asked.items()):
        report["views"][view] = figures(data, mine, said)
        if place == 0:
            report["outliers"] = outliers(data, mine, said, view)
    return report


def figures(data: TrainingData, rows: Rows, said: Prediction) -> dict[str, Any]:
    """Errors, verdict and coverage of answers about these galaxies."""
    measured = data.is_accepted[rows]
    found: dict[str, Any] = {"galaxies": int(rows.size)}
    if said.inclination_deg is not None and measured.any():
        truth_deg = data.inclination_deg[rows[measured]]
        answer_deg = said.inclination_deg[measured].astype(float)
        found["inclination"] = inclination_metrics(answer_deg, truth_deg).as_json()
        if said.half_widths_deg is not None:
            found["coverage"] = {
                f"{level:.0%}": coverage(answer_deg - truth_deg, said.half_widths_deg[measured, number])
                for number, level in enumerate(LEVELS)
            }
    if said.rejection is not None:
        found["verdict"] = verdict_metrics(said.rejection, ~measured).as_json()
    if said.reasons is not None and (~measured).any():
        found["likeliest_reason_right"] = _reason_right(said.reasons[~measured], data.reasons[rows[~measured]])
    return found


def _reason_right(said: npt.NDArray[np.float32], true: npt.NDArray[np.float32]) -> float | None:
    """How often the likeliest reason is among those that were given, where any was."""
    given = true.any(axis=1)
    if not given.any():
        return None
    return float(true[given, said[given].argmax(axis=1)].mean())


def outliers(data: TrainingData, rows: Rows, said: Prediction, view: str) -> list[dict[str, Any]]:
    """Galaxies off by more than 10 degrees in this view, the worst first."""
    if said.inclination_deg is None:
        return []
    error = np.nan_to_num(said.inclination_deg - data.inclination_deg[rows])
    worst = [place for place in np.argsort(-np.abs(error)) if abs(error[place]) > OUTLIER_DEG][:MOST_OUTLIERS]
    return [
        {
            "pgc": int(data.labelset.pgc[rows[place]]),
            "truth_deg": round(float(data.inclination_deg[rows[place]]), 2),
            "answer_deg": round(float(said.inclination_deg[place]), 2),
            "view": view,
        }
        for place in worst
    ]
