"""Identifiers of galaxies in any catalogue: a scheme, such as ``ls-dr10``, and a value in that scheme's own form."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from giz.catalog.formats.numbers import FIRST_OWN_NUMBER, FIRST_SYNTHETIC_PGC, LAST_OWN_NUMBER, read_pgc
from giz.core.words import printable
from giz.tables.lines import is_spreadsheet_error
from giz.tables.table import RowError, TableError, column_named

PGC = "pgc"
SCHEME_PATTERN = r"^[a-z][a-z0-9._-]{0,29}$"
MAX_VALUE = 100
MOST_READ = 1_000
# Changing the rule would give galaxies other numbers, and so other sides in label sets.
NUMBER_RULE = "giz-number-1"
# The column of exports that holds all identifiers of a galaxy besides its PGC number, separated by blanks.
GALAXY_IDS = "galaxy_ids"

_SCHEME = re.compile(SCHEME_PATTERN)
_DEEP_SKY = re.compile(r"0*([1-9]\d{0,5})(-\d|[A-Z]|NED\d\d)?", re.ASCII)
_SHORT = {"ngc": "n", "ic": "i", "ugc": "u"}
DEEP_SKY = frozenset(_SHORT)
_WHOLE = re.compile(r"([+-]?)0*(\d+)(?:\.0*)?", re.ASCII)
_TRIPLE = re.compile(r"0*(\d+)[-_]0*(\d+)[-_]0*(\d+)", re.ASCII)
_DAMAGED = re.compile(r"[+-]?\d(\.\d+)?e\+?\d+", re.IGNORECASE | re.ASCII)
_NAMED = re.compile(r"(ngc|ic|ugc|pgc|leda)[\s_]*(\d.*)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Identifier:
    """What one catalogue calls a galaxy, in the form in which it is stored and compared."""

    scheme: str
    value: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"

    @property
    def number(self) -> int:
        """Return the number of a galaxy whose first identifier this is: its PGC number, else 15 digits of a hash.

        The hash is the same everywhere, so the galaxy has the same number, and the same side in label sets, on every
        site. Of a million galaxies, two have the same digits with a probability of 6 in 10,000; such a row is refused.
        """
        if self.scheme == PGC:
            return int(self.value)
        digest = hashlib.blake2b(f"{NUMBER_RULE}|{self}".encode(), digest_size=8).digest()
        return FIRST_OWN_NUMBER + int.from_bytes(digest) % (LAST_OWN_NUMBER - FIRST_OWN_NUMBER + 1)

    @property
    def in_words(self) -> str:
        """Return how people write it: "NGC 4258", "WALLABY J104059-270456", "ls-dr10 9011-123-45"."""
        spoken = self.scheme in (*_SHORT, PGC) or self.value.startswith("J")
        return f"{self.scheme.upper() if spoken else self.scheme} {self.value}"


def scheme_named(text: str) -> str:
    """Return the name of a scheme in small letters.

    Raises
    ------
    TableError
        Not a letter followed by at most 29 letters, digits, dots, hyphens or underscores.
    """
    scheme = text.strip().lower()
    if not _SCHEME.fullmatch(scheme):
        raise TableError(
            f"{printable(text)!r} can't name a kind of identifier: a letter is needed, then up to 29 letters, digits, "
            "dots, hyphens or underscores, such as ls-dr10."
        )
    return scheme


def identifier_of(scheme: str, text: str) -> Identifier:
    """Return an identifier from what a table or a person writes; the scheme's name may stand before the value.

    Raises
    ------
    RowError
        The value can't be one of this scheme.
    """
    # Longer texts are refused unread: the patterns would take seconds for ten thousand digits.
    plain = " ".join(unicodedata.normalize("NFC", text).split()) if len(text) <= MOST_READ else ""
    for mark in (f"{scheme}:", f"{scheme} ", f"{scheme.replace('-', ' ')} "):
        if plain.lower().startswith(mark):
            plain = plain[len(mark) :].strip()
    if is_spreadsheet_error(plain):
        raise RowError(f"{scheme} is {plain}, an error value of a spreadsheet")
    if scheme == PGC:
        return Identifier(PGC, str(_pgc(plain)))
    value = _form_of(scheme)(scheme, plain)
    # A name of the scheme that is left would be taken off when an export is read: ``foo:foo:1`` as ``foo:1``.
    is_named_twice = value.lower().startswith(f"{scheme}:")
    is_bad = not value or len(value) > MAX_VALUE or not value.isprintable() or _DAMAGED.fullmatch(value)
    if is_bad or is_named_twice:
        raise RowError(
            f"{scheme} is {printable(text[:40])!r}, must be 1 to {MAX_VALUE} visible characters, and no rounded number"
        )
    return Identifier(scheme, value)


def _pgc(text: str) -> int:
    number = read_pgc(text)
    if number >= FIRST_SYNTHETIC_PGC:
        raise RowError(f"pgc is {number}; PGC numbers lie below {FIRST_SYNTHETIC_PGC}")
    return number


def _plain(_scheme: str, text: str) -> str:
    return text.replace(" ", "_")


def _deep_sky(scheme: str, text: str) -> str:
    """NGC, IC and UGC: "NGC 0891", "N891" and "891" are 891; a letter of a companion stays."""
    word = re.sub(rf"^(?:{scheme}|{_SHORT[scheme]})(?![a-z])", "", text.replace(" ", ""), flags=re.IGNORECASE)
    found = _DEEP_SKY.fullmatch(word.upper())
    if not found:
        raise RowError(f"{scheme} is {printable(text[:40])!r}, must be a number such as 4258, perhaps with a letter")
    return found[1] + (found[2] or "")


def _whole(scheme: str, text: str) -> str:
    found = _WHOLE.fullmatch(text)
    if not found:
        raise RowError(f"{scheme} is {printable(text[:40])!r}, must be a whole number with all its digits")
    return ("-" if found[1] == "-" and found[2] != "0" else "") + found[2]


def _brick_object(scheme: str, text: str) -> str:
    found = _TRIPLE.fullmatch(text.replace(" ", "-"))
    if not found:
        raise RowError(f"{scheme} is {printable(text[:40])!r}, must be RELEASE-BRICKID-OBJID, such as 9011-123456-789")
    return "-".join(found.groups())


def _of_position(_scheme: str, text: str) -> str:
    return text.replace(" ", "").replace("−", "-").upper()


_FORMS: dict[str, Callable[[str, str], str]] = {
    **dict.fromkeys(_SHORT, _deep_sky),
    **dict.fromkeys(("desi", "euclid", "rubin"), _whole),
    "ls": _brick_object,
    "wallaby": _of_position,
}


def _form_of(scheme: str) -> Callable[[str, str], str]:
    """Return how values of a scheme are written; a data release behind a hyphen doesn't change it: ``ls-dr10``."""
    return _FORMS.get(scheme, _FORMS.get(scheme.partition("-")[0], _plain))


