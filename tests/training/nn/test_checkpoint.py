"""Checkpoints are whole or not there, and say when they were changed."""

import json
from pathlib import Path

import pytest
import torch

from giz.training.nn.checkpoint import load_checkpoint, save_checkpoint
from tests.refusals import refuses


def test_what_is_saved_comes_back_and_takes_the_place_of_the_old(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, "last", {"a": torch.zeros(3)}, {"step": 1})
    save_checkpoint(tmp_path, "last", {"a": torch.arange(3.0)}, {"step": 2})
    found = load_checkpoint(tmp_path, "last")
    assert found is not None
    assert found[0]["a"].tolist() == [0, 1, 2]
    assert found[1] == {"step": 2}
    assert len(list(tmp_path.iterdir())) == 2


def test_nothing_saved_is_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path, "last") is None


def test_a_writer_killed_before_the_last_rename_leaves_the_old_state(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, "last", {"a": torch.zeros(1)}, {"step": 1})
    (tmp_path / "last-0123456789abcdef.safetensors").write_bytes(b"half of the new ten")
    (tmp_path / ".last.json.tmp").write_bytes(b'{"for')
    found = load_checkpoint(tmp_path, "last")
    assert found is not None
    assert found[1] == {"step": 1}


@pytest.mark.parametrize("spoil", ["cut", "changed", "elsewhere", "pickle"])
def test_a_spoiled_checkpoint_is_refused_with_a_way_out(tmp_path: Path, spoil: str) -> None:
    save_checkpoint(tmp_path, "last", {"a": torch.zeros(100)}, {"step": 1})
    tensors = next(tmp_path.glob("*.safetensors"))
    pointer = tmp_path / "last.json"
    if spoil == "cut":
        tensors.write_bytes(tensors.read_bytes()[:-4])
    elif spoil == "changed":
        tensors.write_bytes(tensors.read_bytes()[:-1] + b"\x01")
    elif spoil == "elsewhere":
        pointer.write_text(json.dumps({**json.loads(pointer.read_text()), "tensors": "../a.safetensors"}))
    else:
        torch.save({"a": torch.zeros(1)}, pointer)
    with refuses("bad_checkpoint"):
        load_checkpoint(tmp_path, "last")
