"""Colour pictures as viewers of surveys publish them: outskirts lifted, strong colours, a grey sky, JPEG.

The real pictures that networks were measured on (docs/decisions/0034-the-real-sky.md) differ from Lupton's colours in
all of this: their sky is grey and noisy where Lupton's is black, faint outskirts are bright, disks are blue.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from giz.synthetic.photometry import FloatArray
from giz.synthetic.streams import stream

# What makes the light of an average spiral grey, in g, r, i.
NEUTRAL_GAIN = (1.45, 1.0, 0.80)
MIDDLE_SHARE, MIDDLE_PERCENTILE = 0.2, 99.0


@dataclass(frozen=True, slots=True)
class Viewer:
    """How one viewer shows a frame.

    softening : of the asinh at most; less where the sky's noise would be more than `noise_level`.
    sky_level : of the empty sky in red, green and blue; noise_level : its scatter; bright : of the galaxy's middle; all
        of 255.
    saturation : of colours, 1 as they are. channel_gain : of g, r, i.
    sampled : pixels across the field before it is scaled. blur_px : Gaussian sigma on these.
    jpeg_quality : of the file.
    """

    softening: float
    sky_level: tuple[float, float, float]
    noise_level: float
    bright: float
    saturation: float
    channel_gain: tuple[float, float, float]
    sampled: int
    blur_px: float
    jpeg_quality: int


def draw_viewer(seed: int) -> Viewer:
    """Draw for one member (stream "viewer" of its seed)."""
    rng = stream(seed, "viewer")
    blueness = rng.normal(0.24, 0.12)
    red, green, blue = np.exp(np.array([-blueness, 0.0, blueness]) + rng.normal(0.0, 0.05, 3))
    gain_g, gain_r, gain_i = NEUTRAL_GAIN
    return Viewer(
        softening=math.exp(rng.uniform(math.log(12.0), math.log(150.0))),
        sky_level=_three(np.maximum(rng.uniform(4.0, 22.0) + rng.normal(0.0, 2.5, 3), 0.0)),
        noise_level=float(rng.uniform(1.0, 4.0)),
        bright=float(rng.uniform(95.0, 225.0)),
        saturation=float(rng.uniform(0.9, 1.8)),
        channel_gain=_three(np.array([gain_g * blue, gain_r * green, gain_i * red])),
        sampled=round(math.exp(rng.uniform(math.log(100.0), math.log(200.0)))),
        blur_px=float(rng.uniform(0.1, 0.6)),
        jpeg_quality=int(rng.integers(72, 97)),
    )


def viewer_rgb(frames: FloatArray, viewer: Viewer, size_px: int) -> npt.NDArray[np.uint8]:
    """Picture (size_px, size_px, 3) of g, r, i frames (3, n, n), sky level 0; NaN, no data, is black."""
    planes = np.stack([_sampled(frame, viewer) for frame in frames])
    no_data = ~np.isfinite(planes).all(axis=0)
    gains = np.array(viewer.channel_gain, np.float32)[:, None, None]
    planes = (np.where(no_data, 0.0, planes) * gains)[::-1]
    light = planes.mean(axis=0)
    side = light.shape[0]
    inner = slice(round(side * (0.5 - MIDDLE_SHARE / 2)), round(side * (0.5 + MIDDLE_SHARE / 2)))
    white = max(float(np.percentile(light[inner, inner], MIDDLE_PERCENTILE)), 1e-9)
    noise = 1.4826 * float(np.median(np.abs(light - np.median(light)))) / white
    sky = np.array(viewer.sky_level, np.float32)[:, None, None]
    span = viewer.bright - float(sky.mean())
    softenings = np.geomspace(0.5, viewer.softening, 40)
    softening = softenings[span * softenings / np.arcsinh(softenings) * noise <= viewer.noise_level]
    strength = float(softening[-1]) if softening.size else 0.5
    lifted = np.arcsinh(strength * light / white) / math.asinh(strength)
    # Colours are as strong as the light is above the noise: of an empty sky they would be confetti.
    certain = np.clip(light / (light + 3.0 * noise * white + 1e-12), 0.0, 1.0)
    colour = 1.0 + certain * viewer.saturation * (planes - light) / np.maximum(light, 1e-12)
    grain = span * (planes - light) / white * strength / math.asinh(strength) * (1.0 - certain)
    shown = sky + span * lifted * np.maximum(colour, 0.0) + grain
    shown[:, no_data] = 0.0
    picture = Image.fromarray(np.clip(np.rint(shown), 0, 255).astype(np.uint8).transpose(1, 2, 0))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=viewer.jpeg_quality)
    return np.array(Image.open(file).resize((size_px, size_px), Image.Resampling.LANCZOS))


def _three(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third


def _sampled(frame: FloatArray, viewer: Viewer) -> FloatArray:
    coarse = Image.fromarray(frame).resize((viewer.sampled, viewer.sampled), Image.Resampling.BOX)
    return ndimage.gaussian_filter(np.asarray(coarse), viewer.blur_px)
