"""What a request brings and may use: turns at the networks, and its files as pictures.

Requests are counted per minute in the cache (`giz.core.requester`). Fetches and uploads are counted by their rows
(`Source.asked_by`), so those limits hold without a cache. A process runs the networks in few threads at a time, and the
requests of visitors who are not signed in use a limited share of its CPU time.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from rest_framework.request import Request

from giz import env
from giz.core.errors import Refused
from giz.core.requester import Requester
from giz.core.vocabulary import BANDS
from giz.imaging.decoder import UPLOAD_SECONDS, decoding_seconds, upload_decode
from giz.imaging.errors import DecoderBusyError, UnusableFileError
from giz.imaging.upload import Pixels

# Enough for a school class of forty behind one address; a script that needs thousands runs `manage.py predict`.
SOURCES_A_MINUTE, EVALUATIONS_A_MINUTE = 120, 300

MAX_FILES, MAX_FILE_BYTES = 4, 25_000_000
MAX_BODY_BYTES = 64_000_000
BUSY_REST_S = 5
FIELDS = ("file", *BANDS)
_STATUS = {"image_too_large": 413, "fits_too_large": 413, "unsupported_type": 415}
_BAND_OF_NAME = re.compile(r"(?<![a-z0-9])(gri|[gri])(?=(?:\.[a-z0-9]+)+$)", re.IGNORECASE | re.ASCII)


class Turns:
    """Turns at the networks in one process: few at a time, few waiting, a limited share for anonymous visitors.

    The threads of a process also record votes. So `at_once` threads measure pictures, `waiting` more wait for at most
    `patience_s`, and every further request is refused. Anonymous visitors spend a credit of CPU time, including that
    of the processes that decode their files. It grows by `share` seconds per second up to `burst_s`; once it is used
    up they wait, however many addresses they come from.
    """

    def __init__(
        self,
        *,
        at_once: int = 1,
        waiting: int = 1,
        patience_s: float = 1.0,
        share: float = 0.5,
        burst_s: float = 10.0,
    ) -> None:
        self._seats = threading.BoundedSemaphore(at_once)
        self._queue = threading.BoundedSemaphore(at_once + waiting)
        self._patience_s = patience_s
        self._share, self._burst_s = share, burst_s
        self._lock = threading.Lock()
        self.fill()

    def fill(self) -> None:
        """Reset the visitors' credit to its maximum."""
        self._credit_s, self._counted_at = self._burst_s, time.monotonic()

    @contextmanager
    def taken(self, requester: Requester) -> Iterator[None]:
        """Hold a turn. Raises Refused (503 ``busy``) if none is free in time, or the credit is used up."""
        with self.charged(requester):
            if not self._queue.acquire(blocking=False):
                raise _busy(1)
            try:
                if not self._seats.acquire(timeout=self._patience_s):
                    raise _busy(1)
                try:
                    yield
                finally:
                    self._seats.release()
            finally:
                self._queue.release()

    @contextmanager
    def charged(self, requester: Requester) -> Iterator[None]:
        """Charge a visitor for the CPU time of a block. Raises Refused (503 ``busy``) if the credit is used up."""
        if requester.rank != "stranger":
            yield
            return
        with self._lock:
            now = time.monotonic()
            self._credit_s = min(self._burst_s, self._credit_s + self._share * (now - self._counted_at))
            self._counted_at = now
            short_s = -self._credit_s
        if short_s >= 0:
            # Rounded first: sums of CPU times are off in their last digits, which must not add a second.
            raise _busy(max(1, math.ceil(round(short_s / self._share, 3))))
        begin = _cpu_seconds()
        try:
            yield
        finally:
            spent_s = _cpu_seconds() - begin
            with self._lock:
                self._credit_s -= spent_s


def _cpu_seconds() -> float:
    return time.thread_time() + decoding_seconds()


def _busy(retry_after: int) -> Refused:
    why = "Many galaxies are being measured at the moment. Try again shortly."
    return Refused("busy", why, status=503, retry_after=retry_after)


def turns_for(threads: int) -> Turns:
    """Return the turns for a process with this many threads: a quarter of them measure, most stay free for votes."""
    at_once = max(1, threads // 4)
    return Turns(at_once=at_once, waiting=1 if at_once + 1 < threads else 0)


turns = turns_for(env.integer("WEB_THREADS", 4, minimum=1, maximum=64))


def request_pictures(request: Request) -> dict[str, Pixels]:
    """Read the files of a multipart request as square pictures, by band. File names are neither stored nor trusted.

    Raises
    ------
    Refused
        ``no_file``, ``too_many_files``, ``band_twice``, ``unknown_field``, ``too_large``, 503 ``busy``, and what is
        wrong with a file. Decoding all files of a request may take `UPLOAD_SECONDS` in total.
    """
    files: MultiValueDict[str, Any] = request.FILES
    for name in [*request.data, *files]:
        if name not in FIELDS:
            raise Refused("unknown_field", f"Unknown field {name[:40]!r}. Known fields: {', '.join(FIELDS)}.")
    sent = [(field, file) for field in FIELDS for file in files.getlist(field)]
    if not sent:
        raise Refused("no_file", "Send a picture: PNG, JPEG, WebP or FITS, in the field file, g, r, i or gri.")
    if len(sent) > MAX_FILES:
        raise Refused("too_many_files", f"At most {MAX_FILES} pictures can be sent at once: g, r, i and colour.")
    pictures: dict[str, Pixels] = {}
    seconds = UPLOAD_SECONDS
    for field, file in sent:
        began = time.monotonic()
        band, pixels = _decode(field, file, seconds)
        seconds = max(1.0, seconds - (time.monotonic() - began))
        if band in pictures:
            raise Refused(
                "band_twice",
                f"Two of the pictures are of band {band}. Send one for each band; file names ending in _g, _r, _i or "
                "_gri (galaxy_g.png) state the band.",
            )
        pictures[band] = pixels
    return pictures


def _decode(field: str, file: UploadedFile[Any], seconds: float) -> tuple[str, Pixels]:
    if (file.size or 0) > MAX_FILE_BYTES:
        raise Refused("too_large", f"A picture may have at most {MAX_FILE_BYTES // 10**6} MB.", status=413)
    name = str(file.name or "")
    may_be_webp = name.lower().endswith(".webp") or (
        file.content_type == "image/webp" and not name.lower().endswith((".png", ".jpg", ".jpeg"))
    )
    try:
        return upload_decode(
            cast(BinaryIO, file),
            band=field if field in BANDS else band_of_name(name),
            may_be_webp=may_be_webp,
            name=_printable(name),
            seconds=seconds,
            is_patient=False,
        )
    except UnusableFileError as error:
        raise Refused(error.code, error.detail, status=_STATUS.get(error.code, 400)) from None
    except (DecoderBusyError, OSError):  # OSError: no process can be started
        why = "Many pictures are being processed at the moment. Try again in a few seconds."
        raise Refused("busy", why, status=503, retry_after=BUSY_REST_S) from None


def band_of_name(name: str) -> str | None:
    """Return the band in which a file name ends (``…_g.png``, ``…_gri.sdss.jpg``), or None."""
    found = _BAND_OF_NAME.search(name[-200:])
    return found[1].lower() if found else None


def _printable(name: str) -> str:
    """Return a file name for error messages: without folders and invisible characters, shortened."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(letter for letter in last if letter.isprintable()).strip()
    return plain if len(plain) <= 60 else f"{plain[:40]}…{plain[-15:]}"
