"""The whole evaluation of one network: figures, and what curves are drawn from. Fit for JSON; pure, no torch.

The line of the error against the inclination is fitted on validation galaxies and then tried on the side that is
reported: fitted on the test galaxies it made the original's answers worse.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from giz.training.nn import curves
from giz.training.nn.data import Rows, TrainingData
from giz.training.nn.evaluation import Asked
from giz.training.nn.metrics import corrected, error_line, inclination_metrics
from giz.training.nn.predictor import Prediction

VOTES_COLUMN, SIGMA_COLUMN = "inc_n", "sigma_deg"
MOST_DOTS = 1500

Floats = npt.NDArray[np.float64]


def details(data: TrainingData, asked: Asked, validation: Asked) -> dict[str, Any]:
    """Figures of the first view that are no single numbers.

    Parameters
    ----------
    asked, validation : answers about the galaxies that are reported, and about validation galaxies.

    Returns
    -------
    Keys that are left out where the network or the label set does not say: `by_inclination`, `by_votes`, `label_sigma`,
    `line`, `dots` (truth and error, degrees), `verdict`.
    """
    found: dict[str, Any] = {}
    view, (rows, said) = next(iter(asked.items()))
    found["view"] = view
    if said.inclination_deg is not None and data.is_accepted[rows].any():
        truth_deg, answer_deg, mine = measured(data, rows, said)
        error_deg = answer_deg - truth_deg
        half_widths = (
            None if said.half_widths_deg is None else said.half_widths_deg[data.is_accepted[rows]].astype(float)
        )
        groups = curves.by_inclination(error_deg, truth_deg, half_widths)
        found["by_inclination"] = [group.as_json() for group in groups]
        found["by_votes"] = [group.as_json() for group in _by_votes(data, mine, error_deg)]
        found["label_sigma"] = _label_sigma(data, mine)
        found["line"] = line_from(data, validation, truth_deg, answer_deg)
        dots = np.linspace(0, mine.size - 1, min(MOST_DOTS, mine.size)).round().astype(int)
        found["dots"] = {"truth_deg": _rounded(truth_deg[dots]), "error_deg": _rounded(error_deg[dots])}
    if said.rejection is not None:
        found["verdict"] = verdict_curves(said.rejection, ~data.is_accepted[rows])
    return found


def measured(data: TrainingData, rows: Rows, said: Prediction) -> tuple[Floats, Floats, Rows]:
    """Truth, answer and row of the accepted among these galaxies; the network must say an inclination."""
    chosen = data.is_accepted[rows]
    answer = np.asarray(said.inclination_deg, float)[chosen]
    return data.inclination_deg[rows[chosen]], answer, rows[chosen]


def verdict_curves(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike) -> dict[str, Any]:
    """Precision against recall, ROC and reliability; empty where only one kind of galaxy is there."""
    pr, roc = curves.precision_recall(rejection, is_rejected), curves.roc(rejection, is_rejected)
    if pr is None or roc is None:
        return {}
    return {
        "precision_recall": pr.as_json(),
        "roc": roc.as_json(),
        "reliability": [one.as_json() for one in curves.reliability(rejection, is_rejected)],
        "calibration_error": curves.calibration_error(rejection, is_rejected),
    }


def line_from(data: TrainingData, validation: Asked, truth_deg: Floats, answer_deg: Floats) -> dict[str, Any] | None:
    """The line through error against truth on validation galaxies, and what taking it off does to these answers.

    `m` and `b` are those of SCIENCE.md, i_pc = (i_p + b) / (1 - m): of the error truth minus prediction.
    """
    rows, said = next(iter(validation.values()), (np.empty(0, np.int64), Prediction()))
    if said.inclination_deg is None or not data.is_accepted[rows].any():
        return None
    truth, answer, _ = measured(data, rows, said)
    slope, offset_deg = error_line(truth, answer - truth)
    after = inclination_metrics(corrected(answer_deg, slope, offset_deg), truth_deg)
    return {
        "m": -slope,
        "b": -offset_deg,
        "galaxies": int(truth.size),
        "corrected": {"rms_deg": after.rms_deg, "mae_deg": after.mae_deg, "bias_deg": after.bias_deg},
    }


def _by_votes(data: TrainingData, rows: Rows, error_deg: Floats) -> list[curves.Group]:
    votes = _column(data, VOTES_COLUMN)
    return [] if votes is None else curves.by_votes(error_deg, votes[rows])


def _label_sigma(data: TrainingData, rows: Rows) -> float | None:
    """RMS of the labels' own standard errors, where the label set states them: no network can look better than that."""
    sigma = _column(data, SIGMA_COLUMN)
    known = np.empty(0) if sigma is None else sigma[rows][np.isfinite(sigma[rows])]
    return float(np.sqrt(np.mean(known**2))) if known.size else None


def _column(data: TrainingData, name: str) -> Floats | None:
    if not any(column.name == name for column in data.labelset.columns):
        return None
    return data.labelset.column(name).astype(float)


def _rounded(values: Floats) -> list[float]:
    return [round(float(value), 3) for value in values]
