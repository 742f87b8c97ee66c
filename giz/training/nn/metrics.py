"""Figures of a network: errors of the inclination, of the verdict and of stated intervals, and their curves.

Pure numpy. Errors are prediction minus truth, degrees. Curves are thinned to at most MOST_POINTS points after the area
under them was computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from giz.training.nn.data import BIN_COUNT, BIN_DEG, LOWEST_DEG, bin_of

Floats = npt.NDArray[np.float64]
OUTLIER_DEG = 10.0
# Probabilities of the intervals that are stated.
LEVELS = (0.68, 0.95)
# The quantile of a bin is averaged with that of all galaxies as if the bin held so many more of those.
SHRINK_COUNT = 100
MOST_POINTS = 200
RELIABILITY_BINS = 10
# Groups of numbers of votes: from each number on, up to the next.
VOTE_GROUPS = (1, 2, 3, 4, 5, 6, 8, 12, 20)


@dataclass(frozen=True, slots=True)
class InclinationMetrics:
    """Errors of the inclination over `count` pictures.

    by_bin : RMS in each 5-degree bin of the truth from 45, None for an empty bin. macro_rms_deg : their mean.
    slope, offset_deg : of the line of error against truth, offset at 0 degrees.
    """

    count: int
    rms_deg: float
    mae_deg: float
    bias_deg: float
    outlier_share: float
    macro_rms_deg: float
    by_bin: tuple[float | None, ...]
    slope: float
    offset_deg: float


def inclination_metrics(predicted_deg: npt.ArrayLike, truth_deg: npt.ArrayLike) -> InclinationMetrics:
    """Compare predictions with the truth, both (n,) degrees, n >= 1."""
    predicted, truth = np.asarray(predicted_deg, float), np.asarray(truth_deg, float)
    error = predicted - truth
    bins = bin_of(truth)
    by_bin = tuple(rms(error[bins == number]) if (bins == number).any() else None for number in range(BIN_COUNT))
    filled = [value for value in by_bin if value is not None]
    slope, offset = error_line(truth, error)
    return InclinationMetrics(
        count=int(error.size),
        rms_deg=rms(error),
        mae_deg=float(np.abs(error).mean()),
        bias_deg=float(error.mean()),
        outlier_share=float((np.abs(error) > OUTLIER_DEG).mean()),
        macro_rms_deg=float(np.mean(filled)),
        by_bin=by_bin,
        slope=slope,
        offset_deg=offset,
    )


def rms(error_deg: npt.ArrayLike) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(error_deg, float)))))


def error_line(truth_deg: Floats, error_deg: Floats) -> tuple[float, float]:
    """Fit error = m x truth + b to (n,) degrees by least squares; returns (m, b), (0, mean) if all truths are equal."""
    if truth_deg.size < 2 or np.ptp(truth_deg) == 0:
        return 0.0, float(error_deg.mean())
    slope, offset = np.polyfit(truth_deg, error_deg, 1)
    return float(slope), float(offset)


def corrected(predicted_deg: npt.ArrayLike, slope: float, offset_deg: float) -> Floats:
    """Correct predictions p = (1 + m) i + b (n,) for the line of `error_line`: i = (p - b) / (1 + m).

    SCIENCE.md writes it for the error truth minus prediction, (p + b) / (1 - m). Fit the line on validation galaxies:
    fitted on the test set it made the original's answers worse.
    """
    return np.asarray((np.asarray(predicted_deg, float) - offset_deg) / (1.0 + slope), float)


def ensemble(predictions_deg: Sequence[npt.ArrayLike]) -> tuple[Floats, Floats]:
    """Return median and standard deviation of several networks' answers, each (n,) degrees."""
    stacked = np.stack([np.asarray(answers, float) for answers in predictions_deg])
    return np.asarray(np.median(stacked, axis=0), float), np.asarray(stacked.std(axis=0), float)


@dataclass(frozen=True, slots=True)
class VerdictMetrics:
    """How well rejected galaxies are found: rejected is the positive class."""

    count: int
    precision: float
    recall: float
    accuracy: float


def verdict_metrics(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike, threshold: float = 0.5) -> VerdictMetrics:
    """Compare probabilities of rejection (n,) with the truth (n,); the precision is 1 if none is called rejected."""
    called, true = np.asarray(rejection, float) >= threshold, np.asarray(is_rejected, bool)
    hits = int((called & true).sum())
    return VerdictMetrics(
        count=int(true.size),
        precision=hits / int(called.sum()) if called.any() else 1.0,
        recall=hits / int(true.sum()) if true.any() else 1.0,
        accuracy=float((called == true).mean()),
    )


def coverage(error_deg: npt.ArrayLike, half_width_deg: npt.ArrayLike) -> float:
    """Return the share of errors (n,) within the half widths (n,) of the stated intervals."""
    return float((np.abs(np.asarray(error_deg, float)) <= np.asarray(half_width_deg, float)).mean())


