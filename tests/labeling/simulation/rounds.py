"""The crowd of `manage.py simulate` without a database: its looks as arrays, and how many votes each rule asks for."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labeling.aggregation.agreement import LabelErrors, errors_against
from labeling.aggregation.retirement import ADAPTIVE_CAP, Progress
from labeling.aggregation.robust import RobustFit, robust_fit
from labeling.aggregation.vote_table import ACCEPTED, FACE_ON, REJECTED, VoteTable, medians
from labeling.demo.plan import target_recipes
from labeling.simulation.crowd import Perception, Truth, perceive, person

MOST_VOTES = ADAPTIVE_CAP + 2


@dataclass(frozen=True)
class Sky:
    """G galaxies of the demo sky and `MOST_VOTES` votes on each, in the order in which they would be given.

    ``truth_deg`` (G,) is NaN where a galaxy should be rejected; ``verdict`` has shape (G, MOST_VOTES).
    """

    votes: VoteTable
    verdict: np.ndarray
    truth_deg: np.ndarray

    def first(self, wanted: np.ndarray) -> VoteTable:
        """The first ``wanted`` (G,) votes of each galaxy."""
        return self.votes.pick((np.arange(MOST_VOTES)[None, :] < wanted[:, None]).ravel())


@dataclass(frozen=True)
class Score:
    """What a rule came to: votes a galaxy, and errors of both estimators on the accepted galaxies."""

    votes_a_galaxy: float
    robust: LabelErrors
    median: LabelErrors


def sky(galaxies: int, people: int, seed: int) -> Sky:
    """Eager people come first to a galaxy more often; who skips it makes room for the next."""
    crowd = [person(seed, number) for number in range(people)]
    eagerness = np.log([habits.eagerness for habits in crowd])
    truths = [Truth(recipe.inclination_deg, recipe.reject_reason) for recipe in target_recipes(seed, galaxies)]
    rng = np.random.default_rng([seed, 9])
    shape = galaxies, MOST_VOTES
    who, verdict, value = np.zeros(shape, np.int64), np.zeros(shape, np.int8), np.full(shape, np.nan)
    for number, truth in enumerate(truths):
        place = 0
        for one in np.argsort(-(eagerness + rng.gumbel(size=people))).tolist():
            seen, _ = perceive(crowd[one], truth, seed=seed, number=one, pgc=number)
            if not seen.is_skipped:
                who[number, place] = one
                verdict[number, place], value[number, place] = _said(seen)
                place += 1
            if place == MOST_VOTES:
                break
    galaxy = np.repeat(np.arange(galaxies), MOST_VOTES)
    votes = VoteTable(galaxy, who.ravel(), verdict.ravel(), value.ravel(), galaxies, people)
    true = [None if truth.reject_reason else truth.inclination_deg for truth in truths]
    return Sky(votes, verdict, np.array(true, dtype=float))


def _said(seen: Perception) -> tuple[int, float]:
    if seen.reasons:
        return (FACE_ON if seen.reasons == ("face_on",) else REJECTED), float("nan")
    if seen.perceived_deg < 45:
        return FACE_ON, float("nan")
    return ACCEPTED, 90.0 if seen.perceived_deg >= 90 else float(np.floor(seen.perceived_deg)) + 0.5


def play(seen: Sky, rule: Callable[[Progress], str], *, overlap: int, start: int) -> Score:
    """Ask one more vote at a time, with a fit of all votes between, until the rule wants none."""
    wanted = np.full(seen.truth_deg.size, start)
    fit: RobustFit | None = None
    while True:
        fit = robust_fit(seen.first(wanted), start=(fit.crowd, fit.volunteers) if fit else None)
        is_split, winner = _verdicts(seen, wanted)
        is_accepted = (winner == ACCEPTED) & ~is_split
        asked = [
            number
            for number in np.flatnonzero(wanted < MOST_VOTES).tolist()
            if rule(
                Progress(
                    volunteer_count=int(wanted[number]),
                    overlap=overlap,
                    is_split=bool(is_split[number]),
                    sigma_deg=float(fit.sigma_deg[number]) if is_accepted[number] else None,
                )
            )
            == "open"
        ]
        if not asked:
            return _score(seen, wanted, is_accepted)
        wanted[asked] += 1


def _verdicts(seen: Sky, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    given = np.arange(MOST_VOTES)[None, :] < wanted[:, None]
    counts = np.stack([((seen.verdict == code) & given).sum(axis=1) for code in (ACCEPTED, FACE_ON, REJECTED)])
    return (counts == counts.max(axis=0)).sum(axis=0) > 1, counts.argmax(axis=0)


def _score(seen: Sky, wanted: np.ndarray, is_accepted: np.ndarray) -> Score:
    votes = seen.first(wanted)
    fit = robust_fit(votes)
    truth_deg = np.where(is_accepted, seen.truth_deg, np.nan)
    robust = errors_against(fit.inclination_deg, fit.sigma_deg, truth_deg)
    median = errors_against(medians(votes), fit.sigma_deg, truth_deg)
    assert robust is not None
    assert median is not None
    return Score(float(wanted.mean()), robust, median)
