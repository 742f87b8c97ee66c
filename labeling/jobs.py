"""Jobs of labelling: import votes, aggregate, refit, export labels, freeze label sets."""

import re
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from giz.core import audit
from giz.core.errors import Refused
from giz.core.jobs import UNFINISHED, JobContext, job_create, job_handler
from giz.core.models import Job
from giz.core.tasks import wake_on_commit
from giz.core.words import counted
from giz.tables.table import Table, TableError, unused_columns
from giz.tables.text import table_or_refusal
from labeling.formats import VOTE_COLUMNS, VoteColumns
from labeling.models import Campaign, LabelSet
from labeling.services.campaigns import campaign_named
from labeling.services.consensus import consensus_follow_fit, consensus_rebuild, consensus_refresh, estimator_for
from labeling.services.export_files import LABELS, VOTES, export_path
from labeling.services.exports import PICTURE_FORMATS, labels_export, refuse_bad_path, refuse_unknown_format
from labeling.services.imports import votes_import
from labeling.services.labelsets import (
    labels_as_of,
    labelset_found,
    labelset_freeze,
    labelset_name,
    pictures_export,
    refuse_bad_size,
    refuse_without_pictures,
)
from labeling.services.plausibility import suspicions_find
from labeling.services.refits import campaign_refit
from labeling.services.vote_exports import VoteExport, votes_export

# Nobody waits for a refit, so it uses a third of a core: it rests twice as long as it works.
REFIT_REST = 2.0
MOST_EXPORTS = 3
_SOURCE = re.compile(r"[A-Za-z0-9_-]{1,40}")


def votes_import_job(
    *, campaign: Campaign, path: Path, source: str, column_map: dict[str, str] | None = None, owner: Any = None
) -> Job:
    """Return the job that imports this table of votes; an unfinished one with the same parameters is reused."""
    table, _ = _table_of_votes(path, column_map)
    if not _SOURCE.fullmatch(source):
        raise Refused("bad_source", f"A source's name has up to 40 letters, digits, - and _, not {source!r}.")
    params: dict[str, Any] = {"campaign": campaign.name, "file": str(path), "sha256": table.sha256, "source": source}
    if column_map:
        params["map"] = column_map
    return job_create(kind="import_votes", params=params, owner=owner)


def _table_of_votes(path: Path, column_map: dict[str, str] | None) -> tuple[Table, VoteColumns]:
    try:
        table = table_or_refusal(path).renamed(column_map or {}, VOTE_COLUMNS)
        return table, VoteColumns(table.columns)
    except TableError as error:
        raise Refused("bad_table", str(error)) from None


def aggregate_job(*, campaign: Campaign, estimator: str | None = None, owner: Any = None) -> Job:
    """Return the job that recomputes every consensus of the campaign."""
    estimator_for(estimator or campaign.estimator)
    params = {"campaign": campaign.name, "estimator": estimator}
    return job_create(kind="aggregate", params=params, owner=owner)


def labels_export_job(
    *,
    campaign: Campaign,
    format_name: str,
    path: Path,
    size_px: int = 128,
    force: bool = False,
    owner: Any = None,
) -> Job:
    """Return the job that exports the campaign's labels; an invalid format, size or path is refused at once."""
    refuse_unknown_format(format_name)
    refuse_bad_path(path, force=force, is_folder=format_name == "folder")
    refuse_bad_size(size_px)
    if format_name in PICTURE_FORMATS:
        refuse_without_pictures(campaign, size_px)
    params: dict[str, Any] = {"campaign": campaign.name, "format": format_name, "file": str(path)}
    if format_name in PICTURE_FORMATS:
        params["size_px"] = size_px
    return job_create(kind="export_labels", params=params, owner=owner)


def votes_export_job(*, plan: VoteExport, force: bool = False, owner: Any = None) -> Job:
    """Return the job that exports the campaign's votes; what can't be exported is refused at once."""
    plan.check(force=force)
    params: dict[str, Any] = {"campaign": plan.campaign.name, "format": plan.format_name, "file": str(plan.path)}
    params |= {"release": plan.release, "since": plan.since, "part_rows": plan.part_rows, "shown": plan.with_shown}
    return job_create(kind="export_votes", params=params, owner=owner)


def export_start(
    *,
    campaign: Campaign,
    kind: str,
    owner: Any,
    format: str = "csv",
    since: str = "",
    release: str = "",
    shown: bool = False,
) -> Job:
    """Begin an export (`LABELS` or `VOTES`) into ``GIZ_HOME/exports``; 429 ``quota`` beyond three of one person."""
    with transaction.atomic():
        # So that many requests at once don't all find the queue short.
        get_user_model().objects.select_for_update(no_key=True).get(pk=owner.pk)
        if Job.objects.filter(kind__in=(LABELS, VOTES), owner=owner, state__in=UNFINISHED).count() >= MOST_EXPORTS:
            detail = f"{MOST_EXPORTS} of your exports are not finished yet. Try again later."
            raise Refused("quota", detail, status=429, retry_after=5)
        path = export_path(campaign, kind, format)
        if kind == LABELS:
            job = labels_export_job(campaign=campaign, format_name=format, path=path, owner=owner)
        else:
            plan = VoteExport(
                campaign=campaign,
                format_name=format,
                path=path,
                release=release or campaign.name,
                since=since,
                with_shown=shown,
            )
            job = votes_export_job(plan=plan, owner=owner)
        audit.record(f"{kind}_started", actor=owner, subject=campaign.name, file=path.name)
        wake_on_commit(job)
    return job


