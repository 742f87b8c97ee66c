"""Resample a survey frame onto the grid of a picture in one step: turn, scale and crop, with flux conserved."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from giz.imaging.fits import FitsError, Frame
from giz.imaging.grid import SkyGrid

FloatImage = npt.NDArray[np.float32]
T = TypeVar("T", np.float32, np.float64)
F = np.float32
# Coordinates are exact at the knots of a net and linear between; largest error in pixels, by which it is refined.
NET_STEP_PX, NET_TOLERANCE_PX = 32, 0.01
# Most samples of a tile of the grid, and about the side of the section of the frame that it needs, pixels.
TILE_SAMPLES, SECTION_SIDE_PX = 1_050_000, 2048
MAX_OVERSAMPLING = 64
# Least share of a pixel that must fall on pixels with data.
MIN_COVER = 0.5
# Neighbours that differ by less than this share of their value are equal but for rounding.
SAME_VALUE = 2e-6
MOST_FLAT = 0.25


@dataclass(frozen=True)
class Patch:
    """A frame on the grid: flux in nanomaggies (or the frame's unit) per *grid* pixel, NaN where it has no data.

    first_row, first_column : position of `flux` in the grid.
    """

    name: str
    flux: FloatImage
    first_row: int
    first_column: int

    @property
    def window(self) -> tuple[slice, slice]:
        rows, columns = self.flux.shape
        return slice(self.first_row, self.first_row + rows), slice(self.first_column, self.first_column + columns)


def resample(frame: Frame, grid: SkyGrid) -> Patch | None:
    """Resample a frame onto the grid in one step; None if the two do not overlap.

    Each grid pixel is the mean of bilinear samples spread evenly over it (so many that neighbouring samples are no
    further apart than the frame's pixels), times the ratio of the pixel areas: surface brightness is sampled, flux is
    conserved. Frames with the grid's scale get one sample per pixel, which is a drizzle with full-sized drops. Memory:
    the grid, and one tile of it with the section of the frame that it needs, never a whole large frame.

    Raises
    ------
    FitsError
        If the frame's pixels can't be read, or its coordinates are too distorted.
    """
    net = _net(frame, grid)
    if net is None or not _touches(net.values, frame.shape):
        return None
    ratio = _linear_ratio(net)
    oversampling = min(MAX_OVERSAMPLING, max(1, math.ceil(ratio - 0.1)))
    tile = max(1, min(grid.side_px, int(math.sqrt(TILE_SAMPLES) / oversampling), int(SECTION_SIDE_PX / ratio)))
    flux = np.full((grid.side_px, grid.side_px), np.nan, F)
    for top in range(0, grid.side_px, tile):
        for left in range(0, grid.side_px, tile):
            window = slice(top, min(top + tile, grid.side_px)), slice(left, min(left + tile, grid.side_px))
            _fill(flux[window], frame, net, window, oversampling)
    flux *= F(ratio * ratio)
    return _cropped(frame.name, flux)


def _fill(flux: FloatImage, frame: Frame, net: _Net, window: tuple[slice, slice], oversampling: int) -> None:
    """Write the mean of the samples of one tile to `flux` where enough of them fall on data."""
    steps = (np.arange(oversampling) + 0.5) / oversampling - 0.5
    rows, columns = ((np.arange(part.start, part.stop)[:, None] + steps).ravel() for part in window)
    origin, coordinates = net.at(rows, columns)
    needed = _needed(coordinates, frame.shape, origin)
    if needed is None:
        return
    section = frame.section(*needed)
    coordinates[0] += F(origin[0] - needed[0].start)
    coordinates[1] += F(origin[1] - needed[1].start)
    has_data = np.isfinite(section)
    cover = _inside(coordinates, section.shape)
    if has_data.all():
        total = _binned(_sampled(section, coordinates), oversampling)
        if cover is not None:
            total[_binned(cover, oversampling) < MIN_COVER] = np.nan
        flux[...] = total
        return
    weight = _sampled(has_data.astype(F), coordinates)
    total = _sampled(np.where(has_data, section, F(0.0)), coordinates)
    if cover is not None:
        weight *= cover
        total *= cover
    weight, total = _binned(weight, oversampling), _binned(total, oversampling)
    good = weight >= MIN_COVER
    np.divide(total, weight, out=flux, where=good)


@dataclass(frozen=True)
class _Net:
    """Return frame coordinates (2, k, k), row then column, at knots every `step` grid pixels from -0.5."""

    values: npt.NDArray[np.float64]
    step: float

    def at(
        self, rows: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.int64], FloatImage]:
        """Interpolate coordinates along rows, then columns: whole numbers (2,) and remainders (2, rows, columns),
        which are small enough for single precision."""
        by_row = _lerp(self.values, (rows + 0.5) / self.step, axis=1)
        origin = np.floor(by_row.min(axis=(1, 2)))
        rest = (by_row - origin[:, None, None]).astype(F)
        return origin.astype(np.int64), _lerp(rest, (columns + 0.5) / self.step, axis=2)


def _lerp(values: npt.NDArray[T], where: npt.NDArray[np.float64], axis: int) -> npt.NDArray[T]:
    low = np.clip(np.floor(where).astype(int), 0, values.shape[axis] - 2)
    shape = [1, 1, 1]
    shape[axis] = -1
    result: npt.NDArray[T] = np.take(np.diff(values, axis=axis), low, axis=axis)
    result *= (where - low).astype(values.dtype).reshape(shape)
    result += np.take(values, low, axis=axis)
    return result


def _net(frame: Frame, grid: SkyGrid) -> _Net | None:
    """Return a net of coordinates fine enough for the frame's distortions; None if it does not overlap."""
    cells = max(2, math.ceil(grid.side_px / NET_STEP_PX))
    for _ in range(4):
        values = _exact(frame, grid, cells)
        if values is None:
            return None
        fine = _exact(frame, grid, 2 * cells)
        if fine is None:
            return None
        middle = (values[:, :-1, :-1] + values[:, 1:, :-1] + values[:, :-1, 1:] + values[:, 1:, 1:]) / 4.0
        if np.abs(fine[:, 1::2, 1::2] - middle).max() < NET_TOLERANCE_PX:
            return _Net(fine, grid.side_px / (2 * cells))
        cells *= 2
    raise FitsError("bad_fits", f"{frame.name}: its sky coordinates are too distorted to follow.")


def _exact(frame: Frame, grid: SkyGrid, cells: int) -> npt.NDArray[np.float64] | None:
    knots = np.linspace(-0.5, grid.side_px - 0.5, cells + 1)
    x, y = np.meshgrid(knots, knots)
    sky = grid.wcs.wcs_pix2world(np.stack([x.ravel(), y.ravel()], axis=1), 0)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            pixels = _world_to_pixel(frame, sky)
        except Exception:  # noqa: BLE001 - inverting a distortion far outside the frame may fail in many ways
            return None
    if not np.isfinite(pixels).all():
        return None
    back = np.asarray(pixels)
    return np.stack([back[:, 1].reshape(x.shape), back[:, 0].reshape(x.shape)])


def _world_to_pixel(frame: Frame, sky: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    assert frame.wcs is not None, "only frames with sky coordinates are resampled"
    lon, lat = sky[:, 0], sky[:, 1]
    if frame.wcs.wcs.lngtyp.strip() not in ("RA", "") or frame.wcs.wcs.radesys.strip() in ("FK4", "FK4-NO-E"):
        from astropy.coordinates import SkyCoord
        from astropy.wcs.utils import skycoord_to_pixel

        column, row = skycoord_to_pixel(SkyCoord(lon, lat, unit="deg", frame="icrs"), frame.wcs, 0, "all")
        return np.stack([column, row], axis=1)
    # FK5 and ICRS agree to 0.03 arcsec. Where wcslib has latitude first, `lat` says so.
    world = np.empty_like(sky)
    world[:, frame.wcs.wcs.lng], world[:, frame.wcs.wcs.lat] = lon, lat
    return np.asarray(frame.wcs.all_world2pix(world, 0, quiet=True))


def _linear_ratio(net: _Net) -> float:
    """Return the side of a grid pixel in frame pixels at the centre of the grid."""
    k = net.values.shape[1] // 2
    down = (net.values[:, k + 1, k] - net.values[:, k - 1, k]) / (2 * net.step)
    right = (net.values[:, k, k + 1] - net.values[:, k, k - 1]) / (2 * net.step)
    return math.sqrt(abs(down[0] * right[1] - down[1] * right[0]))


def _inside(where: FloatImage, shape: tuple[int, ...]) -> FloatImage | None:
    """Return 1 where the coordinates lie on the section, else 0; None if all of them do."""
    limits = [(values, length - 0.5) for values, length in zip(where, shape, strict=True)]
    if all(values.min() > -0.5 and values.max() < limit for values, limit in limits):
        return None
    inside = np.ones(where.shape[1:], F)
    for values, limit in limits:
        inside *= (values > -0.5) & (values < limit)
    return inside


def _touches(values: npt.NDArray[np.float64], shape: tuple[int, int]) -> bool:
    return _needed(values, shape, np.zeros(2, np.int64)) is not None


def _needed(
    where: npt.NDArray[np.floating], shape: tuple[int, int], origin: npt.NDArray[np.int64]
) -> tuple[slice, slice] | None:
    """Return the part of the frame for these coordinates plus one pixel on each side; None if they lie outside."""
    parts = []
    for values, start, length in zip(where, origin, shape, strict=True):
        least, most = float(values.min()) + int(start), float(values.max()) + int(start)
        low, high = max(0, math.floor(least) - 1), min(length, math.ceil(most) + 2)
        if low >= high or most < -0.5 or least > length - 0.5:
            return None
        parts.append(slice(low, high))
    return parts[0], parts[1]


def _sampled(image: FloatImage, where: FloatImage) -> FloatImage:
    # "nearest" is for the half pixel beyond the outermost centres; the cover removes what lies further out.
    sampled: FloatImage = ndimage.map_coordinates(image, where, F, order=1, mode="nearest", prefilter=False)
    return sampled


def _binned(samples: FloatImage, oversampling: int) -> FloatImage:
    if oversampling == 1:
        return samples
    rows, columns = samples.shape
    blocks = samples.reshape(rows // oversampling, oversampling, columns // oversampling, oversampling)
    return np.asarray(blocks.mean(axis=(1, 3)), F)


def without_fill(patch: Patch) -> Patch | None:
    """Set pixels without data that a survey filled with one value to NaN; None if nothing remains.

    Real light is noisy, so pixels that equal all of their neighbours are fill. A few may belong to a saturated star and
    are kept; above a share of MOST_FLAT of a patch they are removed.
    """
    flux = patch.flux
    flat = np.isfinite(flux)
    seen = int(flat.sum())
    for axis in (0, 1):
        step = np.diff(flux, axis=axis)
        near = np.maximum(*np.abs(_both_ends(flux, axis)))
        with np.errstate(invalid="ignore"):
            same = ~(np.abs(step) > SAME_VALUE * near)  # next to a pixel without data nothing can differ
        first, second = _both_ends(flat, axis)
        first &= same
        second &= same
    if int(flat.sum()) <= MOST_FLAT * seen:
        return patch
    return _cropped(patch.name, np.where(ndimage.binary_dilation(flat), np.nan, flux).astype(F), patch)


def _both_ends(image: npt.NDArray[Any], axis: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the image without its last row (or column), and without its first, so that neighbours align."""
    return (image[:-1], image[1:]) if axis == 0 else (image[:, :-1], image[:, 1:])


def _cropped(name: str, flux: FloatImage, within: Patch | None = None) -> Patch | None:
    seen = np.isfinite(flux)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if rows.size == 0:
        return None
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    row, column = (within.first_row, within.first_column) if within else (0, 0)
    return Patch(name, np.ascontiguousarray(flux[window]), row + int(rows[0]), column + int(columns[0]))
