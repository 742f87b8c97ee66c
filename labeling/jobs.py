"""Imports, aggregation and exports as jobs: a row each, with progress; an import resumes where it stopped."""

import re
from pathlib import Path
from typing import Any

from giz.catalog.formats.table import Table, TableError, open_table
from giz.core import audit
from giz.core.errors import Refused
from giz.core.jobs import JobContext, job_create, job_handler
from giz.core.models import Job
from labeling.formats import VoteColumns
from labeling.models import Campaign
from labeling.services.campaigns import campaign_named
from labeling.services.consensus import consensus_rebuild, estimator_for
from labeling.services.exports import labels_export, refuse_bad_path, refuse_unknown_format
from labeling.services.imports import votes_import

_SOURCE = re.compile(r"[A-Za-z0-9_-]{1,40}")


def votes_import_job(*, campaign: Campaign, path: Path, source: str, owner: Any = None) -> Job:
    """Return the job that imports this table of votes (the same unfinished one, where there is one)."""
    table = _open(path)
    try:
        VoteColumns(table.columns)
    except TableError as error:
        raise Refused("bad_table", str(error)) from None
    if not _SOURCE.fullmatch(source):
        raise Refused("bad_source", f"A source is named by up to 40 letters, digits, - and _, not {source!r}.")
    params = {"campaign": campaign.name, "file": str(path), "sha256": table.sha256, "source": source}
    return job_create(kind="import_votes", params=params, owner=owner)


def aggregate_job(*, campaign: Campaign, estimator: str | None = None, owner: Any = None) -> Job:
    """Return the job that recomputes every consensus of the campaign."""
    estimator_for(estimator or campaign.estimator)
    params = {"campaign": campaign.name, "estimator": estimator}
    return job_create(kind="aggregate", params=params, owner=owner)


def labels_export_job(
    *, campaign: Campaign, format_name: str, path: Path, force: bool = False, owner: Any = None
) -> Job:
    """Return the job that writes the campaign's labels. Refuses a wrong format or place before any work."""
    refuse_unknown_format(format_name)
    refuse_bad_path(path, force=force)
    params = {"campaign": campaign.name, "format": format_name, "file": str(path)}
    return job_create(kind="export_labels", params=params, owner=owner)


@job_handler("import_votes")
def import_votes(job: JobContext) -> dict[str, Any]:
    table = _open(Path(job.params["file"]))
    if table.sha256 != job.params["sha256"]:
        raise Refused("file_changed", f"{table.path} has changed since this import began. Start the import again.")
    campaign = campaign_named(job.params["campaign"])

    def after_batch(line: int, counts: dict[str, int]) -> None:
        job.save_checkpoint({"line": line, "counts": counts})
        job.progress(
            min(line, table.line_count), table.line_count, f"{counts['bad']} bad rows" if counts["bad"] else ""
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


@job_handler("export_labels")
def export_labels(job: JobContext) -> dict[str, Any]:
    campaign = campaign_named(job.params["campaign"])
    return labels_export(
        campaign=campaign,
        format_name=job.params["format"],
        path=Path(job.params["file"]),
        on_progress=job.progress,
    )


def _open(path: Path) -> Table:
    try:
        return open_table(path)
    except TableError as error:
        raise Refused("bad_table", str(error)) from None
    except OSError as error:
        raise Refused("no_file", f"{path} can't be read ({error.strerror}).") from None
