"""Install TensorFlow into a temporary folder, start Keras there, talk with it, remove it all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TENSORFLOW = "tensorflow==2.21.0" if sys.platform == "darwin" else "tensorflow-cpu==2.21.0"
SCRIPT = Path(__file__).with_name("keras_side.py")


class Keras:
    """Keras in a process of its own; `ask` waits for its answer."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.version = self._read()["version"]

    def ask(self, do: str, networks: list[str], *, size: int, rounds: int) -> dict[str, float]:
        assert self._process.stdin is not None
        order = {"do": do, "networks": networks, "size": size, "rounds": rounds}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                return dict(json.loads(line))
        raise SystemExit("Keras has ended without an answer.")


@contextmanager
def keras(threads: int, python: str = "") -> Iterator[Keras]:
    """Keras, ready. `python` is one that has TensorFlow already; without it a copy is installed and removed again."""
    with tempfile.TemporaryDirectory(prefix="giz-keras-") as folder:
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        if not python:
            _install(Path(folder))
            environment["PYTHONPATH"] = folder
        command = [python or sys.executable, str(SCRIPT), str(threads)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=environment,
        ) as process:  # fmt: skip
            try:
                yield Keras(process)
            finally:
                process.kill()


def _install(folder: Path) -> None:
    print(f"Installing {TENSORFLOW} into {folder} (1.6 GB, removed at the end) …", flush=True)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--quiet"]
    done = subprocess.run([*command, "--target", str(folder), TENSORFLOW], capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise SystemExit("\n".join(["TensorFlow can't be installed here, so there is nothing to compare with:", *said]))
