"""Make one synthetic galaxy, from a type, an inclination and a seed to frames and pictures."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.core.vocabulary import GREYS
from giz.imaging.colour import lupton_rgb
from giz.imaging.greys import asinh_grey
from giz.synthetic.breadth import Structure, broadened
from giz.synthetic.galaxy import render_noise_free
from giz.synthetic.looks import LOOKS, SDSS, SurveyLook
from giz.synthetic.neighbours import BESIDE, draw_star_beside, with_companion
from giz.synthetic.observe import observe, sky_sigma_nmgy
from giz.synthetic.parameters import GalaxyParameters, draw_parameters
from giz.synthetic.photometry import FloatArray
from giz.synthetic.rejects import REJECT_REASONS, draw_reject, irregular
from giz.synthetic.sky import Sources
from giz.synthetic.streams import stream
from giz.synthetic.tides import distort, draw_tide
from giz.synthetic.types import GALAXY_TYPES

MIN_SIZE_PX, MAX_SIZE_PX = 64, 1024
# Below this size the model would be undersampled: it is made twice as fine and summed 2 x 2.
LEAST_RENDERED_PX = 128


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticGalaxy:
    """One image with known truth.

    frames : (3, n, n) float32 in g, r, i, nanomaggies per pixel, sky level 0; NaN where a reject has no data.
    noise_free : the same before sky, seeing and noise, or None.
    inclination_deg : the truth; None for an elliptical.
    parameters : everything drawn, fit for JSON.
    """

    galaxy_type: str
    inclination_deg: float | None
    reject_reason: str | None
    seed: int
    d25_arcsec: float
    pixel_scale_arcsec: float
    seeing_arcsec: float
    frames: FloatArray
    noise_free: FloatArray | None
    parameters: dict[str, Any]
    look: SurveyLook = SDSS


def make_galaxy(
    galaxy_type: str,
    inclination_deg: float,
    seed: int,
    *,
    size_px: int = 256,
    clean: bool = False,
    disturbed: bool = False,
    survey: str = SDSS.name,
    structure: Structure | None = None,
    beside: str = "",
    severity: float = 0.0,
) -> SyntheticGalaxy:
    """Make a spiral seen at a known inclination, its major axis horizontal, on a field of 2 x D25.

    Parameters
    ----------
    galaxy_type : one of `GALAXY_TYPES`.
    inclination_deg : 0 (face-on) to 90 (edge-on), degrees.
    seed : whole number >= 0. Same seed, same bytes; it is the same galaxy at another inclination or size, too.
    size_px : side of the square frames, 64 to 1024.
    clean : leave out stars and background galaxies (seeing and noise stay).
    disturbed : apply a mild tide to the disk, as a neighbour would; the truth stays.
    survey : one of `LOOKS`, whose pixels, depth, seeing and sky colour the image has.
    structure : changes to the disk that was drawn, as populations make them.
    beside : what else is seen near the galaxy, which people measure all the same: one of `BESIDE`, or nothing.
    severity : from 0 to 1, how irregular or torn the galaxy is (`giz.synthetic.rejects.irregular`).

    Raises
    ------
    ValueError
        If an argument is outside what is named above.
    """
    _check_choice("galaxy type", galaxy_type, GALAXY_TYPES)
    if not (isinstance(inclination_deg, int | float | np.number) and 0.0 <= float(inclination_deg) <= 90.0):
        raise ValueError(f"inclination_deg must be a number from 0 (face-on) to 90 (edge-on); got {inclination_deg!r}.")
    _check_choice("survey", survey, tuple(LOOKS))
    _check_choice("thing beside a galaxy", beside, ("", *BESIDE))
    seed, size_px, look = _checked_seed(seed), checked_size(size_px), LOOKS[survey]
    p = _seen_by(look, draw_parameters(galaxy_type, float(inclination_deg), seed))
    p = broadened(p, structure) if structure else p
    p, torn = irregular(p, seed, severity) if severity else (p, None)
    binning = _binning(size_px)
    noise_free = render_noise_free(p, seed, size_px * binning)
    extra: dict[str, Any] = {}
    tide = draw_tide(stream(seed, "tide"), (0.1, 0.4), (0.05, 0.20)) if disturbed else torn
    if tide:
        noise_free = distort(noise_free, tide)
        extra["tide"] = asdict(tide)
    star: Sources | None = None
    if beside == "companion":
        noise_free, extra["companion"] = with_companion(noise_free, seed, p.d25_face_on_arcsec)
    elif beside == "star":
        star, extra["star"] = draw_star_beside(seed)
    noise_offset_mag = _noise_offset_mag(seed)
    scale_arcsec = 2.0 * p.d25_arcsec / (size_px * binning)
    frames = observe(
        noise_free,
        seed,
        scale_arcsec=scale_arcsec,
        seeing_arcsec=p.seeing_arcsec,
        noise_offset_mag=noise_offset_mag,
        field_arcmin=2.0 * p.d25_face_on_arcsec / 60.0,
        clean=clean,
        extra_star=star,
        look=look,
    )
    return SyntheticGalaxy(
        galaxy_type=galaxy_type,
        inclination_deg=float(inclination_deg),
        reject_reason=None,
        seed=seed,
        d25_arcsec=p.d25_arcsec,
        pixel_scale_arcsec=scale_arcsec * binning,
        seeing_arcsec=p.seeing_arcsec,
        frames=_binned(frames, binning),
        noise_free=_binned(noise_free, binning),
        parameters=p.as_json() | {"noise_offset_mag": noise_offset_mag, "clean": clean} | extra,
        look=look,
    )


def make_reject(
    reason: str, seed: int, *, size_px: int = 256, survey: str = SDSS.name, is_broad: bool = False
) -> SyntheticGalaxy:
    """Make an image people should reject for `reason`, one of `REJECT_REASONS`.

    is_broad : whether its disk is broadened as those of a population are (`giz.synthetic.breadth`).
    The true inclination is kept for every spiral among them and is None for an elliptical. A "bad_image" cut by the
    edge of its field holds NaN where there is no data; `parameters["defect"]` names what is wrong with it.

    Raises
    ------
    ValueError
        If the reason or survey is unknown, the seed negative or the size not within 64 to 1024.
    """
    _check_choice("reject reason", reason, REJECT_REASONS)
    _check_choice("survey", survey, tuple(LOOKS))
    seed, size_px, look = _checked_seed(seed), checked_size(size_px), LOOKS[survey]
    binning = _binning(size_px)
    p, reject = draw_reject(reason, seed, size_px * binning, look, is_broad=is_broad)
    p = _seen_by(look, p)
    if reject.inclination_deg is not None:
        p = replace(p, inclination_deg=reject.inclination_deg)
    noise_offset_mag = _noise_offset_mag(seed)
    scale_arcsec = 2.0 * p.d25_arcsec / (size_px * binning)
    seeing_arcsec = p.seeing_arcsec * reject.seeing_factor
    frames = observe(
        reject.noise_free,
        seed,
        scale_arcsec=scale_arcsec,
        seeing_arcsec=seeing_arcsec,
        noise_offset_mag=noise_offset_mag,
        field_arcmin=2.0 * p.d25_face_on_arcsec / 60.0,
        clean=False,
        extra_star=reject.extra_star,
        look=look,
    )
    if reject.spoil is not None:
        frames = reject.spoil(frames, float(sky_sigma_nmgy(scale_arcsec, noise_offset_mag, look)[1]))
    started_from = p.as_json() if reject.inclination_deg is not None else {}
    return SyntheticGalaxy(
        galaxy_type=reject.galaxy_type,
        inclination_deg=reject.inclination_deg,
        reject_reason=reason,
        seed=seed,
        d25_arcsec=p.d25_arcsec,
        pixel_scale_arcsec=scale_arcsec * binning,
        seeing_arcsec=seeing_arcsec,
        frames=_binned(frames, binning),
        noise_free=_binned(reject.noise_free, binning),
        parameters=started_from | {"noise_offset_mag": noise_offset_mag} | reject.parameters,
        look=look,
    )


def display_images(galaxy: SyntheticGalaxy) -> dict[str, npt.NDArray[np.uint8]]:
    """Pictures by the one code path all images take: inverted greys "g", "r", "i" (n, n) and colour "gri" (n, n, 3)."""
    pictures = {band: asinh_grey(frame) for band, frame in zip(GREYS, galaxy.frames, strict=True)}
    pictures["gri"] = lupton_rgb(galaxy.frames, galaxy.pixel_scale_arcsec, sky_rgb=galaxy.look.sky_rgb)
    return pictures


def _seen_by(look: SurveyLook, p: GalaxyParameters) -> GalaxyParameters:
    return replace(p, seeing_arcsec=p.seeing_arcsec * look.seeing_factor)


def _noise_offset_mag(seed: int) -> float:
    """How deep this image is, mag against the survey's mean."""
    return float(stream(seed, "depth").normal(-0.2, 0.3))


def _binning(size_px: int) -> int:
    return max(1, math.ceil(LEAST_RENDERED_PX / size_px))


def _binned(frames: FloatArray, binning: int) -> FloatArray:
    """Flux summed in blocks of `binning` x `binning` pixels."""
    if binning == 1:
        return frames
    size_px = frames.shape[-1] // binning
    return np.asarray(frames.reshape(3, size_px, binning, size_px, binning).sum(axis=(2, 4)), np.float32)


def _check_choice(what: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"Unknown {what} {value!r}; choose one of {', '.join(allowed)}.")


def _checked_seed(seed: int) -> int:
    try:
        number = operator.index(seed)
    except TypeError as error:
        raise ValueError(f"seed must be a whole number >= 0; got {seed!r}.") from error
    if number < 0:
        raise ValueError(f"seed must be a whole number >= 0; got {number}.")
    return number


def checked_size(size_px: int) -> int:
    try:
        number = operator.index(size_px)
    except TypeError as error:
        raise ValueError(f"size_px must be a whole number; got {size_px!r}.") from error
    if not MIN_SIZE_PX <= number <= MAX_SIZE_PX:
        raise ValueError(f"size_px must be from {MIN_SIZE_PX} to {MAX_SIZE_PX}; got {number}.")
    return number
