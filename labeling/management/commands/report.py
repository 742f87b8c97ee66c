"""manage.py report NAME --campaign NAME"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from giz.core.command import GizCommand
from giz.core.errors import Refused
from giz.core.words import near_names
from giz.labelset.files import whole_file
from labeling.reports import REPORTS, report_of
from labeling.services.campaigns import campaign_named
from labeling.services.consensus import consensus_refresh


class Command(GizCommand):
    help = (
        "Report on a campaign: agreement of its volunteers, scatter and bias, volunteers, reasons, votes per galaxy, "
        "progress, errors against votes, coverage of errors, the standards under test. Prints a table; can write it "
        "as CSV or JSON, and its plots as SVG."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help=", ".join(REPORTS))
        parser.add_argument("--campaign", required=True, metavar="NAME", help="the campaign")
        parser.add_argument("--csv", metavar="FILE", help="write the whole table to this file")
        parser.add_argument("--json", metavar="FILE", help="write figures and table to this file")
        parser.add_argument("--svg", metavar="FILE", help="write the plots to this file, for print")

    def handle(self, *, name: str, campaign: str, **options: Any) -> None:
        files = {form: Path(options[form]) for form in ("csv", "json", "svg") if options[form]}
        if name not in REPORTS:
            raise Refused("unknown_report", f"There is no report {name!r}. {near_names(name, REPORTS)}")
        for path in files.values():
            if not path.parent.is_dir():
                raise Refused("no_folder", f"The folder {path.parent} does not exist; make it or choose another.")
        chosen = campaign_named(campaign)
        consensus_refresh(campaign=chosen)
        report = report_of(chosen, name)
        self.stdout.write(report.as_text())
        forms = {"csv": report.as_csv, "json": lambda: report.as_json(chosen.name), "svg": report.as_svg}
        for form, path in files.items():
            if form == "svg" and not report.plots:
                continue
            try:
                with whole_file(path) as out:
                    out.write(forms[form]().encode())
            except OSError as error:
                raise Refused("no_file", f"{path} can't be written ({error.strerror}).") from None
            self.stdout.write(f"Written: {path}")
        if "svg" in files and not report.plots:
            raise Refused("no_plot", f"The report {name} has nothing to plot here, so {files['svg']} was not written.")
