"""The population: pure in seed and number, with the shares that real targets have."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, replace

import numpy as np
import pytest

from giz.synthetic.looks import beyond_corners
from giz.synthetic.population import (
    CORNERS_SHARE,
    DISTURBED_SHARE_OF_DISKS,
    LEAST_REJECTED_SEVERITY,
    MOST_ACCEPTED_SEVERITY,
    PANSTARRS_SHARE,
    REASON_CODES,
    REASONS_OF_FOURTH,
    REJECT_WEIGHTS,
    STAR_BESIDE_SHARE,
    VIEWER_SHARE,
    Member,
    draw_member,
    make_member,
    render_member,
)
from giz.synthetic.rejects import REJECT_REASONS


def test_a_member_follows_from_seed_and_number_alone() -> None:
    assert [draw_member(3, number) for number in (5, 0)] == [draw_member(3, 5), draw_member(3, 0)]
    assert draw_member(3, 5) != draw_member(4, 5)


def test_one_in_five_is_to_be_rejected_for_every_reason_alike() -> None:
    members = [draw_member(1, number) for number in range(12_000)]
    reasons = Counter(member.reject_reason for member in members if member.reject_reason)
    assert abs(sum(reasons.values()) / len(members) - 0.20) < 0.012
    assert set(reasons) == set(REASONS_OF_FOURTH)
    assert min(reasons.values()) > 0.8 * max(reasons.values())


def test_fifteen_to_twenty_percent_of_the_disks_are_disturbed_and_tilts_are_even() -> None:
    disks = [member for member in (draw_member(1, number) for number in range(12_000)) if not member.reject_reason]
    assert 0.15 < DISTURBED_SHARE_OF_DISKS < 0.20
    assert 0.15 < np.mean([member.is_disturbed for member in disks]) < 0.20
    tilts, _ = np.histogram([member.inclination_deg or 0.0 for member in disks], bins=9, range=(45, 90))
    assert tilts.min() > 0.85 * tilts.max()


def test_in_the_last_bin_tilts_crowd_towards_edge_on() -> None:
    tilts = np.array([draw_member(1, number).inclination_deg or 0.0 for number in range(6000)])
    last = tilts[tilts > 85.0]
    assert last.max() <= 90.0
    assert np.mean(last >= 88.0) == pytest.approx(0.60, abs=0.06)


def test_one_in_ten_lacks_a_band() -> None:
    missing = Counter(draw_member(1, number).missing_band for number in range(12_000))
    assert abs(1 - missing.pop("") / 12_000 - 0.10) < 0.01
    assert set(missing) == {"g", "r", "i", "gri"}


def test_looks_and_corners_have_their_shares_whatever_the_truth() -> None:
    members = [draw_member(1, number) for number in range(12_000)]
    for some in ([m for m in members if m.reject_reason], [m for m in members if not m.reject_reason]):
        assert abs(np.mean([m.survey == "panstarrs" for m in some]) - PANSTARRS_SHARE) < 0.03
        assert abs(np.mean([m.corners is not None for m in some]) - CORNERS_SHARE) < 0.03
    assert {m.corners.tone for m in members if m.corners} == {0, 255}


def test_a_member_with_corners_shows_them_and_says_so() -> None:
    number = next(n for n in range(200) if (c := draw_member(7, n).corners) and not c.is_colour_only)
    made = render_member(7, number, 64)
    corners = made.member.corners
    assert corners is not None
    assert made.parameters["corners"]["tone"] == corners.tone
    for picture in made.pictures.values():
        assert (picture[beyond_corners(corners, 64)] == corners.tone).all()


def test_verdicts_are_what_the_truth_says() -> None:
    for member in (draw_member(2, number) for number in range(300)):
        wanted = {"": "A", "face_on": "F"}.get(member.reject_reason, "J")
        assert member.verdict == wanted


@pytest.mark.parametrize("number", range(12))
def test_a_rendered_member_has_its_pictures_and_parameters_fit_for_json(number: int) -> None:
    made = render_member(7, number, 64)
    assert {band: pixels.shape for band, pixels in made.pictures.items()} == {
        band: (64, 64, 3) if band == "gri" else (64, 64)
        for band in ("g", "r", "i", "gri")
        if band != made.member.missing_band
    }
    assert json.loads(json.dumps(made.parameters, allow_nan=False)) == made.parameters


def test_population_4_stays_what_networks_have_learned_from() -> None:
    def told(m: Member) -> list[object]:
        corners = m.corners and [m.corners.angle_deg, m.corners.reach, m.corners.tone, m.corners.is_colour_only]
        drawn = [m.number, m.seed, m.galaxy_type, m.inclination_deg, m.reject_reason]
        return [*drawn, m.is_disturbed, m.missing_band, m.survey, corners]

    drawn = json.dumps([told(draw_member(2027, number, rule="population-4")) for number in range(500)])
    assert hashlib.sha256(drawn.encode()).hexdigest().startswith("4a9b0e7aeeb43a57")
    made = [render_member(2027, number, 64, rule="population-4") for number in range(3)]
    assert all("viewer" not in one.parameters and not one.member.beside for one in made)


def test_population_5_rejects_for_the_reasons_that_people_gave_as_often() -> None:
    members = [draw_member(1, number, rule="population-5") for number in range(12_000)]
    reasons = Counter(member.reject_reason for member in members if member.reject_reason)
    assert set(reasons) == set(REJECT_REASONS) == set(REASON_CODES) == set(REJECT_WEIGHTS)
    assert sum(REJECT_WEIGHTS.values()) == pytest.approx(1.0)
    others = {reason: weight for reason, weight in REJECT_WEIGHTS.items() if reason != "face_on"}
    total = sum(reasons[reason] for reason in others)
    for reason, weight in others.items():
        assert reasons[reason] / total == pytest.approx(weight / sum(others.values()), abs=0.03)
    # As often as people gave it: 39 % of the original's rejections, those that are hardly tilted enough included.
    assert reasons["face_on"] / reasons.total() == pytest.approx(0.39, abs=0.03)
    disks = [member for member in members if not member.reject_reason]
    assert np.mean([member.beside == "star" for member in disks]) == pytest.approx(STAR_BESIDE_SHARE, abs=0.02)
    assert np.mean([member.is_viewer for member in members]) == pytest.approx(VIEWER_SHARE, abs=0.02)


def test_people_call_face_on_what_is_tilted_by_less_than_about_48_degrees() -> None:
    members = [draw_member(1, number, rule="population-5") for number in range(12_000)]
    tilts = np.array([member.inclination_deg for member in members if member.reject_reason == "face_on"], float)
    below = tilts[tilts < 45.0]
    # By the sine of the tilt more than a third lies in the last nine degrees.
    assert np.mean(below > 35.9) == pytest.approx(0.37, abs=0.06)
    accepted = np.array([member.inclination_deg for member in members if not member.reject_reason], float)
    assert accepted.min() >= 45.0

    def share(low: float, high: float) -> float:
        face_on, others = (int(((some >= low) & (some < high)).sum()) for some in (tilts, accepted))
        return face_on / (face_on + others)

    assert share(45, 46) > 0.8
    assert share(48, 49) == pytest.approx(0.5, abs=0.12)
    assert share(53, 58) < 0.05


def test_what_is_irregular_is_rejected_from_a_severity_on_that_is_not_sharp() -> None:
    members = [draw_member(1, number, rule="population-5") for number in range(12_000)]
    accepted = [member.severity for member in members if member.severity and not member.reject_reason]
    rejected = [member.severity for member in members if member.reject_reason == "irregular"]
    assert max(accepted) == pytest.approx(MOST_ACCEPTED_SEVERITY, abs=0.02)
    assert LEAST_REJECTED_SEVERITY <= min(rejected) < max(accepted) < np.median(rejected) < max(rejected) <= 1.0
    torn = [member.inclination_deg for member in members if member.severity and member.galaxy_type != "Sdm"]
    assert 0 < len(torn) < 0.4 * (len(accepted) + len(rejected))


def test_rejected_disks_are_made_as_accepted_ones_are() -> None:
    member = draw_member(1, 1, rule="population-5")
    disk = replace(member, galaxy_type="Scd", inclination_deg=30.0, reject_reason="", beside="", severity=0.0)
    as_rejected = make_member(replace(disk, reject_reason="face_on"), 64)
    assert as_rejected.frames.tobytes() == make_member(disk, 64).frames.tobytes()
    irregular = make_member(replace(disk, galaxy_type="Sdm", severity=0.9), 64)
    assert irregular.frames.tobytes() != make_member(replace(disk, galaxy_type="Sdm"), 64).frames.tobytes()
    assert "tide" in irregular.parameters


def test_population_5_stays_what_the_shipped_network_has_learned_from() -> None:
    drawn = json.dumps([asdict(draw_member(2031, number, rule="population-5")) for number in range(500)])
    assert hashlib.sha256(drawn.encode()).hexdigest()[:16] == "c2e104c04c30dc70"


def test_a_viewer_shows_colour_only_in_another_way() -> None:
    number = next(
        n for n in range(50) if (m := draw_member(9, n, rule="population-5")).is_viewer and not m.missing_band
    )
    made = render_member(9, number, 64, rule="population-5")
    assert made.pictures["gri"].shape == (64, 64, 3)
    assert made.parameters["viewer"]["sampled"] >= 100
    assert json.loads(json.dumps(made.parameters, allow_nan=False))["viewer"]["jpeg_quality"] >= 72
    again = render_member(9, number, 64, rule="population-5")
    assert made.pictures["gri"].tobytes() == again.pictures["gri"].tobytes()


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(ValueError, match="population-4, population-5"):
        draw_member(1, 1, rule="population-9")
