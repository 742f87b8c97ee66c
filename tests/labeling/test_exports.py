"""export_labels: the published rows, nobody's name, whole files only."""

import csv
import hashlib
import json
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from giz.catalog.models import SyntheticTruth
from giz.core import jobs
from giz.core.jobs import job_cancel, run_job
from giz.core.models import Job
from labeling.jobs import labels_export_job
from labeling.models import Campaign, Consensus, Target, Vote
from labeling.services import exports
from labeling.services.campaigns import targets_add
from labeling.services.consensus import consensus_refresh
from labeling.services.exports import labels_export
from labeling.services.targets import targets_make_golden
from tests.labeling.sky import make_campaign, make_galaxies, make_volunteer
from tests.labeling.test_consensus import judge

pytestmark = pytest.mark.django_db

HOSTILE = (
    '=HYPERLINK("http://evil.example")', "+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", "'=quoted",
    "a, \"b\"; c", "étoile ☆ 星", "back\\slash", "<img src=x onerror=alert(1)>",
)  # fmt: skip


def export(path: Path, format_name: str = "csv", **options: Any) -> Path:
    call_command("export_labels", campaign="sky", format_name=format_name, out=str(path), **options)
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture
def judged(db: None) -> Campaign:
    """One galaxy with three votes: 60.5, 64.5 and a rejection with two reasons and a remark."""
    campaign = make_campaign(targets=1)
    judge(make_volunteer(0), 60.5)
    judge(make_volunteer(1), 64.5, comment="a bar?")
    judge(make_volunteer(2), None, reasons=["multiple", "bad_TF"], comment="companion, mail me@x.org")
    return campaign


def test_votes_that_are_not_aggregated_yet_are_aggregated_first(judged: Campaign, tmp_path: Path) -> None:
    (row,) = rows_of(export(tmp_path / "labels.csv"))
    assert row == {
        "pgc": str(Target.objects.get().galaxy.pgc),
        "inc": row["inc"],
        "inc_e": "4",
        "inc_flg": "0",
        "inc_n": "3",
        "inc_note": "[bad_TF] [multiple] a bar?; companion, mail (address removed)",
        "inclination_deg": "62.5",
        "sigma_deg": "3.2863",
        "verdict": "A",
        "status": "retired",
        "median_deg": "62.5",
        "median_sigma_deg": "3.2863",
        "robust_deg": row["robust_deg"],
        "robust_sigma_deg": row["robust_sigma_deg"],
        "sigma_common_deg": "",
        "galaxy_ids": "",
    }
    assert row["inc"] in ("62", "63")
    robust = Consensus.objects.get(estimator="robust", is_current=True)
    assert float(row["robust_deg"]) == robust.inclination_deg
    assert float(row["robust_sigma_deg"]) == pytest.approx(robust.sigma_deg, abs=1e-4)


def test_both_estimators_stand_in_a_table_whichever_is_published(judged: Campaign, tmp_path: Path) -> None:
    (by_median,) = rows_of(export(tmp_path / "median.csv"))
    Campaign.objects.update(estimator="robust")
    (by_robust,) = rows_of(export(tmp_path / "robust.csv"))
    assert by_median["inclination_deg"] == by_median["median_deg"] == by_robust["median_deg"]
    assert by_robust["inclination_deg"] == by_robust["robust_deg"] == by_median["robust_deg"] != by_median["median_deg"]


def test_synthetic_galaxies_that_only_measure_people_are_no_labels(judged: Campaign, tmp_path: Path) -> None:
    pgc = Target.objects.get().galaxy.pgc
    [golden] = make_galaxies(90_000_001, 1)
    SyntheticTruth.objects.create(galaxy=golden, inclination_deg=60.0, galaxy_type="Sb", seed=1)
    targets_add(campaign=judged, galaxy_ids=[golden.pk])
    targets_make_golden(campaign=judged, target_ids=[Target.objects.get(galaxy=golden).pk])
    judge(make_volunteer(7), 61.5)
    assert Target.objects.get(galaxy=golden).vote_count == 1
    assert [row["pgc"] for row in rows_of(export(tmp_path / "labels.csv"))] == [str(pgc)]


