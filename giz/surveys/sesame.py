"""Names of galaxies and positions as text: checked, parsed, and resolved by CDS Sesame (SIMBAD, NED, VizieR)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote
from xml.parsers import expat

from giz.surveys.client import WEEK_S, Client
from giz.surveys.survey import SurveyError

# A name without a PGC number means the galaxy nearest to its position within this distance: catalogues agree on centres
# to a few arcsec, and companions are further away.
NAMED_WITHIN_ARCSEC = 10.0
_PGC_ALIAS = re.compile(r"(?:LEDA|PGC)\s+0*([1-9]\d{0,7})", re.ASCII)
# By the first letter of their entries: "S=Simbad (via url)".
_RESOLVERS = {"S": "SIMBAD", "N": "NED", "V": "VizieR"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 +\-.\[\]():'*_/]{0,79}")
# Blanks and minus signs outside ASCII, as in pasted text.
_PASTED = str.maketrans({"\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2212": "-", "\u2013": "-"})
_NUMBER = re.compile(r"(?<![\d.])[+-]?(?:\d+\.?\d*|\.\d+)")
_COORDINATES = re.compile(r"[\d.+\-][\d\s.+\-:,;hmsdHMSD°'\"′″]+")
_LABELS = re.compile(r"\b(?:ra|dec|de|α|δ)\b\s*[=:]?", re.IGNORECASE)


@dataclass(frozen=True)
class Resolved:
    """A resolved name. Degrees, ICRS; `resolver` gave the position, `pgc` is from SIMBAD's list of names."""

    name: str
    ra_deg: float
    dec_deg: float
    resolver: str
    pgc: int | None = None


def checked_name(name: str) -> str:
    """Return the name with single blanks.

    Raises
    ------
    SurveyError
        ``bad_name`` for an empty name, more than 80 characters, or characters that no catalogue uses.
    """
    plain = " ".join(word for word in name.translate(_PASTED).split(" ") if word)
    if not _NAME.fullmatch(plain) or "//" in plain:
        raise SurveyError(
            "bad_name",
            f"{plain[:40]!r} is not the name of a galaxy: a name starts with a letter or digit, and contains only "
            "letters, digits, blanks and + - . ' ().",
        )
    return plain


def position_of_text(text: str) -> tuple[float, float] | None:
    """Parse right ascension and declination (degrees, ICRS) from a text; None if it is not a position.

    Degrees ("184.74 47.30", "184.74, +47.30"), or hours and degrees with minutes and perhaps seconds
    ("12 18 57.5 +47 18 14", "12:18:57.5 +47:18:14", "12h18m57.5s +47d18m14s"). As in frontend/src/features/predict.

    Raises
    ------
    SurveyError
        ``bad_place`` for coordinates outside the sky.
    """
    plain = _LABELS.sub(" ", text.translate(_PASTED)).strip()
    if not _COORDINATES.fullmatch(plain):
        return None
    if re.fullmatch(r"[+-]?\d+,\d+\s+[+-]?\d+,\d+", plain):  # decimal commas
        plain = plain.replace(",", ".")
    numbers = [(found.start(), found[0]) for found in _NUMBER.finditer(plain)]
    signed = [place for place, (_, number) in enumerate(numbers) if place and number[0] in "+-"]
    middle = signed[0] if signed else len(numbers) // 2
    ra, dec = [number for _, number in numbers[:middle]], [number for _, number in numbers[middle:]]
    if len(signed) > 1 or not 1 <= len(ra) <= 3 or not 1 <= len(dec) <= 3 or (len(ra) == 1) != (len(dec) == 1):
        return None
    if not signed and len(ra) != len(dec):
        return None
    unit_deg = 1.0 if len(ra) == 1 and "h" not in plain.lower() else 15.0
    ra_deg, dec_deg = _sexagesimal(ra), _sexagesimal(dec)
    if ra_deg is not None and dec_deg is not None:
        ra_deg *= unit_deg
        if 0.0 <= ra_deg < 360.0 and -90.0 <= dec_deg <= 90.0:
            return ra_deg, dec_deg
    raise SurveyError(
        "bad_place",
        f"{plain[:60]!r} is not a position on the sky: right ascension 0 to 360° (24 h), declination −90 to 90°.",
    )


def _sexagesimal(parts: list[str]) -> float | None:
    """Combine whole, minutes and seconds (one to three numbers); None if minutes or seconds are 60 or more."""
    whole, *rest = (abs(float(part)) for part in parts)
    if any(part >= 60 for part in rest):
        return None
    value = whole + sum(part / 60.0**power for power, part in enumerate(rest, start=1))
    return -value if parts[0].startswith("-") else value


class Sesame:
    """The name resolver of the CDS; `url` is its address without options: ``…/nph-sesame``."""

    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url.rstrip("/")

    def resolve(self, name: str) -> Resolved:
        """Return the position of a named object.

        Raises
        ------
        SurveyError
            ``bad_name``; ``not_found`` if no service knows it; the client's.
        """
        plain = checked_name(name)
        # The encoded name is the whole query. S, N, V: SIMBAD, then NED, then VizieR; I: with all names of the object.
        url = f"{self._url}/-oxI/SNV?{quote(plain, safe='')}"
        found = self._client.parsed(url, None, _first_position, max_age_s=4 * WEEK_S)
        if found is None:
            raise SurveyError("not_found", f"Neither SIMBAD nor NED nor VizieR knows {plain!r}.")
        return found


def _first_position(text: str) -> Resolved | None:
    """Return the first resolver's answer with a position. XML entities are refused, not expanded."""
    resolvers: list[dict[str, str]] = []
    numbers: list[int] = []
    path: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if not path and tag != "Sesame":
            raise SurveyError("survey_bad_answer", "The name resolver returned unexpected XML.")
        path.append(tag)
        if tag == "Resolver":
            resolvers.append({"resolver": attributes.get("name", "")})

    def end(_tag: str) -> None:
        path.pop()

    def characters(data: str) -> None:
        if resolvers and len(path) >= 2 and path[-2] == "Resolver" and path[-1] in ("jradeg", "jdedeg", "oname"):
            found = resolvers[-1]
            found[path[-1]] = (found.get(path[-1], "") + data)[:200]
        elif path and path[-1] == "alias" and (number := _PGC_ALIAS.fullmatch(data.strip())):
            numbers.append(int(number[1]))

    def refuse(*_arguments: object) -> None:
        raise SurveyError("survey_bad_answer", "The name resolver's answer declares entities.")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = characters, refuse
    try:
        parser.Parse(text.encode(), True)
    except (expat.ExpatError, LookupError, ValueError):  # the latter two for unknown or multi-byte encodings
        raise SurveyError("survey_bad_answer", "The name resolver did not return the expected XML.") from None
    for found in resolvers:
        if "jradeg" in found and "jdedeg" in found:
            return _resolved(found, min(numbers, default=None))
    return None


def _resolved(found: dict[str, str], pgc: int | None) -> Resolved:
    try:
        ra_deg, dec_deg = float(found["jradeg"]) % 360.0, float(found["jdedeg"])
    except ValueError:
        raise SurveyError("survey_bad_answer", "The name resolver's position can't be read.") from None
    if not (0.0 <= ra_deg < 360.0 and -90.0 <= dec_deg <= 90.0):
        raise SurveyError("survey_bad_answer", "The name resolver's position is not on the sky.")
    resolver = _RESOLVERS.get(found["resolver"][:1], "a resolver")
    return Resolved(found.get("oname", "").strip(), ra_deg, dec_deg, resolver, pgc)
