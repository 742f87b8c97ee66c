"""The loop back: the served network looks at the galaxies of a campaign, and what it says orders the volunteers' queue.

It is handed down to labeling's services; volunteers are shown nothing of it, and no label is made from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from giz.catalog.models import Galaxy
from giz.core.errors import Refused
from giz.inference.services.catalogue import GalaxyOpinion, galaxies_ask
from giz.inference.services.runtime import Network, Runtime
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

# A network that states no error (a reference network) is taken to be off by what the original's best ones were.
UNSTATED_SIGMA_DEG = 3.5
LEAST_SIGMA_DEG = 0.1
GALAXIES_A_RUN = 64

OnProgress = Callable[[int, int, str], None]


def campaigns_to_order() -> list[tuple[Campaign, str]]:
    """Campaigns with something to do for the served network, and that network's checksum."""
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
    """Ask the network about the galaxies of the campaign that it has not seen, then order the queue.

    What was asked is kept at once, so an interrupted run goes on where it was.

    Raises
    ------
    Refused
        409 ``network_off``: the campaign does without. 409 ``other_model``: another network is served by now. As
        `Runtime.networks` where it can't be read.
    """
    if not campaign.uses_network:
        raise network_off(campaign)
    networks = Runtime().networks()
    if networks[0].version.sha256 != model:
        raise Refused(
            "other_model",
            f"Model {model[:12]} is not served any more; the next round asks the one that is.",
            status=409,
        )
    made_at = networks[0].version.created_at
    galaxies = galaxies_to_ask(campaign=campaign, model=model, made_at=made_at)
    begun, done = time.monotonic(), 0
    for asked, answers in _answers(networks, galaxies):
        answers_take(campaign=campaign, model=model, answers=answers, made_at=made_at)
        done += asked
        rate = done / max(time.monotonic() - begun, 1e-3)
        on_progress(done, len(galaxies), f"{rate:,.0f} galaxies/s")
    return queue_order(campaign=campaign, model=model, made_at=made_at)


def _answers(networks: Sequence[Network], galaxies: Sequence[int]) -> Iterator[tuple[int, list[GalaxyAnswer]]]:
    for begin in range(0, len(galaxies), GALAXIES_A_RUN):
        some = galaxies[begin : begin + GALAXIES_A_RUN]
        numbers = dict(Galaxy.objects.filter(pk__in=some).values_list("pk", "pgc"))
        said = galaxies_ask(networks, numbers)
        yield len(some), [answer for one in said if (answer := _answer(one)) is not None]


def _answer(one: GalaxyOpinion) -> GalaxyAnswer | None:
    opinion = one.opinion
    if opinion.inclination_deg is None:
        return None
    sigma_deg = UNSTATED_SIGMA_DEG if opinion.half_width_68_deg is None else opinion.half_width_68_deg
    return GalaxyAnswer(
        galaxy_id=one.galaxy_id,
        inclination_deg=opinion.inclination_deg,
        sigma_deg=max(sigma_deg, LEAST_SIGMA_DEG),
        rejection=opinion.rejection or 0.0,
        spread_deg=one.spread_deg,
    )
