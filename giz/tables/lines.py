"""Text files as records of cells: encoding, comments, quotation marks, and the line on which each record starts."""

import codecs
import csv
import hashlib
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from giz.tables.table import TableError

# On a tie in the header the first of these wins: commas also occur within names ("RA, J2000").
DELIMITERS = {"|": "pipe", "\t": "tab", ";": "semicolon", ",": "comma"}
# A quoted cell may span several lines, but not more than a long note.
MAX_RECORD_LINES = 200
MAX_RECORD_CHARACTERS = 20_000

# What spreadsheets show for a failed formula, in several languages: #NAME?, #REF!, #DIV/0!, #N/A (German: #NV).
_SPREADSHEET_ERROR = re.compile(r"#(?:[^\W_][\w/ ]{0,20}[!?]|N/?A|NV|N/?D)", re.IGNORECASE)
# Excel's own first line, which names the delimiter.
_EXCEL_DELIMITER = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# Bytes that are not of the file's encoding are decoded to these code points (Python's surrogateescape).
_STRAY_BYTE = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class TextFile:
    """A text file after one pass: its encoding, number of lines and hash."""

    path: Path
    encoding: str
    line_count: int
    sha256: str

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield every line with its number, from 1; a byte that can't be decoded becomes a surrogate."""
        with self.path.open(encoding=self.encoding, errors="surrogateescape", newline="") as text:
            yield from enumerate(text, start=1)


@dataclass(frozen=True)
class Record:
    """The cells of one record (usually one line), or why they can't be read."""

    line: int
    cells: list[str]
    problem: str = ""


def open_text(path: Path) -> TextFile:
    """Read the file once and find its encoding: UTF-8, even with a few stray bytes, else Windows-1252.

    Raises
    ------
    TableError
        Empty, binary, UTF-16, or a web page.
    """
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")("surrogateescape")
    size = lines = beyond_ascii = stray = 0
    last = b""
    with path.open("rb") as raw:
        while block := raw.read(1 << 20):
            if size == 0:
                _refuse_other_kinds(block, path.name)
            if b"\x00" in block:
                raise TableError(f"{path.name} is a binary file, not a text table.")
            digest.update(block)
            size += len(block)
            lines += block.count(b"\n")
            text = decoder.decode(block)
            if not text.isascii():
                found = len(_STRAY_BYTE.findall(text))
                stray += found
                beyond_ascii += sum(character > "\x7f" for character in text) - found
            last = block
    if size == 0:
        raise TableError(f"{path.name} is empty.")
    stray += len(_STRAY_BYTE.findall(decoder.decode(b"", final=True)))
    # Text of another encoding is hardly ever valid UTF-8 by chance: where some of it is, the other bytes are errors.
    encoding = "utf-8-sig" if stray <= 10 * beyond_ascii else "cp1252"
    return TextFile(path, encoding, lines + (not last.endswith(b"\n")), digest.hexdigest())


def _refuse_other_kinds(head: bytes, name: str) -> None:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise TableError(f"{name} is UTF-16 text; save it as UTF-8 (in Excel: “CSV UTF-8”).")
    if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<"):
        raise TableError(
            f"{name} is a web page or another XML document, not a table. Perhaps a server's error message?"
        )


def excel_delimiter(line: str) -> str:
    """Return the delimiter that a line such as ``sep=;`` names; empty for any other line."""
    found = _EXCEL_DELIMITER.fullmatch(line)
    return found[1] if found else ""


def has_stray_byte(text: str) -> bool:
    """Whether the text contains a byte that is not valid in the file's encoding."""
    return not text.isascii() and _STRAY_BYTE.search(text) is not None


def is_number(text: str) -> bool:
    """Whether the text is a number, with or without an exponent; nan and inf are not."""
    return _NUMBER.fullmatch(text) is not None


def is_spreadsheet_error(cell: str) -> bool:
    """Whether a cell contains what a spreadsheet shows for a failed formula, such as ``#NAME?``."""
    return cell.startswith("#") and _SPREADSHEET_ERROR.fullmatch(cell) is not None


