"""What a survey is to the rest of the house: exposures of a field, a title for people, and one kind of error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from giz.imaging.grid import SkyGrid

TITLES = {
    "sdss": "SDSS",
    "panstarrs": "Pan-STARRS",
    "hips": "HiPS (Legacy Surveys, DSS2)",
    "hips-legacy": "DESI Legacy Surveys",
    "hips-dss2": "DSS2",
}
ZeroPoint = Callable[[float | None], float]
_MAGIC = (b"SIMPLE", b"BZh", b"\x1f\x8b")


class SurveyError(Exception):
    """A failed request: a stable code for programs, a sentence for people, and whether it may succeed later.

    Codes: ``url_not_allowed``, ``fetch_refused`` (by our rules); ``bad_name``, ``bad_place``, ``not_found``,
    ``not_covered`` (no data there); ``survey_bad_answer``, ``survey_down``, ``no_network`` (try again later);
    ``cache_unwritable``, ``cache_full`` (our disk); ``too_much_data`` (more than a visitor's request may fetch).
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail

    @property
    def is_retryable(self) -> bool:
        return self.code in ("survey_bad_answer", "survey_down", "no_network")


@dataclass(frozen=True)
class Exposure:
    """Files of one pointing (or skycell, or cutout) by band.

    ``zero_point`` returns the AB magnitude of one stored unit from the exposure time (seconds; None if a header has
    none), for surveys whose files do not state it otherwise.
    """

    name: str
    files: Mapping[str, Path]
    zero_point: ZeroPoint | None = None


class Survey(Protocol):
    """A survey that can be asked for the exposures of a field."""

    name: str

    def exposures(self, grid: SkyGrid) -> Iterator[Exposure]:
        """Fetch exposures one by one, the best first; callers may stop early. None if the survey has no data there."""
        ...


def survey_title(name: str) -> str:
    """Return the survey's title for people, or its name if it has none."""
    return TITLES.get(name, name)


def check_is_fits(path: Path) -> None:
    """Refuse an answer that is not a FITS file (e.g. an HTML page with status 200). Pixels are checked when read."""
    with path.open("rb") as file:
        if not file.read(6).startswith(_MAGIC):
            raise SurveyError("survey_bad_answer", "The survey sent something that is not a FITS file.")
