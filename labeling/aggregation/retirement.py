"""When a galaxy has been judged often enough; the registry of such rules."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from labeling.aggregation.judgements import UnknownRule

MIN_VOLUNTEERS = 3

Status = Literal["open", "retired", "expert"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a galaxy stands: different volunteers so far, how many the campaign wants, and what they say."""

    volunteer_count: int
    overlap: int
    is_split: bool
    sigma_deg: float | None


def fixed(progress: Progress) -> Status:
    """Retire after the campaign's overlap, at least three different volunteers, unless the verdict is split."""
    enough = progress.volunteer_count >= max(MIN_VOLUNTEERS, progress.overlap)
    return "retired" if enough and not progress.is_split else "open"


RETIREMENT_RULES: dict[str, tuple[str, Callable[[Progress], Status]]] = {
    "fixed": ("fixed-1", fixed),
}


def retirement_rule(name: str) -> tuple[str, Callable[[Progress], Status]]:
    """Return version and function of a rule; raises UnknownRule naming the known ones."""
    try:
        return RETIREMENT_RULES[name]
    except KeyError:
        raise UnknownRule("retirement rule", name, RETIREMENT_RULES) from None
