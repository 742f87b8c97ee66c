"""Start several training processes by torchrun (`manage.py train --processes N`), and follow what they report.

The main process writes one JSON object per line: its progress, and the history when it has grown; a process that fails
with a `TrainingError` reports that the same way. All end when their standard input closes, as it does when the process
that started them has ended.

They end by `os._exit`, without the interpreter's clean-up, which in one of some hundred runs waits for ever for the
group's threads: they need a lock that the waiting thread holds.
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
from giz.training.nn.data import TrainingData, TrainingError
from giz.training.nn.devices import device_for
from giz.training.nn.group import joined_group
from giz.training.nn.loop import TrainConfig, Trainer

KEPT_CHARACTERS = 400
OnLine = Callable[[dict[str, Any]], None]


def train_together(
    labelset: Path,
    folder: Path,
    settings: dict[str, Any],
    *,
    processes: int,
    device: str,
    on_line: OnLine,
    begin: Path | None = None,
    beside: Path | None = None,
) -> None:
    """Train in `processes` processes on this machine; `on_line` gets the main one's reports, and may raise to stop.

    Afterwards the folder holds what one process would have left there.

    Raises
    ------
    TrainingError
        What the trainer refuses; ``together_failed``, with the last words in the log of the processes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)),
        *("-m", "giz.training.nn.together", str(labelset), str(folder)),
        *("--config", json.dumps(settings), "--device", device, "--processes", str(processes)),
        *(("--begin", str(begin)) if begin else ()),
        *(("--beside", str(beside)) if beside else ()),
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
                report = json.loads(line) if line.startswith("{") else {}
                refused = refused or report.get("refused")
                if "done" in report:
                    on_line(report)
        finally:
            running.stdin.close()
        if running.wait():
            if refused:
                raise TrainingError(**refused)
            log.seek(0)
            logged = log.read()
            why = next((line for line in logged.splitlines() if "Error: " in line), logged.strip())
            words = f"Training in {processes} processes failed: {why[-KEPT_CHARACTERS:]}"
            raise TrainingError("together_failed", words)


def _report(**fields: Any) -> None:
    # One write, so that lines of several processes do not mix.
    os.write(sys.stdout.fileno(), f"{json.dumps(fields)}\n".encode())


def _end_with_the_starter() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


def _train(options: argparse.Namespace) -> None:
    config, wanted, processes = TrainConfig(**json.loads(options.config)), options.device, options.processes
    group = joined_group(device_for(wanted, processes=processes).type)
    device = device_for(wanted, rank=group.rank, processes=processes)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # where NCCL allocates its buffers
    data, *beside = (TrainingData.of(LabelSet.open(one)) for one in (options.labelset, options.beside) if one)
    trainer = Trainer(data, config, options.folder, device, group, options.begin, *beside)
    reported = 0

    def report(done: int, total: int, message: str) -> None:
        nonlocal reported
        state, news = trainer.state, {}
        if len(state.history) != reported:
            reported = len(state.history)
            news = {"history": state.history, "best": state.best, "stopped_early": state.stopped_early}
        if group.is_main:
            _report(done=done, total=total, message=message, **news)

    trainer.fit(report)
    # Wait for the slowest: torchrun would take a process that ends early for a dead one.
    dist.barrier()


def main() -> NoReturn:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labelset", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--config", required=True, help="settings as JSON")
    parser.add_argument("--begin", type=Path, help="where the initial weights are")
    parser.add_argument("--beside", type=Path, help="label set of half of each batch")
    parser.add_argument("--device", default="")
    parser.add_argument("--processes", type=int, required=True, help="the number that torchrun has started")
    options = parser.parse_args()
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    failed = 1
    try:
        _train(options)
        failed = 0
    except TrainingError as error:
        _report(refused={"code": error.code, "detail": error.detail})
    except BaseException:  # noqa: BLE001 - it is in the log, and torchrun sees the exit status
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(failed)


if __name__ == "__main__":
    main()
