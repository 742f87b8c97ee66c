"""manage.py import_galaxies: good rows in, bad rows told, a second run changes nothing."""

import pytest
from django.core.management.base import CommandError

from giz.catalog.models import Galaxy, GalaxyRevision
from giz.catalog.services import galaxies as service
from giz.core.jobs import job_create, run_job
from giz.core.models import Job, JobLogLine

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def table(tmp_path):
    def write(text, name="galaxies.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def told():
    return list(JobLogLine.objects.filter(level="warning").values_list("text", flat=True))


def test_good_rows_are_imported_and_bad_ones_reported_with_their_line(table, run_command):
    path = table("pgc,ra,dec,nsp\n4,0.0146,23.0876,x\n12,400,1,\n4,1,1,\n16,1,1,y,z\n")
    assert "1 new, 0 changed, 0 unchanged; 3 bad rows" in run_command("import_galaxies", path)
    galaxy = Galaxy.objects.get()
    assert (galaxy.pgc, galaxy.ra_deg, galaxy.dec_deg, galaxy.extra) == (4, 0.0146, 23.0876, {"nsp": "x"})
    assert galaxy.source == "galaxies.csv"
    assert told() == [
        "line 3: ra is 400, must lie in 0 to 360 degrees",
        "line 4: PGC 4 already appears on line 2",
        "line 5: 5 cells, but the header has 4",
    ]


def test_the_same_table_again_changes_nothing(table, run_command):
    path = table("pgc,ra,note\n4,0.1,x\n12,0.2,\n")
    run_command("import_galaxies", path)
    before = list(Galaxy.objects.values())
    assert "0 new, 0 changed, 2 unchanged" in run_command("import_galaxies", path)
    assert list(Galaxy.objects.values()) == before


def test_every_count_has_its_thousands_apart(table, run_command):
    path = table("pgc,ra\n" + "".join(f"{n},{1 if n <= 1200 else 400}\n" for n in range(1, 2501)))
    assert "Galaxies: 1,200 new, 0 changed, 0 unchanged; 1,300 bad rows" in run_command("import_galaxies", path)


@pytest.mark.finding("data 6")
def test_fewer_columns_and_blank_cells_take_nothing_away(table, run_command):
    run_command("import_galaxies", table("pgc,ra,dec,nsp,note\n4,0.1,0.2,x,old\n"))
    assert "0 new, 1 changed" in run_command("import_galaxies", table("pgc,dec,note\n4,0.3,\n", "newer.csv"))
    galaxy = Galaxy.objects.get()
    assert (galaxy.ra_deg, galaxy.dec_deg, galaxy.source) == (0.1, 0.3, "newer.csv")
    assert galaxy.extra == {"nsp": "x", "note": "old"}


def test_an_interrupted_import_goes_on_after_its_last_batch(table, monkeypatch):
    monkeypatch.setattr(service, "BATCH_ROWS", 10)
    path = table("pgc,ra\n" + "".join(f"{n},{400 if n == 3 else 1}\n" for n in range(1, 36)))
    from giz.catalog.jobs import galaxies_import_job

    class PowerCut(BaseException):
        pass

    def cut(done, _total, _text):
        if done > 20:
            raise PowerCut

    with pytest.raises(PowerCut):
        run_job(galaxies_import_job(path), on_progress=cut)
    Job.objects.update(lease_until="2000-01-01T00:00:00Z")
    again = galaxies_import_job(path)
    assert again.checkpoint["line"] == 11
    assert again.checkpoint["counts"] == {"new": 9, "changed": 0, "unchanged": 0, "bad": 1}
    finished = run_job(again)
    assert finished.result == {"new": 34, "changed": 0, "unchanged": 0, "bad": 1, "near": 0, "unmeasured": 0}
    assert Galaxy.objects.count() == 34
    assert told() == ["line 4: ra is 400, must lie in 0 to 360 degrees"]


def test_a_table_that_changed_after_the_interruption_is_read_from_its_start(table):
    path = table("pgc\n4\n")
    job = job_create(kind="import_galaxies", params={"file": str(path), "sha256": "of another version"})
    Job.objects.filter(id=job.id).update(checkpoint={"line": 2, "counts": {"new": 7}})
    assert run_job(job).result == {"new": 1, "changed": 0, "unchanged": 0, "bad": 0, "near": 0, "unmeasured": 0}


@pytest.mark.parametrize(
    ("text", "words"),
    [("ra,dec\n1,2\n", "no column named pgc"), ("", "empty")],
)
def test_a_wrong_table_is_refused_before_a_job_is_made(table, run_command, text, words):
    with pytest.raises(CommandError, match=words):
        run_command("import_galaxies", table(text))
    assert not Job.objects.exists()


def test_a_typo_in_the_path_is_answered_with_what_was_meant(table, run_command):
    path = table("pgc\n4\n")
    with pytest.raises(CommandError, match=r"No such file: .*galaxys.csv. Did you mean .*galaxies.csv\?"):
        run_command("import_galaxies", path.with_name("galaxys.csv"))
    with pytest.raises(CommandError, match="is a folder"):
        run_command("import_galaxies", path.parent)
    with pytest.raises(CommandError, match="The path exists up to"):
        run_command("import_galaxies", path.parent / "no" / "such" / "galaxies.csv")


@pytest.mark.real_data
def test_the_edd_sample_is_imported_whole(real_data, run_command):
    path = real_data / "edd_catalog_sample.csv"
    assert "60 new, 0 changed, 0 unchanged; 0 bad rows" in run_command("import_galaxies", path)
    assert "0 new, 0 changed, 60 unchanged" in run_command("import_galaxies", path)


def _typed_table(path, form):
    from astropy.table import MaskedColumn, Table

    table = Table(
        {
            "PGC": [4, 12],
            "RAJ2000": MaskedColumn([10.5, 20.25], mask=[False, True]),
            "DEJ2000": [1.0, float("nan")],
            "objname": ["NGC 1", "Ä 2"] if form != "fits" else ["NGC 1", "A 2"],
        }
    )
    if form == "parquet":
        import pyarrow
        import pyarrow.parquet

        columns = {name: table[name].tolist() for name in table.colnames}
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
    else:
        table.write(path, format=form)
    return path


@pytest.mark.parametrize("form", ["votable", "fits", "parquet"])
def test_typed_tables_are_read_whatever_their_name(tmp_path, run_command, form):
    path = _typed_table(tmp_path / "table.dat", form)
    assert "2 new, 0 changed, 0 unchanged; 0 bad rows." in run_command("import_galaxies", path)
    one, two = Galaxy.objects.order_by("pgc")
    assert (one.ra_deg, one.dec_deg, one.name) == (10.5, 1.0, "NGC 1")
    assert (two.ra_deg, two.dec_deg) == (None, None)


LEDA = """# HyperLEDA
pgc|objname   |al2000    |de2000   |type|t   |logd25|logr25|pa
4  |PGC000004 | 0.0009700| 23.08764|S?  |5.0 | 1.200| 0.301|81.7
12 |PGC000012 |12.5      |-10.5    |    |    |      |      |
# end
"""


def test_hyperledas_own_table_is_understood(table, run_command):
    path = table(LEDA, "leda.txt")
    assert "2 new, 0 changed, 0 unchanged; 0 bad rows." in run_command("import_galaxies", path)
    one, two = Galaxy.objects.order_by("pgc")
    assert (one.name, one.ra_deg, one.dec_deg) == ("PGC000004", pytest.approx(0.01455), 23.08764)
    assert (one.d25_arcsec, one.axial_ratio) == (pytest.approx(95.0936, abs=1e-4), pytest.approx(0.5, abs=1e-4))
    assert (one.morphological_type, one.type_code, one.position_angle_deg, one.extra) == ("S?", 5.0, 81.7, {})
    assert (two.ra_deg, two.d25_arcsec, two.axial_ratio) == (187.5, None, None)
    assert "2 unchanged" in run_command("import_galaxies", path)


def _table_with_units(path, form, **units):
    """A galaxy at 12.5 h, D25 90 arcsec: as columns ra and d25 unless a unit says otherwise."""
    if form == "parquet":
        import pyarrow
        import pyarrow.parquet

        metadata = {name: {"unit": unit} for name, unit in units.items()}
        fields = [pyarrow.field(name, pyarrow.float64(), metadata=metadata.get(name)) for name in ("ra", "dec", "d25")]
        schema = pyarrow.schema([pyarrow.field("pgc", pyarrow.int64()), *fields])
        pyarrow.parquet.write_table(pyarrow.table([[4], [12.5], [-90.0], [90.0]], schema=schema), path)
        return path
    from astropy.table import Table

    table = Table({"pgc": [4], "ra": [12.5], "dec": [-90.0], "d25": [90.0]})
    for name, unit in units.items():
        table[name].unit = unit
    table.write(path, format=form)
    return path


@pytest.mark.parametrize("form", ["votable", "fits", "parquet"])
def test_units_that_a_file_gives_are_turned_into_ours(tmp_path, run_command, form):
    path = _table_with_units(tmp_path / "table.dat", form, ra="h", dec="arcmin", d25="arcsec")
    assert "1 new, 0 changed, 0 unchanged; 0 bad rows." in run_command("import_galaxies", path)
    galaxy = Galaxy.objects.get()
    assert (galaxy.ra_deg, galaxy.dec_deg, galaxy.d25_arcsec) == (187.5, -1.5, pytest.approx(90.0))
    assert "1 unchanged" in run_command("import_galaxies", path)


@pytest.mark.parametrize("form", ["votable", "fits"])
def test_a_unit_of_another_kind_is_refused_before_a_job_is_made(tmp_path, run_command, form):
    path = _table_with_units(tmp_path / "table.dat", form, d25="kpc")
    with pytest.raises(CommandError, match="The column d25 has the unit kpc, which can't be turned into arcmin"):
        run_command("import_galaxies", path)
    assert not Job.objects.exists()


@pytest.mark.parametrize("form", ["votable", "fits"])
def test_a_unit_that_nobody_knows_is_refused_in_our_words_alone(tmp_path, run_command, recwarn, form):
    path = _table_with_units(tmp_path / "table.dat", form, ra="deg")
    path.write_bytes(path.read_bytes().replace(b'unit="deg"', b'unit="xyz"').replace(b"= 'deg", b"= 'xyz"))
    with pytest.raises(CommandError, match="The column ra has the unit 'xyz', which is not known here; wanted is deg"):
        run_command("import_galaxies", path)
    assert [str(one.message) for one in recwarn if "unit" in str(one.message)] == []


def test_a_damaged_table_is_one_sentence(tmp_path, run_command):
    path = _typed_table(tmp_path / "table.fits", "fits")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(CommandError, match=r"table.fits can't be read as fits .*cut off"):
        run_command("import_galaxies", path)


def test_a_map_names_the_columns_and_wins_over_their_names(table, run_command):
    path = table("Number,alpha,ra,Diam\n4,10.5,99,120\n")
    run_command("import_galaxies", path, "--map", "pgc=Number", "RA=alpha", "d25_arcsec=diam")
    galaxy = Galaxy.objects.get()
    assert (galaxy.pgc, galaxy.ra_deg, galaxy.d25_arcsec, galaxy.extra) == (4, 10.5, 120.0, {"ra": "99"})


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("ra=alhpa", "no column 'alhpa'. Did you mean 'alpha'"),
        ("mass=alpha", "can't name 'mass'; it can name pgc, name, ra, dec"),
        ("ra", "--map takes WHAT=COLUMN"),
    ],
)
def test_a_wrong_map_is_answered_with_what_was_meant(table, run_command, word, message):
    with pytest.raises(CommandError, match=message):
        run_command("import_galaxies", table("pgc,alpha\n4,10\n"), "--map", word)


