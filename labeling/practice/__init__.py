"""Practice galaxies: synthetic spirals of known inclination that come with GIZ, and which five somebody gets.

They are no galaxies of the catalogue, so they can't be in a campaign, a standard set or a label set.
``python -m tests.lab.practice_galaxies`` makes the pictures and ``galaxies.json``.
"""

import json
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from giz.imaging.sizes import display_path

FOLDER = Path(__file__).parent
GALAXIES_FILE = FOLDER / "galaxies.json"
PICTURES = FOLDER / "pictures"
SIZE_PX = 256
# The address of a picture for browsers.
PICTURE_PATH = "/media/practice/{stem}-{size}.webp"
LOWEST_DEG, HIGHEST_DEG = 46.0, 89.0
# Whoever says face-on says less than this.
FACE_ON_DEG = 45.0
# A round has one galaxy of each group of similar inclination.
GROUPS = 5


@dataclass(frozen=True, slots=True)
class PracticeGalaxy:
    """A practice galaxy; ``images`` maps bands to stems."""

    inclination_deg: float
    images: dict[str, str]


@cache
def practice_galaxies() -> tuple[PracticeGalaxy, ...]:
    """Return all practice galaxies; their position here is their number."""
    return tuple(PracticeGalaxy(**entry) for entry in json.loads(GALAXIES_FILE.read_text(encoding="utf-8")))


@cache
def _groups() -> tuple[tuple[int, ...], ...]:
    """Return the numbers of the galaxies in groups of similar inclination, the most face-on first."""
    galaxies = practice_galaxies()
    ordered = sorted(range(len(galaxies)), key=lambda number: galaxies[number].inclination_deg)
    size = len(ordered) // GROUPS
    return tuple(tuple(ordered[start : start + size]) for start in range(0, size * GROUPS, size))


def practice_round(
    rng: random.Random, seen: Collection[int] = (), errors: Mapping[int, float] | None = None
) -> list[int]:
    """Return five galaxies in random order, if possible none of those seen already.

    There is one of each group, but where ``errors`` has the errors of a round before, the group with the largest gets
    two, and that with the smallest none.
    """
    groups = list(_groups())
    if errors:
        by_error = sorted(errors, key=lambda number: errors[number])
        best, worst = (next(group for group in groups if number in group) for number in (by_error[0], by_error[-1]))
        groups[groups.index(best)] = worst
    found: list[int] = []
    for group in groups:
        left = [number for number in group if number not in found]
        found.append(rng.choice([number for number in left if number not in seen] or left))
    rng.shuffle(found)
    return found


def daily_round(day: date) -> list[int]:
    """Return the five galaxies of a day: the same for everybody, and each galaxy once before any comes again."""
    cycle, place = divmod(day.toordinal(), len(_groups()[0]))
    found = []
    for index, group in enumerate(_groups()):
        numbers = list(group)
        random.Random(f"daily|{cycle}|{index}").shuffle(numbers)
        found.append(numbers[place])
    random.Random(f"daily|{day.isoformat()}").shuffle(found)
    return found


def picture_read(stem: str, size_px: int) -> bytes:
    """Return a picture of a practice galaxy; raises FileNotFoundError if there is none."""
    return display_path(PICTURES, stem, size_px).read_bytes()
