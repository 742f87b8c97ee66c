"""Tables of galaxies: the forms they come in, and clear words for those that are none."""

import pytest

from giz.catalog.formats.galaxies import GalaxyColumns
from giz.catalog.formats.numbers import read_pgc
from giz.tables.table import RowError, TableError
from giz.tables.text import open_table


def table_of(folder, content, name="galaxies.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_table(path)


def cells_of(table):
    return [(row.line, row.cells or row.problem) for row in table.rows()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_all_delimiters_give_the_same_cells(tmp_path, delimiter):
    table = table_of(tmp_path, f"PGC{delimiter} ra \n 4{delimiter}0.5\n12{delimiter}\n")
    assert table.columns == ("pgc", "ra")
    assert cells_of(table) == [(2, {"pgc": "4", "ra": "0.5"}), (3, {"pgc": "12", "ra": ""})]


def test_a_table_of_one_column_is_a_table(tmp_path):
    assert cells_of(table_of(tmp_path, "pgc\n4\n")) == [(2, {"pgc": "4"})]


def test_quotes_hold_commas_in_csv_but_mean_nothing_between_pipes(tmp_path):
    assert cells_of(table_of(tmp_path, 'pgc,note\n4,"a, b"\n'))[0][1]["note"] == "a, b"
    piped = cells_of(table_of(tmp_path, 'pgc | note\n4 | 5\'10" wide\n12 | "\n'))
    assert [cells["note"] for _, cells in piped] == ["5'10\" wide", '"']


def test_blank_lines_and_comments_are_passed_over_and_line_numbers_stay_right(tmp_path):
    table = table_of(tmp_path, "# made by hand\n\npgc,ra\n\n4,1\n# a remark\n12,2\n")
    assert [line for line, _ in cells_of(table)] == [5, 7]


def test_windows_line_ends_a_byte_order_mark_and_a_missing_last_line_end_are_fine(tmp_path):
    table = table_of(tmp_path, b"\xef\xbb\xbfpgc,ra\r\n4,1\r\n12,2")
    assert cells_of(table) == [(2, {"pgc": "4", "ra": "1"}), (3, {"pgc": "12", "ra": "2"})]
    assert table.line_count == 3


def test_rows_of_another_width_are_reported_not_shifted(tmp_path):
    table = table_of(tmp_path, "pgc,ra,dec\n4,1\n12,1,2,3\n16,1,2,,\n")
    assert cells_of(table) == [
        (2, "2 cells, but the header has 3"),
        (3, "4 cells, but the header has 3"),
        (4, {"pgc": "16", "ra": "1", "dec": "2"}),
    ]


def test_windows_1252_is_read_where_the_text_is_not_utf8(tmp_path):
    table = table_of(tmp_path, "pgc,name\n4,Maffeï\n".encode("latin-1"))
    assert table.encoding == "cp1252"
    assert cells_of(table)[0][1]["name"] == "Maffeï"


def test_a_character_cut_in_two_by_the_read_buffer_is_still_utf8(tmp_path):
    padding = "x" * ((1 << 20) - len("pgc,name\n4,") - 1)
    table = table_of(tmp_path, f"pgc,name\n4,{padding}é\n")
    assert table.encoding == "utf-8-sig"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n\n# nothing\n", "no header line"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "binary"),
        ("pgc,ra\n4,1\n".encode("utf-16"), "UTF-16"),
        (b"pgc,ra,RA\n", "'ra' more than once"),
    ],
)
def test_a_wrong_file_is_told_in_words(tmp_path, content, words):
    with pytest.raises(TableError, match=words):
        table_of(tmp_path, content)


def test_a_table_without_pgc_names_the_columns_it_has():
    with pytest.raises(TableError, match=r"no column named pgc. Its columns: id, ra"):
        GalaxyColumns(["id", "ra"])


def entry(**cells):
    return GalaxyColumns(list(cells)).entry(cells)


def test_columns_become_fields_with_units_and_the_rest_is_kept_as_it_was():
    made = entry(
        pgc="2", ra="0.0070", dec="47.2745", d25="1.86", b_a="0.63", pa="163.0", ty="3.1", type="Sb", sdss="0", note=""
    )
    assert made.pgc == 2
    assert made.fields == {
        "ra_deg": 0.007,
        "dec_deg": 47.2745,
        "d25_arcsec": 111.6,
        "axial_ratio": 0.63,
        "position_angle_deg": 163.0,
        "type_code": 3.1,
        "morphological_type": "Sb",
    }
    assert made.extra == {"sdss": "0"}


