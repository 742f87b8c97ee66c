"""One galaxy above the atmosphere: noise-free, unblurred frames in g, r, i."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from giz.synthetic.faceon import face_on_maps
from giz.synthetic.parameters import GalaxyParameters
from giz.synthetic.photometry import FloatArray, flux_nmgy
from giz.synthetic.projection import YOUNG_RATIO, Scales, project

F = np.float32
FIELD_D25 = 2.0
WARP_FROM_DEG = 70.0


def pixel_scale_arcsec(p: GalaxyParameters, size_px: int) -> float:
    """Arcsec per pixel of a field of 2 x D25."""
    return FIELD_D25 * p.d25_arcsec / size_px


def galaxy_scales(p: GalaxyParameters, size_px: int) -> Scales:
    """Lengths of the model in pixels; well-sampled images are computed on a coarser grid, as seeing hides the rest."""
    r25_px = size_px / (2.0 * FIELD_D25)
    seeing_px = p.seeing_arcsec / pixel_scale_arcsec(p, size_px)
    step_px = 1.0 if seeing_px < 3.2 else 1.5 if seeing_px < 5.0 else 2.0
    h_px = r25_px / p.apparent_r25_h
    old_px = p.thickness_h * h_px
    return Scales(
        h_px=h_px,
        r25_px=r25_px,
        reach_px=min(6.0 * h_px, 1.65 * r25_px),
        step_px=step_px,
        old_px=old_px,
        young_px=max(YOUNG_RATIO * old_px, 0.6),
        dust_px=max(p.dust_thickness * old_px, 0.5),
    )


def render_noise_free(p: GalaxyParameters, seed: int, size_px: int) -> FloatArray:
    """Frames (3, size_px, size_px) in g, r, i of the galaxy alone, nanomaggies per pixel, no PSF, no sky, no noise."""
    scales = galaxy_scales(p, size_px)
    maps = face_on_maps(
        p, seed, h_px=scales.h_px, r25_px=p.r25_h * scales.h_px, reach_px=scales.reach_px, step_px=scales.step_px
    )
    image = project(p, seed, maps, scales)
    scale_arcsec = pixel_scale_arcsec(p, size_px)
    # The old disk's centre has this share of the total central surface brightness, knots taking a little more.
    centre_nmgy = float(flux_nmgy(p.central_mag_arcsec2)) * scale_arcsec**2
    image *= F(centre_nmgy * (1.0 - p.young_fraction) / (1.0 + 0.1 * p.hii_strength))
    if p.warp_r25 and p.inclination_deg > WARP_FROM_DEG:
        image = _warped(p, image, scales)
    return _on_frame(p, image, scales.step_px, size_px)


def _warped(p: GalaxyParameters, image: FloatArray, scales: Scales) -> FloatArray:
    """Bend the outer disk up or down: an integral sign (S) or a bowl (U)."""
    _, rows, columns = image.shape
    x_r25 = (np.arange(columns) - (columns - 1) / 2.0) * scales.step_px / scales.r25_px
    integral_sign = np.sign(x_r25) * np.clip(np.abs(x_r25) - 0.45, 0.0, None) ** 1.5
    bend = integral_sign if p.warp_shape == "S" else 0.5 * x_r25**2
    shift = p.warp_r25 * scales.r25_px / scales.step_px * bend
    margin = math.ceil(float(np.abs(shift).max()))
    padded = np.pad(image, ((0, 0), (margin, margin), (0, 0)))
    y = np.arange(rows + 2 * margin)[:, None] - shift[None, :]
    x = np.broadcast_to(np.arange(columns)[None, :], y.shape)
    return np.stack(
        [ndimage.map_coordinates(band, [y, x], order=1, prefilter=False, output=np.float32) for band in padded]
    )


def _on_frame(p: GalaxyParameters, image: FloatArray, step_px: float, size_px: int) -> FloatArray:
    """Place the image on the frame: mirrored or not, turned by the catalogue's error in position angle."""
    angle = math.radians(p.position_angle_error_deg)
    flip = -1.0 if p.mirrored else 1.0
    matrix = np.array([[flip * math.cos(angle), -flip * math.sin(angle)], [math.sin(angle), math.cos(angle)]]) / step_px
    _, rows, columns = image.shape
    reach = step_px * (0.5 * rows * abs(math.cos(angle)) + 0.5 * columns * abs(math.sin(angle))) + 2.0
    first = max(int((size_px - 1) / 2.0 - reach), 0)
    used = slice(first, size_px - first)
    frame_middle = np.array([(size_px - 1) / 2.0 - first, (size_px - 1) / 2.0])
    offset = np.array([(rows - 1) / 2.0, (columns - 1) / 2.0]) - matrix @ frame_middle
    frames = np.zeros((3, size_px, size_px), F)
    for band in range(3):
        ndimage.affine_transform(
            image[band], matrix, offset, output=frames[band, used], order=1, mode="constant", prefilter=False
        )
    return frames
