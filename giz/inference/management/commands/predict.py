"""manage.py predict LABELSET|TABLE.parquet --out FILE, or --campaign NAME --out FILE"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.db import transaction

from giz.core.command import GizCommand, run_job_with_bar
from giz.core.errors import Refused
from giz.core.tasks import wake_on_commit
from giz.core.words import counted
from giz.inference.jobs import MOST_JOBS, predict_jobs


class Command(GizCommand):
    help = (
        "Predict the inclinations of many galaxies: those of a label set, of a campaign, or of a Parquet table "
        "with PGC numbers (column pgc) or pictures (columns g, r, i, gri: paths or bytes). Predictions go to a "
        "Parquet file and to the database. An interrupted run continues where it stopped; repeating a finished "
        "run changes nothing. Does not need torch."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("input", nargs="?", metavar="INPUT", help="folder of a label set, or a Parquet file")
        parser.add_argument("--campaign", metavar="NAME", help="or the galaxies of this campaign")
        parser.add_argument("--out", required=True, metavar="FILE", help="the Parquet file to write")
        parser.add_argument("--model", metavar="VERSION", help="a network other than the served one")
        parser.add_argument(
            "--background",
            type=int,
            metavar="N",
            help=f"let workers do it, in N jobs (1 to {MOST_JOBS}), of which PREDICT_JOBS_AT_ONCE run at once",
        )

    def handle(
        self,
        *,
        input: str | None,
        campaign: str | None,
        out: str,
        model: str | None,
        background: int | None,
        **_options: Any,
    ) -> None:
        if (input is None) == (campaign is None):
            raise Refused("no_input", "Name either INPUT (a label set or a Parquet file) or --campaign NAME.")
        file = Path(out).expanduser().absolute()
        with transaction.atomic():
            jobs = predict_jobs(
                described={"campaign": campaign} if campaign else _described(Path(str(input)).expanduser().absolute()),
                out=file,
                model=model,
                jobs=1 if background is None else background,
                in_background=background is not None,
            )
            if background is not None:
                for job in jobs:
                    wake_on_commit(job)
        if background is not None:
            self.stdout.write(
                f"{counted(len(jobs), 'job waits', 'jobs wait')} for workers; {file} appears when all are done."
            )
            return
        result = run_job_with_bar(jobs[0], title="Predictions").result
        if result["unchanged"]:
            self.stdout.write(f"{file}: {counted(result['rows'], 'row')}, as they were.")
        else:
            said = f"{result['predicted']:,} predicted now, {result['images_per_s']:,.0f} images/s"
            self.stdout.write(f"{file}: {counted(result['rows'], 'row')}; {said}.")


def _described(path: Path) -> dict[str, str]:
    if not path.exists():
        raise Refused("no_input", f"There is no {path}.")
    return {"labelset": str(path)} if path.is_dir() else {"table": str(path)}