def is_remark(line: str) -> bool:
    """Whether a line is a comment: it starts with # (not with a spreadsheet's error) or with HyperLEDA's !!."""
    start = line.lstrip("\ufeff \t")
    if start.startswith("#"):
        return not is_spreadsheet_error(re.split(r"[|,\t;\r\n]", start, maxsplit=1)[0].strip())
    return start.startswith("!!")


def records(lines: Iterable[tuple[int, str]], delimiter: str) -> Iterator[Record]:
    """Yield the records of numbered lines; blank lines and comments are skipped.

    An opening quotation mark that is never closed spoils its own line only: that record is bad, and reading continues
    with the next line.
    """
    following: deque[tuple[int, str]] = deque()
    source = iter(lines)
    width = 0
    while numbered := (following.popleft() if following else next(source, None)):
        line, text = numbered
        if not text.strip() or is_remark(text) or (line == 1 and excel_delimiter(text)):
            continue
        cells, is_open = _parsed([text], delimiter)
        if is_open:
            cells = _over_lines(text, width, delimiter, following, source)
        if cells is None:
            why = "a quotation mark opens and is not closed" if is_open else "its quotation marks don't match"
            yield Record(line, [], why)
        elif any(cell.strip() for cell in cells):
            width = width or len(cells)
            yield Record(line, cells)


def _parsed(lines: list[str], delimiter: str) -> tuple[list[str] | None, bool]:
    """Return the cells of a record, or None, and whether a quoted cell is still open at its end."""
    # Pipe-separated tables don't use quotes: their notes contain arc minutes and seconds (5'10").
    if delimiter == "|" or not any('"' in line for line in lines):
        return lines[0].rstrip("\r\n").split(delimiter), False
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True)), False
    except csv.Error as error:
        is_open = "unexpected end of data" in str(error)
    if len(lines) == 1 and '\\"' in lines[0]:
        # MySQL and others write a quotation mark within a cell as \" and not as "".
        with suppress(csv.Error):
            return next(csv.reader(lines, delimiter=delimiter, strict=True, doublequote=False, escapechar="\\")), False
    if is_open:
        return None, True
    if len(lines) > 1 or lines[0].count('"') % 2:
        return None, False
    try:
        # Something (a blank?) follows a closing quotation mark; within one line no other row can be lost.
        return next(csv.reader(lines, delimiter=delimiter)), False
    except csv.Error:
        return None, False


def _over_lines(
    opening: str, width: int, delimiter: str, following: deque[tuple[int, str]], source: Iterator[tuple[int, str]]
) -> list[str] | None:
    """Return the cells of a record whose quoted cell spans the next lines, else None with the lines given back.

    It is None if the quotation mark is never closed, is closed in the middle of a cell, or if a line within the quotes
    looks like a row of its own: then the opening line has one quotation mark too many.
    """
    taken: list[tuple[int, str]] = []
    characters = len(opening)
    cells, is_open = None, True
    while is_open and len(taken) < MAX_RECORD_LINES and characters < MAX_RECORD_CHARACTERS:
        numbered = following.popleft() if following else next(source, None)
        if numbered is None:
            break
        taken.append(numbered)
        characters += len(numbered[1])
        if '"' in numbered[1]:
            cells, is_open = _parsed([opening, *(text for _, text in taken)], delimiter)
    looks_alike = cells is not None and any(_is_like(opening, text, width, delimiter) for _, text in taken)
    if cells is None or looks_alike:
        following.extendleft(reversed(taken))
        return None
    return cells


def _is_like(opening: str, line: str, width: int, delimiter: str) -> bool:
    """Whether a line looks like a row: as many cells as the header, and numbers where the opening line has them."""
    cells = [cell.strip().strip('"') for cell in line.split(delimiter)]
    if len(cells) != width or width < 2:
        return False
    places = [
        place for place, cell in enumerate(opening.split(delimiter)[:width]) if is_number(cell.strip().strip('"'))
    ]
    return all(not cells[place] or is_number(cells[place]) for place in places) if places else width > 2
