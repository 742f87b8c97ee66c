"""What real pictures add to the error that a network states, by how a picture looks. Pure numpy.

A network's intervals are calibrated on pictures like those that it learned from. Colour pictures as viewers of surveys
publish them differ from these in what no statistic of synthetic pictures shows; people's labels of real galaxies show
how much (docs/decisions/0037-errors-on-real-pictures.md). The term is an error of its own, added in quadrature. It is
kept in the card inside the network's file, so that whoever asks that file gets the same intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.core.vocabulary import BANDS
from giz.training.nn.data import CHANNELS, COLOUR_INDEX, bin_of

CARD_NAME, FACTORS_NAME, COMMON_NAME = "real_error", "interval_factors", "sigma_common_deg"
# Standard deviations in the half widths of the intervals of 68 and 95 %.
SIGMAS = (0.9945, 1.9600)
RIM_SHARE = 0.05
# Light further from the middle than this (half sides; R25 is a half) is of other objects.
FAR = 0.75
# A picture that was enlarged from about 32 px has so little light in its finest octave, compared with the next one.
COARSE_BELOW = 0.42
# A larger share of the light outside of the middle says no more.
MOST_OUTSIDE = 0.2
# Light is what is brighter than the sky by so many times its scatter.
NOISE_SIGMAS = 3.0
KERNEL = np.array([1, 4, 6, 4, 1], np.float32) / 16

Floats = npt.NDArray[np.floating[Any]]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class RealError:
    """The term, degrees (one standard deviation) of pictures in colour alone; pictures with g, r or i have none.

    outside_deg : per share of the light that lies outside of the middle square, as of galaxies cut by the frame.
    coarse_deg : per what the finest octave lacks to COARSE_BELOW, as of small pictures that were enlarged.
    """

    outside_deg: float
    coarse_deg: float

    def __post_init__(self) -> None:
        if not (0.0 <= self.outside_deg < 1e3 and 0.0 <= self.coarse_deg < 1e3):
            raise ValueError(f"not an error in degrees: {self}")

    @classmethod
    def of(cls, card: Mapping[str, Any]) -> RealError | None:
        """Read the term from a network's card; None where it has none, as in files of earlier versions."""
        found = card.get(CARD_NAME)
        return None if found is None else cls(float(found["outside_deg"]), float(found["coarse_deg"]))

    def as_json(self) -> dict[str, float]:
        return asdict(self)

    def sigma_deg(self, pictures: Pixels, present: npt.NDArray[np.bool_]) -> Floats:
        """Return the term (n,) of pictures (n, 6, S, S) with these bands (n, 4)."""
        sigma = np.zeros(len(pictures))
        only_colour = np.flatnonzero(present[:, COLOUR_INDEX] & (present.sum(axis=1) == 1))
        if only_colour.size:
            outside, coarse = look_of(pictures[only_colour, CHANNELS[BANDS[COLOUR_INDEX]]])
            sigma[only_colour] = np.hypot(self.outside_deg * outside, self.coarse_deg * coarse)
        return sigma


# What the networks that GIZ trains on synthetic galaxies alone are given; measured by `make real-sky`.
MEASURED = RealError(outside_deg=97.0, coarse_deg=38.0)


def widened(half_widths_deg: Floats, sigma_deg: Floats) -> npt.NDArray[np.float32]:
    """Add an error (n,) in quadrature to half widths (n, 2); they never become narrower."""
    return np.asarray(np.hypot(half_widths_deg, np.outer(sigma_deg, SIGMAS)), np.float32)


def scaled(half_widths_deg: Floats, answer_deg: Floats, factors: Floats) -> npt.NDArray[np.float32]:
    """Return half widths (n, 2) of the 68 % ones by factors (9, 2), by the 5-degree bin of the answer (n,)."""
    return np.asarray(half_widths_deg[:, :1] * factors[bin_of(answer_deg)], np.float32)


def look_of(colour: Pixels) -> tuple[Floats, Floats]:
    """Measure colour pictures (n, 3, S, S).

    Returns
    -------
    outside : (n,) share of the light above sky and noise that lies outside of the middle square of half the side.
    coarse : (n,) how far light in the finest octave, in units of the next one's, lies below COARSE_BELOW; 0 for sharp
        pictures.
    """
    light = colour.mean(axis=1, dtype=np.float32)
    side = light.shape[-1]
    rim, quarter = max(1, round(RIM_SHARE * side)), side // 4
    edges = [light[:, :rim], light[:, -rim:], light[:, rim:-rim, :rim], light[:, rim:-rim, -rim:]]
    border = np.concatenate([edge.reshape(len(light), -1) for edge in edges], axis=1)
    sky = np.median(border, axis=1, keepdims=True)
    noise = 1.4826 * np.median(np.abs(border - sky), axis=1, keepdims=True)
    axis = (np.arange(side, dtype=np.float32) + 0.5) * (2.0 / side) - 1.0
    is_near = axis[:, None] ** 2 + axis**2 < FAR**2
    above = np.maximum(light - (sky + NOISE_SIGMAS * noise)[:, :, None], 0.0) * is_near
    inner = slice(quarter, side - quarter)
    total = above.sum(axis=(1, 2))
    outside = np.where(total > 0.0, 1.0 - above[:, inner, inner].sum(axis=(1, 2)) / np.maximum(total, 1e-6), 0.0)
    once = _smoothed(light[:, inner, inner], 1)
    twice = _smoothed(once, 2)
    fine = (light[:, inner, inner] - once).std(axis=(1, 2)) / np.maximum((once - twice).std(axis=(1, 2)), 1e-6)
    return np.clip(outside, 0.0, MOST_OUTSIDE), np.maximum(COARSE_BELOW - fine, 0.0)


def _smoothed(light: Floats, spacing: int) -> Floats:
    """Smooth (n, S, S) along both axes with a kernel whose taps lie `spacing` pixels apart (Starck & Murtagh 1994)."""
    for axis in (1, 2):
        reach = 2 * spacing
        padded = np.pad(light, [(reach, reach) if axis == number else (0, 0) for number in range(3)], mode="reflect")
        taps = (np.take(padded, range(n * spacing, n * spacing + light.shape[axis]), axis) for n in range(5))
        light = np.sum([weight * tap for weight, tap in zip(KERNEL, taps, strict=True)], axis=0)
    return light
