"""Compare a new network with the one in service on the same test galaxies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from giz.core.errors import Refused
from giz.core.vocabulary import BANDS, COLOUR
from giz.training.drift import histograms, input_summary
from giz.training.gate import CONSTANT, REJECTION_THRESHOLD, Gate, PictureErrors, judge
from giz.training.models import ModelVersion
from giz.training.nn.data import CHANNELS, Rows, TrainingData, TrainingError
from giz.training.nn.evaluation import Asked, ask
from giz.training.nn.predictor import Predictor
from giz.training.selectors import served_model
from giz.training.storage import model_path

OnProgress = Callable[[int, int, str], None]
MOST_REFERENCES = 4000


def version_judge(version: ModelVersion, *, data: TrainingData, asked: Asked, on_progress: OnProgress) -> Gate:
    """Compare this version with the one in service in its role, on the test galaxies that it was asked about.

    If none is in service, the rival is the mean inclination of the train galaxies (or the commoner verdict).
    """
    served = served_model(version.role)
    if served is None:
        new, galaxies = errors_of(data, asked)
        return judge(new, _constant(data, asked), galaxies, rival=CONSTANT)
    if served.pk == version.pk:
        return Gate(False, "It is the served version itself: the same training gave the same file.", served.sha256)
    try:
        predictor = Predictor(model_path(served))
    except (Refused, TrainingError) as error:
        return Gate(
            False, f"The network in use can't be compared: {error} Promote by hand, or roll back.", served.sha256
        )
    if predictor.size_px != data.size_px:
        why = f"The served one takes pictures of {predictor.size_px} px, this label set has {data.size_px} px."
        return Gate(False, why, served.sha256)
    words = "measuring the served network on the same galaxies"
    theirs = ask(data, predictor, data.rows("test"), lambda done, total: on_progress(done, total, words))
    common = [view for view in asked if view in theirs]
    if not common:
        return Gate(False, "The two networks use different bands, so they can't be compared.", served.sha256)
    new, galaxies = errors_of(data, {view: asked[view] for view in common})
    old, _ = errors_of(data, {view: theirs[view] for view in common})
    return judge(new, old, galaxies, rival=served.sha256)


def errors_of(data: TrainingData, asked: Asked) -> tuple[PictureErrors, Rows]:
    """Return errors of all pictures in all views (n,), NaN without an answer, and their galaxies (n,)."""
    errors, wrong, galaxies = [], [], []
    for rows, said in asked.values():
        empty = np.full(rows.size, np.nan)
        measured = data.is_accepted[rows]
        # Rejected galaxies have no true inclination, so their error is NaN.
        errors.append(empty if said.inclination_deg is None else said.inclination_deg - data.inclination_deg[rows])
        is_wrong = None if said.rejection is None else (said.rejection >= REJECTION_THRESHOLD) == measured
        wrong.append(empty if is_wrong is None else is_wrong.astype(float))
        galaxies.append(rows)
    return PictureErrors(np.concatenate(errors), np.concatenate(wrong)), np.concatenate(galaxies)


def _constant(data: TrainingData, asked: Asked) -> PictureErrors:
    """Return the errors of a constant guess: the mean inclination, and the commoner verdict."""
    train = data.rows("train")
    guess_deg = float(np.nanmean(data.inclination_deg[train]))
    is_accepting = bool(data.is_accepted[train].mean() >= 0.5)
    rows = np.concatenate([mine for mine, _said in asked.values()])
    is_wrong = data.is_accepted[rows] != is_accepting
    return PictureErrors(guess_deg - data.inclination_deg[rows], is_wrong.astype(float))


def reference_of(data: TrainingData, asked: Asked) -> dict[str, Any]:
    """Return histograms of the test pictures and of the answers, with which later ones are compared."""
    rows, said = next(iter(asked.values()))
    inputs = (input_summary(_pictures(data, int(row))) for row in rows[:MOST_REFERENCES])
    answers = {"inclination_deg": said.inclination_deg, "rejection": said.rejection}
    return histograms(inputs, {name: values for name, values in answers.items() if values is not None})


def _pictures(data: TrainingData, row: int) -> dict[str, Any]:
    one = np.array([row], np.int64)
    pixels = data.pictures(one, data.has_band[one])[0]
    return {
        band: pixels[CHANNELS[band]] if band == COLOUR else pixels[CHANNELS[band]][0]
        for number, band in enumerate(BANDS)
        if data.has_band[row, number]
    }
