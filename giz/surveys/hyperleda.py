"""HyperLEDA: position, size and shape of a galaxy by its PGC number (Makarov et al. 2014, A&A 570, A13)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from giz.surveys.client import WEEK_S, Client
from giz.surveys.survey import SurveyError

COLUMNS = ("pgc", "objname", "al2000", "de2000", "type", "t", "logd25", "logr25", "pa")
# logd25 is the decimal logarithm of D25 in tenths of an arcminute.
ARCSEC_PER_TENTH_ARCMIN = 6.0
HOURS_TO_DEG = 15.0
MAX_NUMBERS = 100
# PGC numbers have eight digits at most.
MOST_PGC = 99_999_999


@dataclass(frozen=True)
class GalaxyFacts:
    """A galaxy's data in the catalogue; None where it has none.

    Position in degrees (J2000), D25 in arcsec, axial ratio b/a at the same isophote, position angle in degrees from
    north through east, morphological type as text and as de Vaucouleurs' number.
    """

    pgc: int
    name: str
    ra_deg: float
    dec_deg: float
    d25_arcsec: float | None
    axial_ratio: float | None
    position_angle_deg: float | None
    morphological_type: str
    type_code: float | None


class HyperLEDA:
    """The catalogue's query service; `url` is the address of ``fG.cgi``."""

    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url

    def galaxies(self, numbers: list[int]) -> dict[int, GalaxyFacts]:
        """Return data by PGC number, without numbers that the catalogue does not know.

        Raises
        ------
        SurveyError
            ``survey_bad_answer`` for an answer that is not the table asked for; the client's.
        """
        found: dict[int, GalaxyFacts] = {}
        wanted = sorted({int(number) for number in numbers})
        for start in range(0, len(wanted), MAX_NUMBERS):
            found |= self._some(wanted[start : start + MAX_NUMBERS])
        return found

    def _some(self, numbers: list[int]) -> dict[int, GalaxyFacts]:
        return self._client.parsed(
            self._url,
            _query(f"pgc in ({','.join(map(str, numbers))})"),
            lambda text: {facts.pgc: facts for facts in _read(text) if facts.pgc in numbers},
            is_whole=lambda found: len(found) == len(numbers),
            max_age_s=4 * WEEK_S,
        )

    def around(self, ra_deg: float, dec_deg: float, radius_arcsec: float) -> list[GalaxyFacts]:
        """Return galaxies within `radius_arcsec` of a position (degrees, J2000), the nearest first.

        Raises
        ------
        SurveyError
            As `galaxies`.
        """
        radius_deg = radius_arcsec / 3600.0
        # A box around the circle; near the poles and across 0 h of right ascension, all hours.
        wide_deg = radius_deg / max(math.cos(math.radians(min(90.0, abs(dec_deg) + radius_deg))), 1e-6)
        low, high = ra_deg - wide_deg, ra_deg + wide_deg
        hours = f"al2000 between {low / 15:.7f} and {high / 15:.7f} and " if low >= 0 and high < 360 else ""
        condition = f"{hours}de2000 between {dec_deg - radius_deg:.6f} and {dec_deg + radius_deg:.6f}"
        in_box = self._client.parsed(self._url, _query(condition), _read, max_age_s=4 * WEEK_S)
        near = [(_away_arcsec(facts, ra_deg, dec_deg), facts) for facts in in_box]
        return [facts for away, facts in sorted(near, key=lambda pair: pair[0]) if away <= radius_arcsec]


def _away_arcsec(facts: GalaxyFacts, ra_deg: float, dec_deg: float) -> float:
    """Return the distance by the haversine formula, which is also exact for small angles."""
    dec, other = math.radians(dec_deg), math.radians(facts.dec_deg)
    across = math.sin(math.radians(facts.ra_deg - ra_deg) / 2) ** 2 * math.cos(dec) * math.cos(other)
    share = math.sin((other - dec) / 2) ** 2 + across
    return math.degrees(2 * math.asin(math.sqrt(min(1.0, share)))) * 3600.0


def _query(condition: str) -> dict[str, str | int | float]:
    return {
        "n": "meandata",
        "c": "o",
        "of": "1,leda,simbad",
        "nra": "l",
        "nakd": 1,
        "d": ",".join(COLUMNS),
        "sql": condition,
        "ob": "",
        "a": "csv[|]",
    }


def _read(text: str) -> list[GalaxyFacts]:
    """Parse the table: notes begin with ``#``, then column names, then rows, with blanks for missing values."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return []
    delimiter = max("|\t,", key=lines[0].count)
    names = [name.strip().strip('"$').lower() for name in lines[0].split(delimiter)]
    if not set(COLUMNS) <= set(names):
        raise SurveyError("survey_bad_answer", "HyperLEDA did not return the requested table.")
    facts = []
    for line in lines[1:]:
        cells = [cell.strip().strip('"') for cell in line.split(delimiter)]
        if len(cells) < len(names):
            raise SurveyError("survey_bad_answer", "HyperLEDA's table is cut off.")
        facts.append(_facts(dict(zip(names, cells, strict=False))))
    return facts


def _facts(row: dict[str, str]) -> GalaxyFacts:
    pgc, hours, dec_deg = _number(row["pgc"]), _number(row["al2000"]), _number(row["de2000"])
    if pgc is None or hours is None or dec_deg is None or not (0 <= hours < 24 and -90 <= dec_deg <= 90):
        raise SurveyError("survey_bad_answer", "HyperLEDA's table holds a row without number or position.")
    if not 1 <= pgc <= MOST_PGC:
        raise SurveyError("survey_bad_answer", "HyperLEDA's table contains a number that is not a galaxy's.")
    log_d25, log_ratio, angle = _number(row["logd25"]), _number(row["logr25"]), _number(row["pa"])
    return GalaxyFacts(
        pgc=int(pgc),
        name=_printable(row["objname"])[:80],
        ra_deg=hours * HOURS_TO_DEG,
        dec_deg=dec_deg,
        d25_arcsec=ARCSEC_PER_TENTH_ARCMIN * 10.0**log_d25 if log_d25 is not None and -2 < log_d25 < 4 else None,
        axial_ratio=10.0**-log_ratio if log_ratio is not None and 0 <= log_ratio < 2 else None,
        position_angle_deg=angle if angle is not None and 0 <= angle <= 180 else None,
        morphological_type=_printable(row["type"])[:40],
        type_code=_number(row["t"]),
    )


def _printable(text: str) -> str:
    """Return the text without control characters, which databases refuse (NUL) and terminals obey."""
    return "".join(character for character in text if character.isprintable())


def _number(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise SurveyError("survey_bad_answer", "HyperLEDA's table contains a value that is not a number.") from None
    return value if math.isfinite(value) else None
