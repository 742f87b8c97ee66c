"""manage.py import_standards and standards_coverage, as somebody new meets them."""

from unittest.mock import ANY

import pytest
from django.core.management.base import CommandError

from giz.core.models import Job, JobLogLine
from standards.management.commands.standards_coverage import ranges
from standards.models import Standard, StandardSet
from tests.refusals import refuses

from .conftest import make_pictures, publish

pytestmark = pytest.mark.django_db


def rows(count, first=1):
    return "".join(f"{pgc},{45 + pgc % 46}\n" for pgc in range(first, first + count))


def test_a_table_becomes_version_one_and_again_changes_nothing(table, run_command):
    make_pictures(1)
    path = table("pgc,inc\n" + rows(20))
    said = run_command("import_standards", path, "--set", "ruler")
    assert "Published ruler version 1. Standards: 20; with pictures: 1; bins that these fill: 1 of 46." in said
    assert "Galaxies created: 19." in said
    assert "import_images brings pictures in" in said
    before = list(Standard.objects.values())
    assert "Nothing changed: ruler version 1" in run_command("import_standards", path, "--set", "ruler")
    assert list(Standard.objects.values()) == before
    assert list(Job.objects.values_list("kind", "state")) == [("import_standards", "done")] * 2


def test_bad_rows_and_unread_columns_are_told(table, run_command):
    path = table("pgc,inc,zom\n" + rows(20).replace("\n", ",\n") + "99,32,2\n")
    assert "Rows not used: 1." in run_command("import_standards", path, "--set", "ruler")
    assert list(JobLogLine.objects.values_list("text", flat=True)) == [
        ANY,
        "line 22: PGC 99: the grid covers inclinations from 44.5° to 90°, not 32°",
    ]
    assert "zom" in JobLogLine.objects.earliest("id").text


@pytest.mark.finding("data 4")
def test_columns_of_other_names_are_mapped(table, run_command):
    path = table("number,angle\n" + rows(20))
    run_command("import_standards", path, "--set", "ruler", "--map", "pgc=number", "inc=angle")
    assert Standard.objects.count() == 20


def test_a_table_of_something_else_is_not_published(table, run_command):
    path = table("pgc,inc\n" + rows(5) + "6,0\n7,0\n")
    with refuses("bad_table", "2 of 7", "line 7", "PGC 6"):
        run_command("import_standards", path, "--set", "ruler")
    assert not StandardSet.objects.exists()


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("pcg,inc\n1,60\n", "ruler", "no column named pgc. Its columns: pcg, inc"),
        ("", "ruler", "standards.csv is empty"),
        ("pgc,inc\n", "ruler", "needs at least one standard; standards.csv has none"),
        ("pgc,inc\n1,60\n", "my ruler", "'my ruler' is invalid"),
    ],
)
def test_a_wrong_table_or_name_is_one_clear_sentence(text, name, message, table, run_command):
    with pytest.raises(CommandError, match=message):
        run_command("import_standards", table(text), "--set", name)


def test_a_wrong_path_is_answered_with_the_file_that_was_meant(table, run_command):
    path = table("pgc,inc\n1,60\n")
    with pytest.raises(CommandError, match=r"Did you mean .*standards\.csv"):
        run_command("import_standards", path.with_name("standard.csv"), "--set", "ruler")


def test_a_new_set_that_is_nearly_called_like_another_is_pointed_out(table, run_command):
    publish("original", bins=[60])
    said = run_command("import_standards", table("pgc,inc\n1,60\n"), "--set", "orginal")
    assert "'orginal' is a new set. If you meant 'original'" in said


def test_the_coverage_shows_every_bin_its_fallback_and_what_is_empty(run_command):
    for pgc in (2, 3, 6):
        make_pictures(pgc)
    publish(bins=range(45, 91))
    said = run_command("standards_coverage", "--set", "ruler")
    lines = {line[:3].strip(): line for line in said.splitlines() if "°" in line[:4]}
    assert len(lines) == 46
    assert lines["46"].split() == ["46°", "1", "1", "#"]
    assert lines["45"].split() == ["45°", "0", "1", ".", "shows", "bin", "46"]
    assert lines["60"].endswith("panel left out")
    assert "Bins without a standard to show: 45, 48–49, 51–90 (43 of 46)." in said
    assert "Panels left out (nothing within 2°): 53–90." in said
    assert "A campaign can't use this set" in said


def test_a_full_set_is_said_to_be_usable_and_needs_no_name_while_it_is_alone(run_command):
    for pgc in range(1, 47):
        make_pictures(pgc)
    publish()
    said = run_command("standards_coverage")
    assert "Every bin has a standard to show." in said
    assert "A campaign can use this set." in said


def test_the_set_must_exist_and_be_named_where_there_are_several(run_command):
    with pytest.raises(CommandError, match="There is no standard set yet"):
        run_command("standards_coverage")
    publish("one", bins=[60])
    publish("two", bins=[60])
    with pytest.raises(CommandError, match="several sets; choose one with --set: one, two"):
        run_command("standards_coverage")
    with refuses("no_standard_set", "'tow'", "one:1", "two:1"):
        run_command("standards_coverage", "--set", "tow")


def test_a_long_bar_is_scaled_to_the_page(run_command, table):
    path = table("pgc,inc\n" + "".join(f"{pgc},60\n" for pgc in range(1, 121)))
    run_command("import_standards", path, "--set", "ruler")
    said = run_command("standards_coverage")
    assert "(one mark = 3 standards)" in said
    assert "." * 40 in said
    assert max(map(len, said.splitlines())) <= 120


def test_neighbouring_bins_are_named_as_a_range():
    assert ranges([45, 46, 47, 50, 52, 53]) == "45–47, 50, 52–53"
    assert ranges([]) == ""


@pytest.mark.real_data
def test_the_originals_standards_fill_the_bins_that_their_pictures_allow(real_data, run_command):
    run_command("import_images", real_data / "galaxies")
    said = run_command("import_standards", real_data / "standards.csv", "--set", "original")
    assert "Standards: 608; with pictures: 13; bins that these fill: 13 of 46. Rows not used: 3." in said
    said = run_command("standards_coverage")
    assert "Panels left out (nothing within 2°): 57." in said
    assert "A campaign can use this set." in said
