"""When a galaxy has been judged often enough; the registry of such rules."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from labeling.aggregation.judgements import UnknownRule

MIN_VOLUNTEERS = 3
ADAPTIVE_MIN = 2
ADAPTIVE_CAP = 6
ADAPTIVE_SIGMA_DEG = 2.0

Status = Literal["open", "retired", "expert"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a galaxy stands: different volunteers so far, how many the campaign wants, and what they say.

    ``sigma_deg`` is None where there is no inclination to be sure of: nobody gave one, or the verdict is not accepted.
    ``asked`` is how many people staff wants at least, whatever the rule; ``is_decided`` says that a supervisor is among
    those who judged.
    """

    volunteer_count: int
    overlap: int
    is_split: bool
    sigma_deg: float | None
    asked: int = 0
    is_decided: bool = False


def fixed(progress: Progress) -> Status:
    """Retire after the campaign's overlap, at least three different volunteers, unless the verdict is split."""
    enough = progress.volunteer_count >= max(MIN_VOLUNTEERS, progress.overlap, progress.asked)
    return "retired" if enough and not progress.is_split else "open"


def adaptive(progress: Progress) -> Status:
    """Retire once the standard error is at most 2°, from two volunteers on; without an inclination from three on.

    Who is still unsure or split at the cap of six waits for a supervisor, and is done with that one's vote. The
    campaign's overlap plays no part.
    """
    if progress.volunteer_count < progress.asked:
        return "open"
    if progress.sigma_deg is None:
        is_sure = progress.volunteer_count >= MIN_VOLUNTEERS
    else:
        is_sure = progress.volunteer_count >= ADAPTIVE_MIN and progress.sigma_deg <= ADAPTIVE_SIGMA_DEG
    if is_sure and not progress.is_split:
        return "retired"
    if progress.volunteer_count < ADAPTIVE_CAP:
        return "open"
    return "retired" if progress.is_decided else "expert"


RETIREMENT_RULES: dict[str, tuple[str, Callable[[Progress], Status]]] = {
    "fixed": ("fixed-1", fixed),
    "adaptive": ("adaptive-1", adaptive),
}


def retirement_rule(name: str) -> tuple[str, Callable[[Progress], Status]]:
    """Return version and function of a rule; raises UnknownRule naming the known ones."""
    try:
        return RETIREMENT_RULES[name]
    except KeyError:
        raise UnknownRule("retirement rule", name, RETIREMENT_RULES) from None


def first_quota(rule: str, overlap: int) -> int:
    """Return how many people a new galaxy asks for before its first consensus; more are asked one at a time."""
    return ADAPTIVE_MIN if rule == "adaptive" else overlap


def wants_another(rule: str, progress: Progress) -> bool:
    """Whether an open galaxy whose places are all taken should ask one person more."""
    if rule == "adaptive":
        return True
    return progress.is_split or progress.volunteer_count < max(progress.overlap, progress.asked)
