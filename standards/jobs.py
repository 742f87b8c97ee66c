"""The import of a table of standards as a job: read it all, then publish it in one piece."""

from pathlib import Path
from typing import Any

from giz.catalog.formats.table import Table, TableError, table_or_refusal
from giz.core.errors import Refused
from giz.core.jobs import JobContext, job_create, job_handler
from giz.core.models import Job
from giz.core.words import counted
from standards.formats import StandardColumns, read_standards
from standards.services import set_name_check, standard_set_publish

MAX_REPORTED = 1000
# A published set can't be taken back, so a table that is mostly something else must not become one.
MAX_BAD_SHARE = 0.1


def standards_import_job(path: Path, *, name: str, owner: Any = None) -> Job:
    """Return the job that publishes this table as the set ``name``. Refuses a wrong file or name at once."""
    set_name_check(name)
    table = table_or_refusal(path)
    _columns(table)
    params = {"file": str(path), "sha256": table.sha256, "set": name}
    return job_create(kind="import_standards", params=params, owner=owner)


@job_handler("import_standards")
def import_standards(job: JobContext) -> dict[str, Any]:
    table = table_or_refusal(Path(job.params["file"]))
    unused = _columns(table).unused
    if unused:
        job.log(f"Columns not used: {', '.join(unused)} (known: pgc, inc, dPA, zoom).", level="warning")
    # The last step is the publication: it is one transaction, for a set is immutable from its first moment.
    steps = table.line_count + 1
    entries, problems = read_standards(table, lambda line: job.progress(min(line, steps - 1), steps, "reading"))
    job.log_many(problems[:MAX_REPORTED], level="warning")
    if len(problems) > MAX_REPORTED:
        job.log(f"… and {counted(len(problems) - MAX_REPORTED, 'more row')} that can't be used", level="warning")
    if len(problems) > MAX_BAD_SHARE * (len(entries) + len(problems)):
        raise Refused(
            "bad_table",
            f"{len(problems)} of {len(entries) + len(problems)} rows can't be used, so nothing was published: a set "
            f"can't be taken back. Is {table.path.name} a table of standards? The first one: {problems[0]}.",
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


def _columns(table: Table) -> StandardColumns:
    try:
        return StandardColumns(table.columns)
    except TableError as error:
        raise Refused("bad_table", str(error)) from None
