"""Imports and fetching as resumable jobs. A changed file is read again from its start."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from giz.catalog.formats.galaxies import GalaxyColumns
from giz.catalog.formats.numbers import FIRST_SYNTHETIC_PGC, is_synthetic_number, number_in_words
from giz.catalog.formats.pictures import group_pictures
from giz.catalog.selectors import newest_galaxy_id
from giz.catalog.services import galaxies_import, images_import, shapes_measure
from giz.catalog.services.facts import names_resolve
from giz.catalog.services.frames import frames_fetch, frames_prepare, observatory_from_settings, surveys_by_name
from giz.catalog.services.pictures import missing_bands
from giz.core.errors import Refused
from giz.core.jobs import JobContext, job_create, job_handler
from giz.core.models import Job
from giz.core.words import counted, printable
from giz.surveys.observatory import Observatory
from giz.surveys.sesame import checked_name
from giz.surveys.survey import SurveyError
from giz.tables.table import TableError
from giz.tables.text import table_or_refusal

MAX_REPORTED_FILES = 1000
MAX_NAMED_GALAXIES = 20
MAX_NAMED_FILES = 20
MAX_MATCH_ARCSEC = 60.0


def galaxies_import_job(
    path: Path,
    *,
    column_map: dict[str, str] | None = None,
    identifiers: Sequence[str] = (),
    match_arcsec: float | None = None,
    owner: Any = None,
) -> Job:
    """Return the job that imports this table, or an unfinished one with the same parameters. Refuses a wrong file."""
    table = table_or_refusal(path)
    try:
        is_by_position = match_arcsec is not None
        columns = GalaxyColumns(
            *(table.columns, column_map), by_position=is_by_position, units=table.units, identifiers=identifiers
        )
    except TableError as error:
        raise Refused("bad_table", str(error)) from None
    params: dict[str, Any] = {"file": str(path), "sha256": table.sha256}
    if column_map:
        params["map"] = column_map
    if identifiers:
        params["ids"] = list(identifiers)
    if match_arcsec is not None:
        # With identifiers, 0 means: not by position.
        if not (0.0 < match_arcsec <= MAX_MATCH_ARCSEC or (columns.identifiers and match_arcsec == 0.0)):
            raise Refused(
                "bad_number", f"Positions match within 0 to {MAX_MATCH_ARCSEC:g} arcsec; got {match_arcsec:g}."
            )
        params["match_arcsec"] = match_arcsec
    return job_create(kind="import_galaxies", params=params, owner=owner)


def images_import_job(folder: Path, *, owner: Any = None) -> Job:
    """Return the job that imports the pictures of this folder, or an unfinished one with the same parameters."""
    digest = _digest(folder, _list_files(folder))
    return job_create(kind="import_images", params={"folder": str(folder), "digest": digest}, owner=owner)


@job_handler("import_galaxies")
def import_galaxies(job: JobContext) -> dict[str, Any]:
    table = table_or_refusal(Path(job.params["file"]))
    start = job.checkpoint if table.sha256 == job.params["sha256"] else {}
    if not start:
        columns = GalaxyColumns(
            *(table.columns, job.params.get("map")),
            by_position="match_arcsec" in job.params,
            units=table.units,
            identifiers=job.params.get("ids", ()),
        )
        job.log_many(list(table.notices), level="warning")
        job.log_many(columns.in_words())

    newest_id = start.get("newest_id", newest_galaxy_id())

    def after_batch(line: int, counts: dict[str, int]) -> None:
        job.save_checkpoint({"line": line, "counts": counts, "newest_id": newest_id})
        message = counted(counts["bad"], "bad row") if counts["bad"] else ""
        job.progress(min(line, table.line_count), table.line_count, message)

    return galaxies_import(
        table=table,
        column_map=job.params.get("map"),
        identifiers=job.params.get("ids", ()),
        match_arcsec=job.params.get("match_arcsec"),
        newest_id=newest_id,
        report=lambda lines: job.log_many(lines, level="warning"),
        after_batch=after_batch,
        resume_line=start.get("line", 0),
        resume_counts=start.get("counts"),
    )


@job_handler("import_images")
def import_images(job: JobContext) -> dict[str, Any]:
    folder = Path(job.params["folder"])
    files = _list_files(folder)
    start = job.checkpoint if _digest(folder, files) == job.params["digest"] else {}
    groups, unusable = group_pictures(files)
    if not start:
        _report_unusable(job, unusable)
        _report_missing(job, missing_bands(groups))

    def after_group(done: int, counts: dict[str, int]) -> None:
        job.save_checkpoint({"groups": done, "counts": counts})
        job.progress(done, len(groups), number_in_words(groups[done - 1].pgc))

    counts = images_import(
        root=folder,
        groups=groups,
        report=lambda lines: job.log_many(lines, level="warning"),
        after_group=after_group,
        resume_index=start.get("groups", 0),
        resume_counts=start.get("counts"),
    )
    # Each file of a group is the picture, damaged, or was not needed.
    looked_at = sum(counts[name] for name in ("new", "replaced", "unchanged", "bad"))
    spare_count = sum(len(group.candidates) for group in groups) - looked_at
    spare = [name.path for group in groups for name in group.candidates[1:]] if spare_count else []
    return {**counts, "unusable": len(unusable), "spare": spare_count, "spare_files": spare[:MAX_NAMED_FILES]}


def _list_files(folder: Path) -> list[str]:
    """Return every file below the folder as a relative path, except hidden ones and those behind links to folders."""
    if not folder.is_dir():
        raise Refused("no_folder", f"There is no folder {folder}.")
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(place)
        found.extend(
            str((here / name).relative_to(folder))
            for name in sorted(names)
            if not name.startswith(".") and (here / name).is_file()
        )
    if not found:
        raise Refused("empty_folder", f"{folder} contains no files.")
    return found


def _digest(folder: Path, files: list[str]) -> str:
    digest = hashlib.sha256()
    for name in files:
        status = (folder / name).stat()
        digest.update(f"{name}|{status.st_size}|{status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _report_unusable(job: JobContext, unusable: list[tuple[str, str]]) -> None:
    lines = [f"{printable(path)}: {reason}" for path, reason in unusable[:MAX_REPORTED_FILES]]
    if len(unusable) > MAX_REPORTED_FILES:
        lines.append(f"… and {counted(len(unusable) - MAX_REPORTED_FILES, 'more file')} that can't be used")
    job.log_many(lines, level="warning")


def _report_missing(job: JobContext, missing: dict[str, list[int]]) -> None:
    for band, numbers in missing.items():
        named = ", ".join(str(pgc) for pgc in numbers[:MAX_NAMED_GALAXIES])
        more = f" and {len(numbers) - MAX_NAMED_GALAXIES} more" if len(numbers) > MAX_NAMED_GALAXIES else ""
        job.log(f"no {band} picture here: PGC {named}{more}")


def images_fetch_job(numbers: list[int], surveys: list[str], *, names: Sequence[str] = (), owner: Any = None) -> Job:
    """Return the job that fetches frames of these galaxies and makes their pictures. Refuses bad numbers and names."""
    surveys_by_name(observatory_from_settings(), surveys)
    params: dict[str, Any] = {"numbers": _checked_numbers(numbers, may_be_none=bool(names)), "surveys": surveys}
    if names:
        params["names"] = sorted({_checked_name(name) for name in names})
    return job_create(kind="fetch_images", params=params, owner=owner)


def images_prepare_job(numbers: list[int], *, owner: Any = None) -> Job:
    """Return the job that makes pictures from the frames on disk again."""
    return job_create(kind="prepare_images", params={"numbers": _checked_numbers(numbers)}, owner=owner)


@job_handler("fetch_images")
def fetch_images(job: JobContext) -> dict[str, Any]:
    observatory = observatory_from_settings()
    surveys = surveys_by_name(observatory, job.params["surveys"])
    named = _names_of(job, observatory)
    numbers = sorted({*job.params["numbers"], *named["numbers"].values()})
    counts = frames_fetch(
        numbers=numbers,
        observatory=observatory,
        surveys=surveys,
        step=lambda words: job.progress(job.checkpoint.get("done", 0), len(numbers), words),
        **_reporting(job, numbers),
    )
    failed = counts["failed"] + sum(named["why"].values())
    why = {**counts["why"], **named["why"]}
    got_nothing = failed and not (counts["fetched"] or counts["unchanged"])
    error = {"error": f"No galaxy was fetched: {', '.join(why)}."} if got_nothing else {}
    return counts | {"failed": failed, "why": why, "names": named["numbers"], **error}


@job_handler("prepare_images")
def prepare_images(job: JobContext) -> dict[str, Any]:
    return frames_prepare(numbers=job.params["numbers"], **_reporting(job, job.params["numbers"]))


def shapes_measure_job(numbers: list[int], *, owner: Any = None) -> Job:
    """Return the job that measures these galaxies on their pictures."""
    if not numbers:
        raise Refused("no_galaxies", "Every galaxy with a grey picture has already been measured.")
    return job_create(kind="measure_shapes", params={"numbers": sorted(set(numbers))}, owner=owner)


@job_handler("measure_shapes")
def measure_shapes(job: JobContext) -> dict[str, Any]:
    return shapes_measure(numbers=job.params["numbers"], **_reporting(job, job.params["numbers"]))


def _names_of(job: JobContext, observatory: Observatory) -> dict[str, Any]:
    """Return numbers of the job's names, and why others have none; looked up once, then kept with the job.

    Raises
    ------
    Refused
        ``survey_down`` if names can't be looked up and there is nothing else to do.
    """
    names = job.params.get("names", [])
    if not names:
        return {"numbers": {}, "why": {}}
    if "names" not in job.checkpoint:
        found = names_resolve(
            names=names,
            resolver=observatory.names,
            report=lambda lines: job.log_many(lines, level="warning"),
            step=lambda words: job.progress(0, len(names) + len(job.params["numbers"]), words),
        )
        if found.silence and not found.numbers and not job.params["numbers"]:
            raise Refused(
                "survey_down", f"{found.silence} Names can't be looked up at the moment, but PGC numbers work."
            )
        job.save_checkpoint({**job.checkpoint, "names": {"numbers": found.numbers, "why": dict(found.why)}})
    kept: dict[str, Any] = job.checkpoint["names"]
    return kept


def _reporting(job: JobContext, numbers: list[int]) -> dict[str, Any]:
    """Return how a run over galaxies reports to its job, and where it resumes."""
    total = len(numbers)

    def after_galaxy(done: int, counts: dict[str, int], name: str) -> None:
        job.save_checkpoint({**job.checkpoint, "done": done, "counts": counts})
        job.progress(done, total, name)

    return {
        "report": lambda lines: job.log_many(lines, level="warning"),
        "after_galaxy": after_galaxy,
        "resume_index": job.checkpoint.get("done", 0),
        "resume_counts": job.checkpoint.get("counts"),
    }


def _checked_name(name: str) -> str:
    try:
        return checked_name(name)
    except SurveyError as error:
        raise Refused(error.code, error.detail) from None


def _checked_numbers(numbers: list[int], *, may_be_none: bool = False) -> list[int]:
    unique = sorted(set(numbers))
    if not unique and may_be_none:
        return []
    if not unique:
        raise Refused("no_galaxies", "There are no galaxies to process.")
    wrong = next((number for number in unique if number < 1 or is_synthetic_number(number)), None)
    if wrong is not None:
        raise Refused(
            "bad_pgc", f"{wrong} is not the PGC number of a real galaxy; these run from 1 to {FIRST_SYNTHETIC_PGC - 1}."
        )
    return unique
