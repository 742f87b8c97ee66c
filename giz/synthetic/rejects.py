"""Images people should reject, each for one reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import ndimage

from giz.synthetic.breadth import broadened, draw_structure
from giz.synthetic.bulge import sersic_b
from giz.synthetic.galaxy import pixel_scale_arcsec, render_noise_free
from giz.synthetic.looks import SurveyLook
from giz.synthetic.observe import blur, sky_sigma_nmgy
from giz.synthetic.parameters import GalaxyParameters, draw_parameters
from giz.synthetic.photometry import FloatArray, band_ratios, flux_nmgy
from giz.synthetic.sky import Sources
from giz.synthetic.streams import stream
from giz.synthetic.tides import Tide, distort, draw_tide

F = np.float32
ELLIPTICAL = "E"
IRREGULAR_TYPE = "Sdm"
SPIRALS = ("Sab", "Sbc", "SBb", "Scd")


@dataclass(frozen=True, slots=True)
class Reject:
    """What a reason makes of a galaxy before the survey sees it, and what goes wrong afterwards."""

    galaxy_type: str
    inclination_deg: float | None
    noise_free: FloatArray
    parameters: dict[str, Any]
    seeing_factor: float = 1.0
    extra_star: Sources | None = None
    spoil: Callable[[FloatArray, float], FloatArray] | None = None


Maker = Callable[[GalaxyParameters, int, int, np.random.Generator, SurveyLook], Reject]


def _plain(p: GalaxyParameters, seed: int, size_px: int, **extra: Any) -> Reject:
    return Reject(p.galaxy_type, p.inclination_deg, render_noise_free(p, seed, size_px), extra)


def _elliptical(p: GalaxyParameters, seed: int, size_px: int, rng: np.random.Generator, look: SurveyLook) -> Reject:
    index, re_r25 = float(rng.uniform(2.5, 5.0)), float(rng.uniform(0.22, 0.34))
    ratio, mag_offset = float(rng.uniform(0.50, 0.95)), float(rng.normal(0.0, 0.3))
    axis = np.arange(size_px) - (size_px - 1) / 2.0
    m = np.sqrt(axis[None, :] ** 2 + (axis[:, None] / ratio) ** 2 + (0.0027 * size_px / 4.0) ** 2 + 0.05)
    light = np.exp(-sersic_b(index) * (m / (re_r25 * size_px / 4.0)) ** (1.0 / index))
    light /= light.sum()
    r_mag = 13.1 - 5.0 * math.log10(p.d25_arcsec / 100.0) + mag_offset
    flux = flux_nmgy(r_mag) * band_ratios(0.80, 0.42)
    frames = (light[None] * flux[:, None, None]).astype(F)
    drawn = {"sersic_index": index, "re_r25": re_r25, "axis_ratio": ratio, "r_mag": r_mag}
    return Reject(ELLIPTICAL, None, frames, drawn)


def _merger(p: GalaxyParameters, seed: int, size_px: int, rng: np.random.Generator, look: SurveyLook) -> Reject:
    other_type, other_tilt = str(rng.choice(SPIRALS)), float(rng.uniform(0.0, 85.0))
    direction, distance_r25 = float(rng.uniform(0.0, 2.0 * math.pi)), float(rng.uniform(0.5, 1.1))
    zoom, turn, brightness = float(rng.uniform(0.7, 1.3)), float(rng.uniform(0.0, 2.0 * math.pi)), rng.uniform(0.5, 1.1)
    other = replace(draw_parameters(other_type, other_tilt, seed + 1), d25_face_on_arcsec=p.d25_face_on_arcsec)
    tides = [draw_tide(rng, (0.4, 1.0), (0.10, 0.30)) for _ in range(2)]
    second = distort(render_noise_free(other, seed + 1, size_px), tides[1])
    middle, reach = (size_px - 1) / 2.0, distance_r25 * size_px / 4.0
    matrix = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) * zoom
    place = np.array([middle + reach * math.sin(direction), middle + reach * math.cos(direction)])
    offset = np.array([middle, middle]) - matrix @ place
    frames = distort(render_noise_free(p, seed, size_px), tides[0])
    for band in range(3):
        frames[band] += F(brightness) * ndimage.affine_transform(second[band], matrix, offset, order=1)
    drawn = {
        "companion": other.as_json(),
        "distance_r25": distance_r25,
        "tides": [asdict(tide) for tide in tides],
    }
    return Reject(p.galaxy_type, p.inclination_deg, frames, drawn)


def _bright_star(p: GalaxyParameters, seed: int, size_px: int, rng: np.random.Generator, look: SurveyLook) -> Reject:
    r_mag = float(rng.uniform(8.5, 11.0))
    x, y = 0.5 + float(rng.uniform(-0.35, 0.35)) / 4.0, 0.5 + float(rng.uniform(-0.20, 0.20)) / 4.0
    flux = flux_nmgy(r_mag) * band_ratios(rng.uniform(0.3, 1.4), rng.uniform(0.1, 0.7))
    star = Sources(np.array([x]), np.array([y]), np.array([r_mag]), flux[:, None].astype(F))
    plain = _plain(p, seed, size_px, star_r_mag=r_mag, star_x=x, star_y=y)
    return replace(plain, extra_star=star)


def _faint(p: GalaxyParameters, seed: int, size_px: int, rng: np.random.Generator, look: SurveyLook) -> Reject:
    plain = _plain(p, seed, size_px)
    # So faint that its brightest parts hardly rise above the noise, however concentrated the light.
    scale_arcsec = pixel_scale_arcsec(p, size_px)
    noise = float(sky_sigma_nmgy(scale_arcsec, 0.0, look)[1]) * min(look.native_scale_arcsec / scale_arcsec, 1.0)
    bright = float(np.percentile(blur(plain.noise_free, p.seeing_arcsec / scale_arcsec)[1], 99.0))
    dimming = min(float(rng.uniform(0.6, 2.0)) * noise / bright, 0.10)
    return replace(plain, noise_free=plain.noise_free * F(dimming), parameters={"dimming": dimming})


def _face_on(p: GalaxyParameters, seed: int, size_px: int, rng: np.random.Generator, look: SurveyLook) -> Reject:
    return _plain(replace(p, inclination_deg=float(rng.uniform(0.0, 40.0))), seed, size_px)


def _irregular(p: GalaxyParameters, seed: int, size_px: int, rng: np.random.Generator, look: SurveyLook) -> Reject:
    drawn, tide = irregular(draw_parameters(IRREGULAR_TYPE, p.inclination_deg, seed), seed, float(rng.uniform(0.5, 1)))
    frames = distort(render_noise_free(drawn, seed, size_px), tide)
    return Reject(IRREGULAR_TYPE, p.inclination_deg, frames, {"irregular": drawn.as_json(), "tide": asdict(tide)})


def irregular(p: GalaxyParameters, seed: int, severity: float) -> tuple[GalaxyParameters, Tide]:
    """Make a disk irregular, and draw the tide that tears it: from hardly (severity 0) to nothing measurable (1).

    An irregular galaxy is faint, clumpy, thick and lopsided, without arms or bulge; of other types the tide is all.
    """
    rng = stream(seed, "irregular")
    is_torn = p.galaxy_type != IRREGULAR_TYPE
    strength = severity * (1.3 if is_torn else 0.8)
    tide = draw_tide(rng, (0.2 * strength, 1.3 * strength), (0.1 * strength, 0.45 * strength))
    u = rng.random(8)
    if is_torn:
        return p, tide
    clumpy = replace(
        p,
        bulge_to_total=0.3 * p.bulge_to_total,
        arm_amplitude=0.1 + 0.5 * float(u[0]),
        hii_strength=0.2 + 2.0 * float(u[1]),
        irregularity=1.3 + 2.5 * severity * float(u[2]),
        lopsidedness=0.05 + 0.25 * severity * float(u[3]),
        ellipticity=0.45 * severity * float(u[4]),
        thickness_h=p.thickness_h * (1.0 + 0.9 * severity * float(u[5])),
        bar_length_h=p.bar_length_h if u[6] < 0.3 else 0.0,
        surface_brightness_offset_mag=p.surface_brightness_offset_mag + severity * (0.7 + 1.5 * float(u[7])),
    )
    return clumpy, tide


def _bad_image(p: GalaxyParameters, seed: int, size_px: int, rng: np.random.Generator, look: SurveyLook) -> Reject:
    defect = str(rng.choice(tuple(DEFECTS)))
    if defect == "bad_seeing":
        factor = float(rng.uniform(4.0, 8.0))
        return replace(_plain(p, seed, size_px, defect=defect, seeing_factor=factor), seeing_factor=factor)

    def spoil(frames: FloatArray, sky_sigma: float) -> FloatArray:
        return DEFECTS[defect](frames, sky_sigma, rng)

    return replace(_plain(p, seed, size_px, defect=defect), spoil=spoil)


def _centred(size_px: int) -> tuple[FloatArray, FloatArray]:
    axis = np.arange(size_px, dtype=F) - F((size_px - 1) / 2.0)
    return axis[None, :], axis[:, None]


def _cut_by_field_edge(frames: FloatArray, sky_sigma: float, rng: np.random.Generator) -> FloatArray:
    """The survey's frame ends across the galaxy: no data beyond (NaN)."""
    x, y = _centred(frames.shape[-1])
    angle, edge_r25 = rng.uniform(0.0, 2.0 * math.pi), rng.uniform(-0.3, 0.5)
    frames[:, x * F(math.cos(angle)) + y * F(math.sin(angle)) > F(edge_r25 * frames.shape[-1] / 4.0)] = np.nan
    return frames