def test_the_same_votes_give_the_same_bytes_and_the_manifest_its_checksum(judged: Campaign, tmp_path: Path) -> None:
    for format_name in ("csv", "json", "edd"):
        first = export(tmp_path / f"first.{format_name}", format_name)
        second = export(tmp_path / f"second.{format_name}", format_name)
        assert first.read_bytes() == second.read_bytes()
        manifest = json.loads((tmp_path / f"first.{format_name}.manifest.json").read_text())
        assert manifest["sha256"] == hashlib.sha256(first.read_bytes()).hexdigest()
        assert manifest["standard_set"]["digest"] == judged.standard_set.digest
        assert manifest["rule_versions"] == ["median-1+verdict-1+fixed-2+published-1"]
        assert manifest["counts"]["volunteers"] == 3


def test_a_rejected_galaxy_has_no_inclination_and_the_flag(tmp_path: Path) -> None:
    make_campaign(targets=1)
    for number in range(3):
        judge(make_volunteer(number), None, reasons=["face_on"])
    (row,) = rows_of(export(tmp_path / "labels.csv"))
    assert (row["inc"], row["inc_e"], row["inc_flg"], row["verdict"]) == ("", "", "1", "F")
    assert row["inclination_deg"] == ""
    (parsed,) = json.loads(export(tmp_path / "labels.json", "json").read_text())
    assert (parsed["inc"], parsed["inclination_deg"]) == (None, None)
    assert export(tmp_path / "labels.edd", "edd").read_text().splitlines()[1].split("|")[1].strip() == "0"


def test_remarks_can_not_run_in_a_spreadsheet_and_stay_what_they_were_elsewhere(tmp_path: Path) -> None:
    campaign = make_campaign(targets=len(HOSTILE))
    targets = Target.objects.order_by("galaxy__pgc")
    Consensus.objects.bulk_create(
        Consensus(target=target, estimator="median", rule_version="x", verdict="J", volunteer_count=3, note=note)
        for target, note in zip(targets, HOSTILE, strict=True)
    )
    cells = [row["inc_note"] for row in rows_of(export(tmp_path / "labels.csv"))]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert [cell.removeprefix("'") for cell in cells] == list(HOSTILE)
    parsed = json.loads(export(tmp_path / "labels.json", "json").read_text(encoding="utf-8"))
    assert [entry["inc_note"] for entry in parsed] == list(HOSTILE)
    assert campaign.name == "sky"


def test_no_e_mail_no_address_and_no_volunteer_is_in_any_file(judged: Campaign, tmp_path: Path) -> None:
    numbers = [str(make_volunteer(number + 50).volunteer_number) for number in range(2)]
    for format_name in ("csv", "json", "edd"):
        export(tmp_path / f"labels.{format_name}", format_name)
    for path in tmp_path.iterdir():
        text = path.read_text(errors="replace")
        assert "@" not in text, path
        assert "example.org" not in text, path
        assert "127.0.0.1" not in text, path
        assert not any(number in text for number in numbers), path


