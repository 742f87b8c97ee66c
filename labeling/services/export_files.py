"""Where exports that people ask for through the site lie until they are fetched: ``GIZ_HOME/exports``, for a day."""

import time
import uuid
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from giz.core.models import Job
from labeling.models import Campaign
from labeling.services.exports import manifest_path

KEPT_SECONDS = 86_400
LABELS, VOTES = "export_labels", "export_votes"
# Formats of one file that a program reads; for spreadsheets, pandas, TOPCAT.
FILE_ENDINGS = {"csv": "csv", "json": "json", "parquet": "parquet", "votable": "vot"}
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "votable": "application/x-votable+xml",
}


def exports_root() -> Path:
    return Path(settings.GIZ_HOME) / "exports"


def export_path(campaign: Campaign, kind: str, format_name: str) -> Path:
    """Return a new path for an export, in a folder that only the site reads."""
    root = exports_root()
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    what = kind.removeprefix("export_")
    return root / f"{campaign.name}-{what}-{uuid.uuid4().hex[:12]}.{FILE_ENDINGS[format_name]}"


def exports_delete_old() -> int:
    """Delete the files that have lain for more than a day; return how many."""
    deleted = 0
    for old in exports_root().glob("*"):
        with suppress(OSError):  # somebody else has deleted it, or it is no file of ours
            if old.stat().st_mtime < time.time() - KEPT_SECONDS:
                old.unlink()
                deleted += 1
    return deleted


def export_file(job: Job) -> Path | None:
    """Return the finished file of an export that was asked for through the site; None where there is none."""
    path = Path(job.params.get("file", ""))
    is_ready = job.state == Job.State.DONE and path.parent == exports_root() and path.is_file()
    return path if is_ready else None


def export_name(job: Job) -> str:
    """Return what the file is called when it is saved: campaign, contents, ending."""
    path = Path(job.params["file"])
    return f"{path.stem.rpartition('-')[0]}{path.suffix}"


def exports_of(campaign: Campaign, kind: str) -> list[Job]:
    """Return the jobs of exports of this kind whose files may still lie there, the newest first."""
    jobs = Job.objects.filter(kind=kind, params__campaign=campaign.name).order_by("-created_at")[:20]
    return [job for job in jobs if export_file(job) and manifest_path(Path(job.params["file"])).is_file()]
