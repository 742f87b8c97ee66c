"""`ship_model`: one command from nothing to a network with its cards; the same again goes on and changes nothing."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from giz.training.nn.predictor import Predictor

SMALL = {
    "galaxies": 300,
    "steps": 2,
    "finish_steps": 2,
    "seed": 11,
    "test_galaxies": 40,
    "test_seed": 12,
    "size": 64,
    "workers": 1,
}


def test_one_command_makes_the_network_and_its_cards_and_the_same_again_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work, out = tmp_path / "work", tmp_path / "shipped"
    call_command("ship_model", work=str(work), out=str(out), **SMALL)
    told = json.loads((out / "ours.json").read_text())
    assert told["test"]["galaxies"] == 40
    assert set(told["card"]["report"]["views"]) == {"all", "g", "r", "i", "gri"}
    assert "--galaxies 300 --steps 2 --finish-steps 2 --seed 11 --test-galaxies 40 --test-seed 12" in told["command"]
    card = (out / "MODEL_CARD.md").read_text()
    assert f"{told['card']['report']['views']['all']['inclination']['rms_deg']:.2f}°" in card
    assert "real galaxies, never" not in card
    assert "2 steps of 96 pictures, then 2 with half of the pictures as they come." in card
    inside = Predictor(out / "ours.onnx").card
    assert (inside["steps"], inside["finish"]["steps"]) == (2, 2)
    assert inside["config"]["augmentation"]["plain_share"] == 0.0
    assert inside["finish"]["config"]["augmentation"]["plain_share"] == 0.5
    assert "all bands" in capsys.readouterr().out
    before = (out / "ours.onnx").read_bytes()
    call_command("ship_model", work=str(work), out=str(out), **SMALL)
    assert (out / "ours.onnx").read_bytes() == before


def test_galaxies_that_were_learned_from_are_not_measured_on(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--test-seed must differ from --seed"):
        call_command("ship_model", work=str(tmp_path), **{**SMALL, "test_seed": 11})


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"finish_steps": -1}])
def test_a_length_that_can_not_be_is_refused_before_anything_is_made(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="--steps must be 1 or more, --finish-steps 0 or more"):
        call_command("ship_model", work=str(tmp_path / "work"), **{**SMALL, **wrong})
    assert not (tmp_path / "work").exists()
