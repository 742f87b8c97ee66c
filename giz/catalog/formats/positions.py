"""Right ascensions and declinations as tables write them: degrees, or hours and degrees with minutes and seconds."""

import re
import warnings

from giz.tables.table import RowError

# A sign, up to three digits, minutes and perhaps seconds: 12 34 56.7, 12:34:56.7, 12h34m56.7s, -00°00′47.8″.
_SEXAGESIMAL = re.compile(
    r"""[+-]?\d{1,3}(?:\s*[hd°:]\s*|\s+)[0-5]?\d(?:\s*[m'′:]\s*|\s+|$)(?:[0-5]?\d(?:\.\d*)?\s*(?:s|"|''|″)?)?""",
    re.ASCII | re.IGNORECASE,
)
_DEGREES = re.compile(r"[d°]", re.IGNORECASE)
_TYPED = str.maketrans({"−": "-", "–": "-", "′": "m", "'": "m", "″": "s", '"': "s", "\u00a0": " ", "\u2009": " "})


def is_sexagesimal(text: str) -> bool:
    """Whether the text is an angle with minutes, and perhaps seconds."""
    return _SEXAGESIMAL.fullmatch(text.translate({ord("−"): "-", ord("–"): "-"})) is not None


def read_sexagesimal(name: str, text: str, *, is_hours: bool) -> float:
    """Return an angle with minutes and seconds in degrees; the sign of -00 00 47.8 counts.

    `is_hours`: the first number is hours (a right ascension), unless the text says d or °.

    Raises
    ------
    RowError
        Not such an angle.
    """
    from astropy import units
    from astropy.coordinates import Angle

    plain = text.translate(_TYPED).replace("mm", "s")
    unit = units.hourangle if is_hours and not _DEGREES.search(plain) else units.deg
    try:
        with warnings.catch_warnings():
            # 24 hours are none, and astropy says so.
            warnings.simplefilter("ignore")
            angle = Angle(plain.replace("°", "d"), unit=unit)
        return round(float(angle.deg), 9)
    # astropy raises several kinds of errors, among them those of its parser.
    except (ValueError, TypeError, units.UnitsError):
        raise RowError(
            f"{name} is {text[:40]!r}, must be degrees, or hours or degrees with minutes and seconds"
        ) from None
