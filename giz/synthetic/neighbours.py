"""What lies beside a galaxy that people measure all the same: a bright star, or a companion that does not disturb it.

A network that has met stars and companions in rejected pictures only rejects every galaxy that has one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import ndimage

from giz.synthetic.galaxy import render_noise_free
from giz.synthetic.parameters import draw_parameters
from giz.synthetic.photometry import FloatArray, band_ratios, flux_nmgy
from giz.synthetic.sky import Sources
from giz.synthetic.streams import stream
from giz.synthetic.types import GALAXY_TYPES

BESIDE = ("star", "companion")
STAR_R_MAG = (11.0, 14.0)
# From the galaxy's centre, in R25, which is a quarter of the frame.
STAR_R25, COMPANION_R25 = (0.35, 1.4), (0.75, 1.7)
COMPANION_SMALLER, COMPANION_BRIGHTNESS = (1.4, 4.0), (0.3, 1.2)


def draw_star_beside(seed: int) -> tuple[Sources, dict[str, Any]]:
    """A star brighter than those of the field, and what was drawn (stream "beside" of the seed)."""
    rng = stream(seed, "beside")
    r_mag, distance, angle = rng.uniform(*STAR_R_MAG), rng.uniform(*STAR_R25), rng.uniform(0.0, 2.0 * math.pi)
    x, y = 0.5 + distance * math.cos(angle) / 4.0, 0.5 + distance * math.sin(angle) / 4.0
    flux = flux_nmgy(r_mag) * band_ratios(rng.uniform(0.3, 1.4), rng.uniform(0.1, 0.7))
    star = Sources(np.array([x]), np.array([y]), np.array([r_mag]), flux[:, None].astype(np.float32))
    return star, {"r_mag": float(r_mag), "x": float(x), "y": float(y)}


def with_companion(frames: FloatArray, seed: int, d25_face_on_arcsec: float) -> tuple[FloatArray, dict[str, Any]]:
    """Noise-free frames (3, n, n) with a smaller galaxy near the disk, and what was drawn (stream "beside")."""
    rng = stream(seed, "beside")
    galaxy_type, tilt_deg = str(rng.choice(GALAXY_TYPES)), float(rng.uniform(0.0, 88.0))
    smaller, brightness = float(rng.uniform(*COMPANION_SMALLER)), float(rng.uniform(*COMPANION_BRIGHTNESS))
    distance, angle, turn = (
        rng.uniform(*COMPANION_R25),
        rng.uniform(0.0, 2.0 * math.pi),
        rng.uniform(0.0, 2.0 * math.pi),
    )
    size_px = frames.shape[-1]
    other = replace(draw_parameters(galaxy_type, tilt_deg, seed + 1), d25_face_on_arcsec=d25_face_on_arcsec)
    theirs = render_noise_free(other, seed + 1, size_px)
    middle, reach = (size_px - 1) / 2.0, distance * size_px / 4.0
    matrix = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) * smaller
    place = np.array([middle + reach * math.sin(angle), middle + reach * math.cos(angle)])
    offset = np.array([middle, middle]) - matrix @ place
    joined = frames.copy()
    for band in range(3):
        joined[band] += np.float32(brightness) * ndimage.affine_transform(theirs[band], matrix, offset, order=1)
    drawn = {"type": galaxy_type, "tilt_deg": tilt_deg, "smaller": smaller, "brightness": brightness}
    return joined, drawn | {"distance_r25": float(distance)}
