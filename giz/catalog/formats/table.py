"""Tables as text: comma, semicolon, tab or pipe between the cells, one header line, rows with their line numbers."""

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from giz.core.errors import Refused

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

DELIMITERS = {"|": "pipe", ",": "comma", "\t": "tab", ";": "semicolon"}
MAX_COLUMNS = 1000
MAX_CELL_CHARACTERS = 10_000


class TableError(ValueError):
    """The file as a whole can't be read as a table; the message says why."""


class RowError(ValueError):
    """One row can't be used; the message says which value and which rule."""


@dataclass(frozen=True)
class Row:
    """One line: its number in the file and either its cells by column, or why it could not be read."""

    line: int
    cells: dict[str, str]
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """A table that was opened and looked at; ``rows`` reads it from the start each time.

    ``units`` are those that the file gives, by column.
    """

    path: Path
    columns: tuple[str, ...]
    delimiter: str
    encoding: str
    line_count: int
    sha256: str
    units: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[Row]:
        """Yield every row after the header; blank lines and lines that begin with # are passed over."""
        with self.path.open(encoding=self.encoding, newline="") as text:
            reader = _reader(text, self.delimiter)
            is_header = True
            while True:
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield Row(reader.line_num, {}, f"the line can't be read ({error})")
                    continue
                if _is_blank(cells):
                    continue
                if is_header:
                    is_header = False
                    continue
                yield self._row(reader.line_num, cells)

    def _row(self, line: int, cells: list[str]) -> Row:
        width = len(self.columns)
        values = [cell.strip() for cell in cells]
        while len(values) > width and not values[-1]:
            values.pop()
        if len(values) != width:
            return Row(line, {}, f"{len(values)} cells, but the header has {width}")
        if any("\x00" in value for value in values):
            return Row(line, {}, "a NUL character is not text")
        if any(len(value) > MAX_CELL_CHARACTERS for value in values):
            return Row(line, {}, f"a cell has more than {MAX_CELL_CHARACTERS} characters")
        return Row(line, dict(zip(self.columns, values, strict=True)))


def open_table(path: Path) -> Table:
    """Look at a table: encoding, delimiter, columns (in lower case) and number of lines.

    Raises
    ------
    TableError
        Empty, binary, UTF-16, no delimiter in the header, or a column named twice.
    """
    encoding, line_count, sha256 = _inspect(path)
    with path.open(encoding=encoding, newline="") as text:
        header = next((line for line in text if line.strip() and not line.lstrip().startswith("#")), "")
    if not header:
        raise TableError(f"{path.name} holds no header line.")
    delimiter = max(DELIMITERS, key=header.count)
    if header.count(delimiter) == 0:
        delimiter = ","
    columns = tuple(name.strip().lower() for name in next(_reader([header], delimiter)))
    while len(columns) > 1 and not columns[-1]:
        columns = columns[:-1]
    if len(columns) > MAX_COLUMNS:
        raise TableError(f"{path.name} has {len(columns)} columns; at most {MAX_COLUMNS} are read.")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise TableError(f"{path.name} names the column {twice[0] or '(empty)'!r} more than once in its header.")
    return Table(path, columns, delimiter, encoding, line_count, sha256)


def table_or_refusal(path: Path) -> Table:
    """Return `open_table`'s table; a file that can't be read, or is no table, is Refused in a sentence."""
    from giz.catalog.formats.binary import binary_format, open_binary_table

    try:
        kind = binary_format(path)
        return open_binary_table(path, kind) if kind else open_table(path)
    except TableError as error:
        raise Refused("bad_table", str(error)) from None
    except OSError as error:
        raise Refused("no_file", f"{path} can't be read ({error.strerror}).") from None


def _inspect(path: Path) -> tuple[str, int, str]:
    """Read the file once: its encoding (UTF-8, else Latin-1), its lines and its hash."""
    digest = hashlib.sha256()
    size, lines, is_utf8, carry, last = 0, 0, True, b"", b""
    with path.open("rb") as raw:
        while block := raw.read(1 << 20):
            if size == 0 and block[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise TableError(f"{path.name} is UTF-16 text; save it as UTF-8 (in Excel: “CSV UTF-8”).")
            if b"\x00" in block:
                raise TableError(f"{path.name} is a binary file, not a table of text.")
            digest.update(block)
            size += len(block)
            lines += block.count(b"\n")
            if is_utf8:
                is_utf8, carry = _utf8_so_far(carry + block)
            last = block
    if size == 0:
        raise TableError(f"{path.name} is empty.")
    encoding = "utf-8-sig" if is_utf8 and not carry else "latin-1"
    return encoding, lines + (not last.endswith(b"\n")), digest.hexdigest()


def _utf8_so_far(block: bytes) -> tuple[bool, bytes]:
    """Say whether the bytes are UTF-8, and return the bytes of a character cut in two at the end."""
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and len(block) - error.start < 4:
            return True, block[error.start :]
        return False, b""
    return True, b""


def _reader(lines: Iterable[str], delimiter: str) -> "CsvReader":
    # Quotes mean nothing in a pipe-separated table: notes there hold arc minutes and seconds (5'10").
    if delimiter == "|":
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=delimiter)


def _is_blank(cells: list[str]) -> bool:
    return not any(cell.strip() for cell in cells) or cells[0].lstrip().startswith("#")
