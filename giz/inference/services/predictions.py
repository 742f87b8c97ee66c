"""Predictions as rows: one for each question, however often it is asked; no picture, no person."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.catalog.models import Galaxy
from giz.inference.models import Prediction
from giz.inference.services.answers import Answer, Opinion
from giz.inference.services.runtime import Network
from giz.training.drift import input_summary

Pixels = npt.NDArray[np.uint8]


def prediction_record(*, answer: Answer, origin: str, galaxy: Galaxy | None = None, pgc: int | None = None) -> int:
    """Keep what the served network said; returns the row's number. The same question again is the row that it has."""
    served = answer.served
    row = prediction_row(
        network=served.network,
        opinion=served.whole,
        seen=answer.seen,
        view=answer.view.as_json(),
        origin=origin,
        galaxy_id=galaxy.pk if galaxy else None,
        pgc=galaxy.pgc if galaxy else pgc,
    )
    known = Prediction.objects.filter(key=row.key).values_list("pk", flat=True).first()
    if known is not None:
        return known
    predictions_store([row])
    return Prediction.objects.values_list("pk", flat=True).get(key=row.key)


def predictions_store(rows: Sequence[Prediction]) -> None:
    """Write rows, leaving those alone that are there already."""
    Prediction.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)


def prediction_row(
    *,
    network: Network,
    opinion: Opinion,
    seen: Mapping[str, Pixels],
    view: Mapping[str, Any],
    origin: str,
    galaxy_id: int | None,
    pgc: int | None,
) -> Prediction:
    """An unsaved row of a network's opinion about what it saw."""
    return Prediction(
        key=_key(network, seen, view, galaxy_id, pgc),
        galaxy_id=galaxy_id,
        pgc=pgc,
        origin=origin,
        model=network.version,
        inclination_deg=opinion.inclination_deg,
        sigma_deg=opinion.half_width_68_deg,
        half_width_95_deg=opinion.half_width_95_deg,
        rejection=opinion.rejection,
        reason=opinion.reason,
        bands=list(seen),
        view=dict(view),
        input_summary=input_summary(seen),
    )


def _key(
    network: Network, seen: Mapping[str, Pixels], view: Mapping[str, Any], galaxy_id: int | None, pgc: int | None
) -> str:
    digest = hashlib.sha256(network.version.sha256.encode())
    digest.update(json.dumps([galaxy_id, pgc, view], sort_keys=True).encode())
    for band, pixels in sorted(seen.items()):
        digest.update(f"|{band}{pixels.shape}|".encode())
        digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()
