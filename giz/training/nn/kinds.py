"""The kinds of network that can be trained: names, what each learns, sizes of batches. Without torch, for web pages."""

from __future__ import annotations

import math
from typing import Literal

from giz.core.vocabulary import GREYS
from giz.training.nn.data import BIN_COUNT, TrainingError

Task = Literal["regression", "verdict", "both"]
# Which layers of a network learn: all, or only the last ones, which answer from the features of a picture.
Layers = Literal["all", "last"]

OURS = "ours"
REFERENCE_NAMES = ("model4", "model5", "model6")
NETWORKS = (OURS, *REFERENCE_NAMES, *(f"{name}-binary" for name in REFERENCE_NAMES))
REFERENCE_SIZE_PX = 128
# Half colour, half grey; among the greys each band and each of (as stored, inverted) equally often: 6 + 6.
LOOKS_ROUND = 2 * 2 * len(GREYS)


def task_of(name: str) -> Task:
    """Return what a network learns: inclinations, verdicts or both."""
    if name == OURS:
        return "both"
    return "verdict" if name.endswith("-binary") else "regression"


def check_network(name: str, size_px: int) -> None:
    """Refuse an unknown network, or one that does not take pictures of this size.

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
    if size_px % 16:
        raise TrainingError("bad_size", f"The side of the pictures must be a multiple of 16 px, not {size_px} px.")


def batch_multiple(task: Task) -> int:
    """Return the number that the size of a batch must be a multiple of for its rules to hold exactly."""
    return {"regression": math.lcm(LOOKS_ROUND, 2 * BIN_COUNT), "verdict": 2 * LOOKS_ROUND, "both": 48}[task]


def usual_size(task: Task) -> int:
    """Return the default number of pictures in a batch."""
    return 2 * batch_multiple(task)


def check_shares(task: Task, size: int, processes: int) -> None:
    """Check that each process gets equally many pictures of each kind.

    Otherwise the mean of the processes' losses would not be the loss of the batch.

    Raises
    ------
    TrainingError
        ``bad_processes``, with the numbers that are possible.
    """
    smallest = {"regression": size, "verdict": size // 2, "both": size // 4}[task]
    if smallest % processes:
        fit = ", ".join(str(count) for count in range(1, smallest + 1) if smallest % count == 0)
        raise TrainingError(
            "bad_processes", f"{processes} processes can't share batches of {size} evenly; possible are {fit}."
        )
