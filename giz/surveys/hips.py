"""Any HiPS (Hierarchical Progressive Survey) through the hips2fits service, which resamples onto our own grid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from giz.imaging.grid import SkyGrid
from giz.surveys.client import FRAME_BYTES, WEEK_S, Client
from giz.surveys.survey import Exposure, check_is_fits


@dataclass(frozen=True)
class HipsSurvey:
    """The HiPS that stand for g, r and i, by their identifiers."""

    name: str
    bands: Mapping[str, str]


# In the order in which they are tried. The plates of DSS2 cover the whole sky; their blue, red and near infrared stand
# in for g, r and i, and their densities are not calibrated flux.
SURVEYS = (
    HipsSurvey("legacy", {band: f"CDS/P/DESI-Legacy-Surveys/DR10/{band}" for band in "gri"}),
    HipsSurvey("dss2", {"g": "CDS/P/DSS2/blue", "r": "CDS/P/DSS2/red", "i": "CDS/P/DSS2/NIR"}),
)


class HiPS:
    """One survey of the service. `url` is the address of hips2fits."""

    def __init__(self, client: Client, url: str, survey: HipsSurvey) -> None:
        self.name = f"hips-{survey.name}"
        self._client = client
        self._url = url
        self._survey = survey

    def exposures(self, grid: SkyGrid) -> Iterator[Exposure]:
        """Fetch one exposure, resampled by the service onto the grid of the picture, and not again here."""
        wcs = {key: value for key, value in grid.wcs.to_header().items() if key != "COMMENT"}
        wcs |= {"NAXIS1": grid.side_px, "NAXIS2": grid.side_px}
        files = {}
        for band, identifier in self._survey.bands.items():
            parameters: dict[str, str | int | float] = {
                "hips": identifier,
                "wcs": json.dumps(wcs, sort_keys=True),
                "format": "fits",
            }
            files[band] = self._client.get(
                self._url, parameters, check=check_is_fits, max_bytes=FRAME_BYTES, max_age_s=52 * WEEK_S
            )
        yield Exposure(self._survey.name, files)
