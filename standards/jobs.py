"""The job that imports a table of standards: it reads all rows, then publishes them in one transaction."""

from pathlib import Path
from typing import Any

from giz.core.errors import Refused
from giz.core.jobs import JobContext, job_create, job_handler
from giz.core.models import Job
from giz.core.words import counted
from giz.tables.table import Table, TableError, unused_columns
from giz.tables.text import table_or_refusal
from standards.formats import STANDARD_COLUMNS, StandardColumns, read_standards
from standards.services import set_name_check, standard_set_publish

MAX_REPORTED = 1000
# A published set can't be withdrawn, so a table with more bad rows than this is not published.
MAX_BAD_SHARE = 0.1


def standards_import_job(path: Path, *, name: str, column_map: dict[str, str] | None = None, owner: Any = None) -> Job:
    """Return the job that publishes this table as the set ``name``; an unusable file or name is refused at once."""
    set_name_check(name)
    table, _ = _table_of_standards(path, column_map)
    params: dict[str, Any] = {"file": str(path), "sha256": table.sha256, "set": name}
    if column_map:
        params["map"] = column_map
    return job_create(kind="import_standards", params=params, owner=owner)


@job_handler("import_standards")
def import_standards(job: JobContext) -> dict[str, Any]:
    table, columns = _table_of_standards(Path(job.params["file"]), job.params.get("map"))
    job.log_many([*table.notices, *unused_columns(columns.unused, STANDARD_COLUMNS)], level="warning")
    # The last step is the publication.
    steps = table.line_count + 1
    entries, problems = read_standards(table, lambda line: job.progress(min(line, steps - 1), steps, "reading"))
    job.log_many(problems[:MAX_REPORTED], level="warning")
    if len(problems) > MAX_REPORTED:
        job.log(f"… and {counted(len(problems) - MAX_REPORTED, 'more row')} that can't be used", level="warning")
    if len(problems) > MAX_BAD_SHARE * (len(entries) + len(problems)):
        raise Refused(
            "bad_table",
            f"{len(problems)} of {len(entries) + len(problems)} rows can't be used, so nothing was published, as a "
            f"published set can't be withdrawn. Is {table.path.name} a table of standards? The first one: "
            f"{problems[0]}.",
        )
    made = standard_set_publish(name=job.params["set"], entries=entries, source=table.path.name)
    job.progress(steps, steps)
    return {
        "set_id": made.standard_set.pk,
        "version": made.standard_set.version,
        "is_new": made.is_new,
        "galaxies": made.galaxies_created,
        "bad": len(problems),
    }


def _table_of_standards(path: Path, column_map: dict[str, str] | None) -> tuple[Table, StandardColumns]:
    try:
        table = table_or_refusal(path).renamed(column_map or {}, STANDARD_COLUMNS)
        return table, StandardColumns(table.columns)
    except TableError as error:
        raise Refused("bad_table", str(error)) from None
