"""Tables of text from the real world: read right, or refused by line; nothing is swallowed or mistaken."""

import bz2

import pytest
from astropy.table import Table

from giz.catalog.formats.galaxies import GalaxyColumns
from giz.catalog.formats.numbers import read_pgc_list
from giz.catalog.models import Galaxy
from giz.core.errors import Refused
from giz.core.models import JobLogLine
from giz.tables.table import RowError, TableError
from tests.catalog.tables import entry_of, opened, read, written

STRAY = 'pgc,ra,note\n101,10.1,"seeing bad\n102,10.2,fine\n103,10.3,fine\n'


@pytest.mark.finding("data 1")
@pytest.mark.parametrize(
    "end",
    [
        "",
        '104,10.4,a "good" one\n',
        '104,10.4,"good" one\n',
        '104,10.4,"\n',
        '104,10.4,closed here"\n',
        ',10.4,closed here"\n',
    ],
    ids=["never", "midst of a cell", "before a word", "by a lone mark", "at a line's end", "in a row without number"],
)
def test_a_stray_quotation_mark_costs_its_own_line_only(tmp_path, end):
    rows = read(opened(tmp_path, STRAY + end))
    assert isinstance(rows[2], str)
    assert "quotation mark" in rows[2]
    assert [rows[line]["pgc"] for line in (3, 4)] == ["102", "103"]
    assert len(rows) == 3 + bool(end)


@pytest.mark.finding("data 1")
def test_one_quotation_mark_too_many_loses_one_of_many_rows(tmp_path):
    lines = [f'{n},{n / 1000},"a ""fine"" one"' for n in range(1, 5001)]
    lines[9] = '10,0.01,"seeing'
    table = opened(tmp_path, "pgc,ra,note\n" + "\n".join(lines) + "\n")
    rows = read(table)
    assert len(rows) == 5000
    assert [line for line, row in rows.items() if isinstance(row, str)] == [11]


@pytest.mark.finding("data 1")
def test_cells_in_quotes_may_go_on_over_lines(tmp_path):
    table = opened(tmp_path, 'pgc,ra,note\n4,1.5,"first,\n\nsecond ""quoted"", # third\n"\n12,2,"b\nc"\n16,3,d\n')
    assert read(table) == {
        2: {"pgc": "4", "ra": "1.5", "note": 'first,\n\nsecond "quoted", # third'},
        6: {"pgc": "12", "ra": "2", "note": "b\nc"},
        8: {"pgc": "16", "ra": "3", "note": "d"},
    }


@pytest.mark.finding("data 1")
def test_a_quotation_mark_in_a_remark_means_nothing(tmp_path):
    table = opened(tmp_path, '# columns:\n#,"diameter in arcmin\npgc,ra\n1,10\n# "more\n2,20\n')
    assert [row["pgc"] for row in read(table).values()] == ["1", "2"]


@pytest.mark.finding("data 1")
def test_a_header_whose_quotation_mark_stays_open_is_refused(tmp_path):
    with pytest.raises(Refused, match="line 1"):
        opened(tmp_path, 'pgc,"ra\n4,1\n')


@pytest.mark.finding("data 5")
@pytest.mark.parametrize("mark", ["#NAME?", "#REF!", "#DIV/0!", "#N/A", "#VALUE!", "#BEZUG!", "#NV", "#SPILL!"])
def test_a_failed_formula_is_a_bad_cell_and_no_remark(tmp_path, mark):
    table = opened(tmp_path, f'name,pgc\nNGC 1,201\n{mark},202\n"#5 of the list",203\n# a remark, 4\n{mark}\n')
    rows = read(table)
    assert [rows[line]["name"] for line in (2, 3, 4)] == ["NGC 1", mark, "#5 of the list"]
    assert rows[6] == "1 cells, but the header has 2"
    columns = GalaxyColumns(table.columns)
    assert columns.entry(rows[4]).fields["name"] == "#5 of the list"
    with pytest.raises(RowError, match="failed formula"):
        columns.entry(rows[3])