def test_blank_and_unmeasured_values_are_null_never_zero_or_minus_a_hundred():
    made = entry(pgc="4", ra="", d25="0.00", b_a="-9.99", pa="-100.00", ty="-9.99", g_mag="-100.00", name="")
    assert set(made.fields.values()) == {None, ""}
    assert made.fields["name"] == ""
    assert made.extra == {"g_mag": "-100.00"}


@pytest.mark.parametrize(
    ("column", "value", "field", "expected"),
    [
        ("ra", "360", "ra_deg", 0.0),
        ("dec", "-9.99", "dec_deg", -9.99),
        ("d25_arcsec", "90", "d25_arcsec", 90.0),
        ("b_a", "1", "axial_ratio", 1.0),
        ("ra", "1.5e2", "ra_deg", 150.0),
        ("ra", "12 34 56.7", "ra_deg", 188.73625),
        ("ra", "12h34m56.7s", "ra_deg", 188.73625),
        ("ra", "188d44m10.5s", "ra_deg", 188.73625),
        ("ra", "24:00:00", "ra_deg", 0.0),
        ("al2000", "12:34:56.7", "ra_deg", 188.73625),
        ("dec", "-00 00 47.8", "dec_deg", -0.013277778),
        ("dec", "−00:00:47.8", "dec_deg", -0.013277778),
        ("dec", "+47°18′14″", "dec_deg", 47.303888889),
        ("dec", "-0 30", "dec_deg", -0.5),
    ],
)
def test_values_at_the_edges(column, value, field, expected):
    assert entry(pgc="4", **{column: value}).fields[field] == expected


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("ra", "400", "ra is 400, must lie in 0 to 360"),
        ("dec", "-90.1", "must lie in -90 to 90"),
        ("ra", "00:60:01", "must be a number"),
        ("ra", "25:00:01", "must be degrees, or hours"),
        ("ra", "-00 00 01", "must lie in 0 to 360"),
        ("dec", "90 00 01", "must lie in -90 to 90"),
        ("dec", "12 34 56 78", "must be a number"),
        ("ra", "nan", "must be a number"),
        ("ra", "1e999", "must be a number"),
        ("ra", "1_0", "must be a number"),
        ("ra", "１２", "must be a number"),
        ("b_a", "1.2", "must lie in 0 to 1"),
        ("d25", "-3", "must lie in"),
        ("type", "S" * 41, "41 characters"),
        ("pgc", "0", "whole number above 0"),
        ("pgc", "M31", "whole number above 0"),
        ("pgc", "4.5", "whole number above 0"),
        ("pgc", "90000001", "kept for synthetic"),
    ],
)
def test_bad_values_are_refused_with_the_value_and_the_rule(column, value, words):
    with pytest.raises(RowError, match=words):
        entry(**{"pgc": "4", column: value})


@pytest.mark.parametrize(
    ("column", "value", "field", "expected"),
    [
        ("al2000", "12.5", "ra_deg", 187.5),
        ("al2000", "24", "ra_deg", 0.0),
        ("logd25", "1.5", "d25_arcsec", 189.736660),
        ("logd25", "0", "d25_arcsec", 6.0),
        ("logd25", "-9.99", "d25_arcsec", None),
        ("logr25", "0.30103", "axial_ratio", 0.5),
        ("logr25", "0", "axial_ratio", 1.0),
        ("logr25", "999", "axial_ratio", None),
    ],
)
def test_hyperledas_own_columns_are_hours_and_logarithms(column, value, field, expected):
    made = entry(pgc="4", **{column: value})
    assert made.fields == {field: expected}
    assert made.extra == {}


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [("al2000", "187.5", "must lie in 0 to 24 hours"), ("logd25", "189", "-2 to 4"), ("logr25", "-0.3", "0 to 2")],
)
def test_what_is_no_hour_and_no_logarithm_is_refused(column, value, words):
    with pytest.raises(RowError, match=words):
        entry(pgc="4", **{column: value})


@pytest.mark.parametrize(
    ("what", "column", "value", "field", "expected"),
    [
        ("ra", "al2000", "12.5", "ra_deg", 187.5),
        ("d25", "logd25", "1", "d25_arcsec", 60.0),
        ("d25_arcsec", "logd25", "1", "d25_arcsec", 60.0),
        ("b_a", "logr25", "1", "axial_ratio", 0.1),
        ("al2000", "alpha", "12.5", "ra_deg", 187.5),
        ("logd25", "size", "1", "d25_arcsec", 60.0),
    ],
)
def test_a_map_leaves_hours_hours_and_logarithms_logarithms(what, column, value, field, expected):
    columns = GalaxyColumns(["pgc", column], {what: column})
    assert columns.entry({"pgc": "4", column: value}).fields == {field: expected}


