"""Plots and the worst pictures, one by one, as a page in the output folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from giz.core.plot import Plot, Series
from giz.core.report import Picture, Report, page
from giz.core.words import signed
from giz.training.nn.metrics import rms
from tests.bench.real_sky.figures import Answers, Measured
from tests.bench.real_sky.sky import Pixels, RealPicture

WORST = 50


def plots(of: Measured) -> dict[str, Plot]:
    """By the name of the file."""
    whole = of.where(lambda row: not row.is_cut)
    lows = [float(low) for low in range(45, 90, 5)]

    def by_bin(errors: np.ndarray, what: str) -> tuple[list[float], list[float]]:
        kept = [(low, errors[inside]) for low in lows if (inside := (of.people_deg[whole] // 5 * 5 == low)).sum() >= 5]
        value = {"bias": lambda e: float(e.mean()), "rms": rms}[what]
        return [low + 2.5 for low, _ in kept], [value(e) for _, e in kept]

    raw, line = of.error_deg[whole], (of.line_deg - of.people_deg)[whole]
    return {
        "error": Plot(
            "Answer less people's inclination, whole galaxies",
            "people, degrees",
            "Δi, degrees",
            [
                Series("points", of.people_deg[whole].tolist(), raw.tolist(), "galaxies", colour=1),
                Series("line", *by_bin(raw, "bias"), "mean", colour=2),
            ],
            zero_line=True,
        ),
        "rms": Plot(
            "RMS by inclination, whole galaxies",
            "people, degrees",
            "RMS, degrees",
            [
                Series("line", *by_bin(raw, "rms"), "raw", colour=1),
                Series("line", *by_bin(line, "rms"), "on a straight line", colour=0),
            ],
        ),
        "stated": Plot(
            "Error against the stated half width (68 %)",
            "stated, degrees",
            "|Δi|, degrees",
            [Series("points", of.half_widths_deg[whole, 0].tolist(), np.abs(raw).tolist(), "galaxies", colour=1)],
        ),
    }


def write_page(path: Path, title: str, of: Measured, rows: list[RealPicture], pixels: Pixels, said: Answers) -> None:
    """The plots, then the worst errors with their pictures, then the false and the missed rejections."""
    drawn = plots(of)
    for name, plot in drawn.items():
        path.with_name(f"{name}.svg").write_text(plot.svg(), encoding="utf-8")
    error = np.array([said.deg[n] - row.people_deg if row.is_measured else 0.0 for n, row in enumerate(rows)])
    worst = np.argsort(-np.abs(error))[:WORST]
    false = [n for n, row in enumerate(rows) if row.is_measured and said.is_rejected[n]]
    missed = [n for n, row in enumerate(rows) if row.verdict in ("F", "J") and not said.is_rejected[n]]
    reports = [Report("plots", "", plots=list(drawn.values()))]
    for heading, numbers in (
        ("The largest errors", worst),
        ("Rejected though people measured", false),
        ("Measured though people rejected, or called face-on", missed),
    ):
        pictures = [_picture(rows[n], pixels[n], said, int(n)) for n in numbers]
        reports.append(Report("pictures", heading, pictures=pictures))
    path.write_text(page(title, reports), encoding="utf-8")


def _picture(row: RealPicture, picture: Pixels, said: Answers, number: int) -> Picture:
    people = f"{row.people_deg:.1f}°" if row.is_measured else {"F": "face-on", "J": "rejected"}.get(row.verdict, "–")
    off = f" ({signed(said.deg[number] - row.people_deg, 1)}°)" if row.is_measured else ""
    words = (
        f"PGC {row.pgc} {row.kind}{', cut' if row.is_cut else ''}: "
        f"people {people}, network {said.deg[number]:.1f}°{off} ± {said.half_widths_deg[number, 0]:.1f}°, "
        f"rejection {said.rejection[number]:.0%} ({said.reason[number]})"
    )
    return Picture(picture, f"PGC {row.pgc}", words)
