"""The robust estimator: better than the median, honest about its errors, sane whatever the votes."""

import numpy as np
import pytest

from labeling.aggregation.robust import galaxy_update, robust_fit
from labeling.aggregation.robust_model import Crowd, prior_crowd
from labeling.aggregation.vote_table import medians
from tests.labeling.aggregation.crowd import Simulation, simulate, table


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate()


@pytest.fixture(scope="module")
def fit(simulation):
    return robust_fit(simulation.votes)


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def test_it_is_nearer_to_the_truth_than_the_median(simulation, fit) -> None:
    median_deg = medians(simulation.votes)
    judged = np.isfinite(median_deg)
    robust_rms = rms((fit.inclination_deg - simulation.truth_deg)[judged])
    assert robust_rms < 0.85 * rms((median_deg - simulation.truth_deg)[judged])


def test_the_stated_errors_hold(simulation, fit) -> None:
    judged = np.isfinite(medians(simulation.votes))
    sigmas = np.abs(fit.inclination_deg - simulation.truth_deg)[judged] / fit.sigma_deg[judged]
    assert 0.65 <= np.mean(sigmas <= 1) <= 0.71
    assert 0.93 <= np.mean(sigmas <= 2) <= 0.97


def test_volunteers_habits_are_found_within_their_errors(simulation, fit) -> None:
    found, true = fit.volunteers, simulation.people
    offset_sigmas = np.abs(found.offset_deg - true.offset_deg) / np.sqrt(found.offset_variance)
    slope_sigmas = np.abs(found.slope - true.slope) / np.sqrt(found.slope_variance)
    assert 0.58 <= np.mean(offset_sigmas <= 1) <= 0.78
    assert 0.58 <= np.mean(slope_sigmas <= 1) <= 0.78
    assert np.corrcoef(found.offset_deg, true.offset_deg)[0, 1] > 0.6
    assert np.corrcoef(np.log(found.scale), np.log(true.scale))[0, 1] > 0.7


def test_the_mean_slope_stays_anchored(fit) -> None:
    assert np.average(fit.volunteers.slope, weights=fit.volunteers.vote_count) == pytest.approx(0, abs=1e-9)


def test_the_same_votes_give_the_same_fit(simulation, fit) -> None:
    again = robust_fit(simulation.votes)
    assert np.array_equal(again.inclination_deg, fit.inclination_deg)
    assert again.iterations == fit.iterations


def test_the_order_of_votes_does_not_matter() -> None:
    votes = simulate(galaxies=200, people=20).votes
    shuffled = votes.pick(np.random.default_rng(1).permutation(len(votes)))
    assert robust_fit(shuffled).inclination_deg == pytest.approx(robust_fit(votes).inclination_deg, abs=0.01)


def test_a_former_fit_warms_it_up(simulation, fit) -> None:
    warm = robust_fit(simulation.votes, start=(fit.crowd, fit.volunteers))
    assert warm.is_converged
    assert warm.iterations < fit.iterations
    assert rms(warm.inclination_deg - fit.inclination_deg) < 0.1


def test_one_galaxy_follows_a_vote_without_a_new_fit(simulation, fit) -> None:
    inclination_deg, sigma_deg = galaxy_update(simulation.votes, fit.crowd, fit.volunteers)
    assert inclination_deg == pytest.approx(fit.inclination_deg, abs=1e-3)
    assert sigma_deg == pytest.approx(fit.sigma_deg, abs=1e-3)


def test_a_face_on_vote_pulls_an_accepted_galaxy_down() -> None:
    mixed = robust_fit(table((0, 0, 52.5), (0, 1, 50.5), (0, 2, "F")))
    accepted = robust_fit(table((0, 0, 52.5), (0, 1, 50.5)))
    rejected = robust_fit(table((0, 0, 52.5), (0, 1, 50.5), (0, 2, "J")))
    assert mixed.inclination_deg[0] < accepted.inclination_deg[0] - 1
    assert rejected.inclination_deg[0] == pytest.approx(accepted.inclination_deg[0], abs=0.01)


def test_a_rejection_makes_the_error_wider_where_rejected_galaxies_are_harder() -> None:
    """Of 300 galaxies a fifth is hard: people scatter, and every third one rejects it."""
    rng = np.random.default_rng(4)
    votes: list[tuple[int, int, float | str]] = []
    for galaxy, truth in enumerate(rng.uniform(55, 75, 300)):
        is_hard = galaxy % 5 == 0
        for person in rng.permutation(20)[:5].tolist():
            seen = float(np.floor(truth + rng.normal(0, 8 if is_hard else 3)) + 0.5)
            votes.append((galaxy, person, "J" if is_hard and rng.random() < 1 / 3 else seen))
    alike: list[tuple[int, int, float | str]] = [(galaxy, person, 65.5) for galaxy in (300, 301) for person in (0, 1)]
    found = robust_fit(table(*votes, *alike, (301, 2, "J")))
    assert found.crowd.reject_rates[1] > 2 * found.crowd.reject_rates[0]
    assert found.inclination_deg[301] == pytest.approx(found.inclination_deg[300], abs=0.2)
    assert found.sigma_deg[301] > 1.2 * found.sigma_deg[300]