def test_a_file_that_exists_is_kept_unless_forced(judged: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("mine")
    with pytest.raises(CommandError, match="--force"):
        export(path)
    assert path.read_text() == "mine"
    export(path, force=True)
    assert path.read_text().startswith("pgc,inc")


def test_an_export_that_fails_leaves_the_old_file_and_no_rest(
    judged: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = export(tmp_path / "labels.csv")
    before = sorted(entry.name for entry in tmp_path.iterdir())
    old = path.read_bytes()

    def break_down(*_args: Any, **_options: Any) -> Any:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("labeling.services.exports.published_row", break_down)
    with pytest.raises(RuntimeError):
        labels_export(campaign=judged, format_name="csv", path=path)
    assert path.read_bytes() == old
    assert sorted(entry.name for entry in tmp_path.iterdir()) == before


@pytest.mark.slow
def test_rows_are_streamed_through_a_cursor_on_the_server(tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        # As on a site that was small when it last looked: the database expects hardly any rows.
        cursor.execute("ANALYZE labeling_consensus, labeling_target, catalog_galaxy")
    campaign = make_campaign(targets=0)
    galaxies = make_galaxies(20_000, 6000, with_images=False)
    targets = Target.objects.bulk_create(
        Target(campaign=campaign, galaxy=galaxy, quota=3, order_key=0.5) for galaxy in galaxies
    )
    Consensus.objects.bulk_create(
        Consensus(target=target, estimator="median", rule_version="x", verdict="J", volunteer_count=3, note="n" * 2000)
        for target in targets
    )
    del galaxies, targets
    path = tmp_path / "labels.csv"
    tracemalloc.start()
    with CaptureQueriesContext(connection) as statements:
        labels_export(campaign=campaign, format_name="csv", path=path)
    _now, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 12_000_000
    assert peak_bytes < 10_000_000, "the whole table is never in memory"
    assert len(statements) < 15


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"campaign": "sly"}, r"Did you mean sky\?"),
        ({"format_name": "xls"}, "Known: csv"),
        ({"out": "/nowhere/labels.csv"}, "/nowhere does not exist"),
        ({"out": "/tmp"}, "is a folder"),
    ],
)
def test_a_wrong_word_is_answered_with_a_way_out(
    judged: Campaign, tmp_path: Path, options: dict[str, str], said: str
) -> None:
    wanted = {"campaign": "sky", "format_name": "csv", "out": str(tmp_path / "labels.csv"), **options}
    with pytest.raises(CommandError, match=said):
        call_command("export_labels", **wanted)


def test_a_campaign_without_votes_gives_a_header_and_says_so(campaign: Campaign, tmp_path: Path, capsys: Any) -> None:
    path = export(tmp_path / "labels.csv")
    assert rows_of(path) == []
    assert "no labels" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_others_see_how_far_an_export_is_and_can_stop_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make_campaign(targets=12)
    volunteer = make_volunteer()
    for _ in range(12):
        judge(volunteer, 60.5)
    monkeypatch.setattr(exports, "CHUNK", 2)
    monkeypatch.setattr(jobs, "PROGRESS_SECONDS", 0.0)
    path = tmp_path / "labels.csv"
    job = labels_export_job(campaign=campaign, format_name="csv", path=path)
    seen: list[int] = []
    limits: set[str] = set()

    def somebody_else() -> None:
        """On a connection of their own, as a staff page has it."""
        try:
            seen.append(Job.objects.get(id=job.id).progress_done)
            if seen[-1] >= 4:
                job_cancel(job.id)
        finally:
            connection.close()

    def look(done: int, _total: int, _message: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            limits.add(cursor.fetchone()[0])
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and (not seen or seen[-1] < done - 2):
            other = threading.Thread(target=somebody_else)
            other.start()
            other.join()
        time.sleep(0.1)

    assert run_job(job, on_progress=look).state == "cancelled"
    assert 4 <= max(seen) < 12
    assert limits == {"0"}, "a table may take longer than a request"
    assert list(tmp_path.iterdir()) == []
    again = run_job(labels_export_job(campaign=campaign, format_name="csv", path=path))
    assert (again.state, again.progress_done, again.progress_total) == ("done", 12, 12)
    assert len(rows_of(path)) == 12


@pytest.mark.finding("review 26")
@pytest.mark.django_db(transaction=True)
def test_rows_and_manifest_are_of_one_moment(tmp_path: Path) -> None:
    """Somebody votes after the rows were written and before the manifest counts: both tell of the moment before."""
    campaign = make_campaign(targets=2)
    judge(make_volunteer(0), 60.5)
    judge(make_volunteer(1), 64.5)
    late = make_volunteer(2)

    def somebody_votes() -> None:
        judge(late, 62.5)
        consensus_refresh(campaign=campaign)
        connection.close()

    def after_the_rows(_done: int, _total: int) -> None:
        voter = threading.Thread(target=somebody_votes)
        voter.start()
        voter.join(60)

    manifest = labels_export(campaign=campaign, format_name="csv", path=tmp_path / "a.csv", on_progress=after_the_rows)
    assert Vote.objects.count() == 3
    assert sum(int(row["inc_n"]) for row in rows_of(tmp_path / "a.csv")) == 2
    assert (manifest["counts"]["votes"], manifest["counts"]["volunteers"]) == (2, 2)
