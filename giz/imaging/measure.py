"""Measure a galaxy on its picture: centre, axial ratio, position angle and size of one isophote, with errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from giz.imaging.greys import sky_level_and_sigma

FloatImage = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]

MEASURE_RULE = "isophote-1"
# g surface brightness of the B = 25 mag/arcsec^2 isophote, as for synthetic galaxies.
D25_MAG_ARCSEC2 = 24.58
# Isophotes around the wanted one, as factors of its level: their disagreement is part of the error.
LEVEL_FACTORS = (0.75, 1.0, 1.33)
ROUNDS, REACH = 12, 1.22
LEAST_PIXELS = 60
# Larger frames are averaged in blocks: the shape of an isophote gains nothing from more pixels.
MOST_SIDE_PX = 512
# Least level above the sky, in sigmas, of an isophote that the caller gives, and of one chosen here.
LEAST_SIGMAS, SAFE_SIGMAS = 2.0, 4.0
# White or black corners without data.
WHITE_FROM, BLACK_TO = 250, 5
# A sky fades towards white or black; the edge of a frame is a step of at least this size.
LEAST_LEAP = 100


class ShapeError(ValueError):
    """No galaxy can be measured on this picture, for the stated reason."""


@dataclass(frozen=True)
class Shape:
    """An ellipse fitted to the isophote, pixels and degrees, each value with its one-sigma error.

    x_px, y_px : centre, from the middle of the lower left pixel, rows upwards as in the array.
    semi_major_px : for the isophote of D25, D25 is twice this times the pixel scale.
    axial_ratio : b / a. The error is that of the isophote; bulge, arms and thickness of the disk add about 3 degrees to
        the error of an inclination derived from it.
    angle_deg : of the major axis from the x axis, counter-clockwise, -90 to 90.
    is_cut : the isophote extends beyond the frame or into pixels without data.
    """

    x_px: float
    y_px: float
    centre_error_px: float
    semi_major_px: float
    semi_major_error_px: float
    axial_ratio: float
    axial_ratio_error: float
    angle_deg: float
    angle_error_deg: float
    is_cut: bool


def isophote_level_nmgy(pixel_scale_arcsec: float, mag_arcsec2: float = D25_MAG_ARCSEC2) -> float:
    """Return the flux per pixel, nanomaggies, at a surface brightness."""
    return float(10.0 ** (0.4 * (22.5 - mag_arcsec2)) * pixel_scale_arcsec**2)


def measure_shape(
    frame: FloatImage, *, level: float | None = None, sky_level: float | None = None, smoothing_px: float = 0.0
) -> Shape:
    """Measure the galaxy in the middle of a frame.

    The frame is smoothed and cut at the isophote, and the piece in the middle is kept. An ellipse is fitted by the
    second moments of its *area* (so that a bright nucleus, bar or star weighs no more than faint disk); stars and
    neighbours are cut off beyond 1.22 times the ellipse and holes within it are filled; this repeats until it
    converges.

    Parameters
    ----------
    frame : (ny, nx) flux per pixel; NaN where there is no data.
    level : flux per pixel of the isophote above the sky (`isophote_level_nmgy`); None for the isophote whose major axis
        is half of the frame's side, which is D25 on a field of 2 x D25, or a brighter one if that is too noisy.
    sky_level : flux per pixel of the sky; measured if not given.
    smoothing_px : sigma of the Gaussian; 0 for 1/160 of the side, at least one pixel.

    Raises
    ------
    ShapeError
        If nothing in the middle is brighter than the isophote, or the isophote is too noisy.
    """
    if frame.ndim != 2 or min(frame.shape) < 32:
        raise ShapeError(f"A frame must have two dimensions and 32 pixels a side at least; got {frame.shape}.")
    if sky_level is None:
        sky_level = sky_level_and_sigma(frame)[0]
    binning = math.ceil(max(frame.shape) / MOST_SIDE_PX)
    if binning > 1:
        frame = _binned(frame, binning)
        smoothing_px /= binning
    has_data = np.isfinite(frame)
    sigma_px = smoothing_px or max(1.0, max(frame.shape) / 160.0)
    light = _smoothed(np.where(has_data, frame - sky_level, 0.0), has_data, sigma_px)
    # Of the smoothed frame, since surveys and resampling correlate the noise of pixels.
    noise = sky_level_and_sigma(light)[1]
    if level is None:
        level = _level_at(light, max(frame.shape) / 4.0, SAFE_SIGMAS * noise)
    if level < LEAST_SIGMAS * noise:
        raise ShapeError("The isophote is fainter than the sky noise.")
    ellipses = [_ellipse(light, level * factor, has_data) for factor in LEVEL_FACTORS]
    return _shape(ellipses, frame.shape, sigma_px, noise / level, binning)


@dataclass(frozen=True)
class _Ellipse:
    x: float
    y: float
    a: float
    b: float
    angle: float
    is_cut: bool


def _binned(frame: FloatImage, binning: int) -> FloatImage:
    """Average blocks, in flux per original pixel; NaN where half of a block has no data."""
    rows, columns = frame.shape[0] // binning, frame.shape[1] // binning
    blocks = frame[: rows * binning, : columns * binning].reshape(rows, binning, columns, binning)
    seen = np.isfinite(blocks)
    count = seen.sum(axis=(1, 3))
    total = np.where(seen, blocks, 0.0).sum(axis=(1, 3))
    return np.asarray(np.where(2 * count >= binning**2, total / np.maximum(count, 1), np.nan))


def _smoothed(light: FloatImage, has_data: Mask, sigma_px: float) -> npt.NDArray[np.float64]:
    smooth = ndimage.gaussian_filter(light.astype(float), sigma_px, mode="nearest", truncate=3.0)
    if not has_data.all():
        smooth /= np.maximum(ndimage.gaussian_filter(has_data.astype(float), sigma_px, mode="nearest"), 0.1)
    return np.asarray(smooth)


def _level_at(light: FloatImage, semi_major_px: float, least: float) -> float:
    """Find the level whose isophote has this semi-major axis, by bisection (a galaxy's level falls outwards)."""
    no_holes = np.ones(light.shape, bool)
    centre = light[light.shape[0] // 2 - 4 : light.shape[0] // 2 + 5, light.shape[1] // 2 - 4 : light.shape[1] // 2 + 5]
    low, high = max(least, 1e-12), max(float(centre.max()), least)
    for _ in range(14):
        middle = math.sqrt(low * high)
        try:
            is_larger = _ellipse(light, middle, no_holes).a > semi_major_px
        except ShapeError:
            is_larger = False
        low, high = (middle, high) if is_larger else (low, middle)
    return math.sqrt(low * high)


def _ellipse(light: FloatImage, level: float, has_data: Mask) -> _Ellipse:
    """Fit an ellipse to the area above `level` in the middle of the frame."""
    above = light > level
    piece = _middle_piece(above)
    if piece.sum() < LEAST_PIXELS:
        raise ShapeError("Nothing in the middle of the frame is brighter than the isophote.")
    x, y = np.meshgrid(np.arange(light.shape[1], dtype=float), np.arange(light.shape[0], dtype=float))
    ellipse = _moments(piece, x, y)
    for _ in range(ROUNDS):
        inside = _radius(ellipse, x, y) < REACH
        core = _radius(ellipse, x, y) < 0.7
        kept = (piece & inside) | core
        refined = _moments(kept, x, y)
        moved = (
            abs(refined.a - ellipse.a)
            + abs(refined.b - ellipse.b)
            + math.hypot(refined.x - ellipse.x, refined.y - ellipse.y)
        )
        ellipse = refined
        if moved < 0.02:
            break
    rim = np.abs(_radius(ellipse, x, y) - 1.0) < 0.08
    is_cut = bool((rim & ~has_data).sum() > 0.02 * max(rim.sum(), 1)) or _leaves(ellipse, light.shape)
    return _Ellipse(ellipse.x, ellipse.y, ellipse.a, ellipse.b, ellipse.angle, is_cut)


def _middle_piece(above: Mask) -> Mask:
    """Return the connected piece nearest to the middle (within an eighth of the side), with its holes filled."""
    labels, count = ndimage.label(above)
    if not count:
        return np.zeros_like(above)
    cy, cx = (above.shape[0] - 1) / 2.0, (above.shape[1] - 1) / 2.0
    reach = max(above.shape) // 8
    top, left = max(0, int(cy) - reach), max(0, int(cx) - reach)
    window = labels[top : int(cy) + reach + 1, left : int(cx) + reach + 1]
    sizes = np.bincount(window.ravel(), minlength=count + 1)
    sizes[0] = 0
    if not sizes.any():
        return np.zeros_like(above)
    filled: Mask = ndimage.binary_fill_holes(labels == int(sizes.argmax()))
    return filled


def _moments(piece: Mask, x: FloatImage, y: FloatImage) -> _Ellipse:
    """Return the ellipse with the area moments of the piece: a uniform ellipse has variances a^2/4 and b^2/4."""
    px, py = x[piece].astype(float), y[piece].astype(float)
    mx, my = px.mean(), py.mean()
    xx, yy, xy = ((px - mx) ** 2).mean(), ((py - my) ** 2).mean(), ((px - mx) * (py - my)).mean()
    half, spread = (xx + yy) / 2.0, math.hypot((xx - yy) / 2.0, xy)
    angle = 0.5 * math.atan2(2.0 * xy, xx - yy)
    # The extent of a pixel adds 1/12 to each variance.
    a, b = 2.0 * math.sqrt(max(half + spread - 1 / 12, 0.25)), 2.0 * math.sqrt(max(half - spread - 1 / 12, 0.25))
    return _Ellipse(float(mx), float(my), a, b, angle, False)


def _radius(ellipse: _Ellipse, x: FloatImage, y: FloatImage) -> npt.NDArray[np.floating]:
    cos_t, sin_t = math.cos(ellipse.angle), math.sin(ellipse.angle)
    dx, dy = x - ellipse.x, y - ellipse.y
    return np.hypot((dx * cos_t + dy * sin_t) / ellipse.a, (dy * cos_t - dx * sin_t) / ellipse.b)


def _leaves(ellipse: _Ellipse, shape: tuple[int, ...]) -> bool:
    width = math.hypot(ellipse.a * math.cos(ellipse.angle), ellipse.b * math.sin(ellipse.angle))
    height = math.hypot(ellipse.a * math.sin(ellipse.angle), ellipse.b * math.cos(ellipse.angle))
    inside_x = width <= ellipse.x + 0.5 and ellipse.x + width <= shape[1] - 0.5
    inside_y = height <= ellipse.y + 0.5 and ellipse.y + height <= shape[0] - 0.5
    return not (inside_x and inside_y)


def _shape(
    ellipses: list[_Ellipse], shape: tuple[int, ...], sigma_px: float, noise_share: float, binning: int
) -> Shape:
    """Return the middle isophote, with errors from the difference of its neighbours and from noise along the rim."""
    middle = ellipses[len(ellipses) // 2]
    q = middle.b / middle.a
    # Independent pieces of the rim, each displaced by noise / gradient (about one level per a third of a).
    pieces = max(4.0, 2.0 * math.pi * math.sqrt(middle.a * middle.b) / (3.5 * sigma_px))
    rim_px = math.hypot(noise_share * middle.a / 3.0, 0.3) / math.sqrt(pieces / 4.0)
    q_error = math.hypot(_spread([e.b / e.a for e in ellipses]), rim_px / middle.a * math.hypot(1.0, q))
    turns = [math.remainder(e.angle - middle.angle, math.pi) for e in ellipses]
    lever = max(middle.a - middle.b, 1.0)
    angle_error = math.hypot(_spread(turns), rim_px / lever)
    centre_error = math.hypot(_spread([e.x for e in ellipses]), _spread([e.y for e in ellipses]), rim_px)
    return Shape(
        x_px=(middle.x + 0.5) * binning - 0.5,
        y_px=(middle.y + 0.5) * binning - 0.5,
        centre_error_px=centre_error * binning,
        semi_major_px=middle.a * binning,
        semi_major_error_px=rim_px * binning,
        axial_ratio=q,
        axial_ratio_error=q_error,
        angle_deg=math.degrees(math.remainder(middle.angle, math.pi)),
        angle_error_deg=min(math.degrees(angle_error), 90.0),
        is_cut=any(e.is_cut for e in ellipses) or min(shape) < 2 * middle.b,
    )


def _spread(values: list[float]) -> float:
    """Return half of the range, which for three values is about one sigma."""
    return (max(values) - min(values)) / 2.0


def empty_corners(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return the pixels (ny, nx) of a grey in corners without data: plain white or black that ends abruptly."""
    empty = np.zeros(grey.shape, bool)
    for extreme, mask in ((255, grey >= WHITE_FROM), (0, grey <= BLACK_TO)):
        parts, _ = ndimage.label(mask)
        ends = parts[[0, 0, -1, -1], [0, -1, 0, -1]]
        for part in np.unique(ends[ends > 0]):
            piece = parts == part
            # Scaling down blurs the rim itself.
            rim = ndimage.binary_dilation(piece, iterations=4) & ~ndimage.binary_dilation(piece, iterations=2)
            if rim.any() and abs(float(np.median(grey[rim])) - extreme) > LEAST_LEAP:
                empty |= piece
    return empty


def is_light_on_dark(grey: npt.NDArray[np.uint8], empty: npt.NDArray[np.bool_]) -> bool:
    """Whether the sky of a grey (ny, nx) is dark: by its border, or by all pixels if that has no data."""
    ring = np.ones(grey.shape, bool)
    ring[1:-1, 1:-1] = False
    border = grey[ring & ~empty]
    if 4 * border.size < ring.sum():
        border = grey[~empty]
    return bool(border.size and np.median(border) < 128)
