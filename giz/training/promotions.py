"""What a history of promotions means: pure."""

from collections.abc import Iterable
from typing import NamedTuple

ROLLBACK = "rollback"


class Step(NamedTuple):
    """One entry of the history: which version, and whether it came forward or back."""

    version: int
    kind: str


def served_stack(history: Iterable[Step]) -> list[int]:
    """Versions from the first to the one that is served; a rollback takes the last one away.

    Thus a second rollback goes one further back and not forth again. Whatever the history says, its newest entry is
    the version that is served.
    """
    stack: list[int] = []
    for step in history:
        if step.kind == ROLLBACK and stack:
            stack.pop()
        if not stack or stack[-1] != step.version:
            stack.append(step.version)
    return stack