def test_a_map_can_not_make_another_thing_of_a_logarithm():
    with pytest.raises(TableError, match="logd25 holds the logarithm of D25; it can't be ra"):
        GalaxyColumns(["pgc", "logd25"], {"ra": "logd25"})


@pytest.mark.parametrize(
    ("column", "unit", "value", "field", "expected"),
    [
        ("ra", "h", "12.5", "ra_deg", 187.5),
        ("ra", "rad", "0.5", "ra_deg", 28.6478897565),
        ("ra", "hourangle", "999", "ra_deg", None),
        ("al2000", "deg", "187.5", "ra_deg", 187.5),
        ("al2000", "h", "12.5", "ra_deg", 187.5),
        ("dec", "arcmin", "-90", "dec_deg", -1.5),
        ("dec", "Degrees", "-9.9", "dec_deg", -9.9),
        ("d25", "arcsec", "90", "d25_arcsec", 90.0),
        ("d25", '"', "90", "d25_arcsec", 90.0),
        ("d25", "[0.1arcmin]", "1", "d25_arcsec", 60.0),
        ("d25_arcsec", "arcmin", "1.5", "d25_arcsec", 90.0),
        ("d25_arcsec", "arcmin", "-9.99", "d25_arcsec", None),
        ("logd25", "log(0.1 arcmin)", "1", "d25_arcsec", 60.0),
        ("logd25", "[0.1arcmin]", "1", "d25_arcsec", 60.0),
        ("logd25", "dex(arcsec)", "2", "d25_arcsec", 100.0),
        ("logr25", "[-]", "1", "axial_ratio", 0.1),
        ("b_a", "%", "50", "axial_ratio", 0.5),
        ("pa", "rad", "1", "position_angle_deg", 57.2957795131),
        ("pa", "", "45", "position_angle_deg", 45.0),
        ("name", "m", "NGC 1", "name", "NGC 1"),
    ],
)
def test_the_unit_that_a_file_gives_wins_over_the_one_a_name_stands_for(column, unit, value, field, expected):
    columns = GalaxyColumns(["pgc", column], units={column: unit})
    assert columns.entry({"pgc": "4", column: value}).fields == {field: pytest.approx(expected, abs=1e-9)}


@pytest.mark.parametrize(
    ("column", "unit", "words"),
    [
        ("ra", '"d:m:s"', "The column ra has the unit '\"d:m:s\"', which is not known here; wanted is deg"),
        ("dec", '"h:m:s"', "The column dec has the unit '\"h:m:s\"', which is not known here; wanted is deg"),
        ("dec", "h", "The column dec has the unit h, which can't be turned into deg"),
        ("d25", "min", "d25 has the unit min, which can't be turned into arcmin"),
        ("d25", "kpc", "can't be turned into arcmin"),
        ("logd25", "arcmin", "can't be turned into the logarithm of 0.1 arcmin"),
        ("logr25", "mag", "can't be turned into a logarithm"),
        ("b_a", "deg", "can't be turned into a number without unit"),
    ],
)
def test_a_unit_of_another_kind_is_refused_in_words(column, unit, words):
    with pytest.raises(TableError, match=words):
        GalaxyColumns(["pgc", column], units={column: unit})


def test_a_value_out_of_range_is_told_in_the_unit_of_the_file():
    with pytest.raises(RowError, match="ra is 25 h, must lie in 0 to 360 degrees"):
        GalaxyColumns(["pgc", "ra"], units={"ra": "h"}).entry({"pgc": "4", "ra": "25"})


def test_pgc_numbers_are_read_as_people_write_them():
    assert [read_pgc(text) for text in ("4", "0004", "PGC 4", "pgc4", "4.0")] == [4] * 5


@pytest.mark.real_data
def test_the_edd_sample_is_read_whole(real_data):
    table = open_table(real_data / "edd_catalog_sample.csv")
    columns = GalaxyColumns(table.columns)
    entries = [columns.entry(row.cells) for row in table.rows()]
    assert len(entries) == 60
    assert entries[0].pgc == 2
    assert entries[0].fields["d25_arcsec"] == 111.6
    assert entries[2].extra["i_mag"] == "-100.00"
    assert "inc" in entries[0].extra
