"""Celery entry point of predictions: sweep what is older than a day."""

from celery import shared_task

from giz.inference.services.sources import sources_sweep


@shared_task(name="giz.inference.tasks.sweep_sources")
def sweep_sources() -> int:
    return sources_sweep()
