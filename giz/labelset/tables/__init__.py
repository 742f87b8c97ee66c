"""Tables in the formats of astronomy, written as rows come; equal rows give equal bytes."""

from giz.labelset.tables.text import guard_formula, unguard_formula
from giz.labelset.tables.write import TABLE_FORMATS, TableFile, write_table

__all__ = ["TABLE_FORMATS", "TableFile", "guard_formula", "unguard_formula", "write_table"]
