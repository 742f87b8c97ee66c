"""Several processes train one network: what `manage.py train --processes N` starts by torchrun, and how it listens.

The main process writes one JSON object a line: how far it is, and the history when it has grown; any process that fails
for a reason of ours says it so, too. All end when their standard input does: when whoever started them is gone.

They end at once, without the interpreter's tidying up: there the group's threads are waited for by a thread that holds
the lock they need to end, and once in some hundred runs a process that had written everything never ended.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import distributed as dist

from giz.labelset import LabelSet
from giz.training.nn.data import TrainingData
from giz.training.nn.devices import device_for
from giz.training.nn.errors import TrainingError
from giz.training.nn.group import joined_group
from giz.training.nn.loop import TrainConfig, Trainer

KEPT_WORDS = 400
OnLine = Callable[[dict[str, Any]], None]


def train_together(
    labelset: Path, folder: Path, settings: dict[str, Any], *, processes: int, device: str, on_line: OnLine
) -> None:
    """Train in `processes` processes on this machine; `on_line` hears what the main one says, and may raise to stop.

    Afterwards the folder holds what one process would have left there.

    Raises
    ------
    TrainingError
        What the trainer refuses; ``together_failed``: with the last words of the process that failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)),
        *("-m", "giz.training.nn.together", str(labelset), str(folder)),
        *("--config", json.dumps(settings), "--device", device, "--processes", str(processes)),
    ]
    root = Path(__file__).resolve().parents[3]
    environment = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes)), **os.environ}
    refused: dict[str, str] | None = None
    with (
        (folder / "together.log").open("w+") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, cwd=root, env=environment
        ) as running,
    ):
        assert running.stdin is not None
        assert running.stdout is not None
        try:
            for line in running.stdout:
                said = json.loads(line) if line.startswith("{") else {}
                refused = refused or said.get("refused")
                if "done" in said:
                    on_line(said)
        finally:
            running.stdin.close()
        if running.wait():
            log.seek(0)
            words = f"Training in {processes} processes failed: {_why(log.read())}"
            raise TrainingError(**refused) if refused else TrainingError("together_failed", words)


def _why(log: str) -> str:
    said = [line for line in log.splitlines() if "Error: " in line]
    return (said[0] if said else log.strip())[-KEPT_WORDS:]


def _say(**words: Any) -> None:
    # One write: lines of several processes must not mix.
    os.write(sys.stdout.fileno(), f"{json.dumps(words)}\n".encode())


def _end_with_the_starter() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


def _train(labelset: Path, folder: Path, config: TrainConfig, wanted: str, processes: int) -> None:
    group = joined_group(device_for(wanted, processes=processes).type)
    device = device_for(wanted, rank=group.rank, processes=processes)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # where NCCL puts what it carries
    trainer = Trainer(TrainingData.of(LabelSet.open(labelset)), config, folder, device, group)
    told = 0

    def report(done: int, total: int, message: str) -> None:
        nonlocal told
        state, news = trainer.state, {}
        if len(state.history) != told:
            told = len(state.history)
            news = {"history": state.history, "best": state.best, "stopped_early": state.stopped_early}
        if group.is_main:
            _say(done=done, total=total, message=message, **news)

    trainer.fit(report)
    # The slowest is waited for: a process that is gone early would be taken for a dead one.
    dist.barrier()


def main() -> NoReturn:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labelset", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--config", required=True, help="settings as JSON")
    parser.add_argument("--device", default="")
    parser.add_argument("--processes", type=int, required=True, help="as many as torchrun has started")
    options = parser.parse_args()
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    failed = 1
    try:
        config = TrainConfig(**json.loads(options.config))
        _train(options.labelset, options.folder, config, options.device, options.processes)
        failed = 0
    except TrainingError as error:
        _say(refused={"code": error.code, "detail": error.detail})
    except BaseException:  # noqa: BLE001 - what it was is in the log, and the exit status tells torchrun
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(failed)


if __name__ == "__main__":
    main()
