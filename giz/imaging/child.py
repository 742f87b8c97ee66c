"""The decoding processes: one that waits, and a fork of it for each file.

`giz.imaging.decoder` starts `main` and sends jobs. The waiting process never reads a file; it forks. The fork gives up
what it does not need (`giz.imaging.confine`), decodes one file, writes an array back and ends, so that any harm by the
file ends with it. Nothing that it writes is ever unpickled or executed.
"""

from __future__ import annotations

import gc
import io
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.imaging import confine
from giz.imaging.decode import decode_picture, refuse_blank
from giz.imaging.errors import UnusableFileError
from giz.imaging.upload import square_of_upload, whole_file

# Job: JSON, padded with blanks, with the descriptors of socket, file and (for frames) scratch file.
JOB_BYTES = 4096
STARTED = b"s"
# Answer: a letter, the lengths of a JSON object and of an array; then these two.
ANSWER = struct.Struct("!cII")
DONE, REFUSED, DISK, FAILED = b"d", b"r", b"o", b"f"
MAX_JSON_BYTES = 4096
PAUSE_S = 0.5

Result = tuple[dict[str, Any], npt.NDArray[Any] | None]


def _upload(file: io.BufferedReader, _scratch: int | None, job: dict[str, Any]) -> Result:
    band, pixels = square_of_upload(
        file, band=job["band"], may_be_webp=job["may_be_webp"], name=job["name"] or "The file"
    )
    return {"band": band}, pixels


def _picture(file: io.BufferedReader, _scratch: int | None, job: dict[str, Any]) -> Result:
    pixels = decode_picture(whole_file(file), job["kind"])
    refuse_blank(pixels)
    return {}, pixels


def _frame(file: io.BufferedReader, scratch: int | None, job: dict[str, Any]) -> Result:
    from giz.imaging.fits import open_frame
    from giz.imaging.grid import SkyGrid
    from giz.imaging.resample import resample

    room = None if scratch is None else os.fdopen(scratch, "w+b", buffering=0)
    with open_frame(file, name="its file", has_own_unit=job["has_own_unit"], scratch=room) as frame:
        patch = resample(frame, SkyGrid(*job["grid"]))
        said: dict[str, Any] = {"nmgy_per_unit": frame.nmgy_per_unit, "exptime": _number(frame.header.get("EXPTIME"))}
    if patch is None:
        return said, None
    return said | {"first_row": patch.first_row, "first_column": patch.first_column}, patch.flux


RUNNERS: dict[str, Callable[[io.BufferedReader, int | None, dict[str, Any]], Result]] = {
    "upload": _upload,
    "picture": _picture,
    "frame": _frame,
}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def main() -> None:
    """Wait for jobs on descriptor 0 until its other end closes; fork for each."""
    control = socket.socket(fileno=os.dup(0))
    nothing, memory = os.open(os.devnull, os.O_RDWR), confine.memory_file()
    confine.close_disk([sys.prefix, sys.base_prefix, str(Path(__file__).parents[1]), "/usr/lib", "/lib", "/lib64"])
    _preload("upload")
    # Forks share existing memory as long as the garbage collector does not touch it.
    gc.collect()
    gc.freeze()
    gc.disable()
    running: dict[int, float] = {}
    while True:
        wait_s = min([PAUSE_S, *(until - time.monotonic() for until in running.values())])
        if select.select([control], [], [], max(0.0, wait_s))[0]:
            received = _receive(control)
            if received is None:
                break
            job, descriptors = received
            _preload(job["task"])
            running[_fork(job, descriptors, control, nothing, memory)] = time.monotonic() + job["seconds"]
        _reap(running)
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def _preload(task: str) -> None:
    """Import before forking what each fork would otherwise import."""
    import astropy.io.fits
    from PIL import Image

    Image.preinit()
    Image.init()
    if task == "frame" and "astropy.coordinates" not in sys.modules:
        import astropy.coordinates
        import astropy.wcs.utils  # noqa: F401

        import giz.imaging.grid
        import giz.imaging.resample  # noqa: F401

        gc.freeze()


def _receive(control: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    data, descriptors, _flags, _address = socket.recv_fds(control, JOB_BYTES, 3)
    while data and len(data) < JOB_BYTES:
        more = control.recv(JOB_BYTES - len(data))
        if not more:
            return None
        data += more
    return (json.loads(data), list(descriptors)) if data else None


def _fork(job: dict[str, Any], descriptors: list[int], control: socket.socket, nothing: int, memory: int | None) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            control.close()
            confine.die_with(parent)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
            _serve(job, descriptors, memory)
        finally:
            os._exit(0)
    for descriptor in descriptors:
        os.close(descriptor)
    return pid


def _reap(running: dict[int, float]) -> None:
    """Reap forks that have ended; kill those whose time is up."""
    for pid, until in list(running.items()):
        if os.waitpid(pid, os.WNOHANG)[0]:
            del running[pid]
        elif time.monotonic() >= until:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            del running[pid]


def _serve(job: dict[str, Any], descriptors: list[int], memory: int | None) -> None:
    """Decode one file and answer. Runs in the fork."""
    answers = socket.socket(fileno=descriptors[0])
    scratch = descriptors[2] if len(descriptors) > 2 else None
    file = os.fdopen(descriptors[1], "rb")
    answers.sendall(STARTED)
    try:
        confine.limit(job["seconds"], memory)
        confine.close_calls()
        said, array = RUNNERS[job["task"]](file, scratch, job)
    except UnusableFileError as error:
        _answer(answers, REFUSED, {"code": error.code, "detail": error.detail[:400]})
    except MemoryError:
        _answer(answers, FAILED, {"kind": "MemoryError"})
    except OSError as error:
        _answer(answers, DISK if error.errno else FAILED, {"errno": error.errno or 0, "kind": type(error).__name__})
    except Exception as error:  # noqa: BLE001 - a decoder may raise anything on a hostile file
        _answer(answers, FAILED, {"kind": type(error).__name__})
    else:
        _answer(answers, DONE, said, array)


def _answer(answers: socket.socket, letter: bytes, said: dict[str, Any], array: npt.NDArray[Any] | None = None) -> None:
    if array is not None:
        array = np.ascontiguousarray(array)
        said = said | {"shape": list(array.shape)}
    text = json.dumps(said | {"cpu_s": time.process_time()}).encode()
    answers.sendall(ANSWER.pack(letter, len(text), 0 if array is None else array.nbytes) + text)
    if array is not None:
        answers.sendall(array.data.cast("B"))


if __name__ == "__main__":
    main()
