"""The served network predicts the galaxies of a campaign, and its predictions order the volunteers' queue.

They are passed to labeling's services; no volunteer sees them, and no label is made from them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from giz.catalog.models import Galaxy
from giz.core.errors import Refused
from giz.inference.models import Prediction
from giz.inference.services.bulk_inputs import CatalogueInput
from giz.inference.services.predictions import (
    PLAIN_VIEW,
    PredictedValues,
    predict_many,
    prediction_row,
    predictions_store,
    shown_pictures,
)
from giz.inference.services.runtime import LoadedNetwork, Runtime
from giz.training.selectors import served_model
from labeling.models import Campaign, NetworkOrder
from labeling.services.network import (
    GalaxyAnswer,
    answers_take,
    galaxies_to_ask,
    network_off,
    queue_is_due,
    queue_order,
)

# The error of a network that states none (a reference network): that of the original's best ones.
UNSTATED_SIGMA_DEG = 3.5
LEAST_SIGMA_DEG = 0.1
GALAXIES_A_RUN = 64

OnProgress = Callable[[int, int, str], None]


def campaigns_to_order() -> list[tuple[Campaign, str]]:
    """Return the campaigns whose queue is due for the served network, each with that network's checksum."""
    served = served_model()
    if served is None:
        return []
    states = (Campaign.State.OPEN, Campaign.State.PAUSED)
    campaigns = Campaign.objects.filter(state__in=states, uses_network=True).order_by("pk")
    model, made_at = served.sha256, served.created_at
    return [
        (campaign, model) for campaign in campaigns if queue_is_due(campaign=campaign, model=model, made_at=made_at)
    ]


def queue_refresh(*, campaign: Campaign, model: str, on_progress: OnProgress) -> NetworkOrder:
    """Predict the galaxies of the campaign that the network has not seen, then order the queue.

    Predictions are stored at once, so an interrupted run resumes where it stopped.

    Raises
    ------
    Refused
        409 ``network_off``: the campaign does not use the network. 409 ``other_model``: another network is served by
        now. Also as `Runtime.networks`.
    """
    if not campaign.uses_network:
        raise network_off(campaign)
    networks = Runtime().networks()
    if networks[0].version.sha256 != model:
        raise Refused(
            "other_model",
            f"Model {model[:12]} is no longer in use; the next round will use the current one.",
            status=409,
        )
    made_at = networks[0].version.created_at
    galaxies = galaxies_to_ask(campaign=campaign, model=model, made_at=made_at)
    begun, done = time.monotonic(), 0
    for begin in range(0, len(galaxies), GALAXIES_A_RUN):
        some = galaxies[begin : begin + GALAXIES_A_RUN]
        numbers = dict(Galaxy.objects.filter(pk__in=some).values_list("pk", "pgc"))
        answers = galaxies_predict(networks, numbers)
        answers_take(campaign=campaign, model=model, answers=answers, made_at=made_at)
        done += len(some)
        rate = done / max(time.monotonic() - begun, 1e-3)
        on_progress(done, len(galaxies), f"{rate:,.0f} galaxies/s")
    return queue_order(campaign=campaign, model=model, made_at=made_at)


def galaxies_predict(networks: Sequence[LoadedNetwork], galaxies: Mapping[int, int]) -> list[GalaxyAnswer]:
    """Predict galaxies of the catalogue in one run, and store the served network's predictions.

    Galaxies whose pictures are missing, or whose inclination the served network does not predict, are left out. The
    spread is the scatter between all networks (1 σ, degrees).

    Parameters
    ----------
    networks : the served one first.
    galaxies : PGC numbers by id; as many as fit into memory together, some dozens.
    """
    ids = list(galaxies)
    source = CatalogueInput([galaxies[galaxy] for galaxy in ids], networks[0].predictor.size_px)
    pictures = {ids[one.row]: one.pictures for one in source.read(0, len(ids)) if one.pictures}
    by_network = []
    for network in networks:
        shown = [shown_pictures(bands, PLAIN_VIEW, network.predictor.size_px) for bands in pictures.values()]
        by_network.append(predict_many(network, shown))
        if network is networks[0]:
            predictions_store(
                [
                    prediction_row(
                        network=network,
                        values=values,
                        shown=bands,
                        origin=Prediction.Origin.BULK,
                        galaxy_id=galaxy,
                        pgc=galaxies[galaxy],
                    )
                    for galaxy, bands, values in zip(pictures, shown, by_network[0], strict=True)
                ]
            )
    return [
        _answer(galaxy, served.inclination_deg, served, [served, *others])
        for galaxy, served, *others in zip(pictures, *by_network, strict=True)
        if served.inclination_deg is not None
    ]


def _answer(
    galaxy_id: int, inclination_deg: float, served: PredictedValues, by_network: Sequence[PredictedValues]
) -> GalaxyAnswer:
    sigma_deg = UNSTATED_SIGMA_DEG if served.half_width_68_deg is None else served.half_width_68_deg
    known = [one.inclination_deg for one in by_network if one.inclination_deg is not None]
    return GalaxyAnswer(
        galaxy_id=galaxy_id,
        inclination_deg=inclination_deg,
        sigma_deg=max(sigma_deg, LEAST_SIGMA_DEG),
        rejection=served.rejection or 0.0,
        spread_deg=float(np.std(known)),
    )
