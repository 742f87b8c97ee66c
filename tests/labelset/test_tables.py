"""Tables: what the field's own tools read is what was written; the same rows give the same bytes."""

import csv
import json
import os
import socket
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.io.votable.exceptions import VOWarning
from astropy.table import Table

from giz.labelset import Column
from giz.labelset.tables import TABLE_FORMATS, guard_formula, unguard_formula, write_table
from giz.labelset.tables.fits import _ascii
from tests.refusals import refuses

COLUMNS = (
    Column("pgc", "int64", "number", ucd="meta.id;meta.main", nullable=False),
    Column("inc", "int64", "whole degrees", unit="deg", ucd="src.orbital.inclination"),
    Column("inc_e", "int64", "standard error, rounded up", unit="deg"),
    Column("inc_flg", "int64", "1 where not accepted", nullable=False),
    Column("inc_n", "int64", "volunteers", nullable=False),
    Column("inc_note", "string", "reasons & remarks"),
    Column("inclination_deg", "float64", "exact", unit="deg"),
    Column("is_certain", "bool", "whether"),
)
NOTES = ["", '=HYPERLINK("http://x")', "Ünïcode — ≥ 3, <b> & |pipe|", "'quoted\nlines\t\x07", None]


def rows(count: int = 10) -> list[tuple[Any, ...]]:
    return [
        (2557 + k, None if k % 3 == 0 else 45 + k, None if k % 3 == 0 else 2, int(k % 3 == 0), 3 + k, NOTES[k % 5],
         None if k % 3 == 0 else 45.0 + k / 3, None if k == 4 else k % 2 == 0)
        for k in range(count)
    ]  # fmt: skip


@pytest.fixture(params=sorted(TABLE_FORMATS))
def format_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_same_rows_give_the_same_bytes(tmp_path: Path, format_name: str) -> None:
    first = write_table(format_name, COLUMNS, iter(rows()), tmp_path / "first")
    second = write_table(format_name, COLUMNS, iter(rows()), tmp_path / "second")
    assert first.sha256 == second.sha256
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    assert first.rows == 10
    assert first.bytes == (tmp_path / "first").stat().st_size


def test_a_table_that_fails_half_way_leaves_no_file(tmp_path: Path, format_name: str) -> None:
    def failing() -> Any:
        yield from rows(5)
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError):
        write_table(format_name, COLUMNS, failing(), tmp_path / "table")
    assert list(tmp_path.iterdir()) == []


def test_a_table_without_rows_is_a_table(tmp_path: Path, format_name: str) -> None:
    assert write_table(format_name, COLUMNS, iter([]), tmp_path / "table").rows == 0


