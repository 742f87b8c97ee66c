"""Celery entry points: give back leases that ran out, recompute consensus; and the wake-up that a vote sends."""

import time
from collections.abc import Sequence

import structlog
from celery import shared_task
from django.core.cache import cache
from kombu.exceptions import OperationalError

from giz.core.errors import Refused
from giz.core.tasks import wake_job, wake_on_commit
from labeling.jobs import labels_freeze_job, refit_job
from labeling.services.campaigns import campaign_named
from labeling.services.consensus import consensus_refresh
from labeling.services.labelsets import labels_new
from labeling.services.refits import campaigns_to_refit
from labeling.services.tasks import leases_release_expired

log = structlog.get_logger("giz.labeling")

WAKE_SECONDS = 1
SILENCE_SECONDS = 30.0
MAX_BATCHES = 50


class _Broker:
    """What this process knows: until when no wake-up is needed, or the broker is left alone after a failure."""

    silent_until = 0.0


@shared_task(name="labeling.tasks.release_expired_leases")
def release_expired_leases() -> int:
    return leases_release_expired()


@shared_task(name="labeling.tasks.refresh_stale_consensus")
def refresh_stale_consensus() -> int:
    return consensus_refresh(max_batches=MAX_BATCHES)


@shared_task(name="labeling.tasks.refit_volunteers")
def refit_volunteers() -> int:
    """Queue a full fit of each campaign with enough new votes."""
    jobs = [refit_job(campaign=campaign) for campaign in campaigns_to_refit()]
    for job in jobs:
        wake_job.delay(str(job.id))
    return len(jobs)


@shared_task(name="labeling.tasks.freeze_new_labels")
def freeze_new_labels(
    *, campaigns: Sequence[str] = (), least_new_labels: int = 500, size_px: int = 128
) -> dict[str, int]:
    """Freeze a label set of each named campaign with enough newly finished galaxies.

    Returns the number of new ones by campaign. Twice at once makes one job, and once frozen nothing is new.
    """
    found = {}
    for name in campaigns:
        try:
            campaign = campaign_named(name)
            found[name] = labels_new(campaign, size_px=size_px)
            if found[name] >= max(1, least_new_labels):
                wake_on_commit(labels_freeze_job(campaign=campaign, size_px=size_px))
        except Refused as error:
            log.warning("labels_not_frozen", campaign=name, reason=error.detail)
    log.info("freeze_new_labels", new=found, least=least_new_labels)
    return found


def wake_consensus() -> None:
    """Ask a worker to refresh consensus soon, at most once a second over all processes.

    The worker begins a second later, so every vote committed until then is covered. It never fails a vote: without a
    broker the beat's next round does the same work a few seconds later.
    """
    now = time.monotonic()
    if now < _Broker.silent_until:
        return
    _Broker.silent_until = now + WAKE_SECONDS
    if not cache.add("consensus-wake", 1, WAKE_SECONDS):
        return
    try:
        refresh_stale_consensus.apply_async(countdown=WAKE_SECONDS, expires=60)
    except (OperationalError, OSError) as error:
        _Broker.silent_until = now + SILENCE_SECONDS
        log.warning("broker_unavailable", error=type(error).__name__, effect="consensus follows with the next beat")
