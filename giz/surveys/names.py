"""From a name to a position: CDS Sesame, which asks SIMBAD, NED and VizieR."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote
from xml.parsers import expat

from giz.surveys.client import WEEK_S, Client
from giz.surveys.errors import SurveyError

# A name without a PGC number means the galaxy nearest to its position, at most so far away: catalogues agree on centres
# to a few arcsec, companions of galaxies stand further off.
NAMED_WITHIN_ARCSEC = 10.0
_PGC_ALIAS = re.compile(r"(?:LEDA|PGC)\s+0*([1-9]\d{0,7})", re.ASCII)
# By the letter that their entries begin with: "S=Simbad (via url)".
_RESOLVERS = {"S": "SIMBAD", "N": "NED", "V": "VizieR"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 +\-.\[\]():'*_/]{0,79}")


@dataclass(frozen=True)
class Resolved:
    """A name as the resolver knows it. Degrees, ICRS; `resolver` knew the position, `pgc` comes from SIMBAD's names."""

    name: str
    ra_deg: float
    dec_deg: float
    resolver: str
    pgc: int | None = None


def checked_name(name: str) -> str:
    """Return the name with single blanks, or refuse it.

    Raises
    ------
    SurveyError
        ``bad_name`` for an empty one, more than 80 characters, or characters that no catalogue uses.
    """
    plain = " ".join(word for word in name.split(" ") if word)
    if not _NAME.fullmatch(plain) or "//" in plain:
        raise SurveyError(
            "bad_name", f"{plain[:40]!r} is no name of a galaxy: letters, digits, blanks and + - . ' ( ) only."
        )
    return plain


class Sesame:
    """The name resolver of the CDS. `url` ends before the options: ``…/nph-sesame``."""

    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url.rstrip("/")

    def resolve(self, name: str) -> Resolved:
        """Position of a named object.

        Raises
        ------
        SurveyError
            ``bad_name``; ``not_found`` if no service knows it; what the client raises.
        """
        plain = checked_name(name)
        # The name is the whole query string, encoded; SIMBAD first, then NED, then VizieR; with all names it goes by.
        url = f"{self._url}/-oxI/SNV?{quote(plain, safe='')}"
        found = self._client.parsed(url, None, _first_position, max_age_s=4 * WEEK_S)
        if found is None:
            raise SurveyError("not_found", f"Neither SIMBAD nor NED nor VizieR knows {plain!r}.")
        return found


def _first_position(text: str) -> Resolved | None:
    """The first resolver's answer that has a position. Document types (entities) are refused, not expanded."""
    resolvers: list[dict[str, str]] = []
    numbers: list[int] = []
    path: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if not path and tag != "Sesame":
            raise SurveyError("survey_bad_answer", "The name resolver's answer is XML, but not the resolver's.")
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
    except (expat.ExpatError, LookupError, ValueError):  # the latter two for an encoding that is none, or a wide one
        raise SurveyError(
            "survey_bad_answer", "The name resolver's answer is not the XML that was asked for."
        ) from None
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