def test_what_changes_is_kept_as_history(table, run_command):
    run_command("import_galaxies", table("pgc,ra,note\n4,0.1,x\n12,0.2,y\n", "first.csv"))
    run_command("import_galaxies", table("pgc,ra\n4,0.3\n12,0.2\n", "second.csv"))
    revision = GalaxyRevision.objects.get()
    assert (revision.galaxy.pgc, revision.source, revision.source_before) == (4, "second.csv", "first.csv")
    assert revision.changes == {"ra_deg": [0.1, 0.3]}


def test_galaxies_that_lie_nearly_on_each_other_are_named(table, run_command):
    run_command("import_galaxies", table("pgc,ra,dec\n4,359.9999,0\n9,50,50\n10,50,50.0001\n", "first.csv"))
    assert told() == ["PGC 9 and PGC 10 lie 0.4″ apart: perhaps one galaxy"]
    assert "1 near others" in run_command("import_galaxies", table("pgc,ra,dec\n12,0.0002,0\n", "second.csv"))
    assert told()[1:] == ["PGC 4 and PGC 12 lie 1.1″ apart: perhaps one galaxy"]


def test_a_table_without_numbers_is_matched_to_the_catalogue_by_position(table, run_command):
    run_command("import_galaxies", table("pgc,ra,dec,type\n4,10.0,-5.0,Sb\n5,10.01,-5.0,Sc\n6,359.9999,89.9,\n"))
    rows = ["10.0003,-5.0002,0.4,x", "0.0,89.9,0.5,y", "10.02,-5.0,0.6,z", ",-5,0.7,", "10.0,-5.0,0.8,again"]
    positions = table("ra,dec,b_a,note\n" + "\n".join(rows) + "\n")
    with pytest.raises(CommandError, match="--match-arcsec 3 finds its galaxies"):
        run_command("import_galaxies", positions)
    said = run_command("import_galaxies", positions, "--match-arcsec", 3)
    assert "0 new, 2 changed, 0 unchanged; 3 bad rows" in said
    four, pole = Galaxy.objects.get(pgc=4), Galaxy.objects.get(pgc=6)
    assert (four.axial_ratio, four.ra_deg, four.morphological_type, four.extra["note"]) == (0.4, 10.0, "Sb", "x")
    assert pole.axial_ratio == 0.5
    assert "line 4: no galaxy of the catalogue lies within 3″ of 10.02 -5" in told()
    assert "line 5: it has no position" in told()
    assert "line 6: PGC 4 already appears on line 2" in told()
    assert four.revisions.get().changes["axial_ratio"] == [None, 0.4]


@pytest.mark.parametrize("arcsec", ["0", "-3", "61", "nan"])
def test_a_distance_that_matches_nothing_or_everything_is_refused(table, run_command, arcsec):
    with pytest.raises(CommandError, match="match within 0 to 60 arcsec"):
        run_command("import_galaxies", table("ra,dec\n10,-5\n"), f"--match-arcsec={arcsec}")


def test_a_table_with_neither_numbers_nor_positions_is_refused(table, run_command):
    with pytest.raises(CommandError, match="needs the columns ra and dec"):
        run_command("import_galaxies", table("ra,type\n10,Sb\n"), "--match-arcsec", 3)
