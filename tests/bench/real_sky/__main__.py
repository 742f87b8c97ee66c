"""How right a network is about real galaxies: errors, verdicts, intervals; plots and the worst pictures as a page.

``python -m tests.bench.real_sky [MODEL] [--out FOLDER] [--looks N] [--term] [--unlike N]``. With ``--looks N``, N
synthetic pictures are compared with the real ones, too; with ``--term`` the term that real pictures add to stated
errors is fitted; with ``--unlike N`` a score of pictures that show no galaxy is compared with the verdict. The output
holds pictures that are not ours and must lie outside of the repository.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from giz.synthetic.population import POPULATION_RULE
from giz.training.nn.predictor import Predictor
from tests.bench.real_sky.comparison import comparison_lines, looks_of, synthetic_pictures
from tests.bench.real_sky.figures import (
    FEWEST,
    VOLUNTEERS,
    Answers,
    Measured,
    ask,
    coverage_words,
    error_words,
    groups,
    measured,
    verdict_lines,
)
from tests.bench.real_sky.intervals import term_lines
from tests.bench.real_sky.looks import star_fwhm_px
from tests.bench.real_sky.page import write_page
from tests.bench.real_sky.sky import Pixels, RealPicture, load_pixels, read_sky
from tests.bench.real_sky.unlike import unlike_lines
from tests.bench.real_sky.verdicts import prior_lines

ROOT = Path(__file__).resolve().parents[3]
OUT = Path(tempfile.gettempdir()) / "giz-real-sky"
SHIPPED = ROOT / "giz" / "training" / "shipped" / "ours.onnx"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.real_sky", description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=SHIPPED, help="ONNX file (default: what ships)")
    parser.add_argument("--sky", type=Path, default=ROOT.parent / "shared" / "real" / "sky", help="folder of sky.csv")
    parser.add_argument("--out", type=Path, default=OUT, help="for pages and plots")
    parser.add_argument("--volunteers", type=int, default=VOLUNTEERS, help="behind a label of people")
    parser.add_argument("--looks", type=int, default=0, metavar="N", help="synthetic pictures to compare")
    parser.add_argument("--term", action="store_true", help="fit what real pictures add to stated errors")
    parser.add_argument("--unlike", type=int, default=0, metavar="N", help="synthetic galaxies that count as known")
    parser.add_argument("--rule", default=POPULATION_RULE, help="population that these are of")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that render and measure")
    options = parser.parse_args()
    if not (options.sky / "sky.csv").exists():
        print(f"No real pictures at {options.sky}: nothing is measured.")
        return
    if options.out.resolve().is_relative_to(ROOT):
        sys.exit("The output holds pictures that are not ours: choose a folder outside of the repository.")
    rows = read_sky(options.sky)
    pixels = load_pixels(options.sky, rows, Predictor(options.model).size_px, options.out)
    report(rows, pixels, options)


def report(rows: list[RealPicture], pixels: Pixels, options: argparse.Namespace) -> None:
    said = ask(options.model, pixels)
    of = measured(rows, said)
    blur = np.array([star_fwhm_px(pixels[number]) for number, row in enumerate(rows) if row.is_measured])
    print(f"{options.model.name}: {len(rows):,} pictures, {len(of.rows):,} measured by people from 45°")
    print_errors(of, blur)
    print("\n".join(verdict_lines(rows, said)))
    print("\n".join(prior_lines(rows, said)))
    print_intervals(of, options.volunteers)
    if options.term:
        print("\n".join(term_lines(rows, pixels, options)))
    if options.unlike:
        print("\n".join(unlike_lines(rows, pixels, said, options)))
    options.out.mkdir(parents=True, exist_ok=True)
    write_page(options.out / "real-sky.html", f"{options.model.name} on real galaxies", of, rows, pixels, said)
    write_answers(options.out / "answers.csv", rows, said)
    print(options.out / "real-sky.html")
    if options.looks:
        print(f"\nLooks of whole galaxies: people's inclination, and the true one of {options.rule}")
        whole = [number for number, row in enumerate(rows) if row.is_measured and not row.is_cut]
        pictures, truth = synthetic_pictures(options.looks, 5000, pixels.shape[1], options.workers, options.rule)
        real, synthetic = looks_of(pixels[whole], options.workers), looks_of(pictures, options.workers)
        people = np.array([rows[number].people_deg for number in whole])
        print("\n".join(comparison_lines(real, people, synthetic, truth)))


def print_errors(of: Measured, blur_px: np.ndarray) -> None:
    last = ""
    for table, name, chosen in groups(of, blur_px):
        if chosen.sum() < FEWEST:
            continue
        if table != last:
            print(table)
        last = table
        print(f"  {name:<44} {error_words(of.error_deg[chosen])}")
    whole = of.where(lambda row: not row.is_cut)
    line = of.line_deg - of.people_deg
    print("on a straight line to people's labels, five-fold by galaxy")
    print(f"  {'whole':<44} {error_words(line[whole])}")
    print(f"  {'cut by the frame':<44} {error_words(line[~whole])}")


def print_intervals(of: Measured, volunteers: int) -> None:
    print("people's labels within the stated intervals")
    whole = of.where(lambda row: not row.is_cut)
    for name, chosen in (("whole", whole), ("cut", ~whole)):
        half = of.half_widths_deg[chosen]
        print(f"  {name}: {coverage_words(of, chosen, volunteers)}; stated ± {half[:, 0].mean():.2f}° in the mean")


def write_answers(path: Path, rows: list[RealPicture], said: Answers) -> None:
    lines = ["file,pgc,people,people_deg,answer_deg,half_68_deg,half_95_deg,rejection,reason"]
    for number, row in enumerate(rows):
        half = said.half_widths_deg[number]
        lines.append(
            f"{row.file},{row.pgc},{row.verdict},{row.people_deg:.2f},{said.deg[number]:.3f},{half[0]:.3f},{half[1]:.3f},"
            f"{said.rejection[number]:.4f},{said.reason[number]}"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
