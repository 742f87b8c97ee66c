"""One page with every galaxy of a folder: its pictures, the truth, what the network says. One file, no scripts."""

import base64
import io
from html import escape

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.training.nn.data import BANDS
from giz.training.services.pictures import Looked, summary

BAND_NAMES = {"g": "g", "r": "r", "i": "i", "gri": "colour"}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222; }
section { border-top: 1px solid #ccc; padding: 1rem 0; display: grid; grid-template-columns: 15rem 1fr; gap: 1rem; }
h2 { font-size: 1.05rem; margin: 0; } p { margin: .2rem 0; } .off { color: #a8483c; font-weight: 600; }
figure { display: inline-block; margin: 0 .4rem .4rem 0; } figcaption { font-size: .85rem; color: #555; }
img { display: block; width: 128px; height: 128px; image-rendering: pixelated; }
@media (max-width: 40rem) { section { grid-template-columns: 1fr; } }
"""


def page(galaxies: list[Looked], title: str) -> str:
    """The page as HTML; galaxies far off come first."""
    found = summary(galaxies)
    ordered = sorted(galaxies, key=lambda galaxy: -abs(galaxy.error_deg or 0.0))
    sections = "".join(_section(galaxy) for galaxy in ordered)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1><p>{escape(headline(found))}</p>{sections}</html>\n"
    )


def headline(found: dict[str, object]) -> str:
    inclination = found.get("inclination")
    if not isinstance(inclination, dict):
        return f"{found['galaxies']} galaxies, none of known inclination."
    return (
        f"{found['galaxies']} galaxies, {found['with_truth']} of known inclination: RMS {inclination['rms_deg']:.2f}°, "
        f"MAE {inclination['mae_deg']:.2f}°, bias {inclination['bias_deg']:+.2f}° with all bands."
    )


def line(galaxy: Looked) -> str:
    """One galaxy in one line for a terminal."""
    truth = "  –  " if galaxy.truth_deg is None else f"{galaxy.truth_deg:5.1f}"
    error = "  –  " if galaxy.error_deg is None else f"{galaxy.error_deg:+5.1f}"
    bands = "  ".join(f"{BAND_NAMES[band]} {value:.1f}" for band, value in galaxy.by_band_deg.items())
    rejection = "" if galaxy.rejection is None else f"  rejection {galaxy.rejection:4.0%} ({galaxy.reason})"
    return f"pgc {galaxy.pgc:>8}  known {truth}  says {galaxy.answer_deg:5.1f}  off {error}{rejection}  {bands}"


def _section(galaxy: Looked) -> str:
    parts = [f"<h2>PGC {galaxy.pgc}</h2>"]
    interval = "" if galaxy.half_width_95_deg is None else f" ± {galaxy.half_width_95_deg:.1f}° (95 %)"
    parts.append(f"<p>The network says {galaxy.answer_deg:.1f}°{interval}</p>")
    if galaxy.truth_deg is not None and galaxy.error_deg is not None:
        off = ' class="off"' if abs(galaxy.error_deg) > 5 else ""
        parts.append(f"<p>Known: {galaxy.truth_deg:.1f}°, <span{off}>off by {galaxy.error_deg:+.1f}°</span></p>")
    if galaxy.rejection is not None:
        parts.append(f"<p>Rejection: {galaxy.rejection:.0%}, likeliest {escape(galaxy.reason)}</p>")
    figures = [
        f'<figure><img alt="PGC {galaxy.pgc}, {BAND_NAMES[band]}" src="{_data_uri(galaxy.pictures[band])}">'
        f"<figcaption>{BAND_NAMES[band]}: {galaxy.by_band_deg[band]:.1f}°</figcaption></figure>"
        for band in BANDS
        if band in galaxy.pictures
    ]
    return f"<section><div>{''.join(parts)}</div><div>{''.join(figures)}</div></section>"


def _data_uri(pixels: npt.NDArray[np.uint8]) -> str:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
