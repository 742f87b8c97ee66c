"""The main job on real input: from the field's files to exported labels, through a real browser."""

import csv
import json
import random
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from labeling.rules import TOO_FAST_S
from tests.browser.conftest import Visitor
from tests.browser.play import judge, reject, wait_for_galaxy, wait_until
from tests.browser.site import Site

TARGETS = 10
VOLUNTEERS = 3
# A vote within a second of the lease is a robot's, and counted with weight 0.
HUMAN_PAUSE_MS = TOO_FAST_S * 1000 + 200


def _pgcs_with_pictures(folder: Path) -> set[int]:
    return {int(path.name.split("_")[0].removeprefix("pgc")) for path in (folder / "galaxies").iterdir()}


def _pgcs_of_standards(folder: Path) -> set[int]:
    with (folder / "standards.csv").open() as handle:
        return {int(row["pgc"]) for row in csv.DictReader(handle)}


@pytest.fixture(scope="module")
def campaign(site: Site, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Everything that an astronomer types before the volunteers come."""
    pgcs = sorted(_pgcs_with_pictures(real_data) - _pgcs_of_standards(real_data))[:TARGETS]
    assert len(pgcs) == TARGETS
    targets = tmp_path_factory.mktemp("targets") / "targets.csv"
    targets.write_text("pgc\n" + "".join(f"{pgc}\n" for pgc in pgcs))
    site.manage("import_galaxies", str(real_data / "edd_catalog_sample.csv"))
    site.manage("import_standards", str(real_data / "standards.csv"), "--set", "original")
    site.manage("import_images", str(real_data / "galaxies"))
    site.manage("create_campaign", "real", "--set", "original", "--targets", str(targets), "--open")
    return "real"


def _votes(site: Site) -> int:
    return int(site.query("SELECT count(*) FROM labeling_vote WHERE standing = 'counted' AND NOT is_imported")[0][0])


def _chooser(rng: random.Random) -> Callable[[str, int], int]:
    """Any slot of step A but the face-on one; an inner slot of step B."""
    return lambda step, slots: rng.randrange(1, slots) if step == "A" else rng.randrange(1, slots - 1)


def _label_all(people: Sequence[Visitor], site: Site, campaign: str) -> None:
    """Have all of them judge every galaxy, at the same time: one pause is enough for all."""
    choosers = [_chooser(random.Random(number)) for number in range(len(people))]
    for number, person in enumerate(people):
        person.sign_up(f"volunteer{number}@example.org", then=f"/label/{campaign}")
    given = _votes(site)
    for done in range(TARGETS):
        for person in people:
            wait_for_galaxy(person.page)
        people[0].page.wait_for_timeout(HUMAN_PAUSE_MS)
        for number, person in enumerate(people):
            if (number, done) == (1, 4):
                reject(person.page, "Disturbed", "Several galaxies", note="a companion, and a tail")
            else:
                judge(person.page, choosers[number])
            given += 1
            wait_until(lambda expected=given: _votes(site) == expected, f"vote {given} is stored")
    for person in people:
        person.page.get_by_role("heading", name="That was the last one").wait_for()


def _published(site: Site, form: str, out: Path, campaign: str) -> Any:
    site.manage("export_labels", "--campaign", campaign, "--format", form, "--out", str(out))
    if form == "csv":
        with out.open(newline="") as handle:
            return list(csv.DictReader(handle))
    return json.loads(out.read_text())


def test_three_volunteers_label_ten_real_galaxies_and_the_export_gives_the_medians(
    site: Site, campaign: str, visitor: Callable[..., Visitor], tmp_path: Path
) -> None:
    _label_all([visitor() for _ in range(VOLUNTEERS)], site, campaign)

    votes: dict[int, list[tuple[str, float | None]]] = {}
    for pgc, verdict, inclination_deg in site.query(
        """SELECT galaxy.pgc, vote.verdict, vote.inclination_deg FROM labeling_vote vote
             JOIN labeling_target target ON target.id = vote.target_id
             JOIN catalog_galaxy galaxy ON galaxy.id = target.galaxy_id"""
    ):
        votes.setdefault(pgc, []).append((verdict, inclination_deg))
    assert {len(of_galaxy) for of_galaxy in votes.values()} == {VOLUNTEERS}
    rejected = [pgc for pgc, of_galaxy in votes.items() if "J" in {verdict for verdict, _ in of_galaxy}]
    assert len(rejected) == 1

    site.manage("aggregate", "--campaign", campaign)
    rows = {int(row["pgc"]): row for row in _published(site, "csv", tmp_path / "labels.csv", campaign)}
    assert rows.keys() == votes.keys()
    for pgc, of_galaxy in votes.items():
        median_deg = statistics.median(value for _, value in of_galaxy if value is not None)
        row = rows[pgc]
        assert row["verdict"] == "A"
        assert float(row["inclination_deg"]) == pytest.approx(median_deg), of_galaxy
        assert abs(int(row["inc"]) - median_deg) < 1
        assert row["inc_flg"] == "0"
        assert int(row["inc_n"]) == VOLUNTEERS
    assert "[disturbed] [multiple]" in rows[rejected[0]]["inc_note"]
    assert "a companion, and a tail" in rows[rejected[0]]["inc_note"]
    assert "example.org" not in (tmp_path / "labels.csv").read_text()


def test_the_originals_votes_come_on_top_and_are_aggregated(
    site: Site, campaign: str, real_data: Path, tmp_path: Path
) -> None:
    site.manage("create_campaign", "guests", "--set", "original", "--open")
    site.manage("import_votes", str(real_data / "guest_votes.psv"), "--campaign", "guests")
    stored = dict(
        site.query(
            """SELECT vote.standing, count(*) FROM labeling_vote vote JOIN labeling_target target
               ON target.id = vote.target_id JOIN labeling_campaign campaign ON campaign.id = target.campaign_id
               WHERE campaign.name = 'guests' GROUP BY 1"""
        )
    )
    with (real_data / "guest_votes.psv").open(newline="") as handle:
        votes = list(csv.DictReader(handle, delimiter="|"))
    by_galaxy: dict[str, dict[str, list[dict[str, str]]]] = {}
    for vote in votes:
        by_galaxy.setdefault(vote["pgcID"], {}).setdefault(vote["volunteer"], []).append(vote)
    people = sum(len(of_galaxy) for of_galaxy in by_galaxy.values())
    assert stored == {"counted": people, "repeat": len(votes) - people}

    site.manage("aggregate", "--campaign", "guests")
    rows = {row["pgc"]: row for row in _published(site, "csv", tmp_path / "guests.csv", "guests")}
    assert rows.keys() == by_galaxy.keys()
    checked = 0
    for pgc, of_galaxy in by_galaxy.items():
        single = [given[0] for given in of_galaxy.values() if len(given) == 1]
        accepted = [float(vote["inc"]) for vote in single if vote["flag"] == "0"]
        # Galaxies whose label needs no finer rule: everybody judged once, and most accepted it.
        if len(single) == len(of_galaxy) >= 3 and len(accepted) > len(single) / 2:
            assert float(rows[pgc]["inclination_deg"]) == pytest.approx(statistics.median(accepted))
            assert (rows[pgc]["verdict"], rows[pgc]["inc_n"]) == ("A", str(len(single)))
            checked += 1
    assert checked > 300
