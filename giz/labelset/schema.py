"""The columns of a label table: names that carry units, kinds that every format of the field can hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from giz.labelset.errors import LabelSetError

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["int64", "float64", "bool", "string"]
BANDS = ("g", "r", "i", "gri")
COLOUR_BAND = "gri"
VERDICTS = {"A": "accepted", "F": "face-on", "J": "rejected", "split": "people disagree evenly", "": "not known"}

_NAME = re.compile(r"[a-z][a-zA-Z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `unit` as in the IVOA's VOUnits, `ucd` as in its list of unified content descriptors."""

    name: str
    kind: Kind
    description: str
    unit: str = ""
    ucd: str = ""
    nullable: bool = True

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "unit": self.unit or None,
            "description": self.description,
            "ucd": self.ucd or None,
            "nullable": self.nullable,
        }


PGC = Column("pgc", "int64", "number in the Principal Galaxies Catalogue; synthetic galaxies count from 90,000,001",
             ucd="meta.id;meta.main", nullable=False)  # fmt: skip
INCLINATION = Column("inclination_deg", "float64", "inclination from face-on (0) to edge-on (90); empty where unknown",
                     unit="deg", ucd="src.orbital.inclination")  # fmt: skip
VERDICT = Column("verdict", "string", "A accepted, F face-on, J rejected, split where people disagree evenly",
                 ucd="meta.code.class", nullable=False)  # fmt: skip
REASONS = Column("reasons", "string", "reasons for a rejection or remarks, each in brackets: [bad_TF] [disturbed]")
CORE_COLUMNS = (PGC, INCLINATION, VERDICT)
SIDE_COLUMNS = (
    Column("split", "string", "train or test, by a hash of the galaxy's number: a galaxy never changes sides",
           ucd="meta.code", nullable=False),
    Column("is_validation", "bool", "a tenth of the train galaxies, kept for choosing when to stop", ucd="meta.code",
           nullable=False),
    *(
        Column(f"subsample_{flavour}", "bool", f"in sub-sample {flavour} (67 % of the train galaxies, for bagging)",
               ucd="meta.code", nullable=False)
        for flavour in (1, 2, 3)
    ),
)  # fmt: skip


def label_columns(extra: Sequence[Column]) -> tuple[Column, ...]:
    """All columns of a label set in order: the core, the writer's own (`extra`), then the sides of the split.

    Raises
    ------
    LabelSetError
        ``bad_columns``: a name that is no plain word, is taken twice, or a kind that formats can't hold.
    """
    columns = (*CORE_COLUMNS, *extra, *SIDE_COLUMNS)
    check_columns(columns)
    return columns


def check_columns(columns: Sequence[Column]) -> None:
    """Refuse names that some format can't hold, and names used twice."""
    seen: set[str] = set()
    for column in columns:
        if not _NAME.fullmatch(column.name):
            raise LabelSetError("bad_columns", f"{column.name!r} is no column name: a letter, then letters, digits, _.")
        if column.kind not in get_args(Kind):
            raise LabelSetError("bad_columns", f"Column {column.name} has the unknown kind {column.kind!r}.")
        if column.name.lower() in seen:
            raise LabelSetError("bad_columns", f"The column {column.name} stands there twice.")
        seen.add(column.name.lower())


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of these columns, with unit, description and UCD as the fields' metadata."""
    import pyarrow as pa

    kinds = {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_(), "string": pa.string()}
    fields = []
    for column in columns:
        words = {"unit": column.unit, "description": column.description, "ucd": column.ucd}
        metadata = {key: value for key, value in words.items() if value}
        fields.append(pa.field(column.name, kinds[column.kind], nullable=column.nullable, metadata=metadata))
    return pa.schema(fields)


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """The columns that `arrow_schema` was given."""
    kinds: dict[str, Kind] = {"int64": "int64", "double": "float64", "bool": "bool", "string": "string"}
    columns = []
    for field in schema:
        words = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        kind = kinds.get(str(field.type))
        if kind is None:
            raise LabelSetError("bad_columns", f"Column {field.name} is of type {field.type}, which no label set has.")
        columns.append(
            Column(
                field.name, kind, words.get("description", ""), words.get("unit", ""), words.get("ucd", ""),
                field.nullable,
            )
        )  # fmt: skip
    return tuple(columns)
