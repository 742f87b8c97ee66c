"""create_campaign and aggregate as somebody types them, mistakes included."""

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from giz.catalog.models import Galaxy
from giz.core.models import AuditEvent, Job
from labeling.aggregation.retirement import Progress, fixed, people_asked
from labeling.models import Campaign, Target
from tests.labeling.sky import FIRST_STANDARD, make_campaign, make_galaxies, make_set, make_volunteer
from tests.labeling.test_consensus import judge

pytestmark = pytest.mark.django_db


@pytest.fixture
def ruler(db: None) -> Any:
    return make_set()


def create(*words: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("create_campaign", *words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def target_pgcs() -> list[int]:
    return list(Target.objects.order_by("galaxy__pgc").values_list("galaxy__pgc", flat=True))


def test_a_campaign_from_a_file_with_every_choice(ruler: Any, tmp_path: Path) -> None:
    make_galaxies(10, 5)
    make_galaxies(20, 1, with_images=False)
    path = tmp_path / "targets.csv"
    path.write_text("name,pgc\nA,10\nB,11\nC,20\nD,99\nE,x\n")
    said, warned = create(
        *("virgo", "--set", "ruler", "--title", "Virgo", "--description", "Spirals.", "--targets", str(path)),
        *("--overlap", "5", "--lease-minutes", "20", "--estimator", "median", "--rule", "fixed", "--open"),
    )
    campaign = Campaign.objects.get()
    assert (campaign.title, campaign.overlap, campaign.lease_minutes, campaign.state) == ("Virgo", 5, 20, "open")
    assert target_pgcs() == [10, 11]
    assert set(Target.objects.values_list("quota", flat=True)) == {5}
    assert "2 galaxies to be judged by 5 people each" in said
    assert "Left out because they have no pictures: 1 galaxy." in said
    assert "/label/virgo" in said
    assert "line 6" in warned
    assert "PGC 99" in warned
    assert AuditEvent.objects.filter(action="campaign_create", subject="virgo").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["11", "12,13,"], [11, 12, 13]),
        (["all"], [10, 11, 12, 13, 14]),
        (["set:other"], [700_000, 700_001, 700_002]),
        (["list.txt"], [12, 14]),
        (["list.txt", "10"], [10, 12, 14]),
        ([], []),
    ],
)
def test_targets_come_from_numbers_files_sets_or_all(
    ruler: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: list[int]
) -> None:
    make_galaxies(10, 5)
    if words == ["set:other"]:
        make_set("other", bins=[45], first_pgc=700_000)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("# two of them\n12\nPGC 14\n")
    create("virgo", "--set", "ruler", *(["--targets", *words] if words else []))
    assert target_pgcs() == expected
    assert Campaign.objects.get().state == "draft"


def test_an_adaptive_campaign_says_how_many_people_it_asks(ruler: Any) -> None:
    make_galaxies(10, 1)
    said, _ = create("virgo", "--set", "ruler", "--targets", "10", "--rule", "adaptive")
    assert "to be judged by 3 to 6 (2 where both reject) people each" in said


def test_a_list_may_name_synthetic_galaxies(ruler: Any, tmp_path: Path) -> None:
    make_galaxies(90_000_001, 2)
    (tmp_path / "list.txt").write_text("90000001\n90000002\n")
    create("virgo", "--set", "ruler", "--targets", str(tmp_path / "list.txt"))
    assert target_pgcs() == [90_000_001, 90_000_002]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["virgo", "--set", "rular"], "There is no published standard set 'rular'"),
        (["virgo", "--set", "ruler", "--targets", "lost.txt"], "No such file"),
        (["virgo", "--set", "ruler", "--targets", "12345"], "No galaxy matches"),
        (["virgo", "--set", "ruler", "--targets", "set:x"], "There is no published standard set 'x'"),
        (["virgo", "--set", "ruler", "--overlap", "0"], "greater than or equal to 1"),
        (["virgo", "--set", "ruler", "--estimator", "meadian"], "Known: median"),
        (["virgo", "--set", "ruler", "--rule", "fixd"], "fixed"),
        (["virgo cluster", "--set", "ruler"], "letters, digits, hyphens and underscores"),
        (["sky", "--set", "ruler"], "already exists"),
    ],
)
def test_a_mistake_is_explained_and_nothing_is_made(words: list[str], said: str) -> None:
    make_campaign(standard_set=make_set())
    with pytest.raises(CommandError, match=said):
        create(*words)
    assert Campaign.objects.count() == 1


def test_a_campaign_whose_standards_have_no_pictures_stays_a_draft_and_says_why(tmp_path: Path) -> None:
    make_set("thin", bins=[45, 46])
    with pytest.raises(CommandError, match="is still a draft"):
        create("virgo", "--set", "thin", "--open")
    assert Campaign.objects.get().state == "draft"


def test_all_leaves_the_ruler_out(ruler: Any) -> None:
    make_galaxies(10, 1)
    create("virgo", "--set", "ruler", "--targets", "all")
    assert target_pgcs() == [10]
    assert Galaxy.objects.filter(pgc=FIRST_STANDARD).exists()


