"""Figures that are reported, against numbers worked out by hand and simulations whose truth is known."""

import numpy as np
import pytest

from giz.training.nn import metrics

RNG = np.random.default_rng(5)


def test_errors_of_four_galaxies_worked_out_by_hand() -> None:
    found = metrics.inclination_metrics([50, 48, 92, 70], [46, 49, 80, 71])
    assert found.count == 4
    assert found.rms_deg == pytest.approx(np.sqrt((16 + 1 + 144 + 1) / 4))
    assert found.mae_deg == pytest.approx(18 / 4)
    assert found.bias_deg == pytest.approx(14 / 4)
    assert found.outlier_share == 0.25
    assert found.by_bin[0] == pytest.approx(np.sqrt(17 / 2))
    assert found.by_bin[5] == pytest.approx(1.0)
    assert found.by_bin[1] is None
    assert found.macro_rms_deg == pytest.approx((np.sqrt(17 / 2) + 1 + 12) / 3)


def test_a_constant_guess_has_the_error_that_even_labels_give() -> None:
    truth = np.linspace(45, 90, 4501)
    found = metrics.inclination_metrics(np.full(truth.size, 67.5), truth)
    assert found.rms_deg == pytest.approx(45 / np.sqrt(12), rel=1e-3)
    assert found.slope == pytest.approx(-1.0)


def test_the_linear_correction_undoes_a_linear_bias() -> None:
    truth = RNG.uniform(45, 90, 500)
    answer = truth * 0.9 + 5.0
    line = metrics.inclination_metrics(answer, truth)
    assert metrics.corrected(answer, line.slope, line.offset_deg) == pytest.approx(truth)


def test_the_verdict_of_ten_galaxies_worked_out_by_hand() -> None:
    said = [0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1]
    true = [1, 1, 0, 0, 1, 0, 0, 0, 0, 0]
    found = metrics.verdict_metrics(said, true)
    assert (found.precision, found.recall, found.accuracy) == (0.5, pytest.approx(2 / 3), pytest.approx(0.7))


def test_no_claims_and_nothing_to_find_are_no_division_by_zero() -> None:
    found = metrics.verdict_metrics([0.1, 0.2], [0, 0])
    assert (found.precision, found.recall, found.accuracy) == (1.0, 1.0, 1.0)


def test_conformal_intervals_cover_what_they_promise_though_sigma_is_wrong() -> None:
    truth = RNG.uniform(45, 90, 20_000)
    sigma = np.where(truth < 60, 1.0, 2.0)
    answer = np.clip(truth + RNG.normal(0, sigma * np.where(truth < 60, 1.6, 0.8)), 45, 90)
    widths = metrics.conformal_widths((answer - truth)[::2], sigma[::2], answer[::2], metrics.LEVELS)
    half = sigma[1::2, None] * widths[metrics.bin_of(answer[1::2])]
    assert metrics.coverage((answer - truth)[1::2], half[:, 0]) == pytest.approx(0.68, abs=0.03)
    assert metrics.coverage((answer - truth)[1::2], half[:, 1]) == pytest.approx(0.95, abs=0.015)


def test_an_ensemble_is_the_median_and_the_spread() -> None:
    median, spread = metrics.ensemble([[50, 60], [52, 60], [60, 60]])
    assert median.tolist() == [52, 60]
    assert spread[1] == 0
