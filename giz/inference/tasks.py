"""Celery entry points of predictions: sweep what is older than a day, have the served network order the queues."""

from celery import shared_task

from giz.core.tasks import wake_on_commit
from giz.inference.jobs import order_queue_job
from giz.inference.services.sources import sources_sweep


@shared_task(name="giz.inference.tasks.sweep_sources")
def sweep_sources() -> int:
    return sources_sweep()


@shared_task(name="giz.inference.tasks.order_queues")
def order_queues() -> int:
    """Queue a job for each campaign whose queue the served network should order, or order anew."""
    from giz.inference.services.queues import campaigns_to_order

    jobs = [order_queue_job(campaign=campaign, model=model) for campaign, model in campaigns_to_order()]
    for job in jobs:
        wake_on_commit(job)
    return len(jobs)