def test_all_brings_synthetic_galaxies_only_to_synthetic_standards(ruler: Any) -> None:
    make_galaxies(10, 2)
    Galaxy.objects.filter(pk__in=[galaxy.pk for galaxy in make_galaxies(90, 2)]).update(is_synthetic=True)
    create("virgo", "--set", "ruler", "--targets", "all")
    assert target_pgcs() == [10, 11]
    Galaxy.objects.filter(pgc=FIRST_STANDARD).update(is_synthetic=True)
    create("demo-and-all", "--set", "ruler", "--targets", "all")
    assert sorted(set(target_pgcs())) == [10, 11, 90, 91]


def test_aggregate_says_what_it_found_and_leaves_a_job() -> None:
    make_campaign(targets=2)
    for number in range(3):
        judge(make_volunteer(number), 60.5)
    out = StringIO()
    call_command("aggregate", campaign="sky", stdout=out)
    judged = Target.objects.filter(votes__isnull=False).distinct().count()
    assert f"Galaxies judged: {judged}, aggregated by the median." in out.getvalue()
    job = Job.objects.get(kind="aggregate")
    assert job.state == "done"
    assert job.progress_done == job.progress_total > 0
    assert job.result["estimator"] == "median"


def test_aggregating_nothing_is_no_error(campaign: Campaign) -> None:
    out = StringIO()
    call_command("aggregate", campaign="sky", stdout=out)
    assert "no votes" in out.getvalue()


def test_an_estimator_that_is_not_there_changes_nothing(campaign: Campaign) -> None:
    with pytest.raises(CommandError, match="Known: median"):
        call_command("aggregate", campaign="sky", estimator="mean")
    campaign.refresh_from_db()
    assert campaign.estimator == "median"


@pytest.mark.parametrize("command", ["create_campaign", "aggregate", "export_labels", "import_votes"])
def test_every_command_explains_itself(command: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command(command, "--help")
    assert ended.value.code == 0
    assert len(capsys.readouterr().out) > 400


# --- what create_campaign says is what happens --------------------------------------------------------------------
@pytest.mark.finding("ux C18")
@pytest.mark.parametrize(
    ("words", "people", "warning"),
    [
        (["--overlap", "2"], "by 3 people each", "--overlap 2 becomes 3"),
        (["--overlap", "1"], "by 3 people each", "--overlap 1 becomes 3"),
        (["--overlap", "4"], "by 4 people each", ""),
        ([], "by 3 people each", ""),
        (["--rule", "adaptive"], "by 3 to 6 ", ""),
        (["--rule", "adaptive", "--overlap", "20"], "by 3 to 6 ", "--overlap 20 "),
    ],
)
def test_it_says_how_many_people_really_judge_and_what_becomes_of_the_overlap(
    ruler: Any, words: list[str], people: str, warning: str
) -> None:
    make_galaxies(10, 1)
    said, warned = create("virgo", "--set", "ruler", "--targets", "10", *words)
    assert people in said
    assert warning in warned
    assert bool(warning) == bool(warned)


@pytest.mark.finding("ux C18")
def test_an_overlap_of_two_asks_three_people_as_it_was_said(ruler: Any) -> None:
    progress = Progress(volunteer_count=2, overlap=2, is_split=False, sigma_deg=1.0)
    assert fixed(progress) == "open"
    assert fixed(replace(progress, volunteer_count=3)) == "retired"
    assert people_asked("fixed", 2) == "3"


@pytest.mark.finding("ux C18")
def test_targets_that_are_standards_of_the_same_set_are_told(ruler: Any) -> None:
    make_galaxies(10, 1)
    standards = [str(pgc) for pgc in ruler.standards.values_list("galaxy__pgc", flat=True)[:2]]
    said, _ = create("virgo", "--set", "ruler", "--targets", "10", *standards)
    assert "2 galaxies of these are standards of ruler too" in said
    said, _ = create("coma", "--set", "ruler", "--targets", "10")
    assert "standards of ruler too" not in said


@pytest.mark.finding("ux C18")
@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("virgo", [], "A campaign named 'virgo' already exists"),
        ("vir go", [], "letters, digits, hyphens and underscores, not 'vir go'"),
        ("v" * 61, [], "has 61 characters; up to 60 are possible"),
        ("coma", ["--overlap", "51"], "at most 50, not 51"),
        ("coma", ["--lease-minutes", "0"], "greater than or equal to 1 and at most 240, not 0"),
        ("coma", ["--title", "t" * 121], "The title has 121 characters; up to 120"),
    ],
)
def test_a_campaign_that_can_not_be_made_is_refused_in_our_words(
    ruler: Any, name: str, options: list[str], said: str
) -> None:
    create("virgo", "--set", "ruler")
    with pytest.raises(CommandError, match=re.escape(said)):
        create(name, "--set", "ruler", *options)
