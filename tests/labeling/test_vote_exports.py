"""export_votes: every vote once, nobody's name, read back with the same consensus."""

import csv
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections, transaction
from django.test import Client

from giz.core.models import AuditEvent, Job
from labeling.models import Campaign, Consensus, Task, Vote
from labeling.rules import UNDO_TIME
from labeling.services.campaigns import campaign_create
from labeling.services.consensus import consensus_refresh
from labeling.services.leases import task_lease
from labeling.services.plausibility import volunteer_discount
from labeling.services.vote_exports import START, VoteExport, votes_export
from labeling.services.votes import vote_record
from standards.models import Standard
from standards.selectors import set_standards
from tests.labeling.sky import FACE_ON_TRACE, make_campaign, make_volunteer, post, trace_to
from tests.labeling.test_consensus import judge
from tests.refusals import refuses

NOW = timedelta(0)


def export(path: Path, **options: Any) -> list[dict[str, str]]:
    call_command("export_votes", campaign="sky", format_name="csv", out=str(path), **options)
    return rows_of(path)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def since(campaign: Campaign, path: Path, cursor: str = START, undo_time: timedelta = NOW) -> dict[str, Any]:
    plan = VoteExport(campaign=campaign, format_name="csv", path=path, release="dr1", since=cursor, undo_time=undo_time)
    return votes_export(plan=plan)


@pytest.fixture
def judged(db: None) -> Campaign:
    """Two galaxies with every kind of vote: accepted, face-on, rejected, undone, too fast, without weight."""
    campaign = make_campaign(targets=2, overlap=6)
    for number, (answer, changes) in enumerate(
        [
            (60.5, {"comment": "=a bar? mail me@x.org"}),
            (64.5, {"reasons": ["not_sure"]}),
            (89.5, {}),
            (None, {"reasons": ["multiple", "HI"], "comment": "two\nof them"}),
            (None, {"verdict": "face_on", "trace": FACE_ON_TRACE}),
        ]
    ):
        person = make_volunteer(number)
        judge(person, answer, **changes)
        judge(person, 70.5)
    volunteer_discount(volunteer=Vote.objects.order_by("id")[2].volunteer)
    return campaign


@pytest.mark.django_db
def test_every_vote_is_a_row_and_nobody_is_named(judged: Campaign, tmp_path: Path) -> None:
    rows = export(tmp_path / "votes.csv")
    votes = list(Vote.objects.order_by("id").select_related("target__galaxy", "volunteer"))
    assert [row["id"] for row in rows] == [str(vote.key) for vote in votes]
    assert [row["verdict"] for row in rows] == [vote.verdict for vote in votes]
    assert [row["pgc"] for row in rows] == [str(vote.target.galaxy.pgc) for vote in votes]
    assert [float(row["inc"]) if row["inc"] else None for row in rows] == [vote.inclination_deg for vote in votes]
    assert [json.loads(row["trace"]) for row in rows if row["trace"]] == [vote.trace for vote in votes if vote.trace]
    assert sorted({row["flags"] for row in rows}) == sorted({" ".join(vote.flags) for vote in votes})
    assert rows[0]["comment"] == "'=a bar? mail (address removed)"
    whole = (tmp_path / "votes.csv").read_text() + (tmp_path / "votes.csv.manifest.json").read_text()
    assert "@" not in whole
    for vote in votes:
        assert vote.volunteer.public_name not in whole
    assert len({row["volunteer"] for row in rows}) == 5
    assert AuditEvent.objects.filter(action="votes_exported", subject="sky").count() == 1


@pytest.mark.django_db
def test_the_standards_are_those_that_were_on_screen(judged: Campaign, tmp_path: Path) -> None:
    rows = export(tmp_path / "votes.csv", shown=True)
    bin_of = dict(Standard.objects.values_list("galaxy__pgc", "bin_deg"))
    sides = [[bin_of[int(row[name])] if row[name] else None for name in ("pgcID1", "pgcID2")] for row in rows]
    accepted = {float(row["inc"]): side for row, side in zip(rows, sides, strict=True) if row["inc"]}
    assert accepted == {60.5: [60, 61], 64.5: [64, 65], 89.5: [89, 90], 70.5: [70, 71]}
    assert [side for row, side in zip(rows, sides, strict=True) if row["verdict"] == "F"] == [[None, 45]]
    assert all(side == [None, None] for row, side in zip(rows, sides, strict=True) if row["verdict"] == "J")
    first, task = json.loads(rows[0]["shown"]), Task.objects.get(votes__key=rows[0]["id"])
    orders = set_standards(task.standard_set_id).for_target(task.target.galaxy_id).orders(task.seed)
    pgc_of = dict(Standard.objects.values_list("id", "galaxy__pgc"))
    assert first[0] == [pgc_of[orders[bin_deg][0]] for bin_deg in range(45, 90, 5)]
    assert first[1] == [pgc_of[orders[bin_deg][1]] for bin_deg in range(58, 67)]