def _trailed(frames: FloatArray, sky_sigma: float, rng: np.random.Generator) -> FloatArray:
    """Satellites crossed the field."""
    x, y = _centred(frames.shape[-1])
    for _ in range(int(rng.integers(2, 5))):
        angle, offset_r25 = rng.uniform(0.0, math.pi), rng.uniform(-0.5, 0.5)
        distance = x * F(math.cos(angle)) + y * F(math.sin(angle)) - F(offset_r25 * frames.shape[-1] / 4.0)
        width_px = max(1.2 * frames.shape[-1] / 512.0, 0.6)
        frames += np.exp(F(-0.5 / width_px**2) * distance * distance) * F(rng.uniform(40.0, 120.0) * sky_sigma)
    return frames


def _noisy(frames: FloatArray, sky_sigma: float, rng: np.random.Generator) -> FloatArray:
    """Ruined by noise."""
    return frames + rng.standard_normal(frames.shape, dtype=F) * F(25.0 * sky_sigma)


def _off_centre(frames: FloatArray, sky_sigma: float, rng: np.random.Generator) -> FloatArray:
    """The catalogue's position is wrong."""
    shift_px = int(rng.uniform(0.8, 1.4) * frames.shape[-1] / 4.0) * (1 if rng.random() < 0.5 else -1)
    return np.roll(frames, shift_px, axis=int(rng.integers(1, 3)))


