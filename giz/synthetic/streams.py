"""Random numbers: one independent stream for each named component of a galaxy.

A component draws from its own stream only, so the stars may be left out, or the image made at another size, and the
disk, the knots and the background stay the same.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, component: str) -> np.random.Generator:
    """Generator of `component` ("parameters", "knots", "stars", ...) for this seed.

    Raises
    ------
    ValueError
        If the seed is negative.
    """
    if seed < 0:
        raise ValueError(f"A seed must be a whole number >= 0; got {seed}.")
    key = int.from_bytes(hashlib.blake2s(component.encode(), digest_size=8).digest(), "big")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([int(seed), key])))
