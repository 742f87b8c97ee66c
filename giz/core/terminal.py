"""Jobs in a terminal: a progress bar, the job's own words, a clear end."""

import sys

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from giz.core.errors import Refused
from giz.core.jobs import run_job
from giz.core.models import Job, JobLogLine
from giz.core.words import counted

MAX_LINES = 40


def run_job_with_bar(job: Job, *, title: str = "") -> Job:
    """Run the job here with a progress bar; Ctrl-C leaves it resumable and says so."""
    console = Console(stderr=True)
    if job.attempt:
        place = f" ({job.progress_done:,} of {job.progress_total:,})" if job.progress_total else ""
        console.print(f"Resuming {job.kind} where it stopped{place}.")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[message]}"),
    )
    try:
        with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task(title or job.kind.replace("_", " "), total=None, message="")
            finished = run_job(
                job, on_progress=lambda done, total, text: bar.update(task, completed=done, total=total, message=text)
            )
    except KeyboardInterrupt:
        raise CommandError("Stopped. Run the same command again to go on from here.", returncode=130) from None
    except Refused as error:
        print_job_log(console, job)
        raise CommandError(error.detail) from None
    print_job_log(console, finished)
    if finished.state == Job.State.CANCELLED:
        raise CommandError("Cancelled by staff. Run the same command again to start anew.")
    return finished


def print_job_log(console: Console, job: Job) -> None:
    """Print what the job said, at most MAX_LINES of it."""
    lines = list(JobLogLine.objects.filter(job=job)[: MAX_LINES + 1])
    for line in lines[:MAX_LINES]:
        style = {"warning": "yellow", "error": "red"}.get(line.level, "")
        console.print(line.text, style=style, markup=False, highlight=False)
    if len(lines) > MAX_LINES:
        total = JobLogLine.objects.filter(job=job).count()
        console.print(f"… and {counted(total - MAX_LINES, 'more line')}: see the job {job.id} on the staff page.")
