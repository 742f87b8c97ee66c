"""The columns of a label table, and the split into train and test.

One hash of a galaxy's number gives five independent words: test or train, validation, and three sub-samples. Neither
the campaign, the size of the set nor the order of the galaxies matters, so a galaxy never changes sides.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["int64", "float64", "bool", "string"]
VERDICTS = {"A": "accepted", "F": "face-on", "J": "rejected", "split": "people disagree evenly", "": "not known"}

SPLIT_RULE = "giz-split-1"
TEST_SHARE = 0.10
VALIDATION_SHARE = 0.10
SUBSAMPLE_SHARE = 0.67
FLAVOURS = (1, 2, 3)

_WORDS = struct.Struct(">5Q")
_TEST_BELOW = int(TEST_SHARE * 2**64)
_VALIDATION_BELOW = int(VALIDATION_SHARE * 2**64)
_SUBSAMPLE_BELOW = int(SUBSAMPLE_SHARE * 2**64)
_NAME = re.compile(r"[a-z][a-zA-Z0-9_]{0,62}")


class LabelSetError(ValueError):
    """A label set that can't be written or used: a stable code for programs, a sentence for people.

    Codes of writing: ``exists``, ``in_use``, ``other_settings``, ``bad_columns``, ``bad_row``, ``bad_image``,
    ``address_found``, ``unknown_format``. Codes of reading: ``not_a_label_set``, ``bad_manifest``, ``unsafe_path``,
    ``missing_file``, ``wrong_size``, ``wrong_sha256``, ``bad_labels``, ``duplicate_galaxies``, ``bad_split``,
    ``bad_images``, ``no_image``.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `unit` in the IVOA's VOUnits, `ucd` from its list of unified content descriptors."""

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
    """Return all columns of a label set in order: the core, the writer's own (`extra`), then those of the split.

    Raises
    ------
    LabelSetError
        ``bad_columns``: a name that is not a plain word or is used twice, or an unknown kind.
    """
    columns = (*CORE_COLUMNS, *extra, *SIDE_COLUMNS)
    check_columns(columns)
    return columns


def check_columns(columns: Sequence[Column]) -> None:
    """Refuse names that some format can't store, and names used twice."""
    seen: set[str] = set()
    for column in columns:
        if not _NAME.fullmatch(column.name):
            raise LabelSetError(
                "bad_columns",
                f"{column.name!r} is not a column name: it must begin with a letter, followed by letters, digits or _.",
            )
        if column.kind not in get_args(Kind):
            raise LabelSetError("bad_columns", f"Column {column.name} has the unknown kind {column.kind!r}.")
        if column.name.lower() in seen:
            raise LabelSetError("bad_columns", f"The column {column.name} appears twice.")
        seen.add(column.name.lower())


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema of these columns, with unit, description and UCD as the fields' metadata."""
    import pyarrow as pa

    kinds = {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_(), "string": pa.string()}
    fields = []
    for column in columns:
        words = {"unit": column.unit, "description": column.description, "ucd": column.ucd}
        metadata = {key: value for key, value in words.items() if value}
        fields.append(pa.field(column.name, kinds[column.kind], nullable=column.nullable, metadata=metadata))
    return pa.schema(fields)


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """Return the columns of a schema made by `arrow_schema`."""
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


@dataclass(frozen=True, slots=True)
class Sides:
    """The sides of one galaxy; a test galaxy is in neither validation nor a sub-sample."""

    split: str
    is_validation: bool
    subsamples: tuple[bool, bool, bool]


def sides_of(pgc: int) -> Sides:
    """Return the sides of a galaxy: 10 % test; of the rest 10 % validation; of the rest 67 % in each sub-sample."""
    digest = hashlib.blake2b(f"{SPLIT_RULE}|{pgc}".encode(), digest_size=_WORDS.size).digest()
    test, validation, first, second, third = _WORDS.unpack(digest)
    if test < _TEST_BELOW:
        return Sides("test", False, (False, False, False))
    chosen = (first < _SUBSAMPLE_BELOW, second < _SUBSAMPLE_BELOW, third < _SUBSAMPLE_BELOW)
    return Sides("train", validation < _VALIDATION_BELOW, chosen)
