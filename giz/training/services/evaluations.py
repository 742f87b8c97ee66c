"""Measure a network file on a label set. Files only: neither database nor torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from giz.core.errors import Refused
from giz.training.nn.evaluation import evaluate
from giz.training.nn.predictor import Predictor
from giz.training.services.runs import labelset_opened, refusals


def model_evaluate(
    *, model: Path, labelset: Path, side: Any, on_progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Figures of the network on one side of the label set, by view, with the worst galaxies."""
    with refusals():
        predictor = Predictor(model)
        data = labelset_opened(labelset)
        if data.size_px != predictor.size_px:
            raise Refused(
                "bad_size", f"{model} takes pictures of {predictor.size_px} px; the label set has {data.size_px} px."
            )
        rows = data.rows(side)
        if not rows.size:
            raise Refused("too_few_galaxies", f"The label set has no {side} galaxies.")
        return evaluate(data, predictor, rows, on_progress)
