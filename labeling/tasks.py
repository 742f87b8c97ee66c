"""Celery tasks of labelling: expired leases, consensus, refits, label sets; and the wake-up after a vote."""

import time
from collections.abc import Sequence

import structlog
from celery import shared_task
from django.core.cache import cache

from giz.core.errors import Refused
from giz.core.tasks import publish, wake_job, wake_on_commit
from labeling.jobs import labels_freeze_job, refit_job
from labeling.services.campaigns import campaign_named
from labeling.services.consensus import consensus_refresh
from labeling.services.export_files import exports_delete_old
from labeling.services.figures import figures_count
from labeling.services.labelsets import labels_new
from labeling.services.refits import campaigns_to_refit
from labeling.services.releases import leases_release_expired

log = structlog.get_logger("giz.labeling")

WAKE_SECONDS = 1
MAX_BATCHES = 50
FIGURES_SECONDS = 5
# After counting, nobody counts again for this many times as long as it took.
FIGURES_REST = 20


class _Woken:
    """When this process may next send a wake-up."""

    until = 0.0


@shared_task(name="labeling.tasks.release_expired_leases")
def release_expired_leases() -> int:
    return leases_release_expired()


@shared_task(name="labeling.tasks.delete_old_exports")
def delete_old_exports() -> int:
    return exports_delete_old()


@shared_task(name="labeling.tasks.refresh_stale_consensus")
def refresh_stale_consensus() -> int:
    count = consensus_refresh(max_batches=MAX_BATCHES)
    _count_figures()
    return count


def _count_figures() -> None:
    """Update the public counts every few seconds, less often if that takes long."""
    if not cache.add("figures-counted", 1, FIGURES_SECONDS):
        return
    began = time.monotonic()
    figures_count()
    rest = FIGURES_REST * (time.monotonic() - began)
    if rest > FIGURES_SECONDS:
        cache.set("figures-counted", 1, rest)


@shared_task(name="labeling.tasks.refit_volunteers")
def refit_volunteers() -> int:
    """Queue a full fit for each campaign with enough new votes."""
    jobs = [refit_job(campaign=campaign) for campaign in campaigns_to_refit()]
    for job in jobs:
        wake_job.delay(str(job.id))
    return len(jobs)


@shared_task(name="labeling.tasks.freeze_new_labels")
def freeze_new_labels(
    *, campaigns: Sequence[str] = (), least_new_labels: int = 500, size_px: int = 128
) -> dict[str, int]:
    """Freeze a label set for each named campaign with enough newly finished galaxies; return their numbers.

    Running it twice at once makes a single job.
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
    """Ask a worker to refresh consensuses soon, at most once a second over all processes.

    The worker starts a second later, so every vote committed until then is included. A missing broker does not fail the
    vote: the beat's next round does the same work a few seconds later.
    """
    now = time.monotonic()
    if now < _Woken.until:
        return
    _Woken.until = now + WAKE_SECONDS
    if not cache.add("consensus-wake", 1, WAKE_SECONDS):
        return
    publish(
        lambda: refresh_stale_consensus.apply_async(countdown=WAKE_SECONDS, expires=60),
        effect="consensus follows with the next beat",
    )
