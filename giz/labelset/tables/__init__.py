"""Tables in the formats of the field, written as rows come: the same rows give the same bytes."""

from giz.labelset.tables.text import guard_formula, unguard_formula
from giz.labelset.tables.write import TABLE_FORMATS, TableFile, write_table

__all__ = ["TABLE_FORMATS", "TableFile", "guard_formula", "unguard_formula", "write_table"]
