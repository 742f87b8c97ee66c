"""What pictures look like, in numbers: the same measurements of real and synthetic ones of one size and field."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from giz.imaging.measure import Shape, ShapeError, measure_shape
from standards.grid import inclination_from_axial_ratio

Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]
# Isophotes, as shares of the range from the sky to the brightest percentile of the galaxy.
HEIGHTS = (0.08, 0.15, 0.3, 0.5, 0.75)
BRIGHT_PERCENTILE = 99.0
RIM_SHARE = 0.06
# Stars: how far above their surroundings (in sigmas of the sky), and from the middle (in half sides).
STAR_SIGMAS, STAR_FROM, STAR_WINDOW_PX = 12.0, 0.35, 7


@dataclass(frozen=True, slots=True)
class Look:
    """One colour picture. NaN where it can't be measured; levels of brightness are 0 to 255.

    tilt_deg : by the axial ratio (q0 = 0.2) of each isophote of `HEIGHTS`; reach : their semi-major axes in half sides.
    concentration : share of the light within the isophote at 0.15 that lies within half of its axes.
    contrast : scatter of the light about its own median in rings of the isophote, as a share of the median.
    sky, noise : level and scatter of the rim. grain : correlation of the noise between neighbouring pixels.
    blueness : share of blue less that of red in the light of the disk. bright : the 99th percentile of the galaxy.
    star_fwhm_px : of the sharper quarter of stars beside the galaxy. star_count : of these.
    neighbour : light beside the galaxy (beyond 1.2 of its isophote at 0.08), as a share of its own.
    """

    tilt_deg: tuple[float, ...]
    reach: tuple[float, ...]
    concentration: float
    contrast: float
    sky: float
    noise: float
    grain: float
    blueness: float
    bright: float
    star_fwhm_px: float
    star_count: float
    neighbour: float


def measure_look(picture: Pixels) -> Look:
    """Measure one colour picture (S, S, 3) of a galaxy in the middle."""
    pixels = picture.astype(float)
    light = pixels.mean(axis=2)
    side = light.shape[0]
    is_rim, sky, noise = _rim(light)
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2.0) / (side / 2.0)
    inner = ndimage.gaussian_filter(light, 1.0)[np.hypot(x, y) < 0.2]
    bright = float(np.percentile(inner, BRIGHT_PERCENTILE))
    shapes = [_shape(light, height * (bright - sky), sky) for height in HEIGHTS]
    tilts = tuple(
        math.nan if shape is None else inclination_from_axial_ratio(min(1.0, shape.axial_ratio)) for shape in shapes
    )
    reach = tuple(math.nan if shape is None else shape.semi_major_px / (side / 2.0) for shape in shapes)
    fwhm, stars = _stars(light, noise)
    concentration = contrast = blueness = neighbour = math.nan
    if shapes[1] is not None:
        place = _ellipse_radius(shapes[1], side)
        above = np.maximum(light - sky, 0.0)
        inside = place < 1.0
        concentration = float(above[place < 0.5].sum() / max(above[inside].sum(), 1e-9))
        contrast = _contrast(ndimage.gaussian_filter(light, 0.7) - sky, place)
        disk = (place > 0.4) & inside
        channels = [float((pixels[disk, c] - np.median(pixels[is_rim, c])).mean()) for c in range(3)]
        blueness = (channels[2] - channels[0]) / max(sum(channels), 1e-9)
        beyond = _ellipse_radius(shapes[0] or shapes[1], side) > 1.2
        neighbour = float((above * (above > 4.0 * max(noise, 1.0)))[beyond].sum() / max(above[inside].sum(), 1e-9))
    grain = _grain(light, is_rim, sky)
    return Look(tilts, reach, concentration, contrast, sky, noise, grain, blueness, bright, fwhm, stars, neighbour)


def star_fwhm_px(picture: Pixels) -> float:
    """Of the sharper stars beside the galaxy, the same as in `measure_look`; NaN where there is none."""
    light = picture.mean(axis=2)
    return _stars(light, _rim(light)[2])[0]


def _rim(light: Floats) -> tuple[npt.NDArray[np.bool_], float, float]:
    """The rim of the picture, the level of the sky on it and its scatter."""
    rim = max(2, round(RIM_SHARE * light.shape[0]))
    is_rim = np.ones(light.shape, bool)
    is_rim[rim:-rim, rim:-rim] = False
    sky = float(np.median(light[is_rim]))
    return is_rim, sky, 1.4826 * float(np.median(np.abs(light[is_rim] - sky)))


def _shape(light: Floats, height: float, sky: float) -> Shape | None:
    try:
        return measure_shape(light, level=height, sky_level=sky)
    except (ShapeError, ValueError):
        return None


def _ellipse_radius(shape: Shape, side: int) -> Floats:
    """Radius of every pixel in the ellipse's own units: 1 on the isophote."""
    y, x = np.mgrid[:side, :side].astype(float)
    angle = math.radians(shape.angle_deg)
    dx, dy = x - shape.x_px, y - shape.y_px
    along, across = dx * math.cos(angle) + dy * math.sin(angle), dy * math.cos(angle) - dx * math.sin(angle)
    return np.hypot(along / shape.semi_major_px, across / (shape.semi_major_px * max(shape.axial_ratio, 0.03)))


