"""Which galaxy somebody asks for: a PGC number, a name or a position, read from what people type."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from giz.catalog.formats.identifiers import DEEP_SKY, scheme_and_value
from giz.catalog.formats.numbers import FIRST_OWN_NUMBER, LAST_OWN_NUMBER
from giz.core.errors import Refused
from giz.surveys.sesame import checked_name, position_of_text
from giz.surveys.survey import SurveyError

MOST_PGC = 10**9
_WHOLE = re.compile(r"([+-]?\d+)", re.ASCII)
_PGC = re.compile(r"(?:PGC|LEDA)(?:\s*#?\s*|:)(\d+)", re.ASCII | re.IGNORECASE)
# The field of a position that comes without a size; the page's default, too.
USUAL_SIZE_ARCMIN = 4.0


@dataclass(frozen=True, slots=True)
class GalaxyQuery:
    """A PGC number, a name, or a position with the side of the field (degrees, arcmin)."""

    pgc: int | None = None
    name: str = ""
    ra_deg: float | None = None
    dec_deg: float | None = None
    size_arcmin: float | None = None

    def as_json(self) -> dict[str, Any]:
        if self.pgc is not None:
            return {"pgc": self.pgc}
        if self.name:
            return {"name": self.name}
        return {"ra_deg": self.ra_deg, "dec_deg": self.dec_deg, "size_arcmin": self.size_arcmin}

    @property
    def place(self) -> tuple[float, float] | None:
        return None if self.ra_deg is None or self.dec_deg is None else (self.ra_deg, self.dec_deg)

    @property
    def key(self) -> str:
        """A hash by which equal queries share one source."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).lower().encode()).hexdigest()


def query_of_name(name: str) -> GalaxyQuery:
    """Read a name: "PGC 30197", "LEDA 30197" and "30197" are a number, "184.74 +47.30" is a position.

    Identifiers of other catalogues are names, too: ``ls-dr10:9011-123456-789``.

    Raises
    ------
    Refused
        ``bad_name``, ``bad_pgc`` or ``bad_place`` for text that is none of these.
    """
    number = _WHOLE.fullmatch(name.strip()) or _PGC.fullmatch(name.strip())
    if number:
        return query_of_number(number[1])
    try:
        place = position_of_text(name)
        plain = checked_name(name) if place is None else ""
    except SurveyError as error:
        raise Refused(error.code, error.detail) from None
    if place is not None:
        return GalaxyQuery(ra_deg=round(place[0], 6), dec_deg=round(place[1], 6), size_arcmin=USUAL_SIZE_ARCMIN)
    if (identifier := scheme_and_value(plain)) is not None:
        # NGC, IC and UGC are known everywhere, the others only here.
        return GalaxyQuery(name=identifier.in_words if identifier.scheme in DEEP_SKY else str(identifier))
    return GalaxyQuery(name=plain)


def query_of_number(text: str | int) -> GalaxyQuery:
    """Read a PGC number, or our own of 15 digits. Raises Refused (``bad_pgc``) for any other text."""
    plain = str(text).strip()
    number = int(plain) if plain.isascii() and plain.isdecimal() and len(plain) <= 20 else 0
    if not (1 <= number <= MOST_PGC or FIRST_OWN_NUMBER <= number <= LAST_OWN_NUMBER):
        raise Refused("bad_pgc", f"A PGC number is a whole number from 1 to {MOST_PGC:,}; {plain[:20]!r} is not.")
    return GalaxyQuery(pgc=number)
