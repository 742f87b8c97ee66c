"""manage.py export_labels --campaign NAME --format FORMAT --out FILE"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from giz.core.command import GizCommand, run_job_with_bar
from giz.core.words import counted, n_galaxies
from labeling.jobs import labels_export_job
from labeling.services.campaigns import campaign_named
from labeling.services.exports import FORMATS, manifest_path


class Command(GizCommand):
    help = (
        "Write the labels of a campaign to a file, and a manifest (rules, standard set, counts, checksum) beside it. "
        "The columns are explained in docs/reference/exports.md. The file names no person, and the same votes give "
        "the same bytes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--campaign", required=True, metavar="NAME", help="the campaign")
        parser.add_argument(
            "--format", required=True, metavar="FORMAT", dest="format_name", help=f"one of {', '.join(FORMATS)}"
        )
        parser.add_argument("--out", required=True, metavar="FILE", help="the file to write (folder: the folder)")
        parser.add_argument(
            "--size", type=int, default=128, metavar="PX", help="npz and folder: side of the pictures (default 128)"
        )
        parser.add_argument("--force", action="store_true", help="overwrite the file if it exists")

    def handle(self, *, campaign: str, format_name: str, out: str, size: int, force: bool, **_options: Any) -> None:
        path = Path(out).expanduser().absolute()
        job = labels_export_job(
            campaign=campaign_named(campaign), format_name=format_name, path=path, size_px=size, force=force
        )
        counts = run_job_with_bar(job, title=f"Labels of {campaign}").result["counts"]
        if "pictures" in counts:
            self.stdout.write(_pictures_summary(path, counts, size))
            self.stdout.write(f"Manifest: {manifest_path(path)}")
            return
        self.stdout.write(
            f"{path}: {n_galaxies(counts['rows'])}, {counts['published']:,} of them judged by three people or more "
            f"({counts['accepted']:,} accepted, {counts['face_on']:,} face-on, {counts['rejected']:,} rejected, "
            f"{counts['split']:,} split in this file)."
        )
        self.stdout.write(f"Manifest: {manifest_path(path)}")
        if not counts["rows"]:
            self.stdout.write("There are no labels in this campaign yet; the file contains its header only.")


def _pictures_summary(path: Path, counts: dict[str, int], size_px: int) -> str:
    """Return a sentence about the pictures and about labels without a picture of this size."""
    summary = f"{path}: {counted(counts['pictures'], 'picture')} of {n_galaxies(counts['pictured'])}."
    without = counts["rows"] - counts["pictured"]
    if not without:
        return summary
    have, are = ("has", "it is") if without == 1 else ("have", "they are")
    return (
        f"{summary} {n_galaxies(without)} more {have} a label, but no picture of {size_px} px or more, so {are} not in "
        "the file."
    )
