"""Through the atmosphere and onto the detector: seeing, then noise as the survey has it."""

from __future__ import annotations

import math

import numpy as np
from scipy import fft, ndimage

from giz.synthetic.looks import SDSS, SurveyLook
from giz.synthetic.photometry import FloatArray, flux_nmgy
from giz.synthetic.sky import Sources, add_background_galaxies, add_points, add_spikes, draw_stars
from giz.synthetic.streams import stream

F = np.float32
MOFFAT_BETA = 3.0
# The detector is full at the centre of a star of about r = 14; the levels make its core white in colour.
SATURATION_NMGY_ARCSEC2 = (830.0, 1200.0, 1500.0)
# Bilinear interpolation leaves two thirds of the noise, the sharper kernels of surveys about nine tenths.
INTERPOLATION_GAIN = 1.35


def moffat_kernel(fwhm_px: float, beta: float, size_px: int) -> FloatArray:
    """Moffat PSF of unit sum, centred on pixel (0, 0) of a periodic square (Moffat 1969, A&A 3, 455)."""
    alpha = fwhm_px / (2.0 * math.sqrt(2.0 ** (1.0 / beta) - 1.0))
    distance = np.arange(size_px)
    squared = (np.minimum(distance, size_px - distance) ** 2).astype(F)
    kernel = (F(1.0) + (squared[:, None] + squared[None, :]) * F(1.0 / alpha**2)) ** F(-beta)
    kernel /= kernel.sum()
    return np.asarray(kernel, F)


def blur(frames: FloatArray, fwhm_px: float, look: SurveyLook = SDSS) -> FloatArray:
    """Frames convolved with the seeing (r-band `fwhm_px`; bluer light is blurred more)."""
    size_px = frames.shape[-1]
    padding = int(min(max(6.0 * fwhm_px, 12.0), 48.0))
    padded = fft.next_fast_len(size_px + padding, real=True)
    blurred = np.empty_like(frames)
    for band, ratio in enumerate(look.seeing_ratio):
        transfer = fft.rfft2(moffat_kernel(ratio * fwhm_px, MOFFAT_BETA, padded))
        transfer *= fft.rfft2(frames[band], s=(padded, padded))
        blurred[band] = fft.irfft2(transfer, s=(padded, padded))[:size_px, :size_px]
    return blurred


def sky_sigma_nmgy(scale_arcsec: float, offset_mag: float, look: SurveyLook = SDSS) -> FloatArray:
    """One sigma of the sky in g, r, i, nanomaggies per native pixel brought to this pixel's area."""
    return (flux_nmgy(np.array(look.sky_sigma_mag_arcsec2) + offset_mag) * scale_arcsec**2).astype(F)


def add_noise(
    frames: FloatArray, rng: np.random.Generator, scale_arcsec: float, offset_mag: float, look: SurveyLook = SDSS
) -> None:
    """Add sky and photon noise in place, drawn on the survey's own pixels.

    Images finer than the survey's pixels are interpolated from them, so their noise is blocky and correlated;
    coarser ones average it down.
    """
    size_px = frames.shape[-1]
    sigma = sky_sigma_nmgy(scale_arcsec, offset_mag, look)
    ratio = look.native_scale_arcsec / scale_arcsec
    for band in range(3):
        if ratio > 1.15:
            native_px = math.ceil(size_px / ratio) + 2
            native = rng.standard_normal((native_px, native_px), dtype=F)
            noise = ndimage.zoom(native, ratio, order=1)[:size_px, :size_px]
            noise *= F(INTERPOLATION_GAIN)
        else:
            noise = _turned_noise(rng, size_px)
            noise *= F(ratio)
        sky_nmgy = float(flux_nmgy(look.sky_mag_arcsec2[band])) * scale_arcsec**2
        growth = np.maximum(frames[band], F(0.0))
        growth *= F(1.0 / sky_nmgy)
        growth += F(1.0)
        np.sqrt(growth, out=growth)
        growth *= sigma[band]
        growth *= noise
        frames[band] += growth


def _turned_noise(rng: np.random.Generator, size_px: int) -> FloatArray:
    """Unit noise correlated between neighbours, as turning the frame by interpolation leaves it."""
    own, neighbour = 0.75, 0.25
    white = rng.standard_normal((size_px + 1, size_px + 1), dtype=F)
    rows = white[1:] * F(own) + white[:-1] * F(neighbour)
    noise = rows[:, 1:] * F(own) + rows[:, :-1] * F(neighbour)
    noise *= F(1.0 / (own**2 + neighbour**2))
    return np.asarray(noise, F)


def observe(
    noise_free: FloatArray,
    seed: int,
    *,
    scale_arcsec: float,
    seeing_arcsec: float,
    noise_offset_mag: float,
    field_arcmin: float,
    clean: bool,
    extra_star: Sources | None = None,
    look: SurveyLook = SDSS,
) -> FloatArray:
    """Frames as a survey would deliver them: sources of the field, seeing, spikes, noise; sky level 0.

    Streams "stars", "background", "spikes" and "sensor noise" of the seed are used; `clean` leaves out everything
    but the galaxy, its seeing and the noise. `extra_star` is added even then. `field_arcmin` is the side of the
    field that sets how many stars and background galaxies there are.
    """
    frames = noise_free.copy()
    spike_angle = float(stream(seed, "spikes").uniform(0.0, math.pi))
    spiked = [] if extra_star is None else [extra_star]
    if extra_star is not None:
        add_points(frames, extra_star)
    if not clean:
        stars = draw_stars(stream(seed, "stars"), field_arcmin)
        add_points(frames, stars)
        add_background_galaxies(frames, stream(seed, "background"), scale_arcsec, field_arcmin)
        spiked.append(stars)
    frames = blur(frames, seeing_arcsec / scale_arcsec, look)
    sky_sigma = sky_sigma_nmgy(scale_arcsec, noise_offset_mag, look)
    for sources in spiked:
        add_spikes(frames, sources, spike_angle, scale_arcsec, sky_sigma)
    for frame, full in zip(frames, SATURATION_NMGY_ARCSEC2, strict=True):
        np.minimum(frame, F(full * scale_arcsec**2), out=frame)
    add_noise(frames, stream(seed, "sensor noise"), scale_arcsec, noise_offset_mag, look)
    return frames
