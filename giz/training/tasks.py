"""Celery task of scheduled retraining, which staff enable and schedule under Schedule."""

from collections.abc import Sequence
from typing import Any

import structlog
from celery import shared_task
from django.core.cache import cache
from django.utils import timezone

from giz.core.errors import Refused
from giz.core.tasks import wake_on_commit
from giz.training.jobs import training_job
from giz.training.nn.kinds import OURS
from giz.training.selectors import RETRAINING_KEY, served_model
from giz.training.services.retraining import retraining_due

log = structlog.get_logger("giz.training")


@shared_task(name="giz.training.tasks.retrain")
def retrain(
    *,
    network: str = OURS,
    minutes: float = 60.0,
    least_new_labels: int = 500,
    campaigns: Sequence[str] = (),
    size_px: int = 128,
    continued: bool = True,
) -> str:
    """Train on the newest label set with pictures of this size if enough of its labels are new; the gate decides.

    continued : go on from the served network, with synthetic galaxies beside the labels. A first network, one for
    pictures of another size, and those of the original begin from nothing all the same.

    Returns what was done, or why nothing was, which the page of networks shows.
    """
    try:
        due = retraining_due(
            network=network,
            least_new_labels=least_new_labels,
            campaigns=campaigns,
            minutes=minutes,
            size_px=size_px,
        )
        said = due.why
        if due.labelset:
            asked: dict[str, Any] = {"labelset": due.labelset.folder, "network": network, "minutes": minutes}
            served = served_model(network) if continued and network == OURS else None
            if served and served.card.get("size_px", size_px) == size_px:
                asked |= {"start": served.sha256, "mixed": True}
            job = training_job(**asked)
            wake_on_commit(job)
            said += " A training was started."
    except Refused as error:
        said = error.detail
    log.info("retraining", said=said)
    cache.set(RETRAINING_KEY, {"said": said, "at": timezone.now()}, timeout=None)
    return said