@pytest.mark.finding("data 5")
def test_the_header_that_numpy_writes_as_a_remark_is_the_header(tmp_path):
    table = opened(tmp_path, "# by hand\n# pgc,ra,dec\n601,10.1,1.1\n602,10.2,1.2\n")
    assert table.columns == ("pgc", "ra", "dec")
    assert [row["ra"] for row in read(table).values()] == ["10.1", "10.2"]


@pytest.mark.finding("data 14")
@pytest.mark.parametrize(
    "head",
    ["!! request processed by HyperLEDA\n!!\n", "sep=,\n", '"sep=,"\r\n', "\ufeff# remark\n", "\ufeffsep=,\n"],
)
def test_lines_before_the_header_are_not_the_header(tmp_path, head):
    assert list(read(opened(tmp_path, f"{head}pgc,ra\n4,1\n")).values()) == [{"pgc": "4", "ra": "1"}]


@pytest.mark.finding("data 14")
def test_excels_first_line_names_the_delimiter(tmp_path):
    table = opened(tmp_path, 'sep=;\npgc;note\n4;"a, b, c, d"\n12;"open\n16;e\n')
    rows = read(table)
    assert rows[3] == {"pgc": "4", "note": "a, b, c, d"}
    assert rows[5] == {"pgc": "16", "note": "e"}


@pytest.mark.finding("data 14")
@pytest.mark.parametrize("page", ["<html><body>busy</body></html>", " \n<!DOCTYPE html>\n<p>a,b", "<?xml?><a/>"])
def test_a_web_page_is_told_as_one(tmp_path, page):
    with pytest.raises(Refused, match="web page"):
        opened(tmp_path, page)


@pytest.mark.finding("data 3", "data 4")
def test_a_unit_behind_a_columns_name_counts(tmp_path):
    table = opened(tmp_path, "PGC,RA [h],Dec (deg),D25 (arcsec),PA (rad)\n4,12.5,1.5,120,1\n")
    assert entry_of(table).fields == {
        "ra_deg": 187.5,
        "dec_deg": 1.5,
        "d25_arcsec": 120.0,
        "position_angle_deg": pytest.approx(57.29577951),
    }


@pytest.mark.django_db
@pytest.mark.finding("data 4")
def test_columns_that_are_not_understood_are_named_with_the_way_to_have_them_read(tmp_path, run_command):
    run_command("import_galaxies", written(tmp_path, "pgc,RA (J2000),MajAx,type\n4,10.1,2,Sb\n"))
    assert Galaxy.objects.get().extra == {"ra (j2000)": "10.1", "majax": "2"}
    said = "\n".join(JobLogLine.objects.values_list("text", flat=True))
    assert "ra (j2000), majax" in said
    assert "--map ra='ra (j2000)'" in said


@pytest.mark.finding("data 4")
def test_the_way_out_of_a_missing_number_is_named(tmp_path):
    with pytest.raises(TableError, match="--map pgc=COLUMN"):
        GalaxyColumns(opened(tmp_path, "number,ra\n4,10\n").columns)


@pytest.mark.django_db
@pytest.mark.finding("data 6")
def test_the_same_file_again_changes_nothing_whatever_came_between(tmp_path, run_command):
    first = written(tmp_path, "pgc,ra,pa,d25,note,name\n4,10,,999,,\n", "a.csv")
    run_command("import_galaxies", first)
    run_command("import_galaxies", written(tmp_path, "pgc,pa,d25,note,name\n4,150,2,x,NGC 4\n", "b.csv"))
    assert "0 new, 0 changed, 1 unchanged" in run_command("import_galaxies", first)
    galaxy = Galaxy.objects.get()
    assert (galaxy.position_angle_deg, galaxy.d25_arcsec, galaxy.name) == (150.0, 120.0, "NGC 4")
    assert galaxy.extra == {"note": "x"}


