"""Which side of the split a galaxy stands on: a pure function of its number, so it never changes sides.

One hash of the galaxy's number gives five independent words: test or train, validation, and three sub-samples. Neither
the campaign, the size of the set nor the order of the galaxies plays a part.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

SPLIT_RULE = "giz-split-1"
TEST_SHARE = 0.10
VALIDATION_SHARE = 0.10
SUBSAMPLE_SHARE = 0.67
FLAVOURS = (1, 2, 3)

_WORDS = struct.Struct(">5Q")
_TEST_BELOW = int(TEST_SHARE * 2**64)
_VALIDATION_BELOW = int(VALIDATION_SHARE * 2**64)
_SUBSAMPLE_BELOW = int(SUBSAMPLE_SHARE * 2**64)


@dataclass(frozen=True, slots=True)
class Sides:
    """Where one galaxy belongs; a test galaxy is in no validation and in no sub-sample."""

    split: str
    is_validation: bool
    subsamples: tuple[bool, bool, bool]


def sides_of(pgc: int) -> Sides:
    """Return the sides of a galaxy: 10 % test; of the rest 10 % validation; of the rest 67 % in each sub-sample."""
    digest = hashlib.blake2b(f"{SPLIT_RULE}|{pgc}".encode(), digest_size=_WORDS.size).digest()
    test, validation, first, second, third = _WORDS.unpack(digest)
    if test < _TEST_BELOW:
        return Sides("test", False, (False, False, False))
    chosen = (first < _SUBSAMPLE_BELOW, second < _SUBSAMPLE_BELOW, third < _SUBSAMPLE_BELOW)
    return Sides("train", validation < _VALIDATION_BELOW, chosen)
