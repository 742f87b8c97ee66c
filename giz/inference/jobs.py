"""The jobs of predictions: fetch the pictures of a source, predict many galaxies, order the queue of a campaign."""

import traceback
from itertools import pairwise
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from giz.core.errors import Refused
from giz.core.jobs import JobContext, job_create, job_handler
from giz.core.models import Job
from giz.inference.models import Source
from giz.inference.selectors import model_named
from giz.inference.services.bulk import Plan, plan_of, shards_predict
from giz.inference.services.bulk_inputs import input_of
from giz.inference.services.fetching import fetch_give_up, source_fetch
from giz.inference.services.runtime import network_of, predictor_load
from labeling.models import Campaign
from labeling.services.campaigns import campaign_named

log = structlog.get_logger("giz.inference")

MOST_JOBS = 64


def source_fetch_job(source: Source) -> Job:
    """Return the job that fetches this source; an unfinished one is reused."""
    job = job_create(kind="fetch_source", params={"source": str(source.pk)})
    if source.job_id != job.pk:
        source.job = job
        source.save(update_fields=["job"])
    return job


@job_handler("fetch_source")
def fetch_source(job: JobContext) -> dict[str, Any]:
    source = Source.objects.filter(pk=job.params["source"]).first()
    if source is None or source.state != Source.State.FETCHING:
        return {"state": source.state if source else "forgotten"}
    job.progress(0, 1, source.query_in_words)
    try:
        done = source_fetch(source)
    except Refused as error:
        fetch_give_up(source, error)
        raise
    except Exception as error:
        fetch_give_up(source, error)
        job.log(traceback.format_exc(), level="error")
        log.error("source_not_fetched", job=str(job.id), error=repr(error))
        # Only jobs of workers that died are retried: here the visitor has been told, and may try again.
        raise Refused(source.error_code, source.error_detail) from error
    failed = {"error": done.error_detail} if done.state == Source.State.FAILED else {}
    return {"state": done.state, "survey": done.survey, "why": done.error_code, **failed}


def predict_jobs(
    *,
    described: dict[str, Any],
    out: Path,
    model: str | None = None,
    jobs: int = 1,
    owner: Any = None,
    in_background: bool = False,
) -> list[Job]:
    """Return the jobs that predict this input into one file, each a range of shards; unfinished ones are reused.

    ``described`` is ``{"labelset": folder}``, ``{"campaign": name}`` or ``{"table": file}``; ``model`` the beginning of
    a version, by default the served one. Refuses an input, output or model that can't be used before any work.

    in_background : for workers, at most ``PREDICT_JOBS_AT_ONCE`` at a time, because this work takes hours and the same
        workers process votes and fetch pictures that somebody waits for.
    """
    if not 1 <= jobs <= MOST_JOBS:
        raise Refused("bad_jobs", f"The number of jobs must be from 1 to {MOST_JOBS}, not {jobs}.")
    version = model_named(model)
    prior = campaign_named(described["campaign"]).rejection_prior if "campaign" in described else None
    source = input_of(described)
    plan = plan_of(described=described, source=source, model_sha256=version.sha256, out=out, prior=prior)
    bounds = [plan.shards * number // jobs for number in range(jobs + 1)]
    return [
        job_create(
            kind="predict",
            params={
                "input": dict(plan.described),
                "input_digest": plan.input_digest,
                "rows": plan.rows,
                "model": plan.model_sha256,
                "out": str(plan.out),
                "shards": [first, last],
                **({} if prior is None else {"prior": prior}),
            },
            owner=owner,
            lane=f"predict:{number % settings.PREDICT_JOBS_AT_ONCE}" if in_background else "",
        )
        for number, (first, last) in enumerate(pairwise(bounds))
        if last > first
    ]


@job_handler("predict")
def predict(job: JobContext) -> dict[str, Any]:
    asked = job.params
    version = model_named(asked["model"])
    network = network_of(version, predictor_load(version, threads=1))
    source = input_of(asked["input"], network.predictor.size_px)
    if (source.digest, len(source)) != (asked["input_digest"], asked["rows"]):
        raise Refused("input_changed", "The input has changed since this job was created. Start it again.")
    plan = Plan(asked["input"], source.digest, len(source), asked["model"], Path(asked["out"]), asked.get("prior"))
    result = shards_predict(
        plan=plan,
        source=source,
        network=network,
        shards=range(*asked["shards"]),
        on_progress=job.progress,
    )
    if not result["unchanged"]:
        job.log(f"{result['predicted']:,} predicted, {result['images_per_s']:,.0f} images/s.")
    return result


def order_queue_job(*, campaign: Campaign, model: str, owner: Any = None) -> Job:
    """Return the job by which this version of the network orders a campaign's queue; an unfinished one is reused."""
    return job_create(kind="order_queue", params={"campaign": campaign.name, "model": model}, owner=owner)


@job_handler("order_queue")
def order_queue(job: JobContext) -> dict[str, Any]:
    # Imported here, because most web processes need neither numpy nor the networks.
    from giz.inference.services.queues import queue_refresh

    order = queue_refresh(
        campaign=campaign_named(job.params["campaign"]), model=job.params["model"], on_progress=job.progress
    )
    job.log(order.in_words)
    return {"answers": order.answers, "unanswered": order.unanswered, "compared": order.compared}
