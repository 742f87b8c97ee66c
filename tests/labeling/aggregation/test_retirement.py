"""When a galaxy is done: the fixed and the adaptive rule, and what adapting saves."""

from collections.abc import Callable

import numpy as np
import pytest

from labeling.aggregation.retirement import ADAPTIVE_CAP, ADAPTIVE_SIGMA_DEG, MIN_VOLUNTEERS, Progress, adaptive, fixed
from labeling.aggregation.robust import robust_fit
from tests.labeling.aggregation.crowd import simulated_galaxies_judged, simulated_volunteers, simulated_votes
from tests.labeling.simulation.rounds import play, sky


@pytest.mark.parametrize(
    ("count", "is_split", "sigma_deg", "status"),
    [
        (1, False, 1.0, "open"),
        (2, False, 1.0, "open"),
        (2, True, 1.0, "open"),
        (3, False, 3.2, "retired"),
        (3, False, 3.3, "open"),
        (3, True, 1.0, "open"),
        (4, False, 2.9, "retired"),
        (6, False, 3.5, "expert"),
        (6, True, 1.0, "expert"),
        (6, False, 1.5, "retired"),
        (1, False, None, "open"),
        (2, False, None, "retired"),
        (2, True, None, "open"),
    ],
)
def test_the_adaptive_rule_stops_when_sure(count: int, is_split: bool, sigma_deg: float | None, status: str) -> None:
    assert adaptive(Progress(count, 3, is_split, sigma_deg)) == status


def test_a_refit_that_moves_the_error_a_little_does_not_reopen_a_galaxy() -> None:
    assert adaptive(Progress(3, 3, False, 3.4, is_retired=True)) == "retired"
    assert adaptive(Progress(3, 3, False, 3.6, is_retired=True)) == "open"
    assert adaptive(Progress(3, 3, True, 2.0, is_retired=True)) == "open"


@pytest.mark.parametrize("rule", [fixed, adaptive])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("is_retired", [False, True])
def test_no_rule_is_done_with_an_inclination_of_fewer_than_three_people(
    rule: Callable[[Progress], str], count: int, is_retired: bool
) -> None:
    sure = Progress(count, 1, False, 0.1, is_retired=is_retired, is_decided=True)
    assert rule(sure) == "open"


@pytest.mark.parametrize(
    ("count", "overlap", "is_split", "status"),
    [(2, 2, False, "open"), (3, 2, False, "retired"), (3, 4, False, "open"), (3, 3, True, "open")],
)
def test_the_fixed_rule_counts_people(count: int, overlap: int, is_split: bool, status: str) -> None:
    assert fixed(Progress(count, overlap, is_split, None)) == status


def votes_for(rms_deg: float, fixed_rms_deg: dict[float, float]) -> float:
    """Votes a galaxy by which a fixed rule reaches this error: 1/RMS² grows with votes, so it is interpolated."""
    votes = sorted(fixed_rms_deg)
    return float(np.interp(rms_deg**-2, [fixed_rms_deg[count] ** -2 for count in votes], votes))


@pytest.mark.slow
def test_a_simulated_crowd_reaches_the_same_error_with_almost_a_fifth_fewer_votes() -> None:
    """The crowd of `manage.py simulate`; decision 19 holds the figures of such crowds."""
    seen = sky(5000, 200, seed=2)
    four, five = (play(seen, fixed, overlap=count, start=count) for count in (4, 5))
    adapted = play(seen, adaptive, overlap=3, start=2)
    assert adapted.votes_a_galaxy <= 0.85 * four.votes_a_galaxy
    assert adapted.robust.rms_deg <= 0.98 * four.robust.rms_deg
    assert adapted.median.rms_deg <= 0.96 * four.median.rms_deg
    same = votes_for(adapted.robust.rms_deg, {score.votes_a_galaxy: score.robust.rms_deg for score in (four, five)})
    assert adapted.votes_a_galaxy <= 0.82 * same


def test_stopping_when_sure_reaches_the_error_of_four_votes_with_a_fifth_fewer() -> None:
    """On galaxies tilted as the original's were, of which some are plainly harder than others."""
    rng = np.random.default_rng(5)
    count = 3000
    bounds = np.array([35.0, 45.0, 65.0, 77.0, 85.0, 90.0])
    part = rng.choice(5, count, p=[0.08, 0.22, 0.22, 0.23, 0.25])
    truth = rng.uniform(bounds[part], bounds[part + 1])
    hardness = np.where(rng.random(count) < 0.77, 0.7, 1.6)
    hardness /= np.sqrt(np.mean(hardness**2))
    galaxy, volunteer = simulated_galaxies_judged(count, 200, 6, rng)
    votes = simulated_votes(
        galaxy, volunteer, truth, simulated_volunteers(200, rng), rng, rejected=0.0, hardness=hardness
    )
    place = np.tile(np.arange(6), count)
    needed = np.full(count, MIN_VOLUNTEERS)
    for given in range(MIN_VOLUNTEERS, ADAPTIVE_CAP):
        sigma_deg = robust_fit(votes.pick(place < needed[galaxy])).sigma_deg
        needed[(sigma_deg > ADAPTIVE_SIGMA_DEG) & (needed == given)] += 1
    error_adaptive, error_fixed = (
        np.sqrt(np.mean((robust_fit(votes.pick(which)).inclination_deg - truth) ** 2))
        for which in (place < needed[galaxy], place < 4)
    )
    # Squared errors fall as 1/votes: so many votes would have reached the very error of four.
    ratio = error_adaptive / error_fixed
    assert needed.mean() * ratio**2 <= 0.77 * 4
    assert ratio <= 0.93
    assert needed.mean() <= 0.9 * 4