@pytest.mark.django_db
@pytest.mark.parametrize("format_name", ["csv", "parquet"])
def test_read_back_it_gives_the_same_consensus(judged: Campaign, tmp_path: Path, format_name: str) -> None:
    undone = Vote.objects.order_by("id").first()
    assert undone is not None
    client = Client()
    client.force_login(undone.volunteer, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert post(client, f"votes/{undone.key}/undo/").status_code == 200
    path = tmp_path / f"votes.{format_name}"
    call_command("export_votes", campaign="sky", format_name=format_name, out=str(path))
    campaign_create(name="copy", standard_set=judged.standard_set, overlap=6)
    for _ in range(2):
        call_command("import_votes", str(path), campaign="copy", source="sky")
    counts = Job.objects.filter(kind="import_votes").order_by("created_at").first().result  # type: ignore[union-attr]
    assert (counts["counted"], counts["superseded"], counts["bad"], counts["standards"]) == (9, 1, 0, 0)
    assert Vote.objects.filter(target__campaign__name="copy").count() == 10
    consensus_refresh()

    def labels(name: str) -> list[tuple[Any, ...]]:
        found = Consensus.objects.filter(target__campaign__name=name, is_current=True, estimator="median")
        columns = ("target__galaxy__pgc", "inclination_deg", "sigma_deg", "verdict", "volunteer_count", "reason_counts")
        return list(found.order_by("target__galaxy__pgc").values_list(*columns, "verdict_counts", "note"))

    assert len(labels("sky")) == 2
    assert labels("copy") == labels("sky")


@pytest.mark.django_db
def test_pseudonyms_hold_for_one_release(judged: Campaign, tmp_path: Path) -> None:
    first, again, other = (
        [row["volunteer"] for row in export(tmp_path / f"{number}.csv", release=release)]
        for number, release in enumerate(["dr1", "dr1", "dr2"])
    )
    assert first == again
    assert not set(first) & set(other)
    assert len(set(other)) == len(set(first))


@pytest.mark.django_db
def test_parts_are_whole_and_add_up(judged: Campaign, tmp_path: Path) -> None:
    call_command("export_votes", campaign="sky", format_name="parquet", out=str(tmp_path / "parts"), part_rows=4)
    manifest = json.loads((tmp_path / "parts.manifest.json").read_text())
    names = [part["file"] for part in manifest["parts"]]
    assert [part["rows"] for part in manifest["parts"]] == [4, 4, 2]
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == names
    ids = [cell for name in names for cell in pq.read_table(tmp_path / "parts" / name)["id"].to_pylist()]
    assert ids == [str(key) for key in Vote.objects.order_by("id").values_list("key", flat=True)]
    assert manifest["counts"]["votes"] == 10
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.django_db
def test_votes_that_can_be_undone_wait_for_the_next_export(judged: Campaign, tmp_path: Path) -> None:
    manifest = since(judged, tmp_path / "none.csv", undo_time=UNDO_TIME)
    assert manifest["counts"]["votes"] == 0
    manifest = since(judged, tmp_path / "all.csv", manifest["cursor"])
    assert manifest["counts"]["votes"] == 10
    assert since(judged, tmp_path / "more.csv", manifest["cursor"])["counts"]["votes"] == 0
    assert rows_of(tmp_path / "more.csv") == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"since": "yesterday"}, "bad_cursor"),
        ({"since": "votes-1:other:7"}, "bad_cursor"),
        ({"since": "votes-1:sky:-7"}, "bad_cursor"),
        ({"release": "a b"}, "bad_release"),
        ({"format_name": "edd"}, "unknown_format"),
        ({"part_rows": -1}, "bad_number"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    judged: Campaign, tmp_path: Path, options: dict[str, Any], code: str
) -> None:
    plan = {"campaign": judged, "format_name": "csv", "path": tmp_path / "votes.csv", "release": "dr1", **options}
    with refuses(code):
        votes_export(plan=VoteExport(**plan))
    with pytest.raises(CommandError):
        call_command("export_votes", campaign="sky", out=str(tmp_path / "v.csv"), **{"format_name": "csv", **options})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_exports_continued_on_a_live_site_hold_each_vote_once(tmp_path: Path) -> None:
    """64 people vote, in 24 connections at a time, while exports go on."""
    people, each = 64, 3
    campaign = make_campaign(targets=12, overlap=40)
    volunteers = [make_volunteer(number) for number in range(people)]

    def vote(person: Any) -> None:
        try:
            for _ in range(each):
                task, _is_new = task_lease(volunteer=person, campaign="sky")
                trace = trace_to(60.5)
                vote_record(volunteer=person, key=task.id, task_id=task.id, trace=trace, verdict="accepted")
        finally:
            connections.close_all()

    ids: list[str] = []
    cursor, number = START, 0
    with ThreadPoolExecutor(24) as pool:
        voting = [pool.submit(vote, person) for person in volunteers]
        while number == 0 or not all(future.done() for future in voting):
            manifest = since(campaign, tmp_path / f"{number}.csv", cursor)
            ids += [row["id"] for row in rows_of(tmp_path / f"{number}.csv")]
            cursor, number = manifest["cursor"], number + 1
        for future in voting:
            future.result()
    since(campaign, tmp_path / "last.csv", cursor)
    ids += [row["id"] for row in rows_of(tmp_path / "last.csv")]
    assert len(ids) == len(set(ids)) == people * each
    assert set(ids) == {str(key) for key in Vote.objects.values_list("key", flat=True)}


@pytest.mark.django_db(transaction=True)
def test_a_vote_in_flight_is_waited_for(tmp_path: Path) -> None:
    """A vote with a lower number that is committed after one with a higher number is in this export, not in none."""
    campaign = make_campaign(targets=2)
    slow, quick = make_volunteer(0), make_volunteer(1)
    numbered, exported = threading.Event(), threading.Event()

    def vote_slowly() -> None:
        try:
            with transaction.atomic():
                judge(slow, 60.5)
                numbered.set()
                exported.wait(1.5)
        finally:
            connections.close_all()

    thread = threading.Thread(target=vote_slowly)
    thread.start()
    assert numbered.wait(30)
    judge(quick, 64.5)
    manifest = since(campaign, tmp_path / "votes.csv")
    exported.set()
    thread.join()
    assert manifest["counts"]["votes"] == 2