def labels_freeze_job(*, campaign: Campaign, size_px: int | None = 128, owner: Any = None) -> Job:
    """Return the job that freezes the campaign's labels into a label set, with pictures of this size or without."""
    refuse_bad_size(size_px)
    refuse_without_pictures(campaign, size_px)
    params = {"campaign": campaign.name, "size_px": size_px}
    return job_create(kind="freeze_labels", params=params, owner=owner)


@job_handler("import_votes")
def import_votes(job: JobContext) -> dict[str, Any]:
    table, columns = _table_of_votes(Path(job.params["file"]), job.params.get("map"))
    if table.sha256 != job.params["sha256"]:
        raise Refused("file_changed", f"{table.path} has changed since this import started. Start the import again.")
    campaign = campaign_named(job.params["campaign"])
    if not job.checkpoint:
        job.log_many(unused_columns(columns.unused, VOTE_COLUMNS))
        job.log_many(list(table.notices), level="warning")

    def after_batch(line: int, counts: dict[str, int]) -> None:
        job.save_checkpoint({"line": line, "counts": counts})
        job.progress(
            min(line, table.line_count), table.line_count, counted(counts["bad"], "bad row") if counts["bad"] else ""
        )

    counts = votes_import(
        campaign=campaign,
        table=table,
        source=job.params["source"],
        report=lambda lines: job.log_many(lines, level="warning"),
        after_batch=after_batch,
        resume_line=job.checkpoint.get("line", 0),
        resume_counts=job.checkpoint.get("counts"),
    )
    audit.record("votes_imported", subject=campaign.name, file=table.path.name, **counts)
    return counts


@job_handler("aggregate")
def aggregate(job: JobContext) -> dict[str, Any]:
    campaign = campaign_named(job.params["campaign"])
    count = consensus_rebuild(campaign=campaign, estimator=job.params["estimator"], on_progress=job.progress)
    return {"targets": count, "estimator": campaign.estimator}


def refit_job(*, campaign: Campaign, owner: Any = None) -> Job:
    """Return the job that refits the campaign's volunteers and then updates its consensuses."""
    return job_create(kind="refit", params={"campaign": campaign.name}, owner=owner)


@job_handler("refit")
def refit(job: JobContext) -> dict[str, Any]:
    campaign = campaign_named(job.params["campaign"])
    suspected = suspicions_find(campaign=campaign)
    fit = campaign_refit(campaign=campaign)
    if fit is None:
        return {"votes": 0}
    return {
        "fit": fit.pk,
        "votes": fit.vote_count,
        "iterations": fit.iterations,
        "suspected": len(suspected),
        "targets": consensus_follow_fit(campaign=campaign, rest=REFIT_REST, on_progress=job.progress),
    }


@job_handler("export_labels")
def export_labels(job: JobContext) -> dict[str, Any]:
    campaign = campaign_named(job.params["campaign"])
    if job.params["format"] in PICTURE_FORMATS:
        _remember_moment(job, campaign)
        return pictures_export(
            campaign=campaign,
            format_name=job.params["format"],
            path=Path(job.params["file"]),
            size_px=job.params["size_px"],
            on_progress=job.progress,
            report=lambda lines: job.log_many(lines, level="warning"),
            **job.checkpoint,
        )
    return labels_export(
        campaign=campaign,
        format_name=job.params["format"],
        path=Path(job.params["file"]),
        on_progress=job.progress_aside,
    )


@job_handler("export_votes")
def export_votes(job: JobContext) -> dict[str, Any]:
    plan = VoteExport(
        campaign=campaign_named(job.params["campaign"]),
        format_name=job.params["format"],
        path=Path(job.params["file"]),
        release=job.params["release"],
        since=job.params["since"],
        part_rows=job.params["part_rows"],
        with_shown=job.params["shown"],
    )
    manifest = votes_export(plan=plan, on_progress=job.progress_aside)
    audit.record("votes_exported", subject=plan.campaign.name, file=plan.path.name, release=plan.release)
    return manifest


@job_handler("freeze_labels")
def freeze_labels(job: JobContext) -> dict[str, Any]:
    campaign = campaign_named(job.params["campaign"])
    _remember_moment(job, campaign)
    size_px = job.params["size_px"]
    name = labelset_name(campaign, size_px=size_px, **job.checkpoint)
    found = labelset_found(name)
    was_lost = found is None and LabelSet.objects.filter(name=name).exists()
    made = found or labelset_freeze(
        campaign=campaign,
        size_px=size_px,
        on_progress=job.progress,
        report=lambda lines: job.log_many(lines, level="warning"),
        **job.checkpoint,
    )
    return {
        "label_set": made.name,
        "galaxies": made.galaxy_count,
        "digest": made.digest,
        "was_there": found is not None,
        "was_lost": was_lost,
    }


def _remember_moment(job: JobContext, campaign: Campaign) -> None:
    """Fix on the first run which labels are taken, so that a resumed job takes the same ones."""
    if not job.checkpoint:
        consensus_refresh(campaign=campaign)
        estimator = campaign.estimator
        moment = {"as_of": labels_as_of(campaign, estimator), "estimator": estimator}
        job.save_checkpoint(moment | {"common_error": campaign.common_error})
