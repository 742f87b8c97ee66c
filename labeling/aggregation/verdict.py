"""What a galaxy is: accepted, face-on or rejected, by the majority of volunteers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from labeling.aggregation.judgements import Opinion, Verdict

VERDICT_RULE = "verdict-1"


@dataclass(frozen=True, slots=True)
class VerdictResult:
    """``verdict`` is None without votes and while split; ``counts`` holds volunteers a verdict."""

    verdict: Verdict | None
    is_split: bool
    counts: dict[str, int]


def verdict_of(opinions: Sequence[Opinion]) -> VerdictResult:
    """Return the verdict of the majority of volunteers; a tie at the top is split and asks for more votes.

    A supervisor's verdict overrides: of the supervisors with the highest rank, the one who voted last.

    Parameters
    ----------
    opinions : sequence of Opinion
        One a volunteer, the newest voter last.

    Returns
    -------
    VerdictResult
        With the number of volunteers a verdict.
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