def _blurred(frames: FloatArray, sky_sigma: float, rng: np.random.Generator) -> FloatArray:
    """Nothing more to do: the seeing was bad when the frame was taken."""
    return frames


DEFECTS: Mapping[str, Callable[[FloatArray, float, np.random.Generator], FloatArray]] = MappingProxyType(
    {
        "field_edge": _cut_by_field_edge,
        "trails": _trailed,
        "noise": _noisy,
        "off_centre": _off_centre,
        "bad_seeing": _blurred,
    }
)
MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        "elliptical": _elliptical,
        "merger": _merger,
        "bright_star": _bright_star,
        "bad_image": _bad_image,
        "faint": _faint,
        "face_on": _face_on,
        "irregular": _irregular,
    }
)
REJECT_REASONS: tuple[str, ...] = tuple(MAKERS)


def draw_reject(
    reason: str, seed: int, size_px: int, look: SurveyLook, *, is_broad: bool = False
) -> tuple[GalaxyParameters, Reject]:
    """A galaxy to be rejected for `reason`, and the parameters it started from, broadened as those of a population."""
    rng = stream(seed, "reject")
    galaxy_type = str(rng.choice(SPIRALS))
    p = draw_parameters(galaxy_type, float(rng.uniform(45.0, 88.0)), seed)
    p = broadened(p, draw_structure(galaxy_type, seed)) if is_broad else p
    return p, MAKERS[reason](p, seed, size_px, rng, look)
