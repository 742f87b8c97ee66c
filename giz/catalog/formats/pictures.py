"""Names of picture files in the field: which galaxy, which band, which variant."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from giz.catalog.formats.numbers import FIRST_SYNTHETIC_PGC, is_synthetic_number
from giz.core.vocabulary import COLOUR_FIRST

_DISPLAY = re.compile(r"pgc0*(\d{1,15})_d25x2_rot_(gri|g|r|i)(\.sdss)?\.(png|jpe?g)", re.IGNORECASE | re.ASCII)
_TRAINING = re.compile(r"pgc\d+_(\d+)x\1_(\d+|F)\.(gri|g|r|i)\.jpe?g", re.IGNORECASE | re.ASCII)
PATTERN = "pgc<number>_d25x2_rot_<gri|g|r|i>.png or .jpg"


@dataclass(frozen=True, order=True)
class PictureName:
    """The galaxy and band that a file's name gives. Sorts by preference: the plain file before the survey's own."""

    is_survey_copy: bool
    path: str
    pgc: int
    band: str

    @property
    def origin(self) -> str:
        return "sdss" if self.is_survey_copy else "file"


@dataclass(frozen=True)
class PictureGroup:
    """The files that could serve as the picture of one galaxy in one band, the preferred one first."""

    pgc: int
    band: str
    candidates: tuple[PictureName, ...]


def read_picture_name(path: str) -> PictureName | str:
    """Return the galaxy and band of a file's name, or a sentence why the file can't be used."""
    name = PurePath(path).name
    found = _DISPLAY.fullmatch(name)
    if found:
        pgc = int(found[1])
        if pgc == 0:
            return "PGC numbers begin with 1"
        if is_synthetic_number(pgc):
            return f"PGC numbers from {FIRST_SYNTHETIC_PGC} are kept for synthetic galaxies"
        return PictureName(bool(found[3]), path, pgc, found[2].lower())
    if _TRAINING.fullmatch(name):
        return "a training copy (small, its label in its name); import the display picture instead"
    return f"the name is not understood; expected {PATTERN}"


def group_pictures(paths: Iterable[str]) -> tuple[list[PictureGroup], list[tuple[str, str]]]:
    """Group files by galaxy and band; also return the unusable files, each with the reason.

    A plain ``…_gri.jpg`` is preferred to ``…_gri.sdss.jpg``: if both exist, the plain one is what the original showed,
    and may have been replaced by hand by a better picture; the survey's copy is used if the plain one is damaged.
    """
    groups: dict[tuple[int, str], list[PictureName]] = {}
    unusable: list[tuple[str, str]] = []
    for path in sorted(paths):
        name = read_picture_name(path)
        if isinstance(name, str):
            unusable.append((path, name))
        else:
            groups.setdefault((name.pgc, name.band), []).append(name)
    made = [PictureGroup(pgc, band, tuple(sorted(names))) for (pgc, band), names in groups.items()]
    made.sort(key=lambda group: (group.pgc, COLOUR_FIRST.index(group.band)))
    return made, unusable
