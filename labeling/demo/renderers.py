"""Run renderers on all cores: child processes, one per core, fed over pipes.

Processes of a Celery worker are daemonic and cannot use ``multiprocessing``, but they can start subprocesses, which end
when their pipe is closed.
"""

import json
import os
import queue
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from giz.core.errors import Refused
from giz.env import BASE_DIR
from labeling.demo.plan import Recipe

MAX_PROCESSES = 8
END_SECONDS = 10
# One thread each: the processes are the parallelism.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Renderers:
    """Renderer processes, started when first needed and ended after the ``with`` block."""

    def __init__(self, *, size_px: int, media: Path, processes: int | None = None) -> None:
        self._size_px = size_px
        self.media = media
        self._count = processes or min(usable_cores(), MAX_PROCESSES)
        self._children: list[subprocess.Popen[str]] = []
        self._idle: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="renderer")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for child in self._children:
            if error is not None:
                child.kill()
            else:
                _close(child.stdin)
        self._threads.shutdown(wait=True)
        for child in self._children:
            _end(child)

    def render(self, recipes: Sequence[Recipe]) -> Iterator[dict[str, Any]]:
        """Yield the answer to each recipe as it becomes available, in any order.

        Raises
        ------
        Refused
            The display files cannot be written.
        RuntimeError
            A renderer ended without an answer.
        """
        if recipes and not self._children:
            self._start()
        waiting = [self._threads.submit(self._ask, recipe) for recipe in recipes]
        for future in as_completed(waiting):
            answer = future.result()
            if "error" in answer:
                raise Refused("media_unwritable", answer["error"], status=500)
            yield answer

    def _start(self) -> None:
        for _number in range(self._count):
            child = subprocess.Popen(
                [
                    *(sys.executable, "-m", "labeling.demo.render"),
                    *("--media", str(self.media), "--size", str(self._size_px)),
                ],
                cwd=BASE_DIR,
                env={**os.environ, **ONE_THREAD},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self._children.append(child)
            self._idle.put(child)

    def _ask(self, recipe: Recipe) -> dict[str, Any]:
        child = self._idle.get()
        try:
            assert child.stdin
            assert child.stdout
            child.stdin.write(json.dumps(recipe.as_json()) + "\n")
            child.stdin.flush()
            line = child.stdout.readline()
        except OSError:
            line = ""
        finally:
            self._idle.put(child)
        if not line:
            raise RuntimeError(f"The renderer of PGC {recipe.pgc} ended before its answer (exit code {child.poll()}).")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _end(child: subprocess.Popen[str]) -> None:
    try:
        child.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    _close(child.stdin)
    _close(child.stdout)


def _close(pipe: IO[str] | None) -> None:
    # Closing would try to deliver a recipe that is still in the pipe's buffer after the renderer died.
    with suppress(BrokenPipeError):
        if pipe:
            pipe.close()