def test_a_stored_fit_of_the_former_rule_can_still_be_read() -> None:
    stored = prior_crowd().as_json()
    del stored["reject_rates"]
    read = Crowd.from_json(stored)
    assert read.reject_rates.shape == read.spreads.shape
    assert len(set(read.reject_rates.tolist())) == 1


def test_a_vote_beyond_the_last_standard_says_at_least_ninety() -> None:
    beyond, beside = (robust_fit(table((0, 0, value), (0, 1, value))) for value in (90.0, 85.5))
    assert 87 < beyond.inclination_deg[0] <= 90
    assert beyond.inclination_deg[0] > beside.inclination_deg[0]


def test_an_outlier_hardly_moves_a_galaxy_that_others_agree_on() -> None:
    agreed = robust_fit(table((0, 0, 80.5), (0, 1, 80.5), (0, 2, 81.5), (0, 3, 79.5)))
    outlier = robust_fit(table((0, 0, 80.5), (0, 1, 80.5), (0, 2, 81.5), (0, 3, 79.5), (0, 4, 47.5)))
    mean_would_move_deg = 6.6
    assert abs(outlier.inclination_deg[0] - agreed.inclination_deg[0]) < mean_would_move_deg / 4


@pytest.mark.parametrize(
    "votes",
    [
        [],
        [(0, 0, 60.5)],
        [(0, 0, "J")],
        [(0, 0, "F")],
        [(galaxy, 0, 50.5 + galaxy) for galaxy in range(30)],
        [(0, person, "J") for person in range(5)],
        [(0, person, "F") for person in range(5)],
        [(galaxy, person, 90.0) for galaxy in range(20) for person in range(3)],
        [(galaxy, person, 60.5) for galaxy in range(50) for person in range(2)],
        [(0, 0, 45.5), (0, 1, 90.0)],
    ],
    ids=[
        "no votes", "one vote", "one rejection", "one face-on", "one person", "all rejected", "all face-on",
        "all beyond the edge", "all the same", "wide apart",
    ],
)  # fmt: skip
def test_whatever_the_votes_every_figure_is_finite_and_sane(votes) -> None:
    found = robust_fit(table(*votes))
    for figures in (found.inclination_deg, found.sigma_deg, found.volunteers.offset_deg, found.volunteers.weight_error):
        assert np.isfinite(figures).all()
    assert ((found.inclination_deg >= 25) & (found.inclination_deg <= 90)).all()
    assert (found.sigma_deg > 0).all()


def test_without_any_information_the_error_is_as_wide_as_the_sky() -> None:
    found = robust_fit(table((0, 0, "J"), (1, 0, 60.5), (1, 1, 62.5)))
    assert found.vote_count.tolist() == [0, 2]
    assert found.sigma_deg[0] > 10 > found.sigma_deg[1]


def test_excluded_volunteers_have_no_say() -> None:
    honest = [(galaxy, person, 70.5) for galaxy in range(20) for person in (0, 1)]
    robot = [(galaxy, 2, 45.5) for galaxy in range(20)]
    excluded = np.array([False, False, True])
    found = robust_fit(table(*honest, *robot), excluded=excluded)
    assert found.inclination_deg == pytest.approx(robust_fit(table(*honest, people=3)).inclination_deg)
    assert found.volunteers.vote_count[2] == 0


def test_golden_targets_tell_the_offset_of_the_whole_crowd() -> None:
    rng = np.random.default_rng(3)
    truth = rng.uniform(50, 80, 400)
    votes = [(galaxy, person, float(np.floor(truth[galaxy] + 2 + rng.normal(0, 3)) + 0.5))
             for galaxy in range(400) for person in rng.permutation(10)[:3]]  # fmt: skip
    known = np.where(np.arange(400) < 100, truth, np.nan)
    blind, told = robust_fit(table(*votes)), robust_fit(table(*votes), known_deg=known)
    unknown = slice(100, 400)
    assert abs(np.mean((told.inclination_deg - truth)[unknown])) < 0.6
    assert np.mean((blind.inclination_deg - truth)[unknown]) > 1.5


def test_twenty_golden_targets_give_an_offset_to_less_than_a_degree() -> None:
    simulation = simulate(galaxies=300, people=15)
    count = len(simulation.votes)
    golden = np.flatnonzero((simulation.truth_deg > 50) & (simulation.truth_deg < 85))[:20]
    new = [(int(galaxy), 15, float(np.floor(simulation.truth_deg[galaxy]) + 0.5)) for galaxy in golden]
    old = zip(simulation.votes.galaxy.tolist(), simulation.votes.volunteer.tolist(), strict=True)
    votes = [
        (galaxy, volunteer, float(value) if np.isfinite(value) else "J")
        for (galaxy, volunteer), value in zip(old, simulation.votes.inclination_deg.tolist(), strict=True)
    ]
    known = np.full(300, np.nan)
    known[golden] = simulation.truth_deg[golden]
    found = robust_fit(table(*votes, *new), known_deg=known)
    assert count == len(votes)
    assert np.sqrt(found.volunteers.offset_variance[15]) < 0.9
