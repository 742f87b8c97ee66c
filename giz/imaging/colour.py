"""Colour pictures: of g, r, i frames after Lupton et al. 2004, and a survey's own picture on our grid."""

from __future__ import annotations

import io
import math

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from giz.imaging.greys import sky_level_and_sigma
from giz.imaging.grid import SkyGrid

Picture = npt.NDArray[np.uint8]

SDSS_SCALE_ARCSEC = 0.396


def lupton_rgb(
    frames_nmgy: npt.NDArray[np.floating],
    pixel_scale_arcsec: float,
    *,
    stretch_nmgy: float = 0.38,
    softening: float = 8.0,
    channel_gain: tuple[float, float, float] = (1.45, 1.0, 0.80),
    black_point_nmgy: tuple[float, float, float] = (0.008, 0.013, 0.021),
    smoothing_native_px: float = 0.7,
    sky_rgb: tuple[int, int, int] = (3, 3, 3),
) -> npt.NDArray[np.uint8]:
    """Make a colour picture of g, r, i frames (red = i, green = r, blue = g): Lupton et al. 2004, PASP 116, 133, eq. 2.

    ``I = (R + G + B) / 3``; each channel is multiplied by ``asinh(Q I / stretch) / (Q I)`` and, where the largest
    channel exceeds 1, all three are divided by it, which keeps the hue of bright stars and bulges.

    Parameters
    ----------
    frames_nmgy : (3, ny, nx) array
        g, r, i in nanomaggies per pixel; the sky need not be subtracted. NaN means "no data".
    pixel_scale_arcsec : float
        Arcsec per pixel; fluxes are first converted to nanomaggies per pixel of the SDSS camera (0.396 arcsec).
    stretch_nmgy, softening : float
        The asinh scale of the paper's equation 2 (``Q`` is `softening`), in nanomaggies per SDSS pixel.
    channel_gain, black_point_nmgy : three floats, order g, r, i
        Gain, and what is subtracted above the sky (about one sigma of SDSS) so that the sky is near black.
    smoothing_native_px : float
        Gaussian sigma in SDSS pixels (at least that many image pixels), against colour noise.
    sky_rgb : three ints, the colour of the empty sky; added at the end.

    Returns
    -------
    (ny, nx, 3) array of uint8, red first; pixels where any band has no data are black.

    Raises
    ------
    ValueError
        If the frames are not (3, ny, nx) or the pixel scale is not a positive number.
    """
    if frames_nmgy.ndim != 3 or frames_nmgy.shape[0] != 3:
        raise ValueError(f"Frames must have shape (3, ny, nx) in the order g, r, i; got {frames_nmgy.shape}.")
    if not (np.isfinite(pixel_scale_arcsec) and pixel_scale_arcsec > 0):
        raise ValueError(f"pixel_scale_arcsec must be a positive number; got {pixel_scale_arcsec}.")
    to_native = (SDSS_SCALE_ARCSEC / pixel_scale_arcsec) ** 2
    sigma_px = smoothing_native_px * max(SDSS_SCALE_ARCSEC / pixel_scale_arcsec, 1.0)
    no_data = ~np.isfinite(frames_nmgy).all(axis=0)
    has_holes = bool(no_data.any())
    rgb = np.empty(frames_nmgy.shape, np.float32)
    for band, (gain, black) in enumerate(zip(channel_gain, black_point_nmgy, strict=True)):
        level, _ = sky_level_and_sigma(frames_nmgy[band])
        plane = frames_nmgy[band].astype(np.float32)
        if has_holes:
            plane[no_data] = level
        plane -= np.float32(level)
        plane *= np.float32(to_native)
        plane = ndimage.gaussian_filter(plane, sigma_px, truncate=3.0, mode="nearest")
        plane -= np.float32(black)
        plane *= np.float32(gain)
        np.maximum(plane, 0.0, out=rgb[2 - band])
    return _stretch(rgb, stretch_nmgy, softening, sky_rgb, no_data if has_holes else None)


def _stretch(
    rgb: npt.NDArray[np.float32],
    stretch_nmgy: float,
    softening: float,
    sky_rgb: tuple[int, int, int],
    no_data: npt.NDArray[np.bool_] | None,
) -> npt.NDArray[np.uint8]:
    intensity = rgb.sum(axis=0)
    intensity *= np.float32(softening / (3.0 * stretch_nmgy))
    np.maximum(intensity, 1e-4, out=intensity)
    gain = np.arcsinh(intensity)
    gain /= intensity
    gain *= np.float32(255.0 / stretch_nmgy)
    brightest = rgb.max(axis=0)
    brightest *= gain
    np.maximum(brightest, 255.0, out=brightest)
    gain *= np.float32(255.0)
    gain /= brightest
    rgb *= gain
    picture = np.empty((*rgb.shape[1:], 3), np.uint8)
    for channel in range(3):
        plane = rgb[channel]
        plane += np.float32(sky_rgb[channel])
        np.minimum(plane, 255.0, out=plane)
        picture[..., channel] = plane
    if no_data is not None:
        picture[no_data] = 0
    return picture


def level_picture(picture: Picture, scale_arcsec: float, grid: SkyGrid) -> Picture:
    """Turn, scale and crop a survey's own colour picture, centred on the grid's centre, in one resampling.

    Parameters
    ----------
    picture : (n, n, 3), north up, east left; it should cover the grid's diagonal.
    scale_arcsec : arcsec per pixel.

    Returns
    -------
    (side, side, 3) picture, the position angle pointing left as in `SkyGrid`; black where the picture has no pixels.
    """
    angle = math.radians(grid.position_angle_deg)
    ratio = grid.scale_arcsec / scale_arcsec
    cosine, sine = ratio * math.cos(angle), ratio * math.sin(angle)
    here, there = grid.side_px / 2.0, picture.shape[0] / 2.0
    # From a pixel of the grid (right, down) to one of the picture: left is east there, the position angle here.
    matrix = (sine, -cosine, there - here * (sine - cosine), cosine, sine, there - here * (cosine + sine))
    turned = Image.fromarray(picture).transform(
        (grid.side_px, grid.side_px), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )
    return np.asarray(turned)


def jpeg_bytes(picture: Picture) -> bytes:
    """Encode a colour picture as JPEG; equal pictures give equal bytes."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()
