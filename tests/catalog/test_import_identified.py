"""Tables without PGC numbers: each row becomes the galaxy that it is, once, whatever happens in between."""

import pytest

from giz.catalog.jobs import galaxies_import_job
from giz.catalog.models import Galaxy, GalaxyIdentifier, GalaxyRevision
from giz.core.errors import Refused
from giz.core.models import Job, JobLogLine

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def table(tmp_path):
    def write(text, name="rows.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def told():
    return list(JobLogLine.objects.filter(level="warning").order_by("id").values_list("text", flat=True))


def named():
    return {str(name): name.galaxy.pgc for name in GalaxyIdentifier.objects.select_related("galaxy")}


def test_a_row_is_what_its_identifiers_say_before_it_is_what_lies_there(table, run_command):
    run_command("import_galaxies", table("pgc,ra,dec\n1,10,10\n2,20,20\n"))
    run_command("import_galaxies", table("pgc,desi,ra,dec\n1,39627646021829283,,\n", "desi.csv"), "--id", "desi")
    # At the place of PGC 2, but called as PGC 1.
    said = run_command(
        "import_galaxies", table("desi,ours,ra,dec\n39627646021829283,a,20,20\n", "x.csv"), "--id", "desi", "ours"
    )
    assert "1 by identifier, 0 by position" in said
    assert named() == {"desi:39627646021829283": 1, "ours:a": 1}
    assert Galaxy.objects.get(pgc=1).ra_deg == 10
    revision = GalaxyRevision.objects.order_by("-id").first()
    assert revision.changes == {"identifiers": [["desi:39627646021829283"], ["desi:39627646021829283", "ours:a"]]}


def test_a_row_without_pgc_is_the_galaxy_at_its_place_or_a_new_one_with_its_own_number(table, run_command):
    run_command("import_galaxies", table("pgc,ra,dec,pa\n7,10,10,30\n"))
    path = table("ours,ra,dec,pa\na,10.0005,10,40\nb,10.01,10,\nc,11,10,5\n", "ours.csv")
    said = run_command("import_galaxies", path, "--id", "ours")
    assert "2 new, 1 changed, 0 unchanged; 0 bad rows. Matched: 0 by identifier, 1 by position; 0 ambiguous" in said
    galaxies = {number: Galaxy.objects.get(pgc=number) for number in named().values()}
    assert galaxies[7].ra_deg == 10
    assert galaxies[7].position_angle_deg == 40
    assert {str(galaxy) for number, galaxy in galaxies.items() if number != 7} == {"ours b", "ours c"}
    assert "0 new, 0 changed, 3 unchanged" in run_command("import_galaxies", path, "--id", "ours")


@pytest.mark.parametrize(
    ("arcsec", "words"), [("0", "1 new"), ("60", "0 new, 1 changed")], ids=["by identifiers alone", "far away"]
)
def test_the_radius_is_said(table, run_command, arcsec, words):
    run_command("import_galaxies", table("pgc,ra,dec\n7,10,0\n"))
    path = table("ours,ra,dec\na,10.015,0\n", "ours.csv")
    assert words in run_command("import_galaxies", path, "--id", "ours", "--match-arcsec", arcsec)


def test_ambiguous_rows_are_listed_by_line_and_refused_however_often_they_come(table, run_command):
    run_command("import_galaxies", table("pgc,ra,dec\n1,10,10\n2,10.0005,10\n3,50,0\n4,60,0\n"))
    run_command("import_galaxies", table("pgc,desi\n3,30\n4,40\n", "desi.csv"), "--id", "desi")
    path = table(
        "ours,desi,pgc,ra,dec\n"
        "two galaxies there,,,10.0002,10\n"
        "one of two rows,,,60,0.0001\n"
        "the other,,,60,-0.0002\n"
        "names two,40,3,,\n"
        "names one,30,,,\n"
        "elsewhere,,,70,0\n",
        "ours.csv",
    )
    JobLogLine.objects.all().delete()
    for expected in ("1 new, 1 changed, 0 unchanged", "0 new, 0 changed, 2 unchanged"):
        said = run_command("import_galaxies", path, "--id", "ours", "desi")
        assert f"{expected}; 0 bad rows" in said
        assert "4 ambiguous rows refused" in said
    lines = [text.partition(":")[0] for text in told()]
    assert lines == ["line 2", "line 3", "line 4", "line 5"] * 2
    assert {name for name in named() if name.startswith("ours")} == {"ours:names_one", "ours:elsewhere"}


def test_two_objects_of_one_catalogue_stay_two_galaxies_however_near(table, run_command, monkeypatch):
    path = table("ours,ra,dec\na,10,10\nb,10.0001,10\n")
    assert "2 new" in run_command("import_galaxies", path, "--id", "ours")
    assert "0 new, 0 changed, 2 unchanged" in run_command("import_galaxies", path, "--id", "ours")
    more = table("ours,ra,dec\nc,10.0001,10.0001\n", "more.csv")
    assert "1 new" in run_command("import_galaxies", more, "--id", "ours")


def test_what_can_not_be_an_identifier_costs_its_row_alone(table, run_command):
    path = table("ours,desi,ra\na,1,1\n,,2\nb,3.9e16,3\na,5,4\nc,1,5\nd,,6\n")
    said = run_command("import_galaxies", path, "--id", "ours", "desi")
    assert "2 new, 0 changed, 0 unchanged; 4 bad rows" in said
    assert [text.partition(":")[0] for text in told()] == ["line 3", "line 4", "line 5", "line 6"]


def test_what_id_can_not_name_is_refused_before_a_job_is_made(table):
    path = table("ours,ra,dec\na,1,1\n")
    for asked in (["other"], ["ours=Not A Scheme"], ["ours+other=x"]):
        with pytest.raises(Refused) as refused:
            galaxies_import_job(path, identifiers=asked)
        assert refused.value.code == "bad_table"
    with pytest.raises(Refused) as refused:
        galaxies_import_job(path, identifiers=["ours"], match_arcsec=61)
    assert refused.value.code == "bad_number"
    assert not Job.objects.exists()


def test_the_number_may_stand_in_a_column_of_identifiers(table, run_command):
    run_command("import_galaxies", table("galid,ra\n39600,184.7\n"), "--id", "galid=pgc")
    assert Galaxy.objects.get().pgc == 39600
    assert not GalaxyIdentifier.objects.exists()


def test_a_galaxy_that_an_older_export_brought_without_identifiers_gets_them(table, run_command):
    number = 0
    run_command("import_galaxies", table("ours,ra\na,1\n"), "--id", "ours")
    number = Galaxy.objects.get().pgc
    Galaxy.objects.all().delete()
    run_command("import_galaxies", table(f"pgc\n{number}\n", "export.csv"))
    assert "0 new, 1 changed" in run_command("import_galaxies", table("ours,ra\na,1\n"), "--id", "ours")
    assert named() == {"ours:a": number}
