"""Decode untrusted files in separate processes with little memory and time and no access to anything else.

This side starts `giz.imaging.child` for the first file, sends each file as a descriptor, and receives a letter, a small
JSON object and an array of known type, all checked. A file that kills its process or takes too long is refused like any
other bad file; the next one gets a fresh process. Safe to use from threads, and after a fork: a forked process starts
its own.
"""

from __future__ import annotations

import atexit
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from giz.core.vocabulary import BANDS
from giz.imaging.errors import (
    DecoderBusyError,
    DecoderMissingError,
    FitsError,
    PictureError,
    UnusableFileError,
)

Pixels = npt.NDArray[np.uint8]

UPLOAD_SECONDS, PICTURE_SECONDS, FRAME_SECONDS = 5.0, 30.0, 120.0
# Most at once in this process; more files wait, and visitors are refused before a queue builds up.
AT_ONCE, UPLOADS_AT_ONCE = min(max(os.cpu_count() or 1, 2), 4), 2
MOST_WAITING, LONGEST_WAIT_S = 8, 10.0
START_SECONDS, GRACE_SECONDS = 30.0, 1.0
MOST_SIDE_PX, MOST_PIXELS, MOST_GRID_PX = 1024, 40_000_000, 2048

_ROOT = Path(__file__).resolve().parents[2]
_START = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from giz.imaging.child import main; main()"
# Nothing from this process's environment, which holds keys. One thread each, and one heap.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "LC_ALL": "C.UTF-8"}
_KNOWN: dict[str, type[UnusableFileError]] = {
    code: kind for kind in (PictureError, FitsError, UnusableFileError) for code in kind.codes
}


@dataclass(frozen=True)
class FramePatch:
    """A survey's frame on a grid: flux (ny, nx) and its position; None if the two do not overlap.

    nmgy_per_unit : the factor that the flux was multiplied with; None if the file does not state it.
    exptime : EXPTIME of the header, for surveys with their own rule for the unit.
    """

    flux: npt.NDArray[np.float32] | None
    first_row: int
    first_column: int
    nmgy_per_unit: float | None
    exptime: float | None


def upload_decode(
    source: bytes | BinaryIO,
    *,
    band: str | None,
    may_be_webp: bool,
    name: str = "",
    seconds: float = UPLOAD_SECONDS,
    is_patient: bool = False,
) -> tuple[str, Pixels]:
    """Return band and square picture of an uploaded file, by `giz.imaging.upload.square_of_upload` in a process.

    Raises
    ------
    UnusableFileError
        As told there, and ``decoder_failed``, ``decoder_timeout``.
    DecoderBusyError
        If enough callers wait already; never for a patient caller, who waits as long as it takes.
    """
    job = {"task": "upload", "band": band, "may_be_webp": may_be_webp, "name": name[:200]}
    said, data = _DECODER.run(job, source, seconds=seconds, is_patient=is_patient)
    shape = _shape(said, data, np.uint8, MOST_SIDE_PX**2)
    found = said.get("band")
    if found not in BANDS or shape[0] != shape[1] or (found == "gri") != (len(shape) == 3):
        raise _broken()
    return str(found), np.frombuffer(data, np.uint8).reshape(shape)


def picture_decode(source: bytes | BinaryIO, kind: str) -> Pixels:
    """Return the pixels of a PNG or JPEG file, by `giz.imaging.decode.decode_picture` in a process; refuse blank ones.

    Raises
    ------
    UnusableFileError
        As told there, and ``blank_picture``, ``decoder_failed``, ``decoder_timeout``.
    """
    said, data = _DECODER.run({"task": "picture", "kind": kind}, source, seconds=PICTURE_SECONDS)
    shape = _shape(said, data, np.uint8, MOST_PIXELS)
    if (kind == "colour") != (len(shape) == 3):
        raise _broken()
    return np.frombuffer(data, np.uint8).reshape(shape)


