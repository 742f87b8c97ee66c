"""Sloan Digital Sky Survey: the calibrated frames that cover a field."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from giz.core.vocabulary import GREYS
from giz.imaging.decoder import picture_decode
from giz.imaging.errors import UnusableFileError
from giz.imaging.grid import SkyGrid
from giz.surveys.client import FRAME_BYTES, Client
from giz.surveys.survey import Exposure, SurveyError, check_is_fits

FRAME_ROWS, FRAME_COLUMNS = 1489, 2048
FRAME_RADIUS_DEG = 0.2
MAX_CANDIDATES, MAX_FRAMES = 400, 40
# The SkyServer makes no larger pictures.
MAX_PICTURE_PX, PICTURE_BYTES = 2048, 20_000_000
# Positions in the field that a plan must cover; in the end the pixels decide.
PROBES = 15
# Larger than any run number or angle in degrees.
MOST_VALUE = 1e6
_COLUMNS = ("run", "rerun", "camcol", "field", "score", "a", "b", "c", "d", "e", "f", "node", "incl")


@dataclass(frozen=True)
class _Candidate:
    """A frame of the archive: its name, its quality (0 to 1), and how its pixels map to great-circle coordinates."""

    run: int
    rerun: int
    camcol: int
    field: int
    score: float
    mu: tuple[float, float, float]
    nu: tuple[float, float, float]
    node_deg: float
    inclination_deg: float

    def sees(self, sky_deg: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Return which positions (n, 2), degrees, lie on the frame (n,); row and column are linear in (mu, nu)."""
        mu, nu = _great_circle(sky_deg, self.node_deg, self.inclination_deg)
        matrix = np.array([[self.mu[1], self.mu[2]], [self.nu[1], self.nu[2]]])
        if abs(np.linalg.det(matrix)) < 1e-14:
            return np.zeros(len(sky_deg), bool)
        along = (mu - self.mu[0] + 180.0) % 360.0 - 180.0
        row, column = np.linalg.inv(matrix) @ np.stack([along, nu - self.nu[0]])
        return np.asarray((row > 1) & (row < FRAME_ROWS - 2) & (column > 1) & (column < FRAME_COLUMNS - 2))


class SDSS:
    """Frames of the last imaging release (DR17 holds the same ones as DR13), in nanomaggies, sky subtracted.

    sql_url : the SkyServer's SQL search; frames_url : the archive's folder that holds ``<rerun>/<run>/<camcol>/``;
    picture_url : the SkyServer's cutouts of its own colour pictures.
    """

    name = "sdss"

    def __init__(self, client: Client, sql_url: str, frames_url: str, picture_url: str) -> None:
        self._client = client
        self._picture_url = picture_url
        self._sql_url = sql_url
        self._frames_url = frames_url.rstrip("/")

    def exposures(self, grid: SkyGrid) -> Iterator[Exposure]:
        """Fetch frames that cover the field, the most useful first: good ones that add most coverage."""
        for chosen in _plan(self._candidates(grid), _probes(grid))[:MAX_FRAMES]:
            yield self._fetch(chosen)

    def quick_look(self, grid: SkyGrid) -> tuple[Path, float]:
        """Fetch the survey's own colour picture of the field (JPEG, north up, east left); also its arcsec per pixel."""
        side_px = min(math.ceil(grid.side_px * math.sqrt(2.0)), MAX_PICTURE_PX)
        scale_arcsec = grid.field_arcsec * math.sqrt(2.0) / side_px
        where: dict[str, str | int | float] = {"ra": f"{grid.ra_deg:.6f}", "dec": f"{grid.dec_deg:.6f}"}
        size: dict[str, str | int | float] = {"scale": f"{scale_arcsec:.6f}", "width": side_px, "height": side_px}
        path = self._client.get(self._picture_url, where | size, check=_check_is_picture, max_bytes=PICTURE_BYTES)
        return path, scale_arcsec

    def _candidates(self, grid: SkyGrid) -> list[_Candidate]:
        reach_deg = grid.field_arcsec / 3600.0 * math.sqrt(0.5) + FRAME_RADIUS_DEG
        query: dict[str, str | int | float] = {"cmd": candidates_sql(grid, reach_deg), "format": "csv"}
        return self._client.parsed(self._sql_url, query, _read_candidates)

    def _fetch(self, frame: _Candidate) -> Exposure:
        files = {}
        for band in GREYS:
            file_name = f"frame-{band}-{frame.run:06d}-{frame.camcol}-{frame.field:04d}.fits.bz2"
            url = f"{self._frames_url}/{frame.rerun}/{frame.run}/{frame.camcol}/{file_name}"
            files[band] = self._client.get(url, check=check_is_fits, max_bytes=FRAME_BYTES)
        return Exposure(f"{frame.run:06d}-{frame.camcol}-{frame.field:04d}", files)


