"""Find accounts that probably do not look at the galaxies.

Signs are votes in under a second, the same answer every time, and answers unrelated to the galaxies. A finding is only
a suspicion, on which staff decide (`labeling.services.plausibility`). Each person is compared with the others who
judged the same galaxies: someone who is served only edge-on galaxies answers edge-on every time, but so do the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import special

from labeling.aggregation.robust_model import measured_scatter_deg
from labeling.aggregation.vote_table import ACCEPTED, FACE_ON, REJECTED, BoolArray, FloatArray, IntArray, VoteTable

IMPLAUSIBLE_RULE = "implausible-2"
MIN_VOTES = 20
FAST_SHARE = 0.5
# Share of rejections among the galaxies that at least two others measured and nobody else rejected.
REJECTED_SHARE = 0.9
# Fewer answers prove nothing, nor do galaxies that fewer than two others answered.
MIN_ANSWERS = 10
MIN_OTHERS = 2
# Highest probability that an honest person gives one answer so often.
SAME_ANSWER_CHANCE = 1e-6
# Factor by which the scatter of honest people may be smaller than the measured one.
SHARPER = 2.0
# A person is suspected if the correlation with others is below half of theirs with each other, by this many errors.
LIKENESS = 0.5
ERRORS = 4.0
_ROUNDS = 8
FACE_ON_DEG = 42.5


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a volunteer (by code) is suspected.

    ``answer_deg`` is the most frequent answer, ``answer_count`` how often it was given, ``answer_chance`` the
    probability of that for somebody who looks. ``likeness`` is the correlation of the answers with those of two other
    people on the same galaxies, ``likeness_of_others`` the correlation between those two, ``errors`` by how many
    standard errors the first is too low. ``rejected`` counts rejected galaxies that at least two others measured and
    nobody else rejected.
    """

    volunteer: int
    vote_count: int
    answers: int
    fast_share: float = 0.0
    answer_deg: float | None = None
    answer_count: int = 0
    answer_chance: float = 1.0
    likeness: float | None = None
    likeness_of_others: float | None = None
    errors: float = 0.0
    rejected: int = 0
    reasons: tuple[str, ...] = field(default=())


def implausible(
    votes: VoteTable,
    is_fast: BoolArray,
    *,
    bins_deg: FloatArray,
    is_exempt: BoolArray | None = None,
    is_evidence: BoolArray | None = None,
) -> list[Finding]:
    """Return a finding for each volunteer whose votes are probably not judgements.

    Parameters
    ----------
    votes : VoteTable
        One vote per volunteer and galaxy.
    is_fast : array of bool, shape (n,)
        Votes given in under a second.
    bins_deg : array of float, shape (b,)
        The inclinations of the standards, in degrees: an answer lies between two of them.
    is_exempt : array of bool, shape (J,), optional
        Volunteers who are never suspected; the others are still compared with them.
    is_evidence : array of bool, shape (n,), optional
        Votes that count as evidence against their volunteers; by default all.
    """
    if not len(votes):
        return []
    evidence = np.ones(len(votes), dtype=bool) if is_evidence is None else is_evidence
    if is_exempt is not None:
        evidence = evidence & ~is_exempt[votes.volunteer]
    people = votes.volunteer_count
    count = np.bincount(votes.volunteer[evidence], minlength=people)
    fast = np.bincount(votes.volunteer[evidence & is_fast], minlength=people)
    answered = np.flatnonzero(votes.is_accepted | (votes.verdict == FACE_ON))
    answers, counts_against = votes.pick(answered), evidence[answered]
    likeness, of_others, errors = _likeness(answers, counts_against)
    rejected, share = _rejections(votes, evidence)
    given = np.bincount(answers.volunteer[counts_against], minlength=people)
    same = _same_answers(answers.pick(counts_against), bins_deg)
    found = []
    for person in np.flatnonzero(count).tolist():
        most = same.get(person, Finding(person, 0, 0))
        finding = replace(
            most,
            vote_count=int(count[person]),
            answers=int(given[person]),
            fast_share=float(fast[person] / count[person]),
            likeness=float(likeness[person]) if np.isfinite(likeness[person]) else None,
            likeness_of_others=float(of_others[person]) if np.isfinite(of_others[person]) else None,
            errors=float(errors[person]),
            rejected=int(rejected[person]),
        )
        holds = {
            "too_fast": count[person] >= MIN_VOTES and finding.fast_share >= FAST_SHARE,
            "same_answer": finding.answer_chance <= SAME_ANSWER_CHANCE,
            "not_looking": finding.errors >= ERRORS,
            "rejects_all": rejected[person] >= MIN_VOTES and share[person] >= REJECTED_SHARE,
        }
        if any(holds.values()):
            found.append(replace(finding, reasons=tuple(reason for reason, is_so in holds.items() if is_so)))
    return found