def frame_decode(path: Path, grid: Sequence[float], *, has_own_unit: bool) -> FramePatch:
    """Open a survey's frame and resample it onto a grid (the fields of `SkyGrid`), in a process.

    Raises
    ------
    UnusableFileError
        As in `open_frame` and `resample`, and ``decoder_failed``, ``decoder_timeout``.
    OSError
        If there is no disk space to unpack it.
    """
    job = {"task": "frame", "grid": list(grid), "has_own_unit": has_own_unit}
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise FitsError("bad_fits", f"its file can't be read ({error.strerror}).") from None
    with file, tempfile.TemporaryFile(prefix="giz-") as scratch:
        said, data = _DECODER.run(job, file, scratch=scratch, seconds=FRAME_SECONDS)
    factor, exptime = _finite(said.get("nmgy_per_unit")), _finite(said.get("exptime"))
    if not data:
        return FramePatch(None, 0, 0, factor, exptime)
    shape = _shape(said, data, np.float32, MOST_GRID_PX**2)
    row, column = said.get("first_row"), said.get("first_column")
    side = int(grid[2])
    fits = isinstance(row, int) and isinstance(column, int) and len(shape) == 2
    if not fits or min(row, column) < 0 or row + shape[0] > side or column + shape[1] > side:  # type: ignore[type-var,operator]
        raise _broken()
    flux = np.frombuffer(data, np.float32).reshape(shape)
    return FramePatch(flux, int(row or 0), int(column or 0), factor, exptime)


def decoding_seconds() -> float:
    """Return the CPU time used by decoding the files of this thread so far."""
    return getattr(_SPENT, "seconds", 0.0)


def decoder_warm() -> None:
    """Start the waiting process now, so that the first file does not have to."""
    with suppress(DecoderMissingError):
        _DECODER.start()


def decoder_stop() -> None:
    """End the waiting process; the next file starts another."""
    _DECODER.stop()


