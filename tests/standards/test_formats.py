"""Tables of standards: which columns are read, and what is said about rows that can't be."""

import pytest

from giz.tables.table import TableError
from giz.tables.text import open_table
from standards.formats import DEFAULT_CROP, StandardColumns, StandardEntry, half_turn, read_standards


def read(path):
    return read_standards(open_table(path))


def test_the_originals_columns_become_a_clockwise_turn_and_a_zoom_of_the_panels_crop(table):
    entries, problems = read(table("pgc,inc,dPA,zoom\n70,90,0.0,2.86797\n71047,70,-177.0,1.45\n"))
    assert problems == []
    assert entries == [
        StandardEntry(70, 90, 0, round(2.86797 / DEFAULT_CROP, 5)),
        StandardEntry(71047, 70, -177, 1),
    ]


def test_display_columns_may_be_missing_or_empty(table):
    assert read(table("pgc|inc\n4|61.4\n"))[0] == [StandardEntry(4, 61.4, 0, 1)]
    assert read(table("inc,zoom,pgc,dpa\n61.4,,4,\n"))[0] == [StandardEntry(4, 61.4, 0, 1)]


@pytest.mark.parametrize(
    ("angle_deg", "same_deg"), [(0, 0), (181, -179), (-180, 180), (180, 180), (-358, 2), (-721, -1), (-540, 180)]
)
def test_a_turn_is_kept_within_half_a_turn(angle_deg, same_deg):
    assert half_turn(angle_deg) == same_deg


def test_each_bad_row_is_named_with_its_line_and_the_rule(table):
    rows = [
        "4,60,0,1",
        "5,abc,0,1",
        "6,32,0,1",
        "7,95,0,1",
        "x,60,0,1",
        "4,61,0,1",
        "8,60,0",
        "9,60,0,99",
        "90000001,60,0,1",
        "",
        "10,60,east,1",
    ]
    entries, problems = read(table("pgc,inc,dPA,zoom\n" + "\n".join(rows) + "\n"))
    assert [entry.pgc for entry in entries] == [4]
    assert problems == [
        "line 3: inc is 'abc', must be a number",
        "line 4: PGC 6: the grid covers inclinations from 44.5° to 90°, not 32°",
        "line 5: PGC 7: the grid covers inclinations from 44.5° to 90°, not 95°",
        "line 6: pgc is 'x', must be a whole number above 0",
        "line 7: PGC 4 already appears on line 2",
        "line 8: 3 cells, but the header has 4",
        "line 9: zoom is 99, must lie in 0.2 to 20",
        "line 10: pgc is 90000001; numbers from 90000001 are kept for synthetic galaxies",
        "line 12: dPA is 'east', must be a number",
    ]


def test_a_table_without_a_needed_column_is_refused_with_the_columns_it_has():
    with pytest.raises(TableError, match=r"no column named pgc and none named inc\. Its columns: pcg, incl"):
        StandardColumns(["pcg", "incl"])


def test_columns_that_are_not_read_are_known_by_name():
    assert StandardColumns(["pgc", "inc", "zom", "note"]).unused == ["zom", "note"]


def test_reading_tells_how_far_it_is(table):
    lines = []
    read_standards(open_table(table("pgc,inc\n1,60\n2,61\n")), lines.append)
    assert lines == [2, 3]
