"""Measure a network file on galaxies of a label set: figures in every view, and curves. Without torch.

The line of error against inclination is fitted on validation galaxies and then applied to the galaxies reported: fitted
on the test galaxies it made the original's answers worse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.core.vocabulary import BANDS
from giz.training.nn import metrics
from giz.training.nn.data import VIEWS, Rows, TrainingData
from giz.training.nn.predictor import Answering, NetworkOutput

VOTES_COLUMN, SIGMA_COLUMN = "inc_n", "sigma_deg"
BATCH = 64
MOST_DOTS = 1500
MOST_OUTLIERS = 30
OnProgress = Callable[[int, int], None]
Floats = npt.NDArray[np.float64]
# By view: rows of the label set, and the answers about them.
Asked = dict[str, tuple[Rows, NetworkOutput]]


def predictions(
    data: TrainingData, predictor: Answering, rows: Rows, view: str, on_batch: Callable[[int], None] | None = None
) -> NetworkOutput:
    """Ask about galaxies (n,) that all have a picture in this view; "all" shows a one-band network the colour."""
    parts: list[NetworkOutput] = []
    for first in range(0, rows.size, BATCH):
        part = rows[first : first + BATCH]
        wanted = data.has_band[part].copy()
        if view != "all":
            wanted &= np.array([band == view for band in BANDS])
        parts.append(predictor.predict(data.pictures(part, wanted), wanted, "gri" if view == "all" else view))
        if on_batch:
            on_batch(part.size)
    return NetworkOutput(
        *(
            np.concatenate([getattr(part, name) for part in parts]) if getattr(parts[0], name) is not None else None
            for name in ("inclination_deg", "half_widths_deg", "rejection", "reasons")
        )
    )


def evaluate(
    data: TrainingData, predictor: Answering, rows: Rows, on_progress: OnProgress | None = None
) -> dict[str, Any]:
    """Return figures as JSON: `views`, by view; `outliers`, the worst galaxies of the first view."""
    return report_of(data, predictor.card, ask(data, predictor, rows, on_progress))


def ask(data: TrainingData, predictor: Answering, rows: Rows, on_progress: OnProgress | None = None) -> Asked:
    """Ask the network about these galaxies (n,) in each view, with the rows of those that have pictures in it."""
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
    """Return the figures of these answers; see `evaluate`."""
    report: dict[str, Any] = {"card": card, "views": {}, "outliers": []}
    for view, (mine, found) in asked.items():
        report["views"][view] = figures(data, mine, found)
    if asked:
        view, (mine, found) = next(iter(asked.items()))
        report["outliers"] = outliers(data, mine, found, view)
    return report


def figures(data: TrainingData, rows: Rows, answers: NetworkOutput) -> dict[str, Any]:
    """Return errors, verdict and coverage of the answers about these galaxies (n,)."""
    accepted = data.is_accepted[rows]
    found: dict[str, Any] = {"galaxies": int(rows.size)}
    if answers.inclination_deg is not None and accepted.any():
        truth_deg, answer_deg, _ = measured(data, rows, answers)
        found["inclination"] = asdict(metrics.inclination_metrics(answer_deg, truth_deg))
        if answers.half_widths_deg is not None:
            found["coverage"] = {
                f"{level:.0%}": metrics.coverage(answer_deg - truth_deg, answers.half_widths_deg[accepted, number])
                for number, level in enumerate(metrics.LEVELS)
            }
    if answers.rejection is not None:
        found["verdict"] = asdict(metrics.verdict_metrics(answers.rejection, ~accepted))
    if answers.reasons is not None and (~accepted).any():
        # How often the likeliest reason is among those that people gave, where they gave any.
        likeliest, given = answers.reasons[~accepted].argmax(axis=1), data.reasons[rows[~accepted]]
        has_any = given.any(axis=1)
        right = given[has_any, likeliest[has_any]]
        found["likeliest_reason_right"] = float(right.mean()) if right.size else None
    return found


def measured(data: TrainingData, rows: Rows, answers: NetworkOutput) -> tuple[Floats, Floats, Rows]:
    """Return truth, answer (degrees) and row of the accepted galaxies; the network must give inclinations."""
    chosen = data.is_accepted[rows]
    answer_deg = np.asarray(answers.inclination_deg, float)[chosen]
    return data.inclination_deg[rows[chosen]], answer_deg, rows[chosen]


def outliers(data: TrainingData, rows: Rows, answers: NetworkOutput, view: str) -> list[dict[str, Any]]:
    """Return the galaxies off by more than 10 degrees in this view, the worst first."""
    if answers.inclination_deg is None:
        return []
    error = np.nan_to_num(answers.inclination_deg - data.inclination_deg[rows])
    worst = [place for place in np.argsort(-np.abs(error)) if abs(error[place]) > metrics.OUTLIER_DEG][:MOST_OUTLIERS]
    return [
        {
            "pgc": int(data.labelset.pgc[rows[place]]),
            "truth_deg": round(float(data.inclination_deg[rows[place]]), 2),
            "answer_deg": round(float(answers.inclination_deg[place]), 2),
            "view": view,
        }
        for place in worst
    ]


# --- curves of the first view -----------------------------------------------------------------------------------------
def details(data: TrainingData, asked: Asked, validation: Asked) -> dict[str, Any]:
    """Return the figures of the first view that are not single numbers.

    Parameters
    ----------
    asked, validation : answers about the galaxies that are reported, and about validation galaxies.

    Returns
    -------
    `by_inclination`, `by_votes`, `label_sigma`, `line`, `dots` (truth and error, degrees), `verdict`; those without
    data are left out.
    """
    found: dict[str, Any] = {}
    view, (rows, answers) = next(iter(asked.items()))
    found["view"] = view
    if answers.inclination_deg is not None and data.is_accepted[rows].any():
        truth_deg, answer_deg, mine = measured(data, rows, answers)
        error_deg = answer_deg - truth_deg
        half_widths = (
            None if answers.half_widths_deg is None else answers.half_widths_deg[data.is_accepted[rows]].astype(float)
        )
        groups = metrics.by_inclination(error_deg, truth_deg, half_widths)
        found["by_inclination"] = [asdict(group) for group in groups]
        found["by_votes"] = [asdict(group) for group in _by_votes(data, mine, error_deg)]
        found["label_sigma"] = _label_sigma(data, mine)
        found["line"] = line_from(data, validation, truth_deg, answer_deg)
        dots = np.linspace(0, mine.size - 1, min(MOST_DOTS, mine.size)).round().astype(int)
        found["dots"] = {
            name: [round(float(value), 3) for value in values[dots]]
            for name, values in (("truth_deg", truth_deg), ("error_deg", error_deg))
        }
    if answers.rejection is not None:
        found["verdict"] = verdict_curves(answers.rejection, ~data.is_accepted[rows])
    return found


def verdict_curves(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike) -> dict[str, Any]:
    """Return precision against recall, ROC and reliability; empty unless there are galaxies of both kinds."""
    pr, roc = metrics.precision_recall(rejection, is_rejected), metrics.roc(rejection, is_rejected)
    if pr is None or roc is None:
        return {}
    return {
        "precision_recall": asdict(pr),
        "roc": asdict(roc),
        "reliability": [asdict(one) for one in metrics.reliability(rejection, is_rejected)],
        "calibration_error": metrics.calibration_error(rejection, is_rejected),
    }


def line_from(data: TrainingData, validation: Asked, truth_deg: Floats, answer_deg: Floats) -> dict[str, Any] | None:
    """Fit error against truth on validation galaxies; return the line and the errors of these answers (n,) without it.

    `m` and `b` are those of SCIENCE.md, i_pc = (i_p + b) / (1 - m), for the error truth minus prediction.
    """
    rows, answers = next(iter(validation.values()), (np.empty(0, np.int64), NetworkOutput()))
    if answers.inclination_deg is None or not data.is_accepted[rows].any():
        return None
    truth, answer, _ = measured(data, rows, answers)
    slope, offset_deg = metrics.error_line(truth, answer - truth)
    after = metrics.inclination_metrics(metrics.corrected(answer_deg, slope, offset_deg), truth_deg)
    return {
        "m": -slope,
        "b": -offset_deg,
        "galaxies": int(truth.size),
        "corrected": {"rms_deg": after.rms_deg, "mae_deg": after.mae_deg, "bias_deg": after.bias_deg},
    }


def _by_votes(data: TrainingData, rows: Rows, error_deg: Floats) -> list[metrics.ErrorGroup]:
    votes = _column(data, VOTES_COLUMN)
    return [] if votes is None else metrics.by_votes(error_deg, votes[rows])


def _label_sigma(data: TrainingData, rows: Rows) -> float | None:
    """Return the RMS of the labels' standard errors, if the label set states them: a floor for any network's RMS."""
    sigma = _column(data, SIGMA_COLUMN)
    known = np.empty(0) if sigma is None else sigma[rows][np.isfinite(sigma[rows])]
    return float(np.sqrt(np.mean(known**2))) if known.size else None


def _column(data: TrainingData, name: str) -> Floats | None:
    if not any(column.name == name for column in data.labelset.columns):
        return None
    return data.labelset.column(name).astype(float)
