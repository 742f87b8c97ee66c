"""Conversion from the units in a file to those in which the catalogue reads its columns."""

import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from giz.tables.table import TableError

# Logarithms are written in many ways: [0.1arcmin] (CDS), log(0.1 arcmin), dex(0.1 arcmin).
_LOGARITHM = re.compile(r"(?:(?:log(?:10)?|dex)\s*\(|\[)\s*(.*?)\s*[)\]]", re.IGNORECASE)
_MARKS = {"'": "arcmin", "′": "arcmin", '"': "arcsec", "″": "arcsec"}
# CDS writes these for text with minutes and seconds, in quotation marks.
_CLOCK, _ARC = ("h:m:s", "hms", "h m s", "hh:mm:ss"), ("d:m:s", "dms", "d m s", "dd:mm:ss")
_NO_UNIT = ("", "1", "-", "--", "---", "none")
# Powers of ten beyond this overflow.
_MAX_EXPONENT = 300.0


@dataclass(frozen=True)
class Conversion:
    """A unit as the file states it, and the function that converts a value to the wanted unit."""

    unit: str
    turn: Callable[[float], float]


def conversion(
    column: str, unit: str, wanted: str, *, is_log: bool = False, is_clock: bool = False
) -> Conversion | None:
    """Return the conversion of a column to the wanted unit; None if none is needed or the column has no unit.

    Parameters
    ----------
    column, unit : name and unit as in the file.
    wanted : a unit as astropy writes it; ``1`` for a plain number.
    is_log : the decimal logarithm of such a value is wanted.
    is_clock : hours of time are hours of right ascension.

    Raises
    ------
    TableError
        The unit is not known, or of another kind.
    """
    text = unit.strip()
    if text.lower() in _NO_UNIT:
        return None
    sexagesimal = text.strip('"').strip().lower()
    if wanted == "deg" and not is_clock and sexagesimal in _ARC:
        return None
    if is_clock and sexagesimal in _CLOCK:
        # A number alone in such a column is hours; text with minutes needs no conversion.
        return conversion(column, "hourangle", wanted, is_clock=True)
    logarithm = "dex()" if text.lower() == "dex" else text
    found = _LOGARITHM.fullmatch(logarithm)
    given = _unit(found[1] if found else text)
    goal = f"the logarithm of {wanted}" if is_log and wanted != "1" else "a logarithm" if is_log else wanted
    in_words = "a number without unit" if goal == "1" else goal
    if given is None:
        raise TableError(f"The column {column} has the unit {text!r}, which is not known here; wanted is {in_words}.")
    if is_log and found and given == _unit("1"):
        return None
    factor = _factor(given, wanted, is_clock=is_clock)
    if factor is None or (is_log and not found and factor != 1.0):
        raise TableError(f"The column {column} has the unit {text}, which can't be turned into {in_words}.")
    return _conversion(text, factor, from_log=bool(found), to_log=is_log)


def _conversion(unit: str, factor: float, *, from_log: bool, to_log: bool) -> Conversion | None:
    if from_log and not to_log:
        return Conversion(unit, lambda value: 10.0 ** min(value, _MAX_EXPONENT) * factor)
    if factor == 1.0:
        return None
    if to_log:
        shift = math.log10(factor)
        return Conversion(unit, lambda value: round(value + shift, 10))
    return Conversion(unit, lambda value: round(value * factor, 10))


def _factor(given: Any, wanted: str, *, is_clock: bool) -> float | None:
    from astropy import units

    try:
        return float(given.to(_unit(wanted), equivalencies=[(units.hour, units.hourangle)] if is_clock else []))
    except units.UnitConversionError:
        return None


def _unit(text: str) -> Any:
    """Return the unit as astropy has it, whatever its spelling; None if it is unknown."""
    from astropy import units

    text = _MARKS.get(text, text)
    if text.lower() in _NO_UNIT:
        return units.dimensionless_unscaled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", units.UnitsWarning)
        # Degrees and hours, but not the s of a short sign.
        plural = text.lower().removesuffix("s") if len(text) >= len("hours") else text
        for spelling in (text, text.lower(), plural):
            for form in (None, "vounit", "cds"):
                try:
                    return units.Unit(spelling, format=form)
                except (ValueError, TypeError):
                    continue
    return None
