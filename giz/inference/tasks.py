"""The Celery tasks of predictions: delete old sources and predictions, order queues by the served network."""

from celery import shared_task

from giz.core.tasks import wake_on_commit
from giz.inference.jobs import order_queue_job
from giz.inference.services.sources import sources_sweep


@shared_task(name="giz.inference.tasks.sweep_sources")
def sweep_sources() -> int:
    return sources_sweep()


@shared_task(name="giz.inference.tasks.sweep_predictions")
def sweep_predictions() -> int:
    # Imported here, because most web processes do not need numpy.
    from giz.inference.services.predictions import predictions_forget

    return predictions_forget()


@shared_task(name="giz.inference.tasks.order_queues")
def order_queues() -> int:
    """Create a job for each campaign whose queue is due to be ordered by the served network."""
    from giz.inference.services.queues import campaigns_to_order

    jobs = [order_queue_job(campaign=campaign, model=model) for campaign, model in campaigns_to_order()]
    for job in jobs:
        wake_on_commit(job)
    return len(jobs)
