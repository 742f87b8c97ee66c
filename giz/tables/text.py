"""Tables of text (CSV and its relatives); `table_or_refusal` opens a table of any kind."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from giz.core.errors import Refused
from giz.core.words import printable
from giz.tables.lines import (
    DELIMITERS,
    Record,
    TextFile,
    excel_delimiter,
    has_stray_byte,
    is_number,
    is_remark,
    open_text,
    records,
)
from giz.tables.table import MAX_CELL_CHARACTERS, MAX_COLUMNS, Row, Table, TableError

_QUOTED = re.compile('"[^"]*"')
_ANGLE_IN_BRACKETS = re.compile(r"\[\s*(?:deg(?:rees?)?|h|hrs?|hours?)\s*\]", re.IGNORECASE)
_RULE = re.compile(r"[-=]+")
# Units as VizieR and others write them in a row below the header.
_UNIT_WORDS = frozenset(
    {
        *('"', "'", "deg", "degree", "degrees", "arcmin", "arcsec", "mas", "rad", "mag"),
        *("h", "hr", "hour", "hours", "hourangle", "h:m:s", "d:m:s", '"h:m:s"', '"d:m:s"'),
    }
)
_NO_UNIT = frozenset(("", "-", "--", "---", "none"))


@dataclass(frozen=True)
class TextTable(Table):
    """A table of text. ``header_line`` is the number of the last line before the rows."""

    text: TextFile
    delimiter: str
    header_line: int

    @property
    def encoding(self) -> str:
        return self.text.encoding

    def rows(self) -> Iterator[Row]:
        """Yield every row after the header; blank lines and comments are skipped."""
        for record in records(self.text.lines(), self.delimiter):
            if record.line > self.header_line:
                yield self._row(record)

    def _row(self, record: Record) -> Row:
        if record.problem:
            return Row(record.line, {}, record.problem)
        width = len(self.columns)
        values = [cell.strip() for cell in record.cells]
        while len(values) > width and not values[-1]:
            values.pop()
        if len(values) != width:
            return Row(record.line, {}, f"{len(values)} cells, but the header has {width}")
        if any("\x00" in value for value in values):
            return Row(record.line, {}, "a NUL character is not text")
        if any(len(value) > MAX_CELL_CHARACTERS for value in values):
            return Row(record.line, {}, f"a cell has more than {MAX_CELL_CHARACTERS} characters")
        for name, value in zip(self.columns, values, strict=True):
            if has_stray_byte(value):
                named = "UTF-8" if self.encoding.startswith("utf") else "Windows-1252"
                return Row(record.line, {}, f"{printable(name)} holds a byte that is not {named}")
        return Row(record.line, dict(zip(self.columns, values, strict=True)))


def open_table(path: Path) -> TextTable:
    """Open a table of text: find its encoding, delimiter, columns (in lower case), units and number of lines.

    Raises
    ------
    TableError
        Empty, binary, UTF-16, a web page, without a header, or with a column named twice.
    """
    text = open_text(path)
    header, delimiter, header_line = _header(text)
    columns = [name.strip().lower() for name in header]
    while len(columns) > 1 and not columns[-1]:
        columns.pop()
    if len(columns) > MAX_COLUMNS:
        raise TableError(f"{path.name} has {len(columns)} columns; at most {MAX_COLUMNS} are read.")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise TableError(
            f"{path.name} names the column {printable(twice[0]) or '(empty)'!r} more than once in its header."
        )
    if any(has_stray_byte(name) for name in columns):
        raise TableError(f"The header of {path.name} holds a byte that is not UTF-8; save the file as UTF-8.")
    units, header_line = _units_below(text, delimiter, header_line, columns)
    notices: tuple[str, ...] = ()
    if text.encoding == "cp1252":
        notices = (f"{path.name} is not UTF-8; read as Windows-1252, Excel's usual encoding.",)
    return TextTable(
        *(path, tuple(columns), text.line_count, text.sha256, text, delimiter, header_line),
        units=units,
        notices=notices,
    )


def _header(text: TextFile) -> tuple[list[str], str, int]:
    """Return the cells of the header, the delimiter, and the line of the header.

    Numpy and astropy write the header as a comment: if the first row contains a number, and the comment above it as
    many words, none of them a number, then that comment is the header.
    """
    delimiter, remark = "", ""
    lines = text.lines()
    for line, content in lines:
        if line == 1 and (delimiter := excel_delimiter(content)):
            continue
        if is_remark(content):
            remark = content
        elif content.strip():
            break
    else:
        raise TableError(f"{text.path.name} holds no header line.")
    if not delimiter:
        bare = _QUOTED.sub("", content)
        delimiter = max(DELIMITERS, key=bare.count)
        delimiter = delimiter if delimiter in content else ","
    first = next(records([(line, content), *islice(lines, 20)], delimiter))
    if first.problem:
        raise TableError(f"The header of {text.path.name}, line {line}, can't be read: {first.problem}.")
    words = [word.strip() for word in remark.lstrip("\ufeff #!").split(delimiter)]
    is_data = any(is_number(cell.strip()) for cell in first.cells)
    if is_data and len(words) == len(first.cells) > 1 and not any(is_number(word) for word in words):
        return words, delimiter, line - 1
    return first.cells, delimiter, line


def _units_below(
    text: TextFile, delimiter: str, header_line: int, columns: Sequence[str]
) -> tuple[dict[str, str], int]:
    """Return the units in the row below the header, if there is such a row, and the last line before the rows.

    VizieR writes a row of units and one of dashes below the names; others only one of the two.
    """
    after = (record for record in records(text.lines(), delimiter) if record.line > header_line)
    below = [record for record in islice(after, 2) if len(record.cells) >= len(columns)]
    cells = [[cell.strip() for cell in record.cells] for record in below]
    rules = [all(_RULE.fullmatch(cell) for cell in row) for row in cells]
    if rules[:1] == [True]:
        return {}, below[0].line
    is_of_units = cells and (rules[1:] == [True] or _are_units(cells[0]))
    if not is_of_units:
        return {}, header_line
    said = cells[0]
    if any(_ANGLE_IN_BRACKETS.fullmatch(unit) for unit in said):
        # Brackets mean logarithms (CDS), but positions are never given as logarithms.
        said = [unit.removeprefix("[").removesuffix("]") for unit in said]
    units = {name: unit for name, unit in zip(columns, said, strict=False) if unit}
    return units, below[-1].line if rules[1:] == [True] else below[0].line


def _are_units(cells: Sequence[str]) -> bool:
    words = [cell.lower().strip("[]()") for cell in cells]
    return any(word in _UNIT_WORDS for word in words) and all(
        word in _UNIT_WORDS or word in _NO_UNIT or not is_number(word) for word in words
    )


def table_or_refusal(path: Path) -> Table:
    """Open a table in a file of any kind. Raises Refused if the file can't be read or is not a table."""
    from giz.tables.typed import open_typed_table, typed_format

    try:
        kind = typed_format(path)
        return open_typed_table(path, kind) if kind else open_table(path)
    except TableError as error:
        raise Refused("bad_table", str(error)) from None
    except OSError as error:
        raise Refused("no_file", f"{path} can't be read ({error.strerror}).") from None
