"""Drift: do recent pictures and answers look like those that the network was measured on? Pure.

Distributions are compared by the population stability index: sum over bins of (p - q) ln(p / q), with p and q the
shares in each bin (the symmetrised relative entropy of Kullback & Leibler 1951). By convention, below 0.1 they are the
same and above 0.25 different.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

ALARM = 0.25
# Fewer pictures differ too much by chance: the expected PSI of chance alone is about (bins - 1) / pictures.
LEAST_PICTURES = 200
EMPTY_SHARE = 1e-3
EDGES: dict[str, npt.NDArray[np.float64]] = {
    "mean": np.linspace(0.0, 256.0, 17),
    "sigma": np.linspace(0.0, 128.0, 17),
    "inclination_deg": np.linspace(45.0, 90.0, 10),
    "rejection": np.linspace(0.0, 1.0, 11),
}
ANSWERS = ("inclination_deg", "rejection")
BAND_WORDS = {"g": "band g", "r": "band r", "i": "band i", "gri": "colour"}
WORDS = {
    "mean": "brightness",
    "sigma": "contrast",
    "inclination_deg": "predicted inclinations",
    "rejection": "predicted rejections",
}


@dataclass(frozen=True, slots=True)
class Shift:
    """How far one distribution has moved. name : e.g. "gri mean". psi : None for too few pictures."""

    name: str
    pictures: int
    psi: float | None

    @property
    def is_alarm(self) -> bool:
        return self.psi is not None and self.psi > ALARM

    @property
    def words(self) -> str:
        band, _, kind = self.name.rpartition(" ")
        return f"{WORDS[kind]} in {BAND_WORDS.get(band, band)}" if band else WORDS[kind]


def input_summary(pictures: Mapping[str, npt.NDArray[np.uint8]]) -> dict[str, dict[str, float]]:
    """Return mean and scatter of the pixels, 0 to 255, of a galaxy's pictures (S, S[, 3]) by band."""
    return {
        band: {"mean": round(float(pixels.mean()), 2), "sigma": round(float(pixels.std()), 2)}
        for band, pixels in pictures.items()
    }


def histograms(
    inputs: Iterable[Mapping[str, Mapping[str, float]]], answers: Mapping[str, npt.ArrayLike]
) -> dict[str, list[int]]:
    """Return counts in the bins of EDGES, as JSON.

    Parameters
    ----------
    inputs : `input_summary` of each galaxy.
    answers : any of "inclination_deg" and "rejection", (n,) each; missing answers are NaN or None.
    """
    values: dict[str, list[float]] = {}
    for summary in inputs:
        for band, figures in summary.items():
            for kind in ("mean", "sigma"):
                values.setdefault(f"{band} {kind}", []).append(float(figures[kind]))
    values |= {name: list(np.asarray(answers[name], float)) for name in ANSWERS if name in answers}
    return {name: _counts(name, found) for name, found in values.items()}


def shifts(reference: Mapping[str, Any], lately: Mapping[str, Any]) -> list[Shift]:
    """Compare each distribution that both have; the largest shift first."""
    found = [Shift(name, sum(lately[name]), psi(reference[name], lately[name])) for name in reference if name in lately]
    return sorted(found, key=lambda shift: -(shift.psi or 0.0))


def psi(reference: npt.ArrayLike, lately: npt.ArrayLike) -> float | None:
    """Return the population stability index of two lists of counts (bins,); None if one of them is too small."""
    then, now = np.asarray(reference, float), np.asarray(lately, float)
    if then.shape != now.shape or min(then.sum(), now.sum()) < LEAST_PICTURES:
        return None
    p, q = (np.maximum(counts / counts.sum(), EMPTY_SHARE) for counts in (now, then))
    return float(((p - q) * np.log(p / q)).sum())


def _counts(name: str, values: list[float]) -> list[int]:
    edges = EDGES[name.rpartition(" ")[2]]
    known = np.asarray(values, float)
    known = np.clip(known[np.isfinite(known)], edges[0], edges[-1])
    return [int(count) for count in np.histogram(known, edges)[0]]
