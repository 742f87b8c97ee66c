"""manage.py standards_coverage [--set NAME[:VERSION]]"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from giz.core.command import GizCommand
from giz.core.words import counted
from standards import grid
from standards.coverage import BinCoverage, Coverage
from standards.models import StandardSet
from standards.selectors import set_coverage, set_names, standard_set_named

DESCRIPTION = """\
Show how many standards each one-degree bin of a set holds, and what a comparison does where a bin is empty.

A bar has one mark per standard: # with pictures (shown), . without (never shown). A panel whose bin is empty takes a
standard from the nearest bin within 2 degrees; where there is none it is left out, and a row of nine panels needs at
least 3.
"""
BAR_WIDTH = 50


class Command(GizCommand):
    help = DESCRIPTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--set",
            metavar="NAME[:VERSION]",
            dest="reference",
            help="the set, its newest version if none is named; may be left out while there is only one set",
        )

    def handle(self, *, reference: str | None, **_options: Any) -> None:
        standard_set = standard_set_named(reference or _only_set())
        coverage = set_coverage(standard_set)
        self.stdout.write(_title(standard_set, coverage))
        self.stdout.write("\n".join(_chart(coverage)))
        self.stdout.write("\n" + "\n".join(_summary(coverage)))


def _only_set() -> str:
    names = set_names()
    if not names:
        raise CommandError("There is no standard set yet; import_standards makes one.")
    if len(names) > 1:
        raise CommandError(f"There are several sets; choose one with --set: {', '.join(names)}.")
    return names[0]


def _title(standard_set: StandardSet, coverage: Coverage) -> str:
    standards = sum(entry.standards for entry in coverage.bins)
    shown = sum(entry.shown for entry in coverage.bins)
    made = f"{standard_set.published_at:%Y-%m-%d}" if standard_set.published_at else "never"
    source = standard_set.source or "an unknown source"
    return (
        f"{standard_set.name} version {standard_set.version}, published {made} from {source}: "
        f"{counted(standards, 'standard')}, {shown} with pictures\n"
    )


def _chart(coverage: Coverage) -> list[str]:
    most = max(entry.standards for entry in coverage.bins)
    per_mark = max(1, -(-most // BAR_WIDTH))
    lines = [f"{'bin':>4} {'shown':>6} {'all':>5}"]
    if per_mark > 1:
        lines[0] += f"   (one mark = {per_mark} standards)"
    return lines + [_line(entry, per_mark) for entry in coverage.bins]


def _line(entry: BinCoverage, per_mark: int) -> str:
    # Rounded up, so that a single standard is still seen.
    shown = -(-entry.shown // per_mark)
    bar = "#" * shown + "." * (-(-entry.standards // per_mark) - shown)
    fallback = ""
    if entry.source_deg is None:
        fallback = "panel left out"
    elif entry.source_deg != entry.bin_deg:
        fallback = f"shows bin {entry.source_deg}"
    return (
        f"{entry.bin_deg:>3}° {entry.shown:>6} {entry.standards:>5}   {bar}{'  ' if bar and fallback else ''}{fallback}"
    )


def _summary(coverage: Coverage) -> list[str]:
    lines = []
    empty, unfilled = coverage.empty_bins, coverage.unfilled_panels
    if empty:
        lines.append(f"Bins without a standard to show: {ranges(empty)} ({len(empty)} of {len(grid.GRID_BINS)}).")
    else:
        lines.append("Every bin has a standard to show.")
    if unfilled:
        lines.append(f"Panels left out (nothing within {grid.MAX_FALLBACK_DEG}°): {ranges(unfilled)}.")
    if coverage.is_usable:
        lines.append("A campaign can use this set.")
    else:
        lines.append(
            f"A campaign can't use this set: a row of nine panels has fewer than {grid.MIN_PANELS} that can be filled."
        )
        lines.append("Give the empty bins standards with pictures.")
    return lines


def ranges(bins: list[int]) -> str:
    """Return ``45–47, 50`` for 45, 46, 47, 50."""
    runs: list[list[int]] = []
    for bin_deg in bins:
        if runs and bin_deg == runs[-1][-1] + 1:
            runs[-1].append(bin_deg)
        else:
            runs.append([bin_deg])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
