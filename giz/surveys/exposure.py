"""What a survey gives for a field: exposures, each a file a band."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from giz.imaging.fits import ZeroPoint
from giz.imaging.grid import SkyGrid
from giz.surveys.errors import SurveyError

BANDS = ("g", "r", "i")
_MAGIC = (b"SIMPLE", b"BZh", b"\x1f\x8b")


@dataclass(frozen=True)
class Exposure:
    """Files of one pointing (or skycell, or cutout) by band. `zero_point` gives the AB zero point from a header."""

    name: str
    files: Mapping[str, Path]
    zero_point: ZeroPoint | None = None


class Survey(Protocol):
    """A survey that can be asked for the exposures of a field; the best come first, nobody need take all."""

    name: str

    def exposures(self, grid: SkyGrid) -> Iterator[Exposure]:
        """Fetch exposures one after the other; none at all means that the survey has not seen the field."""
        ...


def check_is_fits(path: Path) -> None:
    """Refuse an answer that is no FITS file (an HTML page with status 200, say). The pixels are checked when read."""
    with path.open("rb") as file:
        if not file.read(6).startswith(_MAGIC):
            raise SurveyError("survey_bad_answer", "The survey sent something that is no FITS file.")
