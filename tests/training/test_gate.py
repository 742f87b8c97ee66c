"""The gate: a network passes only where it is better on the same galaxies outside the noise, and says why not."""

import numpy as np
import numpy.typing as npt
import pytest

from giz.training.gate import CONSTANT, PictureErrors, judge

GALAXIES = 400
VIEWS = 5
NUMBERS = np.tile(np.arange(GALAXIES), VIEWS)
Floats = npt.NDArray[np.float64]


def errors(sigma_deg: float, *, wrong_share: float = 0.1, seed: int = 1, own_deg: float = 0.5) -> PictureErrors:
    """A galaxy's error is mostly its own, the same in every view and network; the rest is this network's."""
    hard = np.random.default_rng(0).normal(0, 1, GALAXIES)
    own = np.random.default_rng(seed).normal(0, own_deg, GALAXIES * VIEWS)
    wrong = (np.random.default_rng(7).random(GALAXIES * VIEWS) < wrong_share).astype(float)
    return PictureErrors(sigma_deg * np.tile(hard, VIEWS) + own, wrong)


NOTHING = np.full(GALAXIES * VIEWS, np.nan)


def test_a_clearly_better_network_passes_with_its_figures() -> None:
    gate = judge(errors(1.8), errors(2.4, seed=2), NUMBERS, rival="abc")
    assert gate.passed
    assert gate.rival == "abc"
    rms = gate.differences[0]
    assert rms.galaxies == GALAXIES
    assert rms.new == pytest.approx(np.sqrt(np.mean(errors(1.8).error_deg ** 2)))
    assert rms.low < rms.difference < rms.high < 0
    assert f"on the same {GALAXIES} test galaxies" in gate.why
    assert f"{rms.new:.2f}° against {rms.served:.2f}°" in gate.why


def test_the_same_answers_are_not_better() -> None:
    gate = judge(errors(2.0), errors(2.0), NUMBERS, rival="abc")
    assert not gate.passed
    assert gate.differences[0].difference == 0
    assert gate.why.startswith("Not better than the served one outside the noise")


def test_two_networks_of_the_same_skill_seldom_pass() -> None:
    """By construction about one in forty would; ten pairs differ in what is the network's own alone."""
    passed = [
        judge(errors(2.0, seed=seed), errors(2.0, seed=seed + 100), NUMBERS, rival="x").passed for seed in range(10)
    ]
    assert sum(passed) <= 2


def test_pairing_finds_a_difference_that_the_scatter_of_the_galaxies_would_hide() -> None:
    """Of the same galaxies RMS differs by 3 %; between two sets of 400 galaxies it scatters by more."""
    gate = judge(errors(1.94, own_deg=0.1), errors(2.0, seed=2, own_deg=0.1), NUMBERS, rival="x")
    assert gate.passed
    resampled = np.random.default_rng(3).integers(GALAXIES, size=(500, GALAXIES))
    scatter = np.sqrt((errors(2.0).error_deg[:GALAXIES][resampled] ** 2).mean(axis=1)).std()
    assert abs(gate.differences[0].difference) < 2 * scatter


def test_a_worse_network_is_told_that_it_is_worse() -> None:
    gate = judge(errors(3.0), errors(2.0, seed=2), NUMBERS, rival="x")
    assert not gate.passed
    assert gate.why.startswith("Worse than the served one, on")


def test_better_inclinations_do_not_outweigh_worse_verdicts() -> None:
    gate = judge(errors(1.5, wrong_share=0.2), errors(2.5, seed=2, wrong_share=0.1), NUMBERS, rival="x")
    assert not gate.passed
    assert "worse in another: wrong verdicts" in gate.why


def test_a_network_that_gives_only_verdicts_is_judged_by_them() -> None:
    new, served = errors(1, wrong_share=0.05), errors(1, wrong_share=0.15)
    gate = judge(PictureErrors(NOTHING, new.is_wrong), PictureErrors(NOTHING, served.is_wrong), NUMBERS, rival="x")
    assert gate.passed
    assert [difference.quantity for difference in gate.differences] == ["wrong verdicts"]


def test_the_views_of_one_galaxy_are_no_further_galaxies() -> None:
    """With every picture its own galaxy the interval would be about √5 narrower than it is."""
    new, served = errors(1.9, own_deg=0.0), errors(2.0, own_deg=0.0)
    by_galaxy = judge(new, served, NUMBERS, rival="x").differences[0]
    by_picture = judge(new, served, np.arange(GALAXIES * VIEWS), rival="x").differences[0]
    assert (by_galaxy.high - by_galaxy.low) / (by_picture.high - by_picture.low) == pytest.approx(5**0.5, rel=0.1)


def test_few_galaxies_tell_nothing() -> None:
    few = NUMBERS < 30
    new, served = errors(1.0), errors(3.0, seed=2)
    gate = judge(
        PictureErrors(new.error_deg[few], new.is_wrong[few]),
        PictureErrors(served.error_deg[few], served.is_wrong[few]),
        NUMBERS[few],
        rival="x",
    )
    assert not gate.passed
    assert "Only 30 test galaxies: at least 50" in gate.why


def test_the_first_network_must_beat_a_constant_guess() -> None:
    guess = PictureErrors(np.tile(np.linspace(-22.5, 22.5, GALAXIES), VIEWS), NOTHING)
    assert judge(errors(2.0), guess, NUMBERS, rival=CONSTANT).passed
    blind = judge(guess, guess, NUMBERS, rival=CONSTANT)
    assert blind.why.startswith("Not better than a constant guess")


def test_a_first_network_that_is_hardly_better_than_a_guess_is_refused() -> None:
    """One step of training has given an RMS a hundredth below a guess, outside the noise: it must not answer."""
    truth = np.tile(np.linspace(-22.5, 22.5, GALAXIES), VIEWS)
    guess, hardly, enough = (PictureErrors(truth * share, NOTHING) for share in (1.0, 0.92, 0.88))
    refused = judge(hardly, guess, NUMBERS, rival=CONSTANT)
    assert refused.differences[0].is_better
    assert not refused.passed
    assert refused.why.startswith(f"Better than a constant guess by less than 10\u00a0%, on the same {GALAXIES} test")
    assert judge(enough, guess, NUMBERS, rival=CONSTANT).passed
    assert judge(hardly, guess, NUMBERS, rival="abc").passed, "of a served network a small gain is a gain"


def test_networks_with_nothing_in_common_can_not_be_compared() -> None:
    gate = judge(
        PictureErrors(NOTHING, errors(1).is_wrong), PictureErrors(errors(1).error_deg, NOTHING), NUMBERS, rival="x"
    )
    assert not gate.passed
    assert "nothing in common" in gate.why


def test_the_same_errors_give_the_same_verdict_again() -> None:
    first, second = (judge(errors(1.9), errors(2.0, seed=2), NUMBERS, rival="x") for _ in range(2))
    assert first == second