@pytest.mark.finding("data 9")
@pytest.mark.parametrize("mark", ["999", "999.9", "999.99", "9999", "-9.99", "0"])
@pytest.mark.parametrize("column", ["d25", "d25_arcsec", "logd25", "b_a", "pa", "ty"])
def test_marks_for_not_measured_are_no_values(column, mark):
    if (column, mark) in (("logd25", "0"), ("pa", "0"), ("ty", "0")):
        return
    columns = GalaxyColumns(["pgc", column])
    assert list(columns.entry({"pgc": "4", column: mark}).fields.values()) == [None]
    assert columns.unmeasured == {column: 1}


@pytest.mark.finding("data 10")
def test_a_stray_byte_costs_its_own_line(tmp_path):
    table = opened(tmp_path, "name,pgc\nMéndez 1,311\nbad?,312\nVéron,313\n".encode().replace(b"?", b"\xff"))
    rows = read(table)
    assert rows[2]["name"] == "Méndez 1"
    assert rows[3] == "name holds a byte that is not UTF-8"
    assert rows[4]["name"] == "Véron"


@pytest.mark.finding("data 10")
def test_windows_quotation_marks_are_read_as_such(tmp_path):
    table = opened(tmp_path, "pgc,note\n4,“fine” – Méndez €\n12,\x81\n".encode("cp1252", "ignore") + b"16,\x81\n")
    rows = read(table)
    assert rows[2]["note"] == "“fine” – Méndez €"
    assert rows[4] == "note holds a byte that is not Windows-1252"
    assert table.notices


@pytest.mark.finding("data 10")
@pytest.mark.parametrize("name", ["NGC\x1b[31m4", "NGC \u202e4", "NGC\u200b4", "NGC 4\x07"])
def test_a_name_with_characters_that_can_not_be_seen_is_refused(name):
    with pytest.raises(RowError, match="can't be seen"):
        GalaxyColumns(["pgc", "name"]).entry({"pgc": "4", "name": name})


@pytest.mark.finding("data 10")
def test_names_have_one_spelling_and_headers_no_control_characters():
    columns = GalaxyColumns(["pgc", "name"])
    assert columns.entry({"pgc": "4", "name": "Me\u0301ndez\u00a0 1"}).fields["name"] == "Méndez 1"
    with pytest.raises(TableError) as refusal:
        GalaxyColumns(["\x1b[2Jnumber", "ra"])
    assert "\x1b" not in str(refusal.value)


@pytest.mark.finding("data 14")
@pytest.mark.parametrize(
    "content",
    [
        "\ufeff4\n12\n",
        "4,12\n",
        "4\r12",
        "PGC 4\n12.0\n# remark\n",
        "# first\n0004 # note\n12\n",
        "pgc\n4\n12\n",
        "name;pgc\nx;4\ny;12\n",
        "4 12",
        "4;\n12;\n",
    ],
)
def test_lists_of_numbers_come_in_many_forms(tmp_path, content):
    assert read_pgc_list(written(tmp_path, content, "list.txt")) == ([4, 12], [])


@pytest.mark.finding("data 14")
def test_a_wrong_number_of_a_list_is_told_with_its_line(tmp_path):
    numbers, problems = read_pgc_list(written(tmp_path, "4\nM31\n12\n", "list.txt"))
    assert numbers == [4, 12]
    assert problems[0].startswith("list.txt, line 2:")
    for content in ("4\n".encode("utf-16"), "", "nothing\n"):
        with pytest.raises(Refused):
            read_pgc_list(written(tmp_path, content, "list.txt"))


@pytest.mark.finding("data 14")
def test_numbers_beside_words_are_no_numbers_of_galaxies(tmp_path):
    numbers, problems = read_pgc_list(written(tmp_path, "4\nNGC 4258\n12, M 31\n7\n", "list.txt"))
    assert numbers == [4, 7]
    assert [problem.partition(":")[0] for problem in problems] == ["list.txt, line 2", "list.txt, line 3"]


