"""Tables of tests: written, opened and read."""

from pathlib import Path

from giz.catalog.formats.galaxies import GalaxyColumns
from giz.tables.text import table_or_refusal


def written(folder: Path, content, name="table.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def opened(folder, content, name="table.csv"):
    return table_or_refusal(written(folder, content, name))


def read(table) -> dict[int, dict[str, str] | str]:
    """Each row by its line: its cells, or why it can't be read."""
    return {row.line: row.problem or row.cells for row in table.rows()}


def entry_of(table):
    columns = GalaxyColumns(table.columns, units=table.units)
    return columns.entry(next(table.rows()).cells)
