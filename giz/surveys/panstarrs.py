"""Pan-STARRS 1 (3π stacks): the skycells that cover a field, and cutouts of them."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from giz.core.vocabulary import GREYS
from giz.imaging.grid import SkyGrid
from giz.surveys.client import FRAME_BYTES, WEEK_S, Client
from giz.surveys.survey import Exposure, SurveyError, check_is_fits

PIXEL_SCALE_ARCSEC = 0.25
LEAST_DECLINATION_DEG = -30.5
_COLUMNS = {"projcell", "subcell", "filter", "filename"}
_FILE_NAME = re.compile(r"/[\w./-]{1,200}\.fits", re.ASCII)
_CELL = re.compile(r"[0-9]{1,6}")


def zero_point_mag(seconds: float | None) -> float:
    """Return the AB magnitude of one unit of a stack: 25 for one count per second (Waters et al. 2020)."""
    if seconds is None or not 0.0 < seconds < 1e7:
        raise SurveyError("survey_bad_answer", "A Pan-STARRS stack came without a usable exposure time.")
    return 25.0 + 2.5 * math.log10(seconds)


class PanSTARRS:
    """Stacks in g, r, i. files_url : the image list service; cutout_url : the cutout service."""

    name = "panstarrs"

    def __init__(self, client: Client, files_url: str, cutout_url: str) -> None:
        self._client = client
        self._files_url = files_url
        self._cutout_url = cutout_url

    def exposures(self, grid: SkyGrid) -> Iterator[Exposure]:
        """Fetch one exposure per skycell that covers the centre or a corner of the field, the centre's first.

        None for a field whose cutout (four bytes per pixel) would be larger than allowed.
        """
        size_px = math.ceil(grid.field_arcsec * math.sqrt(2.0) / PIXEL_SCALE_ARCSEC) + 8
        if grid.dec_deg < LEAST_DECLINATION_DEG or 4 * size_px**2 > self._client.allowance.frame_bytes:
            return
        for skycell, names in self._skycells(grid).items():
            files = {band: self._cutout(grid, size_px, names[band]) for band in GREYS if band in names}
            yield Exposure(skycell, files, zero_point_mag)

    def _skycells(self, grid: SkyGrid) -> dict[str, dict[str, str]]:
        """Return file names by skycell and band, in the order in which the skycells were found."""
        cells: dict[str, dict[str, str]] = defaultdict(dict)
        for ra_deg, dec_deg in np.vstack([[[grid.ra_deg, grid.dec_deg]], grid.corners_deg()]):
            where: dict[str, str | int | float] = {"ra": f"{ra_deg:.6f}", "dec": f"{dec_deg:.6f}"}
            query = where | {"filters": "".join(GREYS), "type": "stack"}
            for row in self._client.parsed(self._files_url, query, _read_table):
                cells[f"{row['projcell']}.{row['subcell']}"].setdefault(row["filter"], row["filename"])
        return cells

    def _cutout(self, grid: SkyGrid, size_px: int, file_name: str) -> Any:
        parameters: dict[str, str | int | float] = {
            "ra": f"{grid.ra_deg:.6f}",
            "dec": f"{grid.dec_deg:.6f}",
            "size": size_px,
            "format": "fits",
            "red": file_name,
        }
        return self._client.get(
            self._cutout_url, parameters, check=check_is_fits, max_bytes=FRAME_BYTES, max_age_s=52 * WEEK_S
        )


def _read_table(text: str) -> list[dict[str, str]]:
    """Parse the image list: words separated by blanks, column names first. No rows if the survey has no data there."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines or not set(lines[0]) >= _COLUMNS:
        raise SurveyError("survey_bad_answer", "Pan-STARRS did not return the requested image list.")
    rows = [dict(zip(lines[0], words, strict=False)) for words in lines[1:]]
    for row in rows:
        if len(row) < len(lines[0]) or not _is_usable(row):
            raise SurveyError("survey_bad_answer", "The Pan-STARRS image list holds a row that can't be read.")
    return rows


def _is_usable(row: dict[str, str]) -> bool:
    has_cell = _CELL.fullmatch(row["projcell"]) and _CELL.fullmatch(row["subcell"])
    return bool(has_cell and row["filter"] in GREYS and _FILE_NAME.fullmatch(row["filename"]))
