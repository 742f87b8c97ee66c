"""Curves of the verdict and errors by inclination and votes, on cases that can be worked out by hand."""

import numpy as np
import pytest

from giz.training.nn import metrics as curves


def test_a_perfect_verdict_fills_both_curves() -> None:
    said, true = [0.9, 0.8, 0.3, 0.1], [True, True, False, False]
    pr, roc = curves.precision_recall(said, true), curves.roc(said, true)
    assert pr is not None
    assert roc is not None
    assert (pr.area, roc.area) == (1.0, 1.0)
    assert roc.x[0] == roc.y[0] == 0.0
    assert roc.x[-1] == roc.y[-1] == 1.0


def test_areas_of_a_small_case_by_hand() -> None:
    said, true = [0.9, 0.8, 0.7, 0.6], [True, False, True, False]
    pr, roc = curves.precision_recall(said, true), curves.roc(said, true)
    assert pr is not None
    assert roc is not None
    assert pr.area == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    # Of the four pairs of a rejected and an accepted galaxy three stand in the right order.
    assert roc.area == pytest.approx(3 / 4)


def test_equal_probabilities_are_one_step_whatever_their_order() -> None:
    for true in ([True, False], [False, True]):
        roc = curves.roc([0.5, 0.5], true)
        assert roc is not None
        assert roc.area == pytest.approx(0.5)


def test_without_both_kinds_there_is_no_curve() -> None:
    assert curves.roc([0.2, 0.3], [False, False]) is None
    assert curves.precision_recall([0.2, 0.3], [True, True]) is None


def test_long_curves_are_thinned_but_not_their_areas() -> None:
    rng = np.random.default_rng(1)
    true = rng.random(5000) < 0.3
    said = np.clip(0.3 * true + rng.random(5000) * 0.7, 0, 1)
    roc = curves.roc(said, true)
    assert roc is not None
    assert len(roc.x) == curves.MOST_POINTS
    pairs = said[true][:, None] > said[~true][None, :]
    assert roc.area == pytest.approx(pairs.mean(), abs=1e-9)


def test_stated_probabilities_that_come_true_are_reliable() -> None:
    said = np.repeat([0.05, 0.25, 0.95], 100)
    true = np.concatenate([np.arange(100) < 5, np.arange(100) < 25, np.arange(100) < 95])
    bins = curves.reliability(said, true)
    assert [one.count for one in bins] == [100, 100, 100]
    assert curves.calibration_error(said, true) == pytest.approx(0.0, abs=1e-9)
    assert curves.calibration_error(np.ones(10), np.arange(10) < 5) == pytest.approx(0.5)


def test_errors_by_inclination_and_by_votes() -> None:
    error = np.array([1.0, -1.0, 3.0, 4.0])
    groups = curves.by_inclination(error, np.array([46.0, 48, 71, 90]), np.array([[2.0, 4], [0.5, 4], [2, 4], [2, 3]]))
    assert [(group.low, group.count) for group in groups] == [(45, 2), (70, 1), (85, 1)]
    assert (groups[0].rms_deg, groups[0].bias_deg, groups[0].coverage_68, groups[0].coverage_95) == (1.0, 0.0, 0.5, 1.0)
    votes = curves.by_votes(error, np.array([3.0, 3, 100, np.nan]))
    assert [(group.low, group.count, group.rms_deg) for group in votes] == [(3, 2, 1.0), (20, 1, 3.0)]
