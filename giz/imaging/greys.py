"""Grey pictures for people and networks: an inverted asinh stretch of one band."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatImage = npt.NDArray[np.floating]
NO_DATA_GREY = 255


def sky_level_and_sigma(frame: FloatImage) -> tuple[float, float]:
    """Measure sky level and 1-sigma noise of a frame in its upper and lower quarters.

    On a field of 2 x D25 with a horizontal major axis these quarters lie outside the galaxy's isophote, so that its
    light does not raise the sky. A frame without data there is measured wherever it has any.

    Parameters
    ----------
    frame : (ny, nx) array, any flux unit; NaN where the survey has no data.

    Returns
    -------
    level, sigma : float
        Median, and 1.4826 x the median absolute deviation, in the frame's unit. (0, 0) if no pixel is finite.
    """
    # About ten thousand pixels determine the median to 0.01 sigma; more would only cost time.
    stride = max(1, min(frame.shape) // 128)
    quarter = frame.shape[0] // 4
    sampled = frame[:, ::stride]
    pixels = np.concatenate([sampled[:quarter:stride].ravel(), sampled[-quarter::stride].ravel()])
    pixels = pixels[np.isfinite(pixels)]
    if pixels.size == 0:
        pixels = frame[np.isfinite(frame)]
    if pixels.size == 0:
        return 0.0, 0.0
    level = float(np.median(pixels))
    return level, 1.4826 * float(np.median(np.abs(pixels - level)))


def asinh_grey(
    frame: FloatImage,
    *,
    sky_level: float | None = None,
    sky_sigma: float | None = None,
    softening: float = 10.0,
    sky_offset: float = 0.027,
    white_percentile: float = 99.65,
    min_range_sigma: float = 12.0,
) -> npt.NDArray[np.uint8]:
    """Make an inverted asinh grey of one band (dark galaxy on a light sky), SCIENCE.md section 4.

    ``x = (f - sky) / hi + sky_offset``, ``v = asinh(softening x) / asinh(softening)``, ``grey = 255 (1 - v)``, where
    ``hi`` is the `white_percentile` of the sky-subtracted, 3 x 3 smoothed central half-frame (asinh scale: Lupton,
    Gunn & Szalay 1999, AJ 118, 1406).

    Parameters
    ----------
    frame : (ny, nx) array
        Flux per pixel, any linear unit. NaN (and infinities) mean "no data".
    sky_level, sky_sigma : float, optional
        Sky and its 1-sigma noise in the frame's unit; measured by `sky_level_and_sigma` if not given.
    softening : float
        Strength of the stretch; larger values show fainter light.
    sky_offset : float
        Position of the sky on the scale from 0 (white) to 1; 0.027 gives a grey of about 232.
    white_percentile : float
        Percentile of the smoothed centre that becomes black.
    min_range_sigma : float
        Least ``hi`` in sky sigmas, so that an empty field looks like noise, not structure.

    Returns
    -------
    (ny, nx) array of uint8; pixels without data are 255 (white).

    Raises
    ------
    ValueError
        If the frame is not two-dimensional with at least 8 pixels a side.
    """
    if frame.ndim != 2 or min(frame.shape) < 8:
        raise ValueError(f"A frame must be two-dimensional and at least 8 x 8 pixels; got shape {frame.shape}.")
    if sky_level is None or sky_sigma is None:
        level, sigma = sky_level_and_sigma(frame)
        sky_level = level if sky_level is None else sky_level
        sky_sigma = sigma if sky_sigma is None else sky_sigma
    hi = max(_bright_end(frame, white_percentile) - sky_level, min_range_sigma * sky_sigma, 1e-30)
    has_data = np.isfinite(frame)
    x = frame.astype(np.float32)
    x -= np.float32(sky_level)
    x *= np.float32(softening / hi)
    x += np.float32(softening * sky_offset)
    np.clip(x, 0.0, np.float32(softening), out=x)
    np.arcsinh(x, out=x)
    x *= np.float32(-255.0 / np.arcsinh(softening))
    x += np.float32(255.5)
    if not has_data.all():
        x[~has_data] = NO_DATA_GREY
    return x.astype(np.uint8)


def light_of_grey(
    grey: npt.NDArray[np.uint8], *, softening: float = 10.0, sky_offset: float = 0.027
) -> npt.NDArray[np.float32]:
    """Undo the stretch of `asinh_grey` on (ny, nx): light in units of the picture's bright end, the sky near 0.

    Black (0) and white (255) were clipped and stay at the ends, 1 - sky_offset and -sky_offset.
    """
    stretched = (np.float32(255.0) - grey.astype(np.float32)) * np.float32(np.arcsinh(softening) / 255.0)
    return np.asarray(np.sinh(stretched) / np.float32(softening) - np.float32(sky_offset), np.float32)


def _bright_end(frame: FloatImage, percentile: float) -> float:
    """Return a percentile of the 3 x 3 mean of the central half-frame (0 if it has no data)."""
    ny, nx = frame.shape
    centre = frame[ny // 4 : ny - ny // 4, nx // 4 : nx - nx // 4]
    rows = centre[:-2] + centre[1:-1] + centre[2:]
    smooth = ((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9.0).ravel()
    smooth = smooth[np.isfinite(smooth)]
    if smooth.size == 0:
        return 0.0
    rank = min(int(smooth.size * percentile / 100.0), smooth.size - 1)
    return float(np.partition(smooth, rank)[rank])
