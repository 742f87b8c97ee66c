"""Tables with typed columns as the field's programs and servers write them: units, several tables, errors, damage."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from giz.catalog.formats.galaxies import GalaxyColumns
from giz.catalog.formats.numbers import read_pgc
from giz.core.errors import Refused
from giz.tables.table import RowError
from giz.tables.text import table_or_refusal
from tests.catalog.tables import entry_of, opened, read


@pytest.mark.finding("data 3")
@pytest.mark.parametrize("separator", [",", " "], ids=["comma", "blank"])
def test_ecsv_states_its_units(tmp_path, separator):
    head = [
        "# %ECSV 1.0",
        "# ---",
        *(["# delimiter: ','"] if separator == "," else []),
        "# datatype:",
        "# - {name: pgc, datatype: int64}",
        "# - {name: ra, unit: hourangle, datatype: float64}",
        "# - {name: d25, unit: arcsec, datatype: float64}",
        "# schema: astropy-2.0",
    ]
    rows = [separator.join(cells) for cells in (("pgc", "ra", "d25"), ("4", "12.5", "120"))]
    table = opened(tmp_path, "\n".join([*head, *rows]))
    assert entry_of(table).fields == {"ra_deg": 187.5, "d25_arcsec": 120.0}


@pytest.mark.finding("data 3")
def test_ipac_tables_state_their_units(tmp_path):
    rows = ["|  pgc|    ra|   d25|", "|  int|double|double|", "|     |   deg|arcsec|", "| null|  null|  null|"]
    rows += ["     4   10.5   120. ", "    12   11.5   null "]
    table = opened(tmp_path, "\\origin = 'somewhere'\n" + "\n".join(rows) + "\n", "t.tbl")
    assert entry_of(table).fields == {"ra_deg": 10.5, "d25_arcsec": 120.0}
    assert [row["d25"] for row in read(table).values()] == ["120.0", ""]


RULE = "-----\t-----\t-----\t----\n"
VIZIER = f"#Column\tPGC\t(I7)\tnumber\nPGC\tRAJ2000\tDEJ2000\tD25\n \tdeg\tdeg\tarcsec\n{RULE}4\t10.5\t-5\t90\n"


@pytest.mark.finding("data 3")
@pytest.mark.parametrize(
    "content",
    [VIZIER, VIZIER.replace("\t", ";"), VIZIER.replace(RULE, "")],
    ids=["tabs", "semicolons", "without a rule"],
)
def test_a_row_of_units_below_the_header_counts(tmp_path, content):
    table = opened(tmp_path, content)
    assert [row["pgc"] for row in read(table).values()] == ["4"]
    assert entry_of(table).fields == {"ra_deg": 10.5, "dec_deg": -5.0, "d25_arcsec": 90.0}


@pytest.mark.finding("data 3")
def test_sexagesimal_columns_of_vizier_are_hours_and_degrees(tmp_path):
    table = opened(
        tmp_path, 'PGC\tRAJ2000\tDEJ2000\n \t"h:m:s"\t"d:m:s"\n---\t-----\t-----\n4\t00 42 44\t-00 16 09\n5\t0.5\t1\n'
    )
    columns = GalaxyColumns(table.columns, units=table.units)
    first, second = (columns.entry(row.cells).fields for row in table.rows())
    assert first == pytest.approx({"ra_deg": 10.683333333, "dec_deg": -0.269166667})
    assert second == {"ra_deg": 7.5, "dec_deg": 1.0}


@pytest.mark.finding("data 3")
def test_parquet_files_of_astropy_and_of_the_virtual_observatory_state_units(tmp_path):
    from astropy import units
    from astropy.io.votable.tree import VOTableFile

    table = Table({"pgc": [4], "ra": [12.5] * units.hourangle, "d25": [120.0] * units.arcsec})
    table.write(tmp_path / "astropy.parquet")
    votable = VOTableFile.from_table(Table({"pgc": [4], "ra": [12.5], "d25": [120.0]}))
    fields = {field.name: field for field in votable.get_first_table().fields}
    fields["ra"].unit, fields["d25"].unit = units.hourangle, units.arcsec
    text = tmp_path / "votable.xml"
    votable.to_xml(str(text))
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = pa.table({"pgc": [4], "ra": [12.5], "d25": [120.0]})
    pq.write_table(
        plain.replace_schema_metadata({b"IVOA.VOTable-Parquet.content": text.read_bytes()}), tmp_path / "vo.parquet"
    )
    for name in ("astropy.parquet", "vo.parquet"):
        assert entry_of(table_or_refusal(tmp_path / name)).fields == {"ra_deg": 187.5, "d25_arcsec": 120.0}


@pytest.mark.finding("data 8")
def test_fits_tables_of_sky_coordinates_and_quantities_are_read(tmp_path):
    from astropy import units
    from astropy.coordinates import SkyCoord
    from astropy.table import QTable
    from astropy.time import Time

    table = QTable({"pgc": [4], "d25": [2.0] * units.arcmin, "seen": Time(["2020-01-01"])})
    table["coord"] = SkyCoord([10.5], [-5.0], unit="deg")
    table.write(tmp_path / "sky.fits")
    opened_table = table_or_refusal(tmp_path / "sky.fits")
    entry = entry_of(opened_table)
    assert (entry.pgc, entry.fields) == (4, {"ra_deg": 10.5, "dec_deg": -5.0, "d25_arcsec": 120.0})


@pytest.mark.django_db
@pytest.mark.finding("data 8")
@pytest.mark.parametrize("command", ["import_galaxies", "import_standards"])
def test_a_file_that_is_damaged_further_down_is_one_sentence(tmp_path, run_command, command):
    import pyarrow as pa
    import pyarrow.parquet as pq
    from django.core.management.base import CommandError

    path = tmp_path / "damaged.parquet"
    table = pa.table({"pgc": list(range(1, 2001)), "inc": np.linspace(45, 90, 2000)})
    pq.write_table(table, path, compression=None, row_group_size=500)
    content = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(3).column(0).dictionary_page_offset
    content[start : start + 40] = b"\xff" * 40
    path.write_bytes(content)
    options = ["--set", "mine"] if command == "import_standards" else []
    with pytest.raises(CommandError, match="damaged"):
        run_command(command, path, *options)


def ascii_fits(path, null):
    from astropy.io import fits

    columns = [
        fits.Column("PGC", "I6", null=null, ascii=True, array=np.array([841, 842])),
        fits.Column("RA", "F8.3", unit="deg", null=null, ascii=True, array=np.array([10.5, 11.5])),
        fits.Column("NAME", "A8", ascii=True, array=np.array(["one", "two"])),
    ]
    fits.TableHDU.from_columns(columns).writeto(path)
    content = bytearray(path.read_bytes())
    place = content.rindex(b"11.500")
    content[place - 2 : place + 6] = b"*".rjust(8)
    path.write_bytes(content)


@pytest.mark.finding("data 11")
def test_fits_tables_of_text_may_mark_missing_numbers_by_words(tmp_path):
    ascii_fits(tmp_path / "ascii.fits", "*")
    table = table_or_refusal(tmp_path / "ascii.fits")
    assert list(read(table).values()) == [
        {"pgc": "841", "ra": "10.500", "name": "one"},
        {"pgc": "842", "ra": "", "name": "two"},
    ]
    assert table.units == {"ra": "deg"}


def votable(*tables, status="OK", after=""):
    """A document of the virtual observatory with tables of whole numbers: names of columns, and one row."""
    document = ""
    for names, values in tables:
        fields = "".join(f'<FIELD name="{name}" datatype="int"/>' for name in names)
        row = "".join(f"<TD>{value}</TD>" for value in values)
        document += f"<TABLE>{fields}<DATA><TABLEDATA><TR>{row}</TR></TABLEDATA></DATA></TABLE>"
    why = "Unknown column foo" if status == "ERROR" else ""
    document = f'<INFO name="QUERY_STATUS" value="{status}">{why}</INFO>{document}{after}'
    return f'<?xml version="1.0"?><VOTABLE version="1.3"><RESOURCE type="results">{document}</RESOURCE></VOTABLE>'


@pytest.mark.finding("data 11")
def test_of_several_tables_the_one_with_the_numbers_is_read(tmp_path):
    from astropy.io import fits

    table = opened(tmp_path, votable((["n"], [1]), (["pgc", "ra"], [701, 10])), "t.vot")
    assert list(read(table).values()) == [{"pgc": "701", "ra": "10"}]
    columns = [fits.Column(name, "J", array=[value]) for name, value in (("STEP", 1), ("PGC", 4))]
    hdus = [fits.BinTableHDU.from_columns([column]) for column in columns]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "two.fits")
    assert list(read(table_or_refusal(tmp_path / "two.fits")).values()) == [{"pgc": "4"}]
    with pytest.raises(Refused, match="2 tables, none with a column pgc"):
        opened(tmp_path, votable((["n"], [1]), (["m"], [701])), "t.vot")


@pytest.mark.finding("data 11")
def test_a_servers_error_message_is_told_in_its_own_words(tmp_path):
    with pytest.raises(Refused, match="Unknown column foo"):
        opened(tmp_path, votable(status="ERROR"), "t.vot")
    info = '<?xml version="1.0"?><VOTABLE version="1.3"><INFO name="Error" value="no such catalogue"/></VOTABLE>'
    with pytest.raises(Refused, match="no such catalogue"):
        opened(tmp_path, info, "t.vot")
    with pytest.raises(Refused, match="contains no table"):
        opened(tmp_path, votable(), "t.vot")


@pytest.mark.finding("data 11")
def test_a_cut_answer_of_a_server_is_told(tmp_path):
    after = '<INFO name="QUERY_STATUS" value="OVERFLOW"/>'
    table = opened(tmp_path, votable((["pgc"], [701]), after=after), "t.vot")
    assert [row["pgc"] for row in read(table).values()] == ["701"]
    assert any("OVERFLOW" in notice for notice in table.notices)


VOTABLE = '<?xml version="1.0"?>{}<VOTABLE version="1.3"><RESOURCE><TABLE>'
VOTABLE += '<FIELD name="pgc" datatype="int"/><DATA>{}</DATA></TABLE></RESOURCE></VOTABLE>'


@pytest.mark.parametrize(
    ("before", "data"),
    [
        ("", '<BINARY><STREAM href="file://{}"/></BINARY>'),
        ("", '<BINARY2><STREAM encoding="gzip" href="file://{}"/></BINARY2>'),
        ("", '<FITS><STREAM href="file://{}"/></FITS>'),
        ("", '<PARQUET type="VOTable-remote-file"><STREAM href="file://{}"/></PARQUET>'),
        ('<!DOCTYPE VOTABLE [<!ATTLIST STREAM href CDATA "file://{}">]>', "<BINARY><STREAM/></BINARY>"),
    ],
    ids=["binary", "binary2", "fits", "parquet", "by default"],
)
def test_a_votable_opens_no_other_file(tmp_path, before, data):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(bytes([0, 0, 0x9A, 0xB0]))
    with pytest.raises(Refused, match="STREAM href"):
        opened(tmp_path, VOTABLE.format(before, data).format(elsewhere), "t.vot")


def test_columns_with_several_values_in_a_cell_are_left_out_and_named(tmp_path):
    spectra = np.zeros((2, 4000))
    table = Table({"pgc": [4, 12], "spectrum": spectra, "ra": np.array([[1.0], [2.0]])})
    for kind in ("fits", "votable"):
        table.write(tmp_path / kind, format=kind)
    lists = pa.table({"spectrum": spectra.tolist(), "pgc": [4, 12], "ra": [1.0, 2.0]})
    pq.write_table(lists, tmp_path / "parquet")
    for kind in ("fits", "votable", "parquet"):
        found = table_or_refusal(tmp_path / kind)
        assert {row: cells["pgc"] for row, cells in read(found).items()} == {1: "4", 2: "12"}
        assert entry_of(found).fields == {"ra_deg": 1.0}
        assert "spectrum" in found.notices[0]


def test_small_floats_keep_the_digits_that_they_have(tmp_path):
    """Past 2^24 neighbours run together in them: such a one is no number of a galaxy."""
    numbers, ra = np.array([39600, 90_000_001], np.float32), np.array([0.1, 184.7], np.float32)
    Table({"pgc": numbers, "ra": ra}).write(tmp_path / "t.fits")
    pq.write_table(pa.table({"pgc": numbers, "ra": ra}), tmp_path / "t.parquet")
    pq.write_table(pa.table({"pgc": np.array([1, 2049], np.float16), "ra": ra}), tmp_path / "half.parquet")
    for name in ("t.fits", "t.parquet", "half.parquet"):
        rows = list(read(table_or_refusal(tmp_path / name)).values())
        assert [row["ra"] for row in rows] == ["0.1", "184.7"]
        read_pgc(rows[0]["pgc"])
        with pytest.raises(RowError):
            read_pgc(rows[1]["pgc"], may_be_synthetic=True)


@pytest.mark.finding("data 12")
def test_texts_of_fits_need_not_be_utf_8(tmp_path):
    names = np.array(["M\u00fcller".encode("latin-1"), "M\u00fcller".encode(), b"NGC 1"])
    Table({"pgc": [4, 12, 13], "name": names}).write(tmp_path / "t.fits")
    rows = read(table_or_refusal(tmp_path / "t.fits"))
    assert [row["name"] for row in rows.values()] == ["M\u00fcller", "M\u00fcller", "NGC 1"]
