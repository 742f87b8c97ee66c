"""Votes as the aggregation sees them, and one opinion a volunteer."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Verdict = Literal["A", "F", "J"]
ACCEPTED: Verdict = "A"


class UnknownRule(LookupError):
    """A rule that is not registered; the message names those that are."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no {kind} {name!r} here. Known: {', '.join(sorted(known))}.")


@dataclass(frozen=True, slots=True)
class Judgement:
    """One counted or repeated vote; inclination in degrees, None unless accepted."""

    vote_id: int
    volunteer_id: int
    verdict: Verdict
    inclination_deg: float | None = None
    reasons: tuple[str, ...] = ()
    comment: str = ""
    supervisor_rank: int = 0


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one volunteer says about one galaxy, over all of this volunteer's votes on it."""

    volunteer_id: int
    verdict: Verdict
    inclination_deg: float | None
    supervisor_rank: int


def opinions(judgements: Sequence[Judgement]) -> list[Opinion]:
    """Return one opinion a volunteer, ordered by each volunteer's last vote.

    A person who judged a galaxy several times counts once: with the verdict given most often (the latest one on a
    tie) and, where that is "accepted", with the median of the accepted inclinations.

    Parameters
    ----------
    judgements : sequence of Judgement
        Of one galaxy, oldest first.

    Returns
    -------
    list of Opinion
        One a volunteer; the volunteer whose last vote is the newest comes last.
    """
    of_volunteer: dict[int, list[Judgement]] = {}
    for judgement in judgements:
        # Taken out and put back, so that the newest voter stands last.
        of_volunteer[judgement.volunteer_id] = [*of_volunteer.pop(judgement.volunteer_id, []), judgement]
    return [_opinion(volunteer_id, votes) for volunteer_id, votes in of_volunteer.items()]


def _opinion(volunteer_id: int, votes: Sequence[Judgement]) -> Opinion:
    counts = Counter(vote.verdict for vote in votes)
    most = max(counts.values())
    verdict = next(vote.verdict for vote in reversed(votes) if counts[vote.verdict] == most)
    values = [vote.inclination_deg for vote in votes if vote.inclination_deg is not None]
    inclination_deg = float(median(values)) if verdict == ACCEPTED and values else None
    return Opinion(volunteer_id, verdict, inclination_deg, votes[-1].supervisor_rank)
