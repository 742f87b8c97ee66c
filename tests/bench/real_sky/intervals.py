"""The term that real pictures add to stated errors: fitted on one half of the galaxies, tested on the other.

A galaxy's half follows from its number. The term of colour pictures (`giz/training/nn/real_error.py`) has two factors:
one for light outside of the middle, fitted on the pictures as they are, then one for coarse pictures, fitted on copies
that were made as small as 24 px first. A factor is the least with which the intervals of 68 and 95 % hold, on average
of the two, as many of people's labels as they should.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from giz.training.nn.metrics import LEVELS, coverage
from giz.training.nn.real_error import MEASURED, SIGMAS, RealError, look_of, widened
from tests.bench.real_sky.figures import PERSON_SCATTER_DEG, Floats, Mask, ask, measured
from tests.bench.real_sky.sky import Pixels, RealPicture

COARSE_SIZES_PX = (32, 24)
BISECTIONS, MOST_DEG = 40, 500.0
HALVES = 2


class Stated:
    """Errors of the measured galaxies, what the network itself states of them, and how their pictures look."""

    def __init__(self, rows: list[RealPicture], pixels: Pixels, options: argparse.Namespace) -> None:
        of = measured(rows, ask(options.model, pixels, as_stated=True))
        self.error_deg, self.half_widths_deg = of.error_deg, of.half_widths_deg
        self.is_cut = of.where(lambda row: row.is_cut)
        self.half = np.array([half_of(row.pgc) for row in of.rows])
        self.outside, self.coarse = look_of(pixels[[row.is_measured for row in rows]].transpose(0, 3, 1, 2))
        self.label_deg = PERSON_SCATTER_DEG / np.sqrt(options.volunteers)

    def held(self, sigma_deg: Floats, chosen: Mask) -> list[float]:
        """Return the shares of people's labels in the intervals that are wider by an error (n,)."""
        both = widened(self.half_widths_deg, np.hypot(sigma_deg, self.label_deg))[chosen]
        return [coverage(self.error_deg[chosen], both[:, level]) for level in range(len(SIGMAS))]

    def fitted(self, per_unit: Floats, chosen: Mask, besides_deg: Floats | float = 0.0) -> float:
        """Return the least factor of `per_unit` (n,) with which the intervals of `chosen` hold what they should."""
        low, high = 0.0, MOST_DEG
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            held = sum(self.held(np.hypot(middle * per_unit, besides_deg), chosen))
            low, high = (middle, high) if held < sum(LEVELS) else (low, middle)
        return high

    def sigma_deg(self, term: RealError) -> Floats:
        return np.hypot(term.outside_deg * self.outside, term.coarse_deg * self.coarse)


def half_of(pgc: int) -> int:
    """The same half for a galaxy in every run; independent of its fold."""
    return hashlib.sha256(f"half|{pgc}".encode()).digest()[0] % HALVES


def term_of(sharp: Stated, small: list[Stated], half: int | None) -> RealError:
    """Fit the term on one half of the galaxies, or on all."""

    def chosen(one: Stated) -> Mask:
        return np.ones(one.half.shape, bool) if half is None else one.half == half

    outside_deg = sharp.fitted(sharp.outside, chosen(sharp))
    coarse = small[-1]
    return RealError(outside_deg, coarse.fitted(coarse.coarse, chosen(coarse), outside_deg * coarse.outside))


def term_lines(rows: list[RealPicture], pixels: Pixels, options: argparse.Namespace) -> Iterator[str]:
    sharp = Stated(rows, pixels, options)
    small = [Stated(rows, made_small(pixels, size_px), options) for size_px in COARSE_SIZES_PX]
    yield "the term for real pictures: fitted on one half of the galaxies, tested on the other"
    for half in range(HALVES):
        term = term_of(sharp, small, half)
        yield f"  fitted on half {half}: {_words(term)}"
        yield from _held_lines(sharp, small, term, 1 - half)
    yield f"  fitted on all: {_words(term_of(sharp, small, None))}"
    yield f"  in this code: {_words(MEASURED)}"
    yield from _held_lines(sharp, small, MEASURED, None)
    yield "  without it:"
    yield from _held_lines(sharp, small, RealError(0.0, 0.0), None)


def made_small(pixels: Pixels, size_px: int) -> Pixels:
    """Return the pictures as they come where a picture of this side was given."""
    side, filtered = pixels.shape[1], Image.Resampling.LANCZOS
    small = (Image.fromarray(one).resize((size_px, size_px), filtered, reducing_gap=3.0) for one in pixels)
    return np.stack([np.asarray(one.resize((side, side), filtered)) for one in small])


def _words(term: RealError) -> str:
    return f"outside {term.outside_deg:.1f}°, coarse {term.coarse_deg:.1f}°"


def _held_lines(sharp: Stated, small: list[Stated], term: RealError, half: int | None) -> Iterator[str]:
    names = ["as they are", *(f"made small, {size_px} px" for size_px in COARSE_SIZES_PX)]
    for name, one in zip(names, [sharp, *small], strict=True):
        mine, sigma = (True if half is None else one.half == half), one.sigma_deg(term)
        parts = []
        for words, chosen in (("whole", ~one.is_cut & mine), ("cut", one.is_cut & mine)):
            shares = [f"{share:.1%}" for share in one.held(sigma, chosen)]
            parts.append(f"{words} {' and '.join(shares)} of {chosen.sum()} (± {sigma[chosen].mean():.1f}°)")
        yield f"    {name}: {', '.join(parts)}"
