"""The networks that can be trained, by name: known to web pages and commands, which have no torch."""

from __future__ import annotations

from typing import Literal

from giz.training.nn.errors import TrainingError

Task = Literal["regression", "verdict", "both"]

OURS = "ours"
REFERENCE_NAMES = ("model4", "model5", "model6")
NETWORKS = (OURS, *REFERENCE_NAMES, *(f"{name}-binary" for name in REFERENCE_NAMES))
REFERENCE_SIZE_PX = 128


def task_of(name: str) -> Task:
    """What a network learns: inclinations, verdicts or both."""
    if name == OURS:
        return "both"
    return "verdict" if name.endswith("-binary") else "regression"


def check_network(name: str, size_px: int) -> None:
    """Refuse a network that does not exist, or that does not take pictures of this size.

    Raises
    ------
    TrainingError
        ``unknown_network``, ``bad_size``.
    """
    if name not in NETWORKS:
        raise TrainingError("unknown_network", f"There is no network {name!r}. Choose one of {', '.join(NETWORKS)}.")
    if name != OURS and size_px != REFERENCE_SIZE_PX:
        raise TrainingError(
            "bad_size", f"{name} takes pictures of {REFERENCE_SIZE_PX} px; this label set has {size_px} px."
        )
