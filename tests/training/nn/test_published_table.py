"""The metrics reproduce the original's published table from numbers that have its errors (NETWORKS of the design).

Its predictions are not published. So answers are made here whose errors can be worked out on paper, of the same number
of test images, and the metrics must give back the published figures to the last digit.
"""

import numpy as np
import pytest

from giz.training.nn import metrics

IMAGES = 3314
# RMS / MAE of flavours 0 to 3, degrees.
PUBLISHED = {
    "model4": ((3.77, 2.65), (3.65, 2.53), (3.80, 2.66), (3.90, 2.69)),
    "model5": ((3.34, 2.29), (3.58, 2.46), (3.55, 2.42), (3.52, 2.39)),
    "model6": ((3.47, 2.42), (3.66, 2.52), (3.68, 2.57), (3.87, 2.65)),
}
MEDIANS_OF_FOUR = {"model4": (3.37, 2.33), "model5": (3.20, 2.19), "model6": (3.22, 2.22)}
MEDIAN_OF_TWELVE = (3.09, 2.12)
OUTLIERS = 38  # 1.15 %
BY_BIN = (2.84, 3.43, 4.19, 3.77, 3.54, 3.19, 3.21, 2.67, 1.88)
VERDICTS = {"model4": (0.711, 0.875, 0.871), "model5": (0.751, 0.886, 0.891), "model6": (0.678, 0.898, 0.859)}

TRUTH = 45.0 + 45.0 * (np.arange(IMAGES) + 0.5) / IMAGES
SIGN = np.where(np.arange(IMAGES) % 2, 1.0, -1.0)


def errors_with(rms: float, mae: float, outliers: int = 0) -> np.ndarray:
    """Errors without bias, of three sizes: some of 11 degrees, half of the others small, half large."""
    size = np.zeros(IMAGES)
    far = np.linspace(0, IMAGES - 1, outliers).round().astype(int)
    size[far] = 11.0
    others = np.flatnonzero(size == 0)
    mean = (IMAGES * mae - 11.0 * outliers) / others.size
    square = (IMAGES * rms**2 - 121.0 * outliers) / others.size
    spread = np.sqrt(square - mean**2)
    size[others] = np.where((others // 2) % 2, mean - spread, mean + spread)
    # Sizes below zero would have another mean: a smaller share of larger errors then.
    if size.min() < 0:
        share = mean**2 / square
        count = round(share * others.size)
        size[others] = 0.0
        size[others[np.linspace(0, others.size - 1, count).round().astype(int)]] = square / mean
    return size * SIGN


@pytest.mark.parametrize(
    ("rms", "mae"), [pair for pairs in PUBLISHED.values() for pair in pairs] + [*MEDIANS_OF_FOUR.values()]
)
def test_rms_and_mae_of_each_network(rms: float, mae: float) -> None:
    found = metrics.inclination_metrics(TRUTH + errors_with(rms, mae), TRUTH)
    assert (found.count, round(found.rms_deg, 2), round(found.mae_deg, 2)) == (IMAGES, rms, mae)
    assert found.bias_deg == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("flavours", [1, 3])
def test_the_median_of_networks_and_its_outliers(flavours: int) -> None:
    """Each network strays on images of its own, to its published RMS; their median does not, as medians of many do."""
    published = [pair for pairs in PUBLISHED.values() for pair in pairs][:: 4 // flavours if flavours == 1 else 1]
    common = errors_with(*MEDIAN_OF_TWELVE, OUTLIERS)
    answers = []
    for number, (rms, _mae) in enumerate(published):
        mine = np.arange(IMAGES) % len(published) == number
        # x more error, of the same sign: sum((|e| + x)^2) - sum(e^2) must be what the published RMS lacks.
        sizes, lack = np.abs(common[mine]), IMAGES * (rms**2 - metrics.rms(common) ** 2)
        x = (-sizes.sum() + np.sqrt(sizes.sum() ** 2 + mine.sum() * lack)) / mine.sum()
        answers.append(TRUTH + common + np.where(mine, x * SIGN, 0.0))
        assert round(metrics.inclination_metrics(answers[-1], TRUTH).rms_deg, 2) == rms
    median, spread = metrics.ensemble(answers)
    found = metrics.inclination_metrics(median, TRUTH)
    assert (round(found.rms_deg, 2), round(found.mae_deg, 2)) == MEDIAN_OF_TWELVE
    assert round(100 * found.outlier_share, 2) == 1.15
    assert (spread > 0).all()


def test_errors_by_five_degrees_and_of_a_constant_guess() -> None:
    error = np.array(BY_BIN)[metrics.bin_of(TRUTH)] * SIGN
    found = metrics.inclination_metrics(TRUTH + error, TRUTH)
    assert [round(value or 0.0, 2) for value in found.by_bin] == list(BY_BIN)
    assert found.macro_rms_deg == pytest.approx(np.mean(BY_BIN))
    # The published constant guess, on the labels of the original's test galaxies: not even over 45 to 90.
    labels = 67.5 + 12.2 * SIGN
    assert round(metrics.inclination_metrics(np.full(IMAGES, 67.5), labels).rms_deg, 1) == 12.2


@pytest.mark.parametrize("name", list(VERDICTS))
def test_precision_recall_and_accuracy_of_the_verdict(name: str) -> None:
    precision, recall, accuracy = VERDICTS[name]
    hits = 10_000
    false, missed = round(hits / precision - hits), round(hits / recall - hits)
    right = round((false + missed) / (1 - accuracy)) - hits - false - missed
    true = np.repeat([True, False, True, False], [hits, false, missed, right])
    said = np.repeat([0.9, 0.8, 0.2, 0.1], [hits, false, missed, right])
    found = metrics.verdict_metrics(said, true)
    assert (round(found.precision, 3), round(found.recall, 3), round(found.accuracy, 3)) == (
        precision,
        recall,
        accuracy,
    )


def test_the_mean_verdict_of_the_three_networks() -> None:
    assert [round(float(np.mean(column)), 3) for column in zip(*VERDICTS.values(), strict=True)] == [
        *(pytest.approx(0.713, abs=0.002), pytest.approx(0.886, abs=0.002), pytest.approx(0.874, abs=0.002))
    ]


def test_a_line_of_other_galaxies_makes_the_answers_worse_as_it_did_the_originals() -> None:
    """3.09 became 3.14 by i = (i_p + b) / (1 - m), with the m that does so and the b that keeps the mean."""
    error = errors_with(*MEDIAN_OF_TWELVE, OUTLIERS)
    variance = float(np.var(TRUTH))
    # (3.09^2 + m^2 var) / (1 - m)^2 = 3.14^2
    a, b, c = variance - 3.14**2, 2 * 3.14**2, 3.09**2 - 3.14**2
    m = (-b + np.sqrt(b * b - 4 * a * c)) / (2 * a)
    slope, offset = metrics.error_line(TRUTH, -m * (TRUTH - TRUTH.mean()))
    after = metrics.inclination_metrics(metrics.corrected(TRUTH + error, slope, offset), TRUTH)
    assert after.rms_deg == pytest.approx(3.14, abs=0.01)