class _Decoder:
    """The waiting process, and how many of its forks are at work."""

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)
        atexit.register(self.stop)

    def _reset(self) -> None:
        """Forget the parent's processes after a fork, and close the copy of its end of the socket."""
        control: socket.socket | None = getattr(self, "_control", None)
        if control is not None:
            control.close()
        self._lock = threading.Lock()
        self._free = {True: threading.BoundedSemaphore(AT_ONCE), False: threading.BoundedSemaphore(UPLOADS_AT_ONCE)}
        self._waiting = 0
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._lock:
            self._started()

    def stop(self) -> None:
        with self._lock:
            self._end()

    def run(
        self,
        job: Mapping[str, Any],
        source: bytes | BinaryIO,
        *,
        seconds: float,
        scratch: IO[bytes] | None = None,
        is_patient: bool = True,
    ) -> tuple[dict[str, Any], bytearray]:
        """Have one file decoded; return the checked object and the array's bytes. Errors as in the functions above."""
        with self._place(is_patient), _as_file(source) as file:
            files = [file.fileno(), *([scratch.fileno()] if scratch is not None else [])]
            for _attempt in range(2):
                ours, theirs = socket.socketpair()
                with ours:
                    with theirs:
                        taker = self._send({**job, "seconds": seconds}, [theirs.fileno(), *files])
                    if _is_started(ours):
                        return _answer(ours, seconds)
                with self._lock:
                    if self._control is taker:  # it took the job and has ended, or hangs; others may have noticed first
                        self._end()
        raise DecoderMissingError("The decoding process does not answer.")

    @contextmanager
    def _place(self, is_patient: bool) -> Iterator[None]:
        free = self._free[is_patient]
        if not free.acquire(blocking=False):
            with self._lock:
                if not is_patient and self._waiting >= MOST_WAITING:
                    raise DecoderBusyError
                self._waiting += 1
            try:
                found = free.acquire(timeout=None if is_patient else LONGEST_WAIT_S)
            finally:
                with self._lock:
                    self._waiting -= 1
            if not found:
                raise DecoderBusyError
        try:
            yield
        finally:
            free.release()

    def _send(self, job: dict[str, Any], descriptors: list[int]) -> socket.socket:
        from giz.imaging.child import JOB_BYTES

        message = json.dumps(job).encode().ljust(JOB_BYTES)
        if len(message) > JOB_BYTES:
            raise ValueError("the job is too long")
        for _attempt in range(2):
            with self._lock:
                control = self._started()
                try:
                    sent = socket.send_fds(control, [message], descriptors)
                    control.sendall(message[sent:])
                    return control
                except OSError:
                    self._end()
        raise DecoderMissingError("The decoding process does not take a job.")

    def _started(self) -> socket.socket:
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        self._end()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-c", _START],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    env=_ENVIRONMENT,
                    cwd="/",
                    start_new_session=True,
                )
        except OSError as error:
            ours.close()
            raise DecoderMissingError(f"No decoding process can be started ({error.strerror}).") from None
        ours.settimeout(START_SECONDS)
        self._control = ours
        return ours

    def _end(self) -> None:
        """Close the socket of the waiting process, which ends it and its forks."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


_DECODER = _Decoder()
_SPENT = threading.local()


@contextmanager
def _as_file(source: bytes | BinaryIO) -> Iterator[Any]:
    """Return a file with a descriptor; bytes are put into an anonymous file in memory."""
    if not isinstance(source, bytes):
        if _is_on_disk(source):
            yield source
            return
        source.seek(0)
        source = source.read()
    if hasattr(os, "memfd_create"):
        file: Any = os.fdopen(os.memfd_create("giz", os.MFD_CLOEXEC), "w+b", buffering=0)
    else:
        file = tempfile.TemporaryFile(prefix="giz-", buffering=0)  # noqa: SIM115 - closed below
    with file:
        rest = memoryview(source)
        while rest:
            rest = rest[file.write(rest) :]
        yield file


def _is_on_disk(source: BinaryIO) -> bool:
    try:
        source.fileno()
        source.flush()
    except (OSError, AttributeError):  # only files in memory have none
        return False
    return True


def _is_started(ours: socket.socket) -> bool:
    from giz.imaging.child import STARTED

    ours.settimeout(START_SECONDS)
    try:
        return ours.recv(1) == STARTED
    except OSError:
        return False


def _answer(ours: socket.socket, seconds: float) -> tuple[dict[str, Any], bytearray]:
    from giz.imaging.child import ANSWER, DISK, DONE, FAILED, MAX_JSON_BYTES, REFUSED

    began = time.monotonic()
    until = began + seconds + GRACE_SECONDS
    spent_s: float | None = None
    try:
        letter, text_bytes, array_bytes = ANSWER.unpack(_received(ours, ANSWER.size, until))
        if text_bytes > MAX_JSON_BYTES or array_bytes > 4 * MOST_PIXELS:
            raise _broken()
        said = json.loads(_received(ours, text_bytes, until))
        spent_s = _finite(said.get("cpu_s")) if isinstance(said, dict) else None
        data = _received(ours, array_bytes, until)
    except (EOFError, OSError):
        if time.monotonic() - began >= 0.9 * seconds:
            raise UnusableFileError(
                "decoder_timeout", f"The file takes longer than {seconds:g} s to decode. Send a smaller or simpler one."
            ) from None
        raise _broken() from None
    except ValueError as error:
        raise error if isinstance(error, UnusableFileError) else _broken() from None
    finally:
        # A killed process reports nothing, so all of the time counts.
        _SPENT.seconds = decoding_seconds() + max(0.0, time.monotonic() - began if spent_s is None else spent_s)
    if not isinstance(said, dict):
        raise _broken()
    if letter == DONE:
        return said, data
    if letter == REFUSED and said.get("code") in _KNOWN:
        detail = "".join(letter for letter in str(said.get("detail"))[:400] if letter.isprintable())
        raise _KNOWN[said["code"]](said["code"], detail)
    if letter == DISK and isinstance(said.get("errno"), int):
        raise OSError(said["errno"], os.strerror(said["errno"] % 256))
    if letter == FAILED and said.get("kind") == "MemoryError":
        raise PictureError("image_too_large", "Decoding the file would take too much memory.")
    raise _broken()


def _received(ours: socket.socket, count: int, until: float) -> bytearray:
    data = bytearray(count)
    view = memoryview(data)
    while view:
        ours.settimeout(max(0.001, until - time.monotonic()))
        got = ours.recv_into(view)
        if got == 0:
            raise EOFError
        view = view[got:]
    return data


def _broken() -> UnusableFileError:
    return UnusableFileError("decoder_failed", "The file can't be decoded: it is damaged, or malicious.")


def _shape(said: Mapping[str, Any], data: bytearray, dtype: Any, most_pixels: int) -> tuple[int, ...]:
    """Return the shape of the array after checking it against the number of bytes."""
    shape = said.get("shape")
    if not isinstance(shape, list) or not all(type(side) is int and 0 < side <= most_pixels for side in shape):
        raise _broken()
    is_picture = len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)
    if not is_picture or shape[0] * shape[1] > most_pixels or math.prod(shape) * np.dtype(dtype).itemsize != len(data):
        raise _broken()
    return tuple(shape)


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
