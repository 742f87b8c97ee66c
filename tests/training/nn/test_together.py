"""Several processes by torchrun train one network: the run of one process, but for rounding; killed, it goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from giz.training.nn.checkpoint import load_checkpoint
from giz.training.nn.data import TrainingData, TrainingError
from giz.training.nn.devices import device_for
from giz.training.nn.loop import BEST, LAST, TrainConfig, Trainer
from giz.training.nn.together import train_together

WITHIN_S = 120.0
# In single precision: how sums are split between processes shows in the third digit of bfloat16.
SETTINGS: dict[str, Any] = {"steps": 6, "validations": 6, "seed": 5, "batch_size": 48, "workers": 0, "bf16": False}
STARTER = """
import json, sys
from pathlib import Path
from giz.training.nn.together import train_together
train_together(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), processes=2, device="cpu",
               on_line=lambda line: print(json.dumps(line), flush=True))
"""


def together(discs: Path, folder: Path, **changes: Any) -> list[dict[str, Any]]:
    heard: list[dict[str, Any]] = []
    train_together(discs, folder, {**SETTINGS, **changes}, processes=2, device="cpu", on_line=heard.append)
    return heard


def state_of(folder: Path, name: str = LAST) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    found = load_checkpoint(folder, name)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def shared(discs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("shared")
    return folder, together(discs, folder)


def test_two_processes_train_what_one_would_with_the_same_batches(
    data: TrainingData, shared: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    folder, heard = shared
    assert [line["done"] for line in heard] == [1, 2, 3, 4, 5, 6]
    Trainer(data, TrainConfig(**SETTINGS), tmp_path).fit()
    (mine, alone), (theirs, run) = state_of(tmp_path), state_of(folder)
    assert heard[-1]["history"] == run["run"]["history"]
    for one, other in zip(alone["run"]["history"], run["run"]["history"], strict=True):
        assert other["step"] == one["step"]
        # The first loss is the network's as it began; Adam's first steps make much of little differences.
        assert other["loss"] == pytest.approx(one["loss"], rel=1e-5 if one["step"] == 1 else 2e-3)
        assert other["rms_deg"] == pytest.approx(one["rms_deg"], abs=0.05)
    assert mine.keys() == theirs.keys()
    # Statistics of batch norm are those of the whole batch: those of the shares would be apart by several per cent.
    for name in (key for key in mine if key.startswith("network.") and "running_mean" in key):
        np.testing.assert_allclose(theirs[name], mine[name], atol=0.02, err_msg=name)


def test_what_several_processes_left_one_can_go_on_with(
    data: TrainingData, shared: tuple[Path, list[dict[str, Any]]]
) -> None:
    assert Trainer(data, TrainConfig(**SETTINGS), shared[0]).fit().step == SETTINGS["steps"]


def test_killed_with_whoever_started_them_they_end_and_go_on_to_the_same_weights(
    discs: Path, shared: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", STARTER, str(discs), str(tmp_path), json.dumps(SETTINGS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        for line in starter.stdout:
            if json.loads(line)["done"] == 3:
                starter.send_signal(signal.SIGKILL)
                break
    # The log is open in each of the processes for as long as it lives.
    deadline = time.monotonic() + WITHIN_S
    while left := holders(tmp_path / "together.log"):
        assert time.monotonic() < deadline, [Path(f"/proc/{pid}/cmdline").read_text() for pid in left]
        time.sleep(0.1)
    steps = [line["done"] for line in together(discs, tmp_path)]
    assert 1 < steps[0] <= 6
    for name in (LAST, BEST):
        expected, found = state_of(shared[0], name), state_of(tmp_path, name)
        assert all(torch.equal(found[0][key], value) for key, value in expected[0].items())
        assert found[1] == expected[1]


def holders(path: Path) -> list[str]:
    """Processes that have this file open."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == path:
                found.append(link.parts[2])
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("outcome", "status", "said", "logged"),
    [
        ("None", 0, "", ""),
        ("together.TrainingError('no_device', 'No GPU.')", 1, '{"refused": {"code": "no_device"', ""),
        ("ValueError('the disk is full')", 1, "", "ValueError: the disk is full"),
    ],
)
def test_a_process_ends_at_once_for_tidying_up_after_a_group_can_take_for_ever(
    outcome: str, status: int, said: str, logged: str
) -> None:
    # What happens to the group's threads there depends on a race; that nothing is tidied up doesn't.
    code = f"""if True:
        import atexit, sys
        from giz.training.nn import together
        def _train(*args):
            outcome = {outcome}
            if outcome: raise outcome
        together._train = _train
        atexit.register(print, "tidied up", flush=True)
        sys.argv = ["together", "set", "run", "--config", "{{}}", "--processes", "2"]
        together.main()
    """
    theirs, mine = os.pipe()  # open for as long as the starter lives
    with os.fdopen(theirs), os.fdopen(mine, "w"):
        ended = subprocess.run(
            [sys.executable, "-c", code], stdin=theirs, capture_output=True, text=True, timeout=WITHIN_S
        )
    assert (ended.returncode, "tidied up" in ended.stdout) == (status, False), ended
    assert said in ended.stdout
    assert logged in ended.stderr


def test_a_batch_that_can_not_be_shared_evenly_is_refused_in_the_trainers_words(discs: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="multiple of 48; got 50"):
        together(discs, tmp_path, batch_size=50)
    with pytest.raises(TrainingError, match=r"5 processes can't share batches of 48 evenly; possible are 1, 2, 3, 4"):
        train_together(discs, tmp_path, SETTINGS, processes=5, device="cpu", on_line=lambda _line: None)


def test_reference_networks_share_their_batch_norm_too() -> None:
    from torch import nn

    from giz.training.nn.group import SharedNorm2d, share_norms
    from giz.training.nn.networks import ReferenceNet

    network = ReferenceNet("model4")
    names = list(network.state_dict())
    share_norms(network)
    assert isinstance(network.features.norm2, SharedNorm2d)
    assert list(network.state_dict()) == names
    # Nobody else is needed to answer.
    assert network.eval()(torch.rand(1, 3, 128, 128)).shape == (1,)
    assert not any(type(module) is nn.BatchNorm2d for module in network.modules())


def test_a_gpu_is_taken_by_itself_and_one_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_for() == torch.device("cpu")
    with pytest.raises(TrainingError, match="has no GPU that torch can use"):
        device_for("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device_for() == torch.device("cuda:0")
    assert device_for("cuda:1") == torch.device("cuda:1")
    assert device_for("cpu") == torch.device("cpu")
    assert [device_for("cuda", rank=rank, processes=2).index for rank in (0, 1)] == [0, 1]
    assert device_for(processes=3) == torch.device("cpu"), "three processes have no GPU each, so all take the CPU"
    with pytest.raises(TrainingError, match="3 GPUs are needed; torch finds 2"):
        device_for("cuda", processes=3)