def _contrast(light: Floats, place: Floats) -> float:
    ratios = []
    for inner in np.arange(0.3, 0.9, 0.1):
        ring = light[(place >= inner) & (place < inner + 0.1)]
        if ring.size >= 12 and np.median(ring) > 0:
            low, high = np.percentile(ring, (16, 84))
            ratios.append((high - low) / 2.0 / float(np.median(ring)))
    return float(np.mean(ratios)) if ratios else math.nan


def _grain(light: Floats, is_rim: npt.NDArray[np.bool_], sky: float) -> float:
    """Correlation of neighbours on the rim; stars (the brightest tenth) are left out."""
    both = is_rim[:, 1:] & is_rim[:, :-1]
    limit = np.percentile(light[is_rim], 90)
    both &= (light[:, 1:] < limit) & (light[:, :-1] < limit)
    one, other = light[:, 1:][both], light[:, :-1][both]
    if one.size < 50 or one.std() == 0 or other.std() == 0:
        return math.nan
    return float(np.corrcoef(one, other)[0, 1])


def _stars(light: Floats, noise: float) -> tuple[float, float]:
    """FWHM of the sharper quarter of the point sources by their two innermost pixels, and how many there are."""
    side = light.shape[0]
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2.0) / (side / 2.0)
    is_peak = light == ndimage.maximum_filter(light, STAR_WINDOW_PX)
    around = ndimage.percentile_filter(light, 20, STAR_WINDOW_PX)
    contrast = light - around
    is_star = is_peak & (contrast > STAR_SIGMAS * max(noise, 1.0)) & (light < 235.0) & (np.hypot(x, y) > STAR_FROM)
    is_star[:2], is_star[-2:], is_star[:, :2], is_star[:, -2:] = False, False, False, False
    widths = []
    for y, x in zip(*np.nonzero(is_star), strict=True):
        peak = contrast[y, x]
        beside = np.array([light[y - 1, x], light[y + 1, x], light[y, x - 1], light[y, x + 1]]) - around[y, x]
        ratio = float(np.clip(beside.mean() / peak, 0.02, 0.98))
        widths.append(2.3548 * math.sqrt(-0.5 / math.log(ratio)))
    return (float(np.percentile(widths, 25)) if widths else math.nan), float(len(widths))


def columns(looks: list[Look]) -> dict[str, Floats]:
    """Every measurement as one array (n,); tilts and reaches by their height."""
    found = {
        f"{name} at {height:.2f}": np.array([getattr(look, attribute)[place] for look in looks])
        for name, attribute in (("tilt", "tilt_deg"), ("reach", "reach"))
        for place, height in enumerate(HEIGHTS)
    }
    single = ("concentration", "contrast", "sky", "noise", "grain", "blueness", "bright", "star_fwhm_px", "star_count",
              "neighbour")  # fmt: skip
    return found | {name: np.array([getattr(look, name) for look in looks]) for name in single}
