"""Celery entry point of scheduled retraining; staff switch it on, and edit how often and from when, under Schedule."""

from collections.abc import Sequence

import structlog
from celery import shared_task
from django.core.cache import cache
from django.utils import timezone

from giz.core.errors import Refused
from giz.core.tasks import wake_on_commit
from giz.training.jobs import training_job
from giz.training.nn.names import OURS
from giz.training.selectors import RETRAINING_KEY
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
) -> str:
    """Train on the newest label set of pictures of this side where enough of its labels are new; the gate decides.

    Returns what was done, or why nothing was; the page of networks shows it.
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
            job = training_job(labelset=due.labelset.folder, network=network, minutes=minutes)
            wake_on_commit(job)
            said += " A training was started."
    except Refused as error:
        said = error.detail
    log.info("retraining", said=said)
    cache.set(RETRAINING_KEY, {"said": said, "at": timezone.now()}, timeout=None)
    return said
