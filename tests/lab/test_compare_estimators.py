"""Estimators against each other: the command, its figures, and what it refuses."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from tests.lab.compare_estimators import Command
from tests.lab.estimators import held_out_comparison, split_half_comparison
from tests.lab.linear import linear_fit
from tests.labeling.aggregation.crowd import simulate

HEADER = "pgcID|inc|flag|face_on|volunteer\n"


@pytest.fixture(scope="module")
def votes():
    return simulate(galaxies=500, people=30).votes


def test_robust_predicts_unseen_votes_better_than_the_median(votes) -> None:
    found = held_out_comparison(votes, folds=5, seed=1)
    assert found.rms["robust"].rms_deg < found.rms["median"].rms_deg
    assert found.minus_median["robust"].high_deg < 0
    assert 0.63 <= found.coverage["1_sigma"] <= 0.73
    assert found.rms["robust"].low_deg < found.rms["robust"].rms_deg < found.rms["robust"].high_deg


def test_halves_agree_better_by_robust_than_by_median(votes) -> None:
    found = split_half_comparison(votes, seed=1, splits=2)
    assert found.minus_median["robust"].high_deg < 0


def test_the_same_seed_gives_the_same_figures(votes) -> None:
    first, second = (split_half_comparison(votes, seed=4, splits=1) for _ in range(2))
    assert first == second


def test_the_iterated_linear_adjustment_shrinks_for_ever(votes) -> None:
    slopes = [np.mean(linear_fit(votes, passes=passes).slope) for passes in (1, 10, 30)]
    assert slopes[0] > slopes[1] > slopes[2]


def test_the_command_writes_every_figure(tmp_path: Path) -> None:
    rows = [f"{galaxy}|{60 + galaxy % 20 + person}.5|0|0|v{person}\n" for galaxy in range(1, 60) for person in range(3)]
    table = tmp_path / "votes.psv"
    table.write_text(HEADER + "".join(rows) + "7|0|1|1|v0\n" + "x|0|1|1|v0\n")
    out = tmp_path / "figures.json"
    said = StringIO()
    call_command(Command(), str(table), "--folds", "4", json_file=str(out), stdout=said)
    found = json.loads(out.read_text())
    for name in ("heldout_rms_deg", "split_half_rms_deg"):
        assert set(found[name]) == {"median", "linear", "robust"}
    assert found["heldout_interval_deg"]["robust"][0] <= found["heldout_rms_deg"]["robust"]
    assert (found["votes"], found["bad_rows"], found["volunteers"]) == (178, 1, 3)
    assert "Held-out votes" in said.getvalue()


@pytest.mark.parametrize(
    ("text", "folds", "says"),
    [
        ("a|b\n1|2\n", "10", "no column named pgcID"),
        (HEADER, "10", "holds no vote"),
        (HEADER + "1|60.5|0|0|v1\n", "10", "No galaxy was accepted by two"),
        (HEADER + "1|60.5|0|0|v1\n", "1", "2 to 100 folds"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path: Path, text: str, folds: str, says: str) -> None:
    table = tmp_path / "votes.psv"
    table.write_text(text)
    with pytest.raises(CommandError, match=says):
        call_command(Command(), str(table), "--folds", folds, stdout=StringIO())


@pytest.mark.parametrize(
    ("prior", "says"),
    [("ofset=1", "no prior 'ofset'"), ("offset_sd_deg=x", "must be a number"), ("spreads=1", "2 positive")],
)
def test_the_command_tries_other_priors_and_refuses_unknown_ones(tmp_path: Path, prior: str, says: str) -> None:
    table = tmp_path / "votes.psv"
    table.write_text(
        HEADER + "".join(f"{galaxy}|6{galaxy}.5|0|0|v{person}\n" for galaxy in range(1, 9) for person in range(3))
    )
    call_command(Command(), str(table), "--prior", "offset_sd_deg=1.5", stdout=StringIO())
    with pytest.raises(CommandError, match=says):
        call_command(Command(), str(table), "--prior", prior, stdout=StringIO())


@pytest.mark.real_data
def test_on_the_originals_votes_robust_beats_the_median_outside_the_interval(real_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    call_command(Command(), str(real_data / "guest_votes.psv"), json_file=str(out), stdout=StringIO())
    found = json.loads(out.read_text())
    for name in ("heldout", "split_half"):
        assert found[f"{name}_minus_median_deg"]["robust"]["high_deg"] < 0
    assert 0.65 <= found["heldout_coverage"]["1_sigma"] <= 0.71
    assert 0.93 <= found["heldout_coverage"]["2_sigma"] <= 0.97
