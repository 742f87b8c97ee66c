"""manage.py measure_standards --set NAME[:VERSION] | --synthetic N"""

import statistics
import sys
from argparse import ArgumentParser
from collections import defaultdict
from typing import Any

from django.core.management.base import CommandError
from django.db.models import QuerySet
from rich.console import Console
from rich.progress import Progress

from giz.catalog.jobs import shapes_measure_job
from giz.core.command import GizCommand, run_job_with_bar
from standards.grid import inclination_from_axial_ratio
from standards.models import Standard
from standards.proposing import fit_error_deg
from standards.selectors import standard_set_named

DESCRIPTION = """\
Measure the standards of a set on their own pictures, and compare the inclination from the axial ratio with the known
one.

Prints one line per standard (known, measured, difference, error of the fit), then bias (median difference), scatter
(half of the range that holds the middle 68 %) and rms about the mean, all together and by known inclination. The set
is not changed. --synthetic makes galaxies of exactly known inclination and measures these, disturbed ones included;
it stores nothing.
"""
MAX_SYNTHETIC = 100_000
LINE_HEADER = "known  measured  difference  fit error"
RANGES = ((45, 55), (55, 65), (65, 75), (75, 83), (83, 91))


class Command(GizCommand):
    help = DESCRIPTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        group = parser.add_mutually_exclusive_group(required=True)
        group.add_argument("--set", dest="reference", metavar="NAME[:VERSION]", help="the set, its newest version")
        group.add_argument("--synthetic", type=int, metavar="N", help="number of synthetic disks from 45 to 90 degrees")
        parser.add_argument("--seed", type=int, default=1, help="of the synthetic galaxies (default 1)")
        parser.add_argument("--brief", action="store_true", help="only the summary, without a line per standard")

    def handle(self, *, reference: str | None, synthetic: int | None, seed: int, brief: bool, **_options: Any) -> None:
        if synthetic is not None:
            if not 1 <= synthetic <= MAX_SYNTHETIC or seed < 0:
                raise CommandError(f"--synthetic takes 1 to {MAX_SYNTHETIC:,} galaxies, --seed a number from 0.")
            self._measure_synthetic(synthetic, seed, brief=brief)
        else:
            self._measure_set(str(reference), brief=brief)

    def _measure_synthetic(self, count: int, seed: int, *, brief: bool) -> None:
        from standards.synthetic import measure_disks

        lines, differences, by_type = [f"{'type':>8s}  {LINE_HEADER}"], [], defaultdict(list)
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
            for disk in bar.track(measure_disks(count, seed), total=count, description="Disks"):
                if disk.measured_deg is None:
                    lines.append(f"{disk.galaxy_type:>8s}  {disk.known_deg:5.1f}  {disk.problem}")
                    continue
                difference = disk.measured_deg - disk.known_deg
                differences.append((disk.known_deg, difference))
                by_type[disk.galaxy_type].append(difference)
                lines.append(
                    f"{disk.galaxy_type:>8s}  {disk.known_deg:5.1f}  {disk.measured_deg:8.1f}  {difference:+10.1f}  "
                    f"{disk.fit_error_deg:9.1f}"
                )
        self._tell(lines, differences, f"{len(differences)} of {count} synthetic disks measured.", brief=brief)
        for name, part in sorted(by_type.items()):
            self.stdout.write(_figures(name, part))

    def _measure_set(self, reference: str, *, brief: bool) -> None:
        standard_set = standard_set_named(reference)
        shown = Standard.objects.filter(standard_set=standard_set, is_shown=True).order_by("inclination_deg")
        numbers = list(shown.values_list("galaxy__pgc", flat=True))
        if not numbers:
            self.stdout.write(f"{standard_set} has no standard with a picture; import_images brings pictures in.")
            return
        run_job_with_bar(shapes_measure_job(numbers), title="Shapes")
        lines, differences = _table(shown)
        summary = f"{len(differences)} of {len(numbers)} standards of {standard_set} measured."
        self._tell(lines, differences, summary, brief=brief)

    def _tell(self, lines: list[str], differences: list[tuple[float, float]], summary: str, *, brief: bool) -> None:
        if not brief:
            self.stdout.write("\n".join(lines) + "\n")
        self.stdout.write(summary)
        self.stdout.write("known          n   bias  scatter   rms  within 5")
        for low, high in (*RANGES, (44, 91)):
            part = [difference for known, difference in differences if low <= known < high]
            if part:
                name = "all" if (low, high) == (44, 91) else f"{low} to {min(high, 90)}"
                self.stdout.write(_figures(name, part))


def _table(standards: QuerySet[Standard]) -> tuple[list[str], list[tuple[float, float]]]:
    """A line a standard, and known inclination and difference of those that could be measured."""
    lines, differences = [f"{'PGC':>8s}  {LINE_HEADER}"], []
    for row in standards.select_related("galaxy__shape"):
        shape = getattr(row.galaxy, "shape", None)
        if shape is None or shape.axial_ratio is None:
            problem = shape.problem if shape else "no grey picture"
            lines.append(f"{row.galaxy.pgc:8d}  {row.inclination_deg:5.1f}  {problem}")
            continue
        measured = inclination_from_axial_ratio(shape.axial_ratio)
        fit_error = fit_error_deg(shape.axial_ratio, shape.axial_ratio_error or 0.0)
        difference = measured - row.inclination_deg
        differences.append((row.inclination_deg, difference))
        cut = "  cut by the edge" if shape.is_cut else ""
        lines.append(
            f"{row.galaxy.pgc:8d}  {row.inclination_deg:5.1f}  {measured:8.1f}  {difference:+10.1f}  "
            f"{fit_error:9.1f}{cut}"
        )
    return lines, differences


def _figures(name: str, differences: list[float]) -> str:
    share = sum(abs(difference) < 5 for difference in differences) / len(differences)
    return (
        f"{name:10s}  {len(differences):4d}  {statistics.median(differences):+5.1f}  {_scatter(differences):7.1f}  "
        f"{statistics.pstdev(differences):4.1f}  {share:8.0%}"
    )


def _scatter(values: list[float]) -> float:
    """Half of the range that holds the middle 68 %: one sigma that a few failures don't move."""
    ordered = sorted(values)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    return (at(0.84) - at(0.16)) / 2