@pytest.mark.finding("abuse A15")
def test_csv_guards_formulas_and_comes_back(tmp_path: Path) -> None:
    write_table("csv", COLUMNS, rows(), tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as lines:
        read = list(csv.DictReader(lines))
    assert read[1]["inc_note"].startswith("'=")
    assert [unguard_formula(row["inc_note"]) for row in read] == [row[5] or "" for row in rows()]
    assert (read[0]["inc"], read[1]["inc"], read[0]["is_certain"], read[4]["is_certain"]) == ("", "46", "true", "")


@pytest.mark.finding("abuse A15")
@pytest.mark.parametrize("text", ["=1", "'=1", "''+1", "plain", "'quoted'", "", "-5", "@x", "\t=1", "'"])
def test_the_guard_comes_off_exactly(text: str) -> None:
    assert unguard_formula(guard_formula(text)) == text
    assert not guard_formula(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_json_keeps_text_and_nulls(tmp_path: Path) -> None:
    write_table("json", COLUMNS, rows(), tmp_path / "t.json")
    read = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert [tuple(row.values()) for row in read] == rows()


def test_edd_is_the_original_pipe_table(tmp_path: Path) -> None:
    write_table("edd", COLUMNS, rows(), tmp_path / "t.txt")
    lines = (tmp_path / "t.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 11
    assert [cell.strip() for cell in lines[0].split(" | ")] == ["pgc", "inc", "inc_e", "inc_flg", "inc_n", "inc_note"]
    assert [cell.strip() for cell in lines[1].split(" | ")][:5] == ["2557", "0", "0", "1", "3"]
    assert {len(line.split(" | ")) for line in lines} == {6}


def test_edd_needs_its_columns(tmp_path: Path) -> None:
    with refuses("bad_columns", "inc_note"):
        write_table("edd", COLUMNS[:5], [row[:5] for row in rows()], tmp_path / "t.txt")


def test_pandas_reads_the_parquet_file(tmp_path: Path) -> None:
    write_table("parquet", COLUMNS, rows(), tmp_path / "t.parquet")
    read = pd.read_parquet(tmp_path / "t.parquet", dtype_backend="numpy_nullable")
    assert read["pgc"].tolist() == [row[0] for row in rows()]
    assert [None if pd.isna(x) else x for x in read["inc"]] == [row[1] for row in rows()]
    assert [None if pd.isna(x) else x for x in read["is_certain"]] == [row[7] for row in rows()]
    assert [None if pd.isna(x) else x for x in read["inc_note"]] == [row[5] for row in rows()]


def test_astropy_reads_the_fits_table_with_units_and_nulls(tmp_path: Path) -> None:
    write_table("fits", COLUMNS, rows(), tmp_path / "t.fits")
    with fits.open(tmp_path / "t.fits") as units:
        units.verify("exception")
        assert units[1].name == "LABELS"
    read = Table.read(tmp_path / "t.fits")
    assert read["inc"].unit == "deg"
    assert [None if x is np.ma.masked else int(x) for x in read["inc"]] == [row[1] for row in rows()]
    wanted = [np.nan if row[6] is None else row[6] for row in rows()]
    np.testing.assert_array_equal(np.ma.filled(read["inclination_deg"], np.nan), wanted)
    notes = [str(note) if note else "" for note in read["inc_note"].filled("")]
    assert notes[1] == '=HYPERLINK("http://x")'
    assert notes[2] == r"\u00dcn\u00efcode \u2014 \u2265 3, <b> & |pipe|"


def test_the_votable_is_valid_and_astropy_reads_it(tmp_path: Path) -> None:
    write_table("votable", COLUMNS, rows(), tmp_path / "t.vot")
    with warnings.catch_warnings():
        warnings.simplefilter("error", VOWarning)
        table = parse(tmp_path / "t.vot", verify="exception").get_first_table().to_table()
    assert [None if x is np.ma.masked else int(x) for x in table["inc"]] == [row[1] for row in rows()]
    assert str(table["inc_note"][2]) == NOTES[2]
    assert str(table["inc_note"][3]) == NOTES[3].replace("\x07", "\ufffd")  # type: ignore[union-attr]
    assert table["inclination_deg"].unit == "deg"


def test_an_unknown_format_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with refuses("unknown_format", "'xlsx'"):
        write_table("xlsx", COLUMNS, rows(), tmp_path / "t.xlsx")


def test_what_a_killed_writer_left_behind_goes_when_the_file_is_written_again(tmp_path: Path) -> None:
    here, ended = socket.gethostname(), subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, other, running = (
        tmp_path / f".labels.csv.{name}.tmp" for name in (f"{here}.{ended.pid}", "another-host.1", f"{here}.1")
    )
    old, namesake = tmp_path / ".labels.csv.another-host.2.tmp", tmp_path / f".more-labels.csv.{here}.{ended.pid}.tmp"
    for path in (left, other, running, old, namesake):
        path.write_text("half")
    os.utime(old, (1, 1))
    write_table("csv", COLUMNS, iter(rows()), tmp_path / "labels.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"labels.csv", other.name, running.name, namesake.name}


@pytest.mark.finding("data 15")
@pytest.mark.parametrize("text", ["Méndez 🌀 说", "a literal \\u0041", "back\\slash", "\x85\x7f"])
def test_text_in_fits_is_read_back_by_the_documented_escapes(text):
    assert _ascii(text).decode("ascii").encode("ascii").decode("unicode_escape") == text
