"""What is reported about a network: errors of the inclination, the verdict, and whether stated errors are honest.

Pure numpy. Errors are prediction minus truth, degrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from giz.training.nn.data import BIN_COUNT, bin_of

Floats = npt.NDArray[np.float64]
OUTLIER_DEG = 10.0
# Of the intervals that are stated.
LEVELS = (0.68, 0.95)
# Galaxies of all bins that stand in for those a bin lacks.
SHRINK_COUNT = 100


@dataclass(frozen=True, slots=True)
class InclinationMetrics:
    """Errors of the inclination over `count` pictures.

    by_bin : RMS of each 5-degree bin of the truth from 45, None where a bin is empty. macro_rms_deg : their mean.
    slope, offset_deg : of the line through error against truth, offset at 0 degrees.
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

    def as_json(self) -> dict[str, object]:
        return asdict(self)


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
    """Slope m and offset b of error = m x truth + b, by least squares; (0, mean) where all truths are one."""
    if truth_deg.size < 2 or np.ptp(truth_deg) == 0:
        return 0.0, float(error_deg.mean())
    slope, offset = np.polyfit(truth_deg, error_deg, 1)
    return float(slope), float(offset)


def corrected(predicted_deg: npt.ArrayLike, slope: float, offset_deg: float) -> Floats:
    """Take a bias (1 + m) i + b off a prediction: i = (p - b) / (1 + m).

    SCIENCE.md writes it for the error truth minus prediction, (p + b) / (1 - m). Fit the line on validation galaxies:
    fitted on the test set it made the original's answers worse.
    """
    return np.asarray((np.asarray(predicted_deg, float) - offset_deg) / (1.0 + slope), float)


def ensemble(predictions_deg: Sequence[npt.ArrayLike]) -> tuple[Floats, Floats]:
    """Median and standard deviation of several networks' answers, each (n,)."""
    stacked = np.stack([np.asarray(answers, float) for answers in predictions_deg])
    return np.asarray(np.median(stacked, axis=0), float), np.asarray(stacked.std(axis=0), float)


@dataclass(frozen=True, slots=True)
class VerdictMetrics:
    """Of finding what is to be rejected: rejected is the positive class."""

    count: int
    precision: float
    recall: float
    accuracy: float

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def verdict_metrics(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike, threshold: float = 0.5) -> VerdictMetrics:
    """Compare probabilities of rejection (n,) with what people said (n,); precision of no claims at all is 1."""
    said, true = np.asarray(rejection, float) >= threshold, np.asarray(is_rejected, bool)
    hits = int((said & true).sum())
    return VerdictMetrics(
        count=int(true.size),
        precision=hits / int(said.sum()) if said.any() else 1.0,
        recall=hits / int(true.sum()) if true.any() else 1.0,
        accuracy=float((said == true).mean()),
    )


def coverage(error_deg: npt.ArrayLike, half_width_deg: npt.ArrayLike) -> float:
    """Share of the truths within an interval of this half width about the answer."""
    return float((np.abs(np.asarray(error_deg, float)) <= np.asarray(half_width_deg, float)).mean())


def conformal_widths(error_deg: Floats, sigma_deg: Floats, answer_deg: Floats, levels: Sequence[float]) -> Floats:
    """Half widths in units of sigma that hold the truth with the given probabilities, by 5-degree bin of the answer.

    Split-conformal: the (n + 1) x level-th smallest of |error| / sigma of the calibration galaxies (Vovk et al. 2005).
    A bin with few galaxies leans on all of them: as if it held SHRINK_COUNT more with the quantile of all.

    Returns
    -------
    (9, levels) array.
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
