"""VOTable: the table format of the Virtual Observatory (IVOA, Ochsenbein et al. 2019, version 1.4), as TABLEDATA."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from giz.labelset.files import HashedFile
from giz.labelset.schema import Column

Cells = Sequence[Any]
LINES_A_WRITE = 512
_KINDS = {
    "int64": 'datatype="long"',
    "float64": 'datatype="double"',
    "bool": 'datatype="boolean"',
    "string": 'datatype="unicodeChar" arraysize="*"',
}
# Characters that XML 1.0 can't contain, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<RESOURCE type="results">
<TABLE name="labels">
"""
_TAIL = "</TABLEDATA>\n</DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n"


def write_votable(columns: Sequence[Column], rows: Iterable[Cells], out: HashedFile) -> int:
    """Write one TABLE with units and UCDs; VOTable 1.3 and later read an empty cell as null."""
    out.write((_HEAD + "".join(_field(column) for column in columns) + "<DATA>\n<TABLEDATA>\n").encode())
    makers = [_MAKERS[column.kind] for column in columns]
    lines: list[str] = []
    count = 0
    for row in rows:
        cells = [
            "<TD/>" if cell is None or cell == "" else f"<TD>{make(cell)}</TD>"
            for make, cell in zip(makers, row, strict=True)
        ]
        lines.append(f"<TR>{''.join(cells)}</TR>\n")
        count += 1
        if len(lines) == LINES_A_WRITE:
            out.write("".join(lines).encode())
            lines.clear()
    out.write(("".join(lines) + _TAIL).encode())
    return count


def _field(column: Column) -> str:
    unit = f" unit={quoteattr(column.unit)}" if column.unit else ""
    ucd = f" ucd={quoteattr(column.ucd)}" if column.ucd else ""
    name = quoteattr(column.name)
    return (
        f"<FIELD ID={name} name={name} {_KINDS[column.kind]}{unit}{ucd}>"
        f"<DESCRIPTION>{escape(column.description)}</DESCRIPTION></FIELD>\n"
    )


def _text(value: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", value), {"\r": "&#13;"})


_MAKERS: dict[str, Callable[[Any], str]] = {
    "int64": str,
    "float64": repr,
    "bool": lambda value: "true" if value else "false",
    "string": _text,
}