@pytest.mark.finding("data 14")
@pytest.mark.parametrize(
    "content",
    [
        "name,ra\nNGC 4258,184\n",
        "ra;dec\n184;47\n",
        "% names\n% pgc,ra\n4258,184\n",
        "# pgc ra\n4258 184\n",
        "number ra dec\n4258 184 47\n",
    ],
)
def test_a_table_without_numbers_of_galaxies_is_no_list_of_them(tmp_path, content):
    with pytest.raises(Refused) as refused:
        read_pgc_list(written(tmp_path, content))
    assert refused.value.code == "bad_table"


@pytest.mark.finding("data 14")
def test_a_typed_table_without_numbers_of_galaxies_is_refused(tmp_path):
    path = tmp_path / "t.fits"
    Table({"name": ["NGC 4258"], "ra": [184.7]}).write(path)
    with pytest.raises(Refused) as refused:
        read_pgc_list(path)
    assert refused.value.code == "bad_table"


@pytest.mark.finding("data 1")
@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ('"NGC \\"x\\" 1"', 'NGC "x" 1'),
        ('"NGC 1 \\""', 'NGC 1 "'),
        ('"a ""b"" c"', 'a "b" c'),
        ('"5\\"', "5\\"),
    ],
)
def test_quotation_marks_within_a_cell_are_read_in_both_spellings(tmp_path, cell, name):
    rows = read(opened(tmp_path, f"pgc,name,ra\n4,{cell},1.5\n12,other,2.5\n"))
    assert rows == {2: {"pgc": "4", "name": name, "ra": "1.5"}, 3: {"pgc": "12", "name": "other", "ra": "2.5"}}


def test_delimiters_within_names_of_columns_do_not_count(tmp_path):
    for content in ("pgc\tname, common\tra, J2000\n4\tx\t1\n", '"ra, deg";"a, b, c";pgc\n1;2;4\n'):
        assert read(opened(tmp_path, content))[2]["pgc"] == "4"


def test_names_of_columns_in_a_remark_count_above_rows_with_words(tmp_path):
    table = opened(tmp_path, "# from a friend\n#pgc,name,ra\n39600,NGC 4258,184.7\n1,NGC 7,4.5\n")
    assert table.columns == ("pgc", "name", "ra")
    assert [row["pgc"] for row in read(table).values()] == ["39600", "1"]


@pytest.mark.finding("data 9")
@pytest.mark.parametrize(("column", "size"), [("d25", None), ("d25 (arcsec)", 99.99), ("d25_arcsec", 99.99)])
def test_99_99_arcmin_is_no_size(tmp_path, column, size):
    assert entry_of(opened(tmp_path, f"pgc,{column}\n4,99.99\n")).fields == {"d25_arcsec": size}


def test_packed_text_is_refused_as_binary(tmp_path):
    with pytest.raises(Refused, match="binary"):
        opened(tmp_path, bz2.compress(b"pgc,ra\n4,1\n" * 500) + b"\0", "t.csv.bz2")


@pytest.mark.finding("data 12")
def test_bytes_of_another_encoding_never_spoil_what_is_utf_8(tmp_path):
    other = "12,M\u00fcller\n13,\u00dc\n".encode("latin-1")
    rows = read(opened(tmp_path, "pgc,name\n4,M\u00fcller\n".encode() + other))
    assert rows[2] == {"pgc": "4", "name": "M\u00fcller"}
    assert isinstance(rows[3], str)
    assert isinstance(rows[4], str)
    assert read(opened(tmp_path, b"pgc,name\n" + other))[2] == {"pgc": "12", "name": "M\u00fcller"}


@pytest.mark.finding("data 3")
def test_units_in_brackets_beside_a_position_are_no_logarithms(tmp_path):
    table = opened(tmp_path, "pgc,ra,d25\n,[h],[arcmin]\n4,2,1.5\n")
    assert entry_of(table).fields == {"ra_deg": 30.0, "d25_arcsec": 90.0}
