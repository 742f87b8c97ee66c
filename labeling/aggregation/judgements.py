"""Votes as the aggregation reads them, and the rule that makes them one opinion per volunteer."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from giz.core.vocabulary import ACCEPTED, Verdict

VERDICT_RULE = "verdict-1"
_V = TypeVar("_V")


class UnknownRule(LookupError):
    """An unregistered rule; the message lists the registered ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no {kind} {name!r}. Known: {', '.join(sorted(known))}.")


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
    """One volunteer's opinion of one galaxy, merged from all of this volunteer's votes on it."""

    volunteer_id: int
    verdict: Verdict
    inclination_deg: float | None
    supervisor_rank: int


def opinions(judgements: Sequence[Judgement]) -> list[Opinion]:
    """Return one opinion per volunteer on one galaxy, by the rule of `merged`.

    Parameters
    ----------
    judgements : sequence of Judgement
        All on the same galaxy, oldest first.

    Returns
    -------
    list of Opinion
        One per volunteer, in the order of their latest votes.
    """
    of_volunteer: dict[int, list[Judgement]] = {}
    for judgement in judgements:
        # Removed and inserted again, so that whoever voted last comes last.
        of_volunteer[judgement.volunteer_id] = [*of_volunteer.pop(judgement.volunteer_id, []), judgement]
    found = []
    for volunteer_id, votes in of_volunteer.items():
        values = [vote.inclination_deg for vote in votes if vote.inclination_deg is not None]
        verdict, inclination_deg = merged([vote.verdict for vote in votes], values, accepted=ACCEPTED)
        found.append(Opinion(volunteer_id, verdict, inclination_deg, votes[-1].supervisor_rank))
    return found


def merged(verdicts: Sequence[_V], inclinations_deg: Sequence[float], *, accepted: _V) -> tuple[_V, float | None]:
    """Merge one person's votes on one galaxy into one opinion: the rule of every estimator.

    Parameters
    ----------
    verdicts : sequence
        Of the votes, oldest first: letters or codes, ``accepted`` being one of them.
    inclinations_deg : sequence of float
        Of those votes that give one, in degrees.

    Returns
    -------
    verdict
        The most frequent one; the latest of them on a tie.
    inclination_deg : float or None
        If that is ``accepted``, the median of the inclinations.
    """
    counts = Counter(verdicts)
    most = max(counts.values())
    verdict = next(said for said in reversed(verdicts) if counts[said] == most)
    return verdict, float(median(inclinations_deg)) if verdict == accepted and len(inclinations_deg) else None


@dataclass(frozen=True, slots=True)
class VerdictResult:
    """The verdict on a galaxy, None without votes or while split; ``counts`` are the volunteers for each verdict."""

    verdict: Verdict | None
    is_split: bool
    counts: dict[str, int]


def verdict_of(opinions: Sequence[Opinion]) -> VerdictResult:
    """Return the verdict of most volunteers; a tie for the most is split and needs more votes.

    A supervisor's verdict overrides all others; of several, the one of highest rank who voted last decides.

    Parameters
    ----------
    opinions : sequence of Opinion
        One per volunteer, in the order of their latest votes.

    """
    counts = Counter(opinion.verdict for opinion in opinions)
    by_verdict = {str(verdict): counts[verdict] for verdict in sorted(counts)}
    top_rank = max((opinion.supervisor_rank for opinion in opinions), default=0)
    if top_rank > 0:
        deciding = [opinion for opinion in opinions if opinion.supervisor_rank == top_rank][-1]
        return VerdictResult(deciding.verdict, False, by_verdict)
    if not counts:
        return VerdictResult(None, False, by_verdict)
    most = max(counts.values())
    winners = [verdict for verdict, count in counts.items() if count == most]
    if len(winners) > 1:
        return VerdictResult(None, True, by_verdict)
    return VerdictResult(winners[0], False, by_verdict)
