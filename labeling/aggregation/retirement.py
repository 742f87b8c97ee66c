"""Rules that decide when a galaxy has been judged often enough, and their registry."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from labeling.aggregation.judgements import UnknownRule

MIN_VOLUNTEERS = 3
# Two are enough only if they agree that there is no inclination to publish: a third vote could not change that.
ADAPTIVE_MIN = 2
ADAPTIVE_CAP = 6
# If people still disagree after this many more votes than planned, a supervisor decides.
MORE_WHERE_SPLIT = 9
# SCIENCE.md's 2° assumed errors that covered only half of the true values; with calibrated errors (68 %) the same
# limit is 3.2° (decision 21).
ADAPTIVE_SIGMA_DEG = 3.2
# A refit changes errors slightly: a retired galaxy opens again only if its error has clearly grown.
ADAPTIVE_REOPEN_SIGMA_DEG = 3.5

Status = Literal["open", "retired", "expert"]


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a galaxy: how many different volunteers judged it, how many are wanted, and how far they agree.

    ``sigma_deg`` is the robust estimator's standard error, None if there is no inclination: nobody gave one, or the
    verdict is not accepted. ``asked`` is the minimum number of people that staff asked for, whatever the rule.
    ``is_decided`` is true if a supervisor has voted, ``is_retired`` if the galaxy was finished before.
    """

    volunteer_count: int
    overlap: int
    is_split: bool
    sigma_deg: float | None
    asked: int = 0
    is_decided: bool = False
    is_retired: bool = False


def fixed(progress: Progress) -> Status:
    """Retire a galaxy after the campaign's overlap (at least three volunteers), unless its verdict is split.

    While it is split, one more volunteer at a time is asked; after nine more than planned a supervisor decides.
    """
    least = max(MIN_VOLUNTEERS, progress.overlap)
    if progress.volunteer_count < max(least, progress.asked):
        return "open"
    if not progress.is_split:
        return "retired"
    return "open" if progress.volunteer_count < least + MORE_WHERE_SPLIT else "expert"


def adaptive_least(sigma_deg: float | None) -> int:
    """Return the minimum number of judgements: three if there is an inclination to publish, else two."""
    return ADAPTIVE_MIN if sigma_deg is None else MIN_VOLUNTEERS


def adaptive(progress: Progress) -> Status:
    """Retire a galaxy once three volunteers give a standard error of at most 3.2°, or two agree to reject it.

    No inclination is published on fewer than three judgements. Without an inclination there is no error to reduce, and
    a third vote cannot change the majority of two who agree. A retired galaxy opens again only if its error grows
    beyond 3.5° or people come to disagree. If it is still uncertain or split after six votes, it waits for a
    supervisor, whose vote finishes it. The campaign's overlap has no effect.
    """
    if progress.volunteer_count < progress.asked:
        return "open"
    limit_deg = ADAPTIVE_REOPEN_SIGMA_DEG if progress.is_retired else ADAPTIVE_SIGMA_DEG
    is_known = progress.sigma_deg is None or progress.sigma_deg <= limit_deg
    is_sure = progress.volunteer_count >= adaptive_least(progress.sigma_deg) and is_known
    if is_sure and not progress.is_split:
        return "retired"
    if progress.volunteer_count < ADAPTIVE_CAP:
        return "open"
    return "retired" if progress.is_decided else "expert"


RETIREMENT_RULES: dict[str, tuple[str, Callable[[Progress], Status]]] = {
    "fixed": ("fixed-2", fixed),
    "adaptive": ("adaptive-5", adaptive),
}


def retirement_rule(name: str) -> tuple[str, Callable[[Progress], Status]]:
    """Return the version and the function of a rule; raises UnknownRule, which lists the known ones."""
    try:
        return RETIREMENT_RULES[name]
    except KeyError:
        raise UnknownRule("retirement rule", name, RETIREMENT_RULES) from None


def people_asked(rule: str, overlap: int) -> str:
    """Return in words how many people a rule asks about each galaxy: "3", "3 to 6 (2 where both reject)"."""
    if rule == "adaptive":
        return f"{MIN_VOLUNTEERS} to {ADAPTIVE_CAP} ({ADAPTIVE_MIN} where both reject)"
    return str(max(MIN_VOLUNTEERS, overlap))


def first_quota(rule: str, overlap: int) -> int:
    """Return a new galaxy's quota before its first consensus; later it grows by one at a time."""
    return ADAPTIVE_MIN if rule == "adaptive" else overlap