def _check_is_picture(path: Path) -> None:
    try:
        picture_decode(path.read_bytes(), "colour")
    except UnusableFileError as error:
        raise SurveyError("survey_bad_answer", f"The SkyServer sent no usable picture. {error.detail}") from None


def candidates_sql(grid: SkyGrid, reach_deg: float) -> str:
    """Return the SQL query for frames within `reach_deg` of the field's centre (it contains numbers only, no text)."""
    x, y, z = _unit_vector(grid.ra_deg, grid.dec_deg)
    near = f"f.cx * {x:.9f} + f.cy * {y:.9f} + f.cz * {z:.9f} > {math.cos(math.radians(reach_deg)):.9f}"
    parts = (
        f"SELECT TOP {MAX_CANDIDATES} f.run, f.rerun, f.camcol, f.field, q.score,",
        "f.a, f.b, f.c, f.d, f.e, f.f, f.node, f.incl",
        "FROM Frame AS f JOIN Field AS q ON q.fieldID = f.fieldID",
        f"WHERE f.zoom = 0 AND {near}",
        "ORDER BY q.score DESC, f.run, f.camcol, f.field",
    )
    return " ".join(parts)


def _read_candidates(text: str) -> list[_Candidate]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rows = csv.DictReader(lines)
    try:
        if [name.strip().lower() for name in rows.fieldnames or ()] != list(_COLUMNS):
            raise SurveyError("survey_bad_answer", "The SkyServer did not return the requested table.")
        return [_candidate({key.strip().lower(): float(value) for key, value in row.items()}) for row in rows]
    except (csv.Error, TypeError, ValueError, AttributeError):
        raise SurveyError("survey_bad_answer", "The SkyServer's table holds a row that can't be read.") from None


def _candidate(row: dict[str, float]) -> _Candidate:
    if not all(abs(value) < MOST_VALUE for value in row.values()):  # NaN, too
        raise ValueError
    return _Candidate(
        run=int(row["run"]),
        rerun=int(row["rerun"]),
        camcol=int(row["camcol"]),
        field=int(row["field"]),
        score=min(max(row["score"], 0.0), 1.0),
        mu=(row["a"], row["b"], row["c"]),
        nu=(row["d"], row["e"], row["f"]),
        node_deg=row["node"],
        inclination_deg=row["incl"],
    )


def _plan(candidates: list[_Candidate], probes: npt.NDArray[np.float64]) -> list[_Candidate]:
    """Choose few good frames that cover every probe (n, 2) that any frame covers, greedily."""
    seen_by = [(candidate, candidate.sees(probes)) for candidate in candidates]
    open_probes = np.ones(len(probes), bool)
    plan: list[_Candidate] = []
    while open_probes.any() and seen_by:
        gains = [(open_probes & seen).sum() * (0.3 + 0.7 * candidate.score) for candidate, seen in seen_by]
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            break
        candidate, seen = seen_by.pop(best)
        plan.append(candidate)
        open_probes &= ~seen
    return plan


def _probes(grid: SkyGrid) -> npt.NDArray[np.float64]:
    along = np.linspace(-0.5, grid.side_px - 0.5, PROBES)
    x, y = np.meshgrid(along, along)
    return np.asarray(grid.wcs.wcs_pix2world(np.stack([x.ravel(), y.ravel()], axis=1), 0))


def _unit_vector(ra_deg: float, dec_deg: float) -> tuple[float, float, float]:
    ra, dec = math.radians(ra_deg), math.radians(dec_deg)
    return math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)


def _great_circle(
    sky_deg: npt.NDArray[np.float64], node_deg: float, inclination_deg: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return SDSS great-circle coordinates (mu, nu) of positions (n, 2), degrees (Stoughton et al. 2002, sec. 3.2)."""
    ra, dec = np.radians(sky_deg[:, 0] - node_deg), np.radians(sky_deg[:, 1])
    tilt = math.radians(inclination_deg)
    x = np.cos(ra) * np.cos(dec)
    y = np.sin(ra) * np.cos(dec) * math.cos(tilt) + np.sin(dec) * math.sin(tilt)
    z = -np.sin(ra) * np.cos(dec) * math.sin(tilt) + np.sin(dec) * math.cos(tilt)
    return np.degrees(np.arctan2(y, x)) + node_deg, np.degrees(np.arcsin(np.clip(z, -1.0, 1.0)))
