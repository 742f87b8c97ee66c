"""`ship_model`: one command from nothing to a network with its cards; the same again goes on and changes nothing."""

import hashlib
import json
import os
from pathlib import Path
from shutil import copytree, rmtree

import pytest
from django.core.management import CommandError, call_command

from giz.training.nn.predictor import Predictor
from tests.lab.ship_model import Command

SMALL = {
    "galaxies": 400,
    "rule": "population-5",
    "runs": 2,
    "steps": 2,
    "batch_size": 48,
    "seed": 11,
    "test_galaxies": 40,
    "test_seed": 12,
    "size": 64,
    "workers": 1,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders in which a network was made: that of its label sets and runs, that of its files."""
    folder = tmp_path_factory.mktemp("ship")
    call_command(Command(), work=str(folder / "work"), out=str(folder / "shipped"), **SMALL)
    return folder / "work", folder / "shipped"


def test_one_command_makes_the_network_and_its_cards_and_again_the_same_bytes(
    made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work, out = made
    told = json.loads((out / "ours.json").read_text())
    assert [one["population_rule"] for one in told["test"]["populations"]] == ["population-4", "population-5"]
    assert told["test"]["populations"][1]["galaxies"] == 40
    assert set(told["card"]["report"]["views"]) == {"all", "g", "r", "i", "gri"}
    assert "--galaxies 400 --rule population-5 --runs 2 --steps 2 --batch-size 48" in told["command"]
    card = (out / "MODEL_CARD.md").read_text()
    assert f"{told['card']['report']['views']['all']['inclination']['rms_deg']:.2f}°" in card
    assert "that people measured" not in card
    assert "2 × 2 steps of 48 pictures" in card
    inside = Predictor(out / "ours.onnx").card
    assert (inside["steps"], inside["runs"], inside["begun_from"]) == (2, 2, "")
    assert inside["config"]["augmentation"]["frame_share"] == 0.6
    before = (out / "ours.onnx").read_bytes()
    rmtree(work / "run1")  # trained again, to the same weights; all else is taken up where it was
    call_command(Command(), work=str(work), out=str(tmp_path), **SMALL)
    assert (tmp_path / "ours.onnx").read_bytes() == before
    assert "all bands" in capsys.readouterr().out


def test_it_goes_on_from_another_network_and_says_from_which(made: tuple[Path, Path], tmp_path: Path) -> None:
    work, out = made
    begin = out / "ours.onnx"
    for folder in work.glob("population-*"):
        copytree(folder, tmp_path / "work" / folder.name, copy_function=os.link)
    options = {**SMALL, "runs": 1, "steps": 1, "begin": str(begin)}
    call_command(Command(), work=str(tmp_path / "work"), out=str(tmp_path / "second"), **options)
    told = json.loads((tmp_path / "second" / "ours.json").read_text())
    assert told["card"]["begun_from"] == hashlib.sha256(begin.read_bytes()).hexdigest()
    assert "--begin FILE" in told["command"]
    assert told["card"]["begun_from"] in (tmp_path / "second" / "MODEL_CARD.md").read_text()


def test_galaxies_that_were_learned_from_are_not_measured_on(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--test-seed must differ from --seed"):
        call_command(Command(), work=str(tmp_path), **{**SMALL, "test_seed": 11})


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"runs": 0}])
def test_a_length_that_can_not_be_is_refused_before_anything_is_made(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="--steps, --runs and --threads must be 1 or more"):
        call_command(Command(), work=str(tmp_path / "work"), **{**SMALL, **wrong})
    assert not (tmp_path / "work").exists()
