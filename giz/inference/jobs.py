"""Predictions as jobs: fetching the pictures of a source."""

from typing import Any

from giz.core.jobs import JobContext, job_create, job_handler
from giz.core.models import Job
from giz.inference.models import Source
from giz.inference.services.fetching import fetch_give_up, source_fetch


def source_fetch_job(source: Source) -> Job:
    """Return the job that fetches this source (the same unfinished one, where there is one)."""
    job = job_create(kind="fetch_source", params={"source": str(source.pk)}, max_attempts=1)
    if source.job_id != job.pk:
        source.job = job
        source.save(update_fields=["job"])
    return job


@job_handler("fetch_source")
def fetch_source(job: JobContext) -> dict[str, Any]:
    source = Source.objects.filter(pk=job.params["source"]).first()
    if source is None or source.state != Source.State.FETCHING:
        return {"state": source.state if source else "forgotten"}
    try:
        done = source_fetch(source)
    except Exception as error:
        fetch_give_up(source, error)
        raise
    return {"state": done.state, "survey": done.survey, "why": done.error_code}
