"""Offset, scatter and line of a made-up person are found again, and slips don't spoil them."""

import random

import pytest

from labeling.aggregation.my_eye import MIN_GALAXIES, MOST_PERIODS, Pair, eye_of


def person(count: int, *, offset_deg: float, scatter_deg: float, slope: float = 0.0, seed: int = 1) -> list[Pair]:
    rng = random.Random(seed)
    others = [rng.uniform(50, 88) for _ in range(count)]
    return [(i, i + offset_deg + slope * (i - 70) + rng.gauss(0, scatter_deg)) for i in others]


@pytest.mark.parametrize("offset_deg", [-4.0, 0.0, 1.2])
def test_the_true_values_lie_within_the_stated_errors(offset_deg: float) -> None:
    """Over 300 people 68 % within one error and 95 % within two, give or take a few."""
    within = {1: 0, 2: 0}
    scatters = {1: 0, 2: 0}
    for seed in range(300):
        eye = eye_of(person(60, offset_deg=offset_deg, scatter_deg=3.5, seed=seed))
        assert eye is not None
        for errors in (1, 2):
            within[errors] += abs(eye.figures.offset_deg - offset_deg) <= errors * eye.figures.offset_error_deg
            scatters[errors] += abs(eye.figures.scatter_deg - 3.5) <= errors * eye.figures.scatter_error_deg
    for found in (within, scatters):
        assert 0.60 < found[1] / 300 < 0.76
        assert 0.90 < found[2] / 300 < 0.99


def test_a_slip_of_the_hand_is_left_out() -> None:
    pairs = person(50, offset_deg=1.0, scatter_deg=2.0)
    honest = eye_of(pairs)
    slipped = eye_of([*pairs, (85.0, 45.5), (50.0, 89.5)])
    assert honest is not None
    assert slipped is not None
    assert slipped.left_out == honest.left_out + 2
    assert slipped.figures == honest.figures


def test_who_always_agrees_has_no_scatter_and_no_error() -> None:
    eye = eye_of([(60.0, 60.0)] * 30)
    assert eye is not None
    assert (eye.figures.offset_deg, eye.figures.scatter_deg, eye.line, eye.left_out) == (0, 0, None, 0)


def test_the_line_has_the_slope_of_the_person() -> None:
    eye = eye_of(person(1500, offset_deg=2.0, scatter_deg=2.0, slope=-0.1))
    assert eye is not None
    assert eye.line is not None
    assert eye.line.slope == pytest.approx(-0.1, abs=0.02)
    assert eye.line.offset_at_70_deg == pytest.approx(2.0, abs=0.2)


def test_progress_is_shown_in_order_of_time() -> None:
    before, after = person(100, offset_deg=4.0, scatter_deg=3.0), person(100, offset_deg=0.0, scatter_deg=3.0, seed=2)
    eye = eye_of([*before, *after])
    assert eye is not None
    assert len(eye.periods) == MOST_PERIODS
    assert sum(period.galaxies for period in eye.periods) == eye.figures.galaxies
    assert min(period.offset_deg for period in eye.periods[:4]) > max(period.offset_deg for period in eye.periods[-4:])


@pytest.mark.parametrize("count", [0, 1, MIN_GALAXIES - 1])
def test_a_few_galaxies_say_nothing(count: int) -> None:
    assert eye_of(person(count, offset_deg=1.0, scatter_deg=2.0)) is None
