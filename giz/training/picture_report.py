"""Every galaxy of a folder with its pictures, the truth, and what the network says."""

from html import escape
from typing import Any

from giz.core.words import n_galaxies, signed
from giz.training.nn.data import BANDS
from giz.training.pages import BAND_NAMES, document, figure
from giz.training.services.pictures import Looked, summary


def page(galaxies: list[Looked], title: str) -> str:
    """The page as HTML; galaxies far off come first."""
    found = summary(galaxies)
    ordered = sorted(galaxies, key=lambda galaxy: -abs(galaxy.error_deg or 0.0))
    sections = "".join(_section(galaxy) for galaxy in ordered)
    return document(title, f"<p>{escape(headline(found))}</p>{sections}")


def headline(found: dict[str, Any]) -> str:
    inclination = found.get("inclination")
    if not isinstance(inclination, dict):
        return f"{n_galaxies(found['galaxies'])}, none of known inclination."
    return (
        f"{n_galaxies(found['galaxies'])}, {found['with_truth']:,} of known inclination: "
        f"RMS {inclination['rms_deg']:.2f}°, MAE {inclination['mae_deg']:.2f}°, "
        f"bias {signed(inclination['bias_deg'], 2)}° with all bands."
    )


def line(galaxy: Looked) -> str:
    """One galaxy in one line for a terminal."""
    truth = "  –  " if galaxy.truth_deg is None else f"{galaxy.truth_deg:5.1f}"
    error = "  –  " if galaxy.error_deg is None else f"{signed(galaxy.error_deg, 1):>5}"
    bands = "  ".join(f"{BAND_NAMES[band]} {value:.1f}" for band, value in galaxy.by_band_deg.items())
    rejection = "" if galaxy.rejection is None else f"  rejection {galaxy.rejection:4.0%} ({galaxy.reason})"
    return f"pgc {galaxy.pgc:>8}  known {truth}  says {galaxy.answer_deg:5.1f}  off {error}{rejection}  {bands}"


def _section(galaxy: Looked) -> str:
    parts = [f"<h2>PGC {galaxy.pgc}</h2>"]
    interval = "" if galaxy.half_width_95_deg is None else f" ± {galaxy.half_width_95_deg:.1f}° (95 %)"
    parts.append(f"<p>The network says {galaxy.answer_deg:.1f}°{interval}</p>")
    if galaxy.truth_deg is not None and galaxy.error_deg is not None:
        off = ' class="off"' if abs(galaxy.error_deg) > 5 else ""
        error = signed(galaxy.error_deg, 1)
        parts.append(f"<p>Known: {galaxy.truth_deg:.1f}°, <span{off}>off by {error}°</span></p>")
    if galaxy.rejection is not None:
        parts.append(f"<p>Rejection: {galaxy.rejection:.0%}, likeliest {escape(galaxy.reason)}</p>")
    figures = [
        figure(
            galaxy.pictures[band],
            f"PGC {galaxy.pgc}, {BAND_NAMES[band]}",
            f"{BAND_NAMES[band]}: {galaxy.by_band_deg[band]:.1f}°",
        )
        for band in BANDS
        if band in galaxy.pictures
    ]
    return f"<section><div>{''.join(parts)}</div><div>{''.join(figures)}</div></section>"
