"""Ask the networks about galaxies of the catalogue, many at a time; a galaxy whose pictures are gone is passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from giz.inference.models import Prediction
from giz.inference.services.answers import Opinion, pictures_seen
from giz.inference.services.bulk import ask_many
from giz.inference.services.bulk_inputs import CatalogueInput
from giz.inference.services.predictions import prediction_row, predictions_store
from giz.inference.services.runtime import Network
from giz.inference.view import View

PLAIN = View()


@dataclass(frozen=True, slots=True)
class GalaxyOpinion:
    """What the served network says of a galaxy, and how far the networks that answer lie apart (1 σ, degrees)."""

    galaxy_id: int
    opinion: Opinion
    spread_deg: float


def galaxies_ask(networks: Sequence[Network], galaxies: Mapping[int, int]) -> list[GalaxyOpinion]:
    """Ask about these galaxies at once, and keep the served network's predictions.

    Parameters
    ----------
    networks : the served one first.
    galaxies : PGC numbers by id; as many as fit in memory together, some dozens.
    """
    ids = list(galaxies)
    source = CatalogueInput([galaxies[galaxy] for galaxy in ids], networks[0].predictor.size_px)
    pictures = {ids[one.row]: one.pictures for one in source.read(0, len(ids)) if one.pictures}
    said = []
    for network in networks:
        seen = [pictures_seen(bands, PLAIN, network.predictor.size_px) for bands in pictures.values()]
        said.append(ask_many(network, seen))
        if network is networks[0]:
            rows = zip(pictures, seen, said[0], strict=True)
            predictions_store(
                [
                    prediction_row(
                        network=network,
                        opinion=opinion,
                        seen=bands,
                        view=PLAIN.as_json(),
                        origin=Prediction.Origin.BULK,
                        galaxy_id=galaxy,
                        pgc=galaxies[galaxy],
                    )
                    for galaxy, bands, opinion in rows
                ]
            )
    return [
        GalaxyOpinion(galaxy, opinions[0], _spread_deg(opinions))
        for galaxy, *opinions in zip(pictures, *said, strict=True)
    ]


def _spread_deg(said: Sequence[Opinion]) -> float:
    known = [one.inclination_deg for one in said if one.inclination_deg is not None]
    return float(np.std(known)) if len(known) > 1 else 0.0
