"""Every report of a campaign that a simulated crowd has judged: its figures are those of the rows."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F
from django.test import Client

from giz.core.jobs import run_job
from giz.dashboard.jobs import reports_job
from labeling.models import Campaign, Consensus, Target, Vote
from labeling.reports import REPORTS, report_of
from labeling.reports.progress import progress
from labeling.simulation.jobs import simulate_job
from tests.history import history_unlocked
from tests.labeling.simulation.sky import make_known_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def judged(module_rows: None) -> Campaign:
    """Forty galaxies, each judged by seven of fourteen simulated people."""
    campaign = make_known_campaign(overlap=7)
    run_job(simulate_job(campaign=campaign, volunteers=14, votes=400))
    return campaign


def made_by_worker(campaign: Campaign) -> None:
    job = reports_job(campaign=campaign, names=list(REPORTS))
    assert job is not None
    run_job(job)


def figures(campaign: Campaign, name: str) -> dict[str, Any]:
    return json.loads(report_of(campaign, name).as_json(campaign.name))


def test_every_report_has_words_a_table_and_all_its_forms(judged: Campaign) -> None:
    for name in REPORTS:
        report = report_of(judged, name)
        assert report.lines, name
        assert report.rows or name == "network", "without a network nothing is in doubt"
        assert "None" not in report.as_text()
        assert "nan" not in report.as_text()
        table = list(csv.reader(io.StringIO(report.as_csv())))
        assert table[0] == [column.name for column in report.columns]
        assert len(table) == len(report.rows) + 1
        assert json.loads(report.as_json("sky"))["report"] == name
        assert report.plots or name == "network", "no queue is drawn where nobody waits in it"
        assert ET.fromstring(report.as_svg()).tag.endswith("svg")


def test_agreement_compares_medians_of_two_groups(judged: Campaign) -> None:
    found = figures(judged, "agreement")["figures"]
    assert found["pairs"] > 40
    assert 0.5 < found["rms_deg"] < 8


def test_volunteers_are_numbers_with_habits_and_never_addresses(judged: Campaign) -> None:
    report = report_of(judged, "volunteers")
    rows = json.loads(report.as_json("sky"))["rows"]
    assert sum(row["votes"] for row in rows) == Vote.objects.filter(standing="counted").count()
    assert all(row["offset_deg"] is not None and row["weight"] > 0 for row in rows)
    assert "@" not in report.as_text() + report.as_csv() + report.as_svg()


def test_reasons_are_tallied_and_agreed_ones_have_a_high_kappa(judged: Campaign) -> None:
    rows = {row["said"]: row for row in figures(judged, "reasons")["rows"]}
    assert rows["disturbed"]["votes"] == Vote.objects.filter(reasons__contains=["disturbed"]).count()
    assert rows["disturbed"]["kappa"] > 0.5 > rows["not_sure"]["kappa"]
    assert rows["multiple"]["kappa"] is None
    rejected, votes = Vote.objects.exclude(verdict="A").count(), Vote.objects.count()
    said = f"{rejected} of {votes} votes do not accept their galaxy. Kappa is 1"
    assert said in report_of(judged, "reasons").as_text()


def test_votes_a_galaxy_and_progress_count_the_rows(judged: Campaign) -> None:
    rows = figures(judged, "votes-per-galaxy")["rows"]
    assert sum(row["open"] + row["retired"] + row["expert"] for row in rows) == Target.objects.count()
    report = figures(judged, "progress")
    assert sum(row["votes"] for row in report["rows"]) == Vote.objects.filter(standing="counted").count()
    assert report["figures"]["retired"] == Target.objects.filter(state="retired").count()
    assert report["rows"][-1]["galaxies_done_total"] == report["figures"]["retired"], "table and words say the same"


@pytest.mark.finding("flow F5")
def test_the_time_of_a_vote_is_that_on_screen_where_it_is_known(judged: Campaign) -> None:
    with history_unlocked():
        Vote.objects.update(checked_out_at=F("created_at") - timedelta(seconds=40), shown_ms=None)
    assert {row[6] for row in progress(judged).rows} == {40.0}
    with history_unlocked():
        Vote.objects.update(shown_ms=4_400)
    assert {row[6] for row in progress(judged).rows} == {4.4}


def test_words_stand_flush_left_and_numbers_flush_right(judged: Campaign, bob_client: Client) -> None:
    lines = report_of(judged, "coverage").as_text().splitlines()
    head = next(line for line in lines if line.startswith("estimator"))
    place = head.index("galaxies")
    of_all = next(line for line in lines if line.startswith("robust") and " all " in line)
    assert of_all[place:].startswith("all ")
    assert head.index("number") + len("number") == len(of_all[: head.index("RMS")].rstrip())
    made_by_worker(judged)
    body = bob_client.get("/staff/dashboard/reports/sky/coverage/").content.decode()
    assert '<th scope="col" class="words">galaxies</th>' in body
    assert '<td class="words">all</td>' in body
    assert '<th scope="col">number</th>' in body


def test_what_is_left_is_told_in_words_that_fit(judged: Campaign) -> None:
    Target.objects.filter(state="open").update(state="retired")
    assert "no votes are missing." in report_of(judged, "progress").lines[0]
    Target.objects.filter(pk=Target.objects.earliest("pk").pk).update(state="open", votes_to_go=1.0)
    words = report_of(judged, "progress").lines
    assert "about 1 vote is missing." in words[0]
    assert words[1].endswith("less than a day more at this rate.")


def test_scatter_stands_beside_the_truth_and_coverage_is_a_share(judged: Campaign) -> None:
    rows = figures(judged, "scatter-bias")["rows"]
    assert sum(row["truth_votes"] or 0 for row in rows) > 150
    shares = figures(judged, "coverage")["figures"]["robust"]
    assert 0.3 < shares["within_1_sigma"] <= shares["within_2_sigma"] <= 1


def test_errors_shrink_with_votes_as_halves_show(judged: Campaign) -> None:
    halves = [row["median_halves_deg"] for row in figures(judged, "error-vs-votes")["rows"]]
    known = [value for value in halves if value is not None]
    assert len(known) >= 2
    assert known[0] > 1


def test_standards_beside_a_galaxy_are_under_test(judged: Campaign) -> None:
    """Both ways to name them: replayed from the trace, and by number in imported votes."""
    report = report_of(judged, "standards")
    rows = json.loads(report.as_json("sky"))["rows"]
    accepted = Vote.objects.filter(verdict="A", target__consensuses__in=Consensus.objects.filter(
        is_current=True, estimator="robust", verdict="A")).count()  # fmt: skip
    assert accepted < sum(row["votes"] for row in rows) <= 2 * accepted
    for vote in Vote.objects.filter(verdict="A")[:5]:
        vote.trace = {"standards_pgc": [int(rows[0]["pgc"]), int(rows[1]["pgc"])]}
        with history_unlocked():
            vote.save(update_fields=["trace"])
    again = {row["pgc"]: row for row in json.loads(report_of(judged, "standards").as_json("sky"))["rows"]}
    assert again[rows[0]["pgc"]]["votes"] >= 4


# --- the command ---------------------------------------------------------------------------------------------------
def test_the_command_prints_a_table_and_writes_files(
    judged: Campaign, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {form: str(tmp_path / f"out.{form}") for form in ("csv", "json", "svg")}
    call_command("report", "coverage", campaign="sky", **files)
    out = capsys.readouterr().out
    assert out.startswith("Coverage of the stated errors\n")
    assert "within 1 σ" in out
    assert {path.suffix: path.stat().st_size > 100 for path in tmp_path.iterdir()} == {
        ".csv": True,
        ".json": True,
        ".svg": True,
    }


# --- the staff page ------------------------------------------------------------------------------------------------
def test_staff_see_all_reports_and_each_with_its_files(judged: Campaign, bob_client: Client) -> None:
    made_by_worker(judged)
    page = bob_client.get("/staff/dashboard/reports/sky/")
    assert "unsafe" not in page["Content-Security-Policy"]
    body = page.content.decode()
    assert body.count('<svg class="plot"') == len(REPORTS) - 1, "all but the network's, whose queue is empty"
    for name in REPORTS:
        answer = bob_client.get(f"/staff/dashboard/reports/sky/{name}/")
        assert answer.status_code == 200, name
        assert " style=" not in answer.content.decode()
    for form, kind in (("csv", "text/csv"), ("json", "application/json"), ("svg", "image/svg+xml")):
        answer = bob_client.get(f"/staff/dashboard/reports/sky/coverage.{form}")
        assert answer["Content-Type"].startswith(kind)
        assert f'filename="sky-coverage.{form}"' in answer["Content-Disposition"]


def test_rows_link_to_the_people_behind_them(judged: Campaign, bob_client: Client) -> None:
    made_by_worker(judged)
    body = bob_client.get("/staff/dashboard/reports/sky/volunteers/").content.decode()
    number = Vote.objects.first().volunteer.volunteer_number
    link = f"/staff/labeling/volunteer/?q={number}"
    assert link in body
    assert f"v{number}" in bob_client.get(link).content.decode()
