"""Drift: pictures and answers of late against those of the test galaxies; few pictures raise no alarm."""

import numpy as np
import pytest

from giz.training.drift import ALARM, LEAST_PICTURES, histograms, input_summary, psi, shifts


def summaries(count: int, mean: float, seed: int = 1) -> list[dict[str, dict[str, float]]]:
    rng = np.random.default_rng(seed)
    return [{"g": {"mean": rng.normal(mean, 15), "sigma": rng.normal(30, 8)}} for _ in range(count)]


def test_a_summary_is_mean_and_scatter_of_the_pixels_by_band() -> None:
    grey = np.array([[0, 255], [255, 0]], np.uint8)
    assert input_summary({"g": grey}) == {"g": {"mean": 127.5, "sigma": 127.5}}


def test_psi_is_the_symmetrised_relative_entropy() -> None:
    then, now = np.array([500, 500]), np.array([750, 250])
    expected = (0.75 - 0.5) * np.log(0.75 / 0.5) + (0.25 - 0.5) * np.log(0.25 / 0.5)
    assert psi(then, now) == pytest.approx(expected)
    assert psi(now, then) == pytest.approx(expected)
    assert psi(then, then) == 0


def test_an_empty_bin_does_not_make_it_infinite() -> None:
    found = psi([500, 500, 0], [500, 490, 10])
    assert found is not None
    assert 0 < found < 0.1


def test_the_same_kind_of_pictures_raises_no_alarm_by_chance() -> None:
    reference = histograms(summaries(2000, 120), {"rejection": np.random.default_rng(1).random(2000)})
    for seed in range(2, 12):
        lately = histograms(
            summaries(LEAST_PICTURES, 120, seed), {"rejection": np.random.default_rng(seed).random(LEAST_PICTURES)}
        )
        assert not any(shift.is_alarm for shift in shifts(reference, lately))


def test_another_kind_of_pictures_does_and_stands_first() -> None:
    reference = histograms(summaries(1000, 120), {"inclination_deg": np.linspace(45, 90, 1000)})
    lately = histograms(summaries(400, 180, 2), {"inclination_deg": np.linspace(45, 90, 400)})
    found = shifts(reference, lately)
    assert found[0].name == "g mean"
    assert found[0].is_alarm
    assert found[0].words == "brightness in band g"
    assert (found[0].psi or 0) > ALARM
    others = {shift.name: shift for shift in found[1:]}
    assert not others["g sigma"].is_alarm
    assert not others["inclination_deg"].is_alarm


def test_answers_that_crowd_at_one_end_raise_an_alarm() -> None:
    reference = histograms([], {"inclination_deg": np.linspace(45, 90, 900)})
    lately = histograms([], {"inclination_deg": np.full(300, 88.0)})
    (shift,) = shifts(reference, lately)
    assert shift.is_alarm
    assert shift.words == "predicted inclinations"


def test_few_pictures_tell_nothing() -> None:
    reference = histograms(summaries(1000, 120), {})
    lately = histograms(summaries(LEAST_PICTURES - 1, 250), {})
    assert [shift.psi for shift in shifts(reference, lately)] == [None, None]
    assert not any(shift.is_alarm for shift in shifts(reference, lately))


def test_missing_answers_and_missing_bands_are_left_out() -> None:
    found = histograms(
        [{"g": {"mean": 300.0, "sigma": 1.0}}, {"gri": {"mean": 5.0, "sigma": 200.0}}],
        {"rejection": [None, 0.2, np.nan]},  # type: ignore[dict-item]
    )
    assert {name: sum(counts) for name, counts in found.items()} == {
        "g mean": 1,
        "g sigma": 1,
        "gri mean": 1,
        "gri sigma": 1,
        "rejection": 1,
    }
    assert shifts(found, {"i mean": [1]}) == []
