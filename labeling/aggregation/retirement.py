"""When a galaxy has been judged often enough; the registry of such rules."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from labeling.aggregation.judgements import UnknownRule

MIN_VOLUNTEERS = 3
# Two are enough only where they agree that there is no inclination to publish: nobody's third vote could turn that.
ADAPTIVE_MIN = 2
ADAPTIVE_CAP = 6
# SCIENCE.md's 2° were of errors that covered half of the truths; of calibrated ones (68 %) it is 3.2° (decision 21).
ADAPTIVE_SIGMA_DEG = 3.2
# A refit moves errors a little: who was sure stays so until the error has clearly grown.
ADAPTIVE_REOPEN_SIGMA_DEG = 3.5

Status = Literal["open", "retired", "expert"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a galaxy stands: different volunteers so far, how many the campaign wants, and what they say.

    ``sigma_deg`` is the robust estimator's, None where there is no inclination to be sure of: nobody gave one, or the
    verdict is not accepted. ``asked`` is how many people staff wants at least, whatever the rule; ``is_decided`` says
    that a supervisor is among those who judged, ``is_retired`` that the galaxy was done before.
    """

    volunteer_count: int
    overlap: int
    is_split: bool
    sigma_deg: float | None
    asked: int = 0
    is_decided: bool = False
    is_retired: bool = False


def fixed(progress: Progress) -> Status:
    """Retire after the campaign's overlap, at least three different volunteers, unless the verdict is split."""
    enough = progress.volunteer_count >= max(MIN_VOLUNTEERS, progress.overlap, progress.asked)
    return "retired" if enough and not progress.is_split else "open"


def adaptive_least(sigma_deg: float | None) -> int:
    """Return how many people must have judged a galaxy at least: three where there is an inclination to publish."""
    return ADAPTIVE_MIN if sigma_deg is None else MIN_VOLUNTEERS


def adaptive(progress: Progress) -> Status:
    """Retire once the standard error is at most 3.2°, from three volunteers on; two who agree to reject are enough.

    Nobody's inclination is published on fewer than three people's word. Without an inclination there is no error to
    wait for, and no third vote can turn the majority of two who agree.
    What is retired opens again only where the error has grown past 3.5°, or people disagree by now.
    Who is still unsure or split at the cap of six waits for a supervisor, and is done with that one's vote. The
    campaign's overlap plays no part.
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
    "fixed": ("fixed-1", fixed),
    "adaptive": ("adaptive-5", adaptive),
}


def retirement_rule(name: str) -> tuple[str, Callable[[Progress], Status]]:
    """Return version and function of a rule; raises UnknownRule naming the known ones."""
    try:
        return RETIREMENT_RULES[name]
    except KeyError:
        raise UnknownRule("retirement rule", name, RETIREMENT_RULES) from None


def people_asked(rule: str, overlap: int) -> str:
    """Return in words how many people a rule asks about each galaxy: "3", "3 to 6 (2 where both reject)"."""
    if rule == "adaptive":
        return f"{MIN_VOLUNTEERS} to {ADAPTIVE_CAP} ({ADAPTIVE_MIN} where both reject)"
    return str(overlap)


def first_quota(rule: str, overlap: int) -> int:
    """Return how many people a new galaxy asks for before its first consensus; more are asked one at a time."""
    return ADAPTIVE_MIN if rule == "adaptive" else overlap


def wants_another(rule: str, progress: Progress) -> bool:
    """Whether an open galaxy whose places are all taken should ask one person more."""
    if rule == "adaptive":
        return True
    return progress.is_split or progress.volunteer_count < max(progress.overlap, progress.asked)
