"""The population: pure in seed and number, with the shares that real targets have."""

import json
from collections import Counter

import numpy as np
import pytest

from giz.synthetic.looks import beyond_corners
from giz.synthetic.population import (
    CORNERS_SHARE,
    DISTURBED_SHARE_OF_DISKS,
    PANSTARRS_SHARE,
    REASON_CODES,
    draw_member,
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
    assert set(reasons) == set(REJECT_REASONS) == set(REASON_CODES)
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