def conformal_widths(error_deg: Floats, sigma_deg: Floats, answer_deg: Floats, levels: Sequence[float]) -> Floats:
    """Return half widths in units of sigma that hold the truth with the given probabilities, by bin of the answer.

    Split-conformal: the (n + 1) x level-th smallest of |error| / sigma of the calibration galaxies (Vovk et al. 2005).
    A bin with few galaxies is shrunk towards all, as if it held SHRINK_COUNT more with the quantile of all.

    Parameters
    ----------
    error_deg, sigma_deg, answer_deg : (n,) of the calibration galaxies.

    Returns
    -------
    (9, levels) array, by 5-degree bin.
    """
    score = np.abs(error_deg) / sigma_deg
    bins = bin_of(answer_deg)
    overall = _conformal_quantiles(score, levels)
    widths = np.tile(overall, (BIN_COUNT, 1))
    for number in range(BIN_COUNT):
        mine = score[bins == number]
        if mine.size:
            share = mine.size / (mine.size + SHRINK_COUNT)
            widths[number] = share * _conformal_quantiles(mine, levels) + (1 - share) * overall
    return widths


def _conformal_quantiles(score: Floats, levels: Sequence[float]) -> Floats:
    ordered = np.sort(score)
    ranks = [min(ordered.size - 1, int(np.ceil((ordered.size + 1) * level)) - 1) for level in levels]
    return np.asarray(ordered[ranks], float)


# --- curves -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Errors of a group of pictures, degrees. `low` is its lowest inclination or number of votes."""

    low: float
    count: int
    rms_deg: float
    mae_deg: float
    bias_deg: float
    coverage_68: float | None = None
    coverage_95: float | None = None


def by_inclination(error_deg: Floats, truth_deg: Floats, half_widths_deg: Floats | None = None) -> list[ErrorGroup]:
    """Group errors (n,) by 5-degree bin of the truth (n,); (n, 2) half widths add the coverage."""
    return _groups(error_deg, bin_of(truth_deg), [LOWEST_DEG + BIN_DEG * n for n in range(BIN_COUNT)], half_widths_deg)


def by_votes(error_deg: Floats, votes: Floats) -> list[ErrorGroup]:
    """Group errors (n,) by the number of votes (n,) behind the label; without NaN and 0 votes."""
    known = np.isfinite(votes) & (votes >= VOTE_GROUPS[0])
    place = np.searchsorted(VOTE_GROUPS, votes[known], side="right") - 1
    return _groups(error_deg[known], place, [float(votes) for votes in VOTE_GROUPS], None)


def _groups(
    error_deg: Floats, group: npt.NDArray[np.int64], lows: list[float], half_widths_deg: Floats | None
) -> list[ErrorGroup]:
    found = []
    for number, low in enumerate(lows):
        mine = group == number
        if mine.any():
            error = error_deg[mine]
            held = [None, None] if half_widths_deg is None else [coverage(error, w) for w in half_widths_deg[mine].T]
            found.append(
                ErrorGroup(low, int(mine.sum()), rms(error), float(np.abs(error).mean()), float(error.mean()), *held)
            )
    return found


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of the verdict, and the area under it."""

    x: list[float]
    y: list[float]
    area: float


def precision_recall(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike) -> Curve | None:
    """Return precision (y) against recall (x) at every threshold, (n,) each; None unless both kinds occur.

    The area is the average precision: precision is not interpolated between thresholds, which would overestimate it
    (Davis & Goadrich 2006).
    """
    stated, true = _steps(rejection, is_rejected)
    if true is None or stated is None:
        return None
    recall, precision = true / true[-1], true / stated
    area = float((np.diff(np.concatenate([[0.0], recall])) * precision).sum())
    return _curve(recall, precision, area)


def roc(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike) -> Curve | None:
    """Return the true positive rate (y) against the false positive rate (x); None unless both kinds occur."""
    stated, true = _steps(rejection, is_rejected)
    if true is None or stated is None:
        return None
    false = stated - true
    x, y = (np.concatenate([[0.0], values / values[-1]]) for values in (false, true))
    return _curve(x, y, float(np.trapezoid(y, x)))


def _steps(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike) -> tuple[Floats | None, Floats | None]:
    """Count how many are called rejected, and how many rightly, at each threshold that occurs, from high to low."""
    stated, true = np.asarray(rejection, float), np.asarray(is_rejected, bool)
    if true.all() or not true.any():
        return None, None
    order = np.argsort(-stated, kind="stable")
    # Equal probabilities are one threshold: only the last of them counts.
    last = np.concatenate([np.diff(stated[order]) != 0, [True]])
    return (np.arange(stated.size) + 1.0)[last], np.cumsum(true[order]).astype(float)[last]


def _curve(x: Floats, y: Floats, area: float) -> Curve:
    kept = np.unique(np.linspace(0, x.size - 1, min(MOST_POINTS, x.size)).round().astype(int))
    return Curve([round(float(v), 5) for v in x[kept]], [round(float(v), 5) for v in y[kept]], area)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Pictures with a stated probability within one tenth: the mean stated probability, and the true share."""

    stated: float
    true: float
    count: int


def reliability(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike) -> list[Reliability]:
    """Compare stated probabilities (n,) with the true share in ten bins, without empty ones."""
    stated, true = np.asarray(rejection, float), np.asarray(is_rejected, bool)
    place = np.clip((stated * RELIABILITY_BINS).astype(int), 0, RELIABILITY_BINS - 1)
    return [
        Reliability(float(stated[mine].mean()), float(true[mine].mean()), int(mine.sum()))
        for mine in (place == number for number in range(RELIABILITY_BINS))
        if mine.any()
    ]


def calibration_error(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike) -> float:
    """Return the expected calibration error: the mean difference of stated probability and true share."""
    bins = reliability(rejection, is_rejected)
    return sum(one.count * abs(one.stated - one.true) for one in bins) / sum(one.count for one in bins)