def read_identifier(text: str) -> Identifier:
    """Return the identifier written as ``scheme:value``. Raises RowError for any other text."""
    scheme, colon, value = text.strip().partition(":")
    if not colon:
        raise RowError(f"{printable(text[:40])!r} is no identifier; one is written as scheme:value, such as ngc:4258")
    try:
        return identifier_of(scheme_named(scheme), value)
    except TableError as error:
        raise RowError(str(error).rstrip(".")) from None


def scheme_and_value(text: str) -> Identifier | None:
    """Return the identifier written as ``scheme:value``, or None for text that is not written so."""
    try:
        return read_identifier(text)
    except RowError:
        return None


def possible_identifiers(text: str) -> list[Identifier]:
    """Return what a text that people type may mean: ``ls-dr10:9011-1-2``, "NGC 4258", "WALLABY J104059-270456"."""
    found = []
    named = _NAMED.fullmatch(text.strip())
    scheme, blank, value = text.strip().partition(" ")
    for kind, rest in (
        (text.partition(":")[0], text.partition(":")[2]),
        (named[1] if named else "", named[2] if named else ""),
        (scheme if blank else "", value),
    ):
        try:
            if kind and rest:
                found.append(identifier_of(PGC if kind.lower() == "leda" else scheme_named(kind), rest))
        except (RowError, TableError):
            continue
    return list(dict.fromkeys(found))


def identifiers_text(identifiers: Sequence[Identifier]) -> str | None:
    """Return the cell of exports: ``ls-dr10:9011-123-45 wallaby:J104059-270456``; None where there are none."""
    return " ".join(map(str, identifiers)) or None


def read_identifiers(text: str) -> list[Identifier]:
    """Return the identifiers in a cell of an export. Raises RowError for a word that is none."""
    return [read_identifier(word) for word in text.split()]


@dataclass(frozen=True)
class IdentifierColumn:
    """The columns that hold an identifier; several are joined by hyphens. No scheme: the cell names it itself."""

    columns: tuple[str, ...]
    scheme: str

    def read(self, cells: Mapping[str, str]) -> list[Identifier]:
        """Return the row's identifiers; none where all its cells are blank. Raises RowError."""
        parts = [cells[column] for column in self.columns]
        if not any(parts):
            return []
        if not all(parts):
            blank = next(column for column in self.columns if not cells[column])
            raise RowError(f"{blank} is blank, a part of {self.scheme}")
        if not self.scheme:
            return read_identifiers(parts[0])
        # Typed tables may hold whole numbers as floats.
        parts = [part.removesuffix(".0") for part in parts] if len(parts) > 1 else parts
        return [identifier_of(self.scheme, "-".join(parts))]


def identifier_columns(asked: Sequence[str], columns: Sequence[str]) -> list[IdentifierColumn]:
    """Read the words of ``--id``: COLUMN, COLUMN=scheme, or COLUMN+COLUMN+COLUMN=scheme.

    Raises
    ------
    TableError
        A column that the table lacks, or a name that can't be a scheme.
    """
    found = []
    for word in asked:
        given, equals, scheme = word.rpartition("=")
        named = given if equals else word
        parts = [named] if named.strip().lower() in columns else named.split("+")
        own = tuple(column_named(part, columns) for part in parts)
        found.append(IdentifierColumn(own, scheme_named(scheme if equals else own[0])))
    if GALAXY_IDS in columns and not any(GALAXY_IDS in one.columns for one in found):
        found.append(IdentifierColumn((GALAXY_IDS,), ""))
    return found
