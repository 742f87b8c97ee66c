"""From a source, or pictures as they come, to the whole answer: look, ask, keep the prediction, describe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from giz.inference.models import Prediction, Source
from giz.inference.services.answers import pictures_answer
from giz.inference.services.documents import answer_document
from giz.inference.services.predictions import prediction_record
from giz.inference.services.runtime import runtime
from giz.inference.services.shapes import picture_ellipse
from giz.inference.services.sources import source_pictures
from giz.inference.storage import Pixels
from giz.inference.view import View


def source_evaluate(source: Source, view: View) -> dict[str, Any]:
    """What the networks say of a source in this view; kept as a prediction.

    Raises
    ------
    Refused
        As `source_pictures` and `Runtime.networks`.
    """
    pictures = source_pictures(source)
    answer = pictures_answer(pictures, view, runtime.networks())
    number = prediction_record(answer=answer, origin=source.kind, galaxy=source.galaxy, pgc=source.pgc)
    return answer_document(answer, prediction_id=number, galaxy=source.galaxy, shape=source.shape)


def pictures_evaluate(pictures: Mapping[str, Pixels], view: View) -> dict[str, Any]:
    """What the networks say of uploaded pictures; the prediction is kept, the pictures are not."""
    answer = pictures_answer(pictures, view, runtime.networks())
    number = prediction_record(answer=answer, origin=Prediction.Origin.UPLOAD)
    return answer_document(answer, prediction_id=number, galaxy=None, shape=picture_ellipse(pictures))
