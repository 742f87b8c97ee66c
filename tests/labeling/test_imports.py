"""import_votes: the original's table becomes votes, without anybody's name, once."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from giz.accounts.models import User
from giz.catalog.models import Galaxy
from giz.core.jobs import JobContext, job_claim, run_job
from giz.core.models import Job, JobLogLine
from giz.tables.table import RowError
from giz.tables.text import table_or_refusal
from labeling import jobs
from labeling.comparison import round_at_random
from labeling.formats import VoteColumns
from labeling.models import Campaign, Target, Vote
from labeling.services import imports
from labeling.services.campaigns import targets_add
from labeling.services.consensus import consensus_refresh
from standards.models import Standard, StandardSet
from tests.labeling.sky import FIRST_STANDARD, make_galaxies, make_volunteer
from tests.refusals import refuses

pytestmark = pytest.mark.django_db

HEADER = (
    "id|pgcID|inc|pgcID1|pgcID2|flag|not_sure|better_image|bad_TF|ambiguous|disturbed|HI|face_on|not_spiral|multiple|"
    "volunteer|inputTable|checkoutTime|checkinTime"
)
# Standards of tests.labeling.sky.make_set: three a bin, from 45 degrees up.
AT_59, AT_60 = FIRST_STANDARD + 3 * 14, FIRST_STANDARD + 3 * 15


def row(number: int, **changes: Any) -> str:
    cells: dict[str, Any] = dict.fromkeys(HEADER.split("|"), 0)
    cells |= {"id": number, "pgcID": 71, "inc": "59.50", "pgcID1": AT_59, "pgcID2": AT_60, "volunteer": "eve@x.org"}
    cells |= {"inputTable": "Input", "checkoutTime": "2018-03-03 15:06:36", "checkinTime": "2018-03-03 15:08:25"}
    return "|".join(str(value) for value in {**cells, **changes}.values())


def table(folder: Path, *rows: str, name: str = "votes.psv") -> Path:
    path = folder / name
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def run(path: Path, **options: Any) -> dict[str, int]:
    call_command("import_votes", str(path), campaign="sky", **options)
    return Job.objects.filter(kind="import_votes").order_by("-created_at").first().result  # type: ignore[union-attr]


def test_a_row_becomes_a_vote(campaign: Campaign, tmp_path: Path) -> None:
    counts = run(table(tmp_path, row(48, not_sure=1)))
    assert counts == {
        "counted": 1, "repeat": 0, "superseded": 0, "surplus": 0, "known": 0, "bad": 0, "galaxies": 1, "volunteers": 1,
        "standards": 0,
    }  # fmt: skip
    vote = Vote.objects.get()
    assert (vote.verdict, vote.inclination_deg, vote.reasons, vote.standing) == ("A", 59.5, ["not_sure"], "counted")
    assert vote.inclination_rounded_deg == round_at_random(59.5, vote.rounding_seed or 0)
    assert vote.is_imported
    assert vote.standard_set_id == campaign.standard_set_id
    assert vote.trace == {"standards_pgc": [AT_59, AT_60]}
    assert vote.created_at.isoformat() == "2018-03-03T15:08:25+00:00"
    assert vote.checked_out_at is not None
    assert vote.checked_out_at.isoformat() == "2018-03-03T15:06:36+00:00"
    assert vote.target.galaxy.pgc == 71
    assert not vote.volunteer.has_usable_password()


def test_a_rejection_has_no_inclination_whatever_stands_in_the_table(campaign: Campaign, tmp_path: Path) -> None:
    run(
        table(
            tmp_path,
            row(1, flag=1, inc="0.00", pgcID1="", pgcID2="", bad_TF=1, multiple=1),
            row(2, flag=1, inc="77.5", face_on=1, pgcID1="", volunteer="b"),
            row(3, flag=1, inc="", volunteer="c", pgcID1="", pgcID2=""),
        )
    )
    votes = Vote.objects.order_by("id").values_list("verdict", "inclination_deg", "reasons")
    assert list(votes) == [("J", None, ["bad_TF", "multiple"]), ("F", None, ["face_on"]), ("J", None, [])]


def test_repeats_of_a_person_stay_as_history_and_count_once_with_the_median(campaign: Campaign, tmp_path: Path) -> None:
    plain = {"pgcID1": "", "pgcID2": ""}
    rows = [
        row(1, inc="60", **plain), row(2, inc="70", **plain), row(3, inc="64", **plain),
        row(4, inc="80", volunteer="b", **plain), row(5, inc="82", volunteer="c", **plain),
    ]  # fmt: skip
    counts = run(table(tmp_path, *rows))
    assert (counts["counted"], counts["repeat"], counts["volunteers"]) == (3, 2, 3)
    consensus_refresh(campaign=campaign)
    consensus = Target.objects.get(galaxy__pgc=71).consensuses.get(estimator="median")
    assert (consensus.volunteer_count, consensus.inclination_deg) == (3, 80)
    assert len(consensus.vote_ids) == 5


def test_the_same_table_again_changes_nothing(campaign: Campaign, tmp_path: Path) -> None:
    path = table(tmp_path, row(1), row(2, pgcID=72), row(3, volunteer="b", pgcID1=900_001))
    run(path)
    before = [list(model.objects.order_by("pk").values()) for model in (Vote, User, Galaxy, StandardSet, Standard)]
    consensus_refresh(campaign=campaign)
    # Under another name, with a row more, and people written in capitals.
    longer = table(tmp_path, row(1, volunteer="EVE@X.ORG"), row(2, pgcID=72), row(3, volunteer="b", pgcID1=900_001))
    counts = run(longer.rename(tmp_path / "again.psv"))
    assert (counts["counted"], counts["known"], counts["volunteers"], counts["standards"]) == (0, 3, 0, 0)
    after = [list(model.objects.order_by("pk").values()) for model in (Vote, User, Galaxy, StandardSet, Standard)]
    assert after == before
    assert not Target.objects.filter(stale_since__isnull=False).exists()


def test_nobodys_name_is_stored_anywhere(campaign: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "votes.psv"
    path.write_text(f"{HEADER}|comment\n{row(1)}|ask eve@x.org about it\n{row(2, inc='x')}|\n")
    run(path)
    assert Vote.objects.get().comment == "ask (address removed) about it"
    assert User.objects.get(import_source="original").email is None
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{name}" stored WHERE stored::text ILIKE %s', ["%eve@x%"])
            assert cursor.fetchone()[0] == 0, name


def test_bad_rows_are_reported_with_line_and_reason_and_the_others_imported(campaign: Campaign, tmp_path: Path) -> None:
    rows = [
        row(1),
        row(2, pgcID="NGC 1"),
        row(3, inc="44.5"),
        row(4, inc="95"),
        row(5, flag=2),
        row(6, HI="yes"),
        row(7, volunteer=""),
        row(8, checkinTime="2018-03-03 15:00:00"),
        row(9, checkinTime="yesterday"),
        row(1, volunteer="b"),
        "1|2|3",
        row(12, volunteer="b"),
    ]
    counts = run(table(tmp_path, *rows))
    assert (counts["counted"], counts["bad"]) == (2, 10)
    said = list(JobLogLine.objects.filter(level="warning").values_list("text", flat=True))
    assert [line.split(":")[0] for line in said] == [f"line {number}" for number in range(3, 13)]
    assert "must lie in 45 to 90" in said[1]
    assert "HI" in said[4].upper()
    assert "before checkoutTime" in said[6]
    assert said[8] == "line 11: id 1 already appears on line 2"


def test_a_row_with_shifted_cells_is_told_without_the_address_in_it(campaign: Campaign, tmp_path: Path) -> None:
    counts = run(table(tmp_path, row(1, flag="eve@x.org", volunteer="1")))
    assert counts["bad"] == 1
    assert JobLogLine.objects.get(level="warning").text == "line 2: flag is (address removed) must be 0 or 1"


def test_the_same_id_with_other_values_is_told_and_kept_out(campaign: Campaign, tmp_path: Path) -> None:
    run(table(tmp_path, row(1)))
    counts = run(table(tmp_path, row(1, inc="70", pgcID1="", pgcID2="")))
    assert (counts["counted"], counts["known"], counts["bad"]) == (0, 0, 1)
    assert "--source" in JobLogLine.objects.get(level="warning").text
    assert Vote.objects.get().inclination_deg == 59.5
    assert run(table(tmp_path, row(1, inc="70", pgcID1="", pgcID2="")), source="elsewhere")["counted"] == 1


def test_unknown_standards_get_a_set_of_their_own_with_the_bins_that_the_votes_say(
    campaign: Campaign, tmp_path: Path
) -> None:
    rows = [
        row(1, pgcID1=900_059, pgcID2=AT_60),
        row(2, volunteer="b", inc="90", pgcID1=900_090, pgcID2=""),
        row(3, volunteer="c", flag=1, face_on=1, pgcID1="", pgcID2=900_045),
        row(4, volunteer="d"),
    ]
    assert run(table(tmp_path, *rows))["standards"] == 3
    made = StandardSet.objects.exclude(pk=campaign.standard_set_id).get()
    assert made.name == "original-from-votes"
    bins = dict(made.standards.values_list("galaxy__pgc", "bin_deg"))
    assert bins == {900_059: 59, AT_60: 60, 900_090: 90, 900_045: 45, AT_59: 59}
    sets = list(Vote.objects.order_by("id").values_list("standard_set_id", flat=True))
    assert sets == [made.pk, made.pk, made.pk, campaign.standard_set_id]


def test_standards_that_had_to_be_made_are_named(campaign: Campaign, tmp_path: Path) -> None:
    run(table(tmp_path, row(1, pgcID1=7001, pgcID2=7002)))
    said = JobLogLine.objects.get(level="warning").text
    assert f"{campaign.standard_set} lacks: PGC 7001, 7002." in said
    assert "original-from-votes v1" in said


def test_an_answer_at_the_lower_end_of_the_grid_can_name_unknown_standards(campaign: Campaign, tmp_path: Path) -> None:
    """A whole number stands between two bins around it, but there is no bin below 45."""
    counts = run(table(tmp_path, row(1, inc="45", pgcID1=7001, pgcID2=7002)))
    assert (counts["counted"], counts["standards"]) == (1, 2)
    made = Standard.objects.filter(standard_set__name="original-from-votes")
    assert list(made.order_by("galaxy__pgc").values_list("galaxy__pgc", "bin_deg")) == [(7001, 45), (7002, 46)]


def test_galaxies_of_imported_votes_are_served_to_nobody_until_they_are_made_targets(
    campaign: Campaign, tmp_path: Path
) -> None:
    make_galaxies(71, 1)
    run(table(tmp_path, row(1)))
    target = Target.objects.get(galaxy__pgc=71)
    assert (target.quota, target.vote_count) == (0, 0)
    added = targets_add(campaign=campaign, galaxy_ids=[target.galaxy_id])
    assert added.added == 1
    target.refresh_from_db()
    assert target.quota == 3


def test_an_import_that_was_interrupted_goes_on_where_it_stopped(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 2)
    path = table(tmp_path, *(row(number, volunteer=f"v{number}") for number in range(1, 8)))
    job = jobs.votes_import_job(campaign=campaign, path=path, source="original")
    claimed = job_claim(job.id)
    assert claimed is not None

    def stop(line: int, _total: int, _message: str) -> None:
        if line >= 5:
            raise KeyboardInterrupt

    Job.objects.filter(pk=job.pk).update(state="queued", lease_token=None, lease_until=None)
    with pytest.raises(KeyboardInterrupt):
        run_job(job, on_progress=stop)
    # The batch that was interrupted is gone with its transaction; the one before it stands.
    assert Vote.objects.count() == 2
    again = jobs.votes_import_job(campaign=campaign, path=path, source="original")
    assert again.pk == job.pk
    assert JobContext(again).checkpoint["line"] == 3
    assert run_job(again).result["counted"] == 7
    assert Vote.objects.count() == 7


def test_people_of_the_site_and_of_the_table_are_different_people(campaign: Campaign, tmp_path: Path) -> None:
    make_volunteer(1)
    run(table(tmp_path, row(1, volunteer="volunteer1@example.org")))
    assert User.objects.filter(import_source="original").count() == 1
    assert Vote.objects.get().volunteer.import_source == "original"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pgc,inc\n1,60\n", "no column named volunteer and none named flag"),
        ("", "is empty"),
        ("\x00\x01", "binary"),
    ],
)
def test_a_file_that_is_no_table_of_votes_is_refused(campaign: Campaign, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "votes.csv"
    path.write_text(text)
    with pytest.raises(CommandError, match=said):
        run(path)
    assert not Job.objects.exists()


def test_typing_errors_are_answered_with_what_was_meant(campaign: Campaign, tmp_path: Path) -> None:
    path = table(tmp_path, row(1))
    with pytest.raises(CommandError, match=r"Did you mean sky\?"):
        call_command("import_votes", str(path), campaign="skye")
    with pytest.raises(CommandError, match=r"votes\.psv\?"):
        call_command("import_votes", str(tmp_path / "vots.psv"), campaign="sky")
    with refuses("bad_source"):
        call_command("import_votes", str(path), campaign="sky", source="a b")


@pytest.mark.real_data
@pytest.mark.slow
def test_the_originals_votes_come_in_completely(campaign: Campaign, real_data: Path) -> None:
    counts = run(real_data / "guest_votes.psv")
    assert (counts["counted"] + counts["repeat"], counts["bad"], counts["volunteers"]) == (7008, 0, 36)
    assert counts["repeat"] == 206
    assert Vote.objects.filter(verdict="A").count() == 5429
    assert not Vote.objects.exclude(verdict="A").exclude(inclination_deg=None).exists()


@pytest.mark.finding("data 2")
def test_the_originals_notes_are_kept_and_columns_that_are_not_read_are_named(
    campaign: Campaign, tmp_path: Path
) -> None:
    path = tmp_path / "votes.psv"
    path.write_text("id|pgcID|inc|flag|face on|bad_tf2|note|email\n1|71|60.00|0|0|0|bright star|a@example.org\n")
    run(path)
    assert Vote.objects.get().comment == "bright star"
    assert "face on, bad_tf2" in JobLogLine.objects.get().text


@pytest.mark.finding("data 2", "data 4")
def test_columns_of_other_names_are_mapped(campaign: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text("galaxy,who,angle,rejected,face on,remark\n71,eve,60,0,0,fine\n72,eve,,1,1,\n")
    pairs = ["pgcid=galaxy", "volunteer=who", "inc=angle", "flag=rejected", "face_on=face on", "comment=remark"]
    call_command("import_votes", str(path), campaign="sky", map=pairs)
    assert list(Vote.objects.order_by("id").values_list("verdict", "comment")) == [("A", "fine"), ("F", "")]
    with pytest.raises(CommandError, match="it can name pgcid"):
        call_command("import_votes", str(path), campaign="sky", map=["nothing=galaxy"])


@pytest.mark.finding("data 2")
def test_a_table_that_was_imported_without_its_notes_is_known_again(campaign: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "votes.psv"
    path.write_text(f"{HEADER}\n{row(1)}\n")
    run(path)
    path.write_text(f"{HEADER}|note\n{row(1)}|bright star\n")
    counts = run(path)
    assert (counts["known"], counts["counted"], counts["bad"]) == (1, 0, 0)


@pytest.mark.finding("data 1")
def test_a_stray_quotation_mark_swallows_nobodys_vote(campaign: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    lines = ['1,71,60,0,a,"unsure', "2,71,62,0,b,", '3,71,64,0,c,a "nice" one', "4,72,70,0,a,"]
    path.write_text("\n".join(["id,pgcID,inc,flag,volunteer,comment", *lines]) + "\n")
    assert run(path)["counted"] == 3
    assert not Vote.objects.filter(comment__contains="900").exists()
    assert JobLogLine.objects.filter(level="warning", text__startswith="line 2: ").exists()


@pytest.mark.parametrize(
    ("written", "hour", "microsecond"),
    [
        ("2018-03-03 15:06:36", 15, 0),
        ("2018-03-03T15:06:36Z", 15, 0),
        ("2018-03-03 15:06:36+00:00", 15, 0),
        ("2018-03-03 15:06:36.250000", 15, 250_000),
        ("2018-03-03 15:06:36.250000123", 15, 250_000),
        ("2018-03-03 17:06:36+02:00", 15, 0),
    ],
)
def test_times_of_typed_tables_are_the_same_times(written: str, hour: int, microsecond: int) -> None:
    cells = {"pgcid": "4", "volunteer": "x", "inc": "60.5", "flag": "0", "checkouttime": written}
    entry = VoteColumns(tuple(cells)).entry(cells, 2)
    assert entry.checked_out_at == datetime(2018, 3, 3, hour, 6, 36, microsecond, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["2018-03-03", "20180303T150636", "0000-00-00 00:00:00", "0001-01-01 00:00:00+02:00"]
)
def test_what_is_no_time_is_told(written: str) -> None:
    cells = {"pgcid": "4", "volunteer": "x", "inc": "60.5", "flag": "0", "checkouttime": written}
    with pytest.raises(RowError, match="must be a time"):
        VoteColumns(tuple(cells)).entry(cells, 2)


def test_numbers_and_truth_values_of_typed_tables_are_read(tmp_path: Path) -> None:
    votes = {"pgcID": [4.0, 12.0], "volunteer": ["x", "y"], "inc": [60.5, None], "flag": [False, True]}
    votes |= {"pgcID1": [39600.0, 0.0], "pgcID2": [0.0, None], "face_on": [0.0, 1.0]}
    pq.write_table(pa.table(votes), tmp_path / "votes.parquet")
    found = table_or_refusal(tmp_path / "votes.parquet")
    columns = VoteColumns(found.columns)
    entries = [columns.entry(row.cells, row.line) for row in found.rows()]
    assert [(entry.pgc, entry.verdict, entry.left_pgc, entry.right_pgc) for entry in entries] == [
        (4, "A", 39600, None),
        (12, "F", None, None),
    ]


def test_long_ids_that_begin_alike_are_different_rows() -> None:
    cells = {"pgcid": "4", "volunteer": "x", "inc": "60.5", "flag": "0"}
    columns = VoteColumns((*cells, "id"))
    ids = ["6f1d7d5e-3a54-4c19-9c0b-2f0a3a1de7b4", "6f1d7d5e-3a54-4c19-9c0b-2f0a3a1de7b5", "7" * 20]
    rows = [columns.entry({**cells, "id": text}, 2).row for text in ids]
    assert len(set(rows)) == 3
    assert {len(row) for row in rows} == {20}
    assert rows[2] == ids[2]
