"""manage.py export_votes --campaign NAME --format FORMAT --out FILE"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from giz.core.command import GizCommand, run_job_with_bar
from giz.core.words import counted
from labeling.jobs import votes_export_job
from labeling.services.campaigns import campaign_named
from labeling.services.exports import manifest_path
from labeling.services.vote_exports import START, VOTE_FORMATS, VoteExport


class Command(GizCommand):
    help = (
        "Write every vote of a campaign to a file, one row each with its trace, and a manifest beside it. People "
        "appear under pseudonyms. The columns are explained in docs/reference/exports.md; import_votes reads the file."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--campaign", required=True, metavar="NAME", help="the campaign")
        parser.add_argument(
            "--format", required=True, metavar="FORMAT", dest="format_name", help=f"one of {', '.join(VOTE_FORMATS)}"
        )
        parser.add_argument(
            "--out", required=True, metavar="FILE", help="the file to write (with --part-rows: a folder)"
        )
        parser.add_argument(
            "--since",
            default="",
            metavar="CURSOR",
            help=f"only votes after an earlier export: the cursor that it printed, or {START} for the first of such a "
            "series. Votes that can still be undone are left to the next one",
        )
        parser.add_argument(
            "--release",
            metavar="NAME",
            help="people have the same pseudonyms in all exports of one release (default: the campaign's name)",
        )
        parser.add_argument(
            "--part-rows", type=int, default=0, metavar="N", help="write a folder of files with N votes each"
        )
        parser.add_argument(
            "--shown", action="store_true", help="add the standards that were on screen at each step (slower)"
        )
        parser.add_argument("--force", action="store_true", help="overwrite the file if it exists")

    def handle(self, *, campaign: str, format_name: str, out: str, force: bool, **options: Any) -> None:
        plan = VoteExport(
            campaign=campaign_named(campaign),
            format_name=format_name,
            path=Path(out).expanduser().absolute(),
            release=options["release"] or campaign,
            since=options["since"],
            part_rows=options["part_rows"],
            with_shown=options["shown"],
        )
        manifest = run_job_with_bar(votes_export_job(plan=plan, force=force), title=f"Votes of {campaign}").result
        counts = manifest["counts"]
        others = [f"{counts[name]:,} {name}" for name in ("repeat", "superseded", "surplus") if counts[name]]
        said = ", ".join([f"{counts['counted']:,} counted", *others])
        people = "1 person" if counts["volunteers"] == 1 else f"{counts['volunteers']:,} people"
        self.stdout.write(f"{plan.path}: {counted(counts['votes'], 'vote')} of {people} ({said}).")
        self.stdout.write(f"Manifest: {manifest_path(plan.path)}")
        if manifest["cursor"]:
            self.stdout.write(f"To continue from here: --since {manifest['cursor']}")
