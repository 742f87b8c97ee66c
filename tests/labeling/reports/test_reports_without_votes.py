"""Reports of a campaign in which nobody has voted, and what is refused."""

import errno
import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from labeling.reports import REPORTS, report_of
from tests.labeling.sky import make_campaign

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", list(REPORTS))
def test_a_campaign_without_votes_is_answered_too(name: str) -> None:
    report = report_of(make_campaign(), name)
    assert report.lines
    report.as_text()
    report.as_csv()
    json.loads(report.as_json("sky"))
    ET.fromstring(report.as_svg())


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("covrage", {}, "Did you mean coverage"),
        ("coverage", {"campaign": "sk"}, "Did you mean sky"),
        ("coverage", {"csv": "/nowhere/at/all.csv"}, "folder /nowhere/at does not exist"),
        ("coverage", {"svg": "/tmp/never-written.svg"}, "nothing to plot here"),
    ],
)
def test_a_slip_is_answered_with_one_sentence(name: str, options: dict[str, str], said: str) -> None:
    make_campaign()
    with pytest.raises(CommandError, match=said):
        call_command("report", name, **{"campaign": "sky", **options})


@pytest.mark.finding("ux D25")
def test_a_report_without_a_plot_is_written_in_its_other_forms_all_the_same(tmp_path: Path) -> None:
    make_campaign()
    files = {form: str(tmp_path / f"out.{form}") for form in ("svg", "csv", "json")}
    with pytest.raises(CommandError, match="nothing to plot here"):
        call_command("report", "coverage", campaign="sky", **files)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.json"]


@pytest.mark.finding("flow F14")
def test_a_file_that_can_not_be_written_whole_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_campaign()
    path = tmp_path / "out.csv"
    path.write_text("of last week")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommandError, match="can't be written"):
        call_command("report", "progress", campaign="sky", csv=str(path))
    assert path.read_text() == "of last week"
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]


def test_nobody_else_sees_reports_and_what_is_not_there_is_not_found(
    client: Client, alice_client: Client, bob_client: Client
) -> None:
    make_campaign()
    for page in ("sky/", "sky/coverage/", "sky/coverage.csv"):
        assert alice_client.get(f"/staff/dashboard/reports/{page}").status_code == 404
        assert client.get(f"/staff/dashboard/reports/{page}").status_code == 302
    for page in ("none/", "sky/covrage/", "sky/coverage.exe"):
        assert bob_client.get(f"/staff/dashboard/reports/{page}").status_code == 404