def _same_answers(answers: VoteTable, bins_deg: FloatArray) -> dict[int, Finding]:
    """Return each person's most frequent answer, with the probability that an honest person gives one so often.

    Even votes on equal galaxies scatter as measured, so an interval between two standards contains only a limited share
    of them. Face-on and the place right of the last standard may contain all.
    """
    edges = np.unique(bins_deg)
    place = np.searchsorted(edges, answers.inclination_deg, side="right")
    most: dict[int, Finding] = {}
    order = np.lexsort((place, answers.volunteer))
    who, where = answers.volunteer[order], place[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(who) != 0) | (np.diff(where) != 0)]) if who.size else who
    lengths = np.diff(np.r_[starts, who.size])
    total = np.bincount(answers.volunteer, minlength=answers.volunteer_count)
    for start, often in zip(starts.tolist(), lengths.tolist(), strict=True):
        person, slot = int(who[start]), int(where[start])
        if total[person] < MIN_ANSWERS or often <= most.get(person, Finding(person, 0, 0)).answer_count:
            continue
        if not 0 < slot < edges.size:
            continue
        low, high = float(edges[slot - 1]), float(edges[slot])
        middle = (low + high) / 2
        sharpest = float(measured_scatter_deg(np.array([middle]))[0]) / SHARPER
        share = min((high - low) / (sharpest * np.sqrt(2 * np.pi)), 1.0)
        # The probability of so many or more in one interval, whichever it is.
        chance = min(float(special.bdtrc(often - 1, int(total[person]), share)) * edges.size, 1.0) if share < 1 else 1.0
        most[person] = Finding(person, 0, 0, answer_deg=middle, answer_count=often, answer_chance=chance)
    return most


def _likeness(answers: VoteTable, is_evidence: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return each person's correlation with others, that among the others, and its deficit in errors, (J,) each.

    Answers of somebody who looks correlate with other people's about as well as those with each other. In a campaign of
    equal galaxies nobody's do, and nobody is found. Those who are found, the clearest first, are excluded from what the
    others are compared with, so that robots do not make honest people look suspicious.
    """
    value = np.where(answers.verdict == ACCEPTED, answers.inclination_deg, FACE_ON_DEG)
    is_reference = np.ones(answers.volunteer_count, dtype=bool)
    for _round in range(_ROUNDS):
        first, second = _two_others(answers, value, is_reference)
        known = np.flatnonzero(is_evidence & np.isfinite(first))
        who = answers.volunteer[known]
        mine, one, two = value[known], first[known], second[known]
        number = np.bincount(who, minlength=answers.volunteer_count)
        of_others = _correlation(who, one, two, number)
        likeness = (_correlation(who, mine, one, number) + _correlation(who, mine, two, number)) / 2
        # Fisher's transform has errors of 1/√(n − 3). If a few outlying galaxies dominate the correlation, as an
        # inclined one among face-on ones does, n is effectively smaller.
        telling = number / np.maximum((_kurtosis(who, one, number) + _kurtosis(who, two, number)) / 4 - 0.5, 1)
        lack = LIKENESS * np.arctanh(of_others) - np.arctanh(likeness)
        error = np.sqrt((1 + LIKENESS**2) / np.maximum(telling - 3, 1))
        errors = np.where(telling >= MIN_VOTES, np.nan_to_num(lack / error), 0.0)
        odd = is_reference & (errors >= ERRORS)
        if not odd.any():
            break
        is_reference &= ~(odd & (errors >= errors[odd].max() / 2))
    return likeness, of_others, errors


def _two_others(answers: VoteTable, value: FloatArray, is_reference: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return, for each answer, the answers of two other people on the same galaxy; NaN if there are fewer."""
    chosen = np.flatnonzero(is_reference[answers.volunteer])
    chosen = chosen[np.argsort(answers.galaxy[chosen], kind="stable")]
    size = np.bincount(answers.galaxy[chosen], minlength=answers.galaxy_count)
    start = np.cumsum(size) - size
    # Cyclically through the galaxy's answers, starting after one's own.
    place = np.full(len(answers), -1)
    place[chosen] = np.arange(chosen.size) - start[answers.galaxy[chosen]]
    here, is_own = size[answers.galaxy], place >= 0
    known = here - is_own >= MIN_OTHERS
    found = []
    for step in (1, 2):
        other = np.full(len(answers), np.nan)
        spot = start[answers.galaxy[known]] + (place[known] + step) % here[known]
        other[known] = value[chosen[spot]]
        found.append(other)
    return found[0], found[1]


def _kurtosis(who: IntArray, x: FloatArray, number: IntArray) -> FloatArray:
    """Return each person's kurtosis of x, (J,): 3 for a normal distribution, more with outliers; inf if undefined."""
    people = number.size
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = (x - (np.bincount(who, x, people) / number)[who]) ** 2
        found = np.bincount(who, squares**2, people) * number / np.bincount(who, squares, people) ** 2
    return np.nan_to_num(found, nan=np.inf)


def _correlation(who: IntArray, x: FloatArray, y: FloatArray, number: IntArray) -> FloatArray:
    """Return each person's correlation of x and y, (J,), within ±0.99; 0 if one is constant, NaN without answers."""
    people = number.size
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [np.bincount(who, values, people) / number for values in (x, y)]
        dx, dy = x - means[0][who], y - means[1][who]
        power = np.bincount(who, dx * dx, people) * np.bincount(who, dy * dy, people)
        found = np.where(power > 0, np.bincount(who, dx * dy, people) / np.sqrt(power), 0.0)
    return np.where(number > 0, np.clip(found, -0.99, 0.99), np.nan)


def _rejections(votes: VoteTable, is_evidence: BoolArray) -> tuple[IntArray, FloatArray]:
    """Return each person's rejections of galaxies that others measured and nobody else rejected, and their share."""
    is_rejection = votes.verdict == REJECTED
    rejected = np.bincount(votes.galaxy[is_rejection], minlength=votes.galaxy_count)[votes.galaxy] - is_rejection
    answered = np.bincount(votes.galaxy[~is_rejection], minlength=votes.galaxy_count)[votes.galaxy] - ~is_rejection
    clear = is_evidence & (rejected == 0) & (answered >= MIN_OTHERS)
    people = votes.volunteer_count
    alone = np.bincount(votes.volunteer[clear & is_rejection], minlength=people)
    on_such = np.bincount(votes.volunteer[clear], minlength=people)
    return alone, alone / np.maximum(on_such, 1)
