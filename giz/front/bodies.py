"""Bodies of requests, received with limits before anything else happens: size, pace, number at once."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import IO, Any, Protocol

# For forms with files, and for everything else. Django refuses what exceeds its own limit, in the shape of the API.
MAX_UPLOAD_BYTES, MAX_OTHER_BYTES = 64_000_000, 2_000_000
SMALL_BYTES, SPOOL_BYTES = 16_000, 256_000
# A body may take FIRST_S, and longer only if it arrives at this pace (a poor telephone line reaches 50 kB/s).
FIRST_S, SLOWEST_BYTES_PER_S, LONGEST_S = 20.0, 16_000, 600.0
SILENCE_S = 10.0
# Each piece costs the loop as much as a network packet, however small it is (chunks of one byte, say).
FREE_PIECES, LEAST_PIECE_BYTES = 1_000, 200
# Bodies arriving or waiting for an answer in one process, those from one address (a school may share one), and the
# bytes that they may take.
MOST_AT_ONCE, MOST_OF_ONE_ADDRESS, MOST_HELD_BYTES = 1_000, 200, 512_000_000


class Source(Protocol):
    """The part of granian's protocol object that delivers a body."""

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> Any: ...


class BodyRefused(Exception):
    """A body that is refused: status, code and sentence of the answer."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


class Receiver:
    """Receives the bodies of one process and counts those that are not yet answered."""

    def __init__(self) -> None:
        self._count = 0
        self._of_address: Counter[str] = Counter()
        self._held = 0

    @asynccontextmanager
    async def received(
        self, source: Source, *, address: str, declared: int | None, content_type: str
    ) -> AsyncIterator[tuple[IO[bytes], int]]:
        """Receive the whole body; yield it and its length. A large one is in a file without a name.

        It counts for its address, and its bytes as held, until the request is answered, because bodies that wait for a
        thread take memory too.

        Raises
        ------
        BodyRefused
            ``too_large``, ``too_slow``, ``busy``, ``incomplete``.
        """
        most = MAX_UPLOAD_BYTES if content_type.lower().startswith("multipart/form-data") else MAX_OTHER_BYTES
        if declared is not None and declared > most:
            raise _too_large(most)
        with self._place(address):
            if declared is not None and declared <= SMALL_BYTES:
                yield await _small(source, declared)
                return
            length = 0
            with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as body:
                try:
                    async for chunk in _chunks(source):
                        length += len(chunk)
                        self._held += len(chunk)
                        if length > most:
                            raise _too_large(most)
                        if self._held > MOST_HELD_BYTES:
                            raise _busy()
                        body.write(chunk)
                    if declared is not None and length != declared:
                        raise _incomplete()
                    body.seek(0)
                    yield body, length
                finally:
                    self._held -= length

    @contextmanager
    def _place(self, address: str) -> Iterator[None]:
        if self._count >= MOST_AT_ONCE or self._of_address[address] >= MOST_OF_ONE_ADDRESS:
            raise _busy()
        self._count += 1
        self._of_address[address] += 1
        try:
            yield
        finally:
            self._count -= 1
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]


async def _small(source: Source, declared: int) -> tuple[IO[bytes], int]:
    """Receive a small body, such as a vote, in one piece."""
    try:
        async with asyncio.timeout(SILENCE_S):
            body = await source()
    except TimeoutError:
        raise _too_slow() from None
    except Exception as error:
        raise _incomplete() from error
    if len(body) != declared:
        raise _incomplete()
    return io.BytesIO(body), declared


async def _chunks(source: Source) -> AsyncIterator[bytes]:
    """Yield the pieces of a body as long as they arrive fast enough."""
    now = asyncio.get_running_loop().time
    begun, length = now(), 0
    pieces = source.__aiter__()
    has_ended = False
    for number in count():
        if number > FREE_PIECES + length / LEAST_PIECE_BYTES:
            raise _too_slow()
        end = begun + min(FIRST_S + length / SLOWEST_BYTES_PER_S, LONGEST_S)
        try:
            async with asyncio.timeout(max(min(SILENCE_S, end - now()), 0)):
                piece: bytes = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise _too_slow() from None
        if piece:
            length += len(piece)
            yield piece
        elif has_ended:
            # A second empty piece is granian's sign that the connection broke; a whole body ends after the first.
            raise _incomplete()
        has_ended = not piece


def _too_slow() -> BodyRefused:
    return BodyRefused(408, "too_slow", "The request did not arrive in time. Try again.")


def _incomplete() -> BodyRefused:
    return BodyRefused(400, "incomplete", "The request ended early.")


def _too_large(most: int) -> BodyRefused:
    return BodyRefused(413, "too_large", f"At most {most // 10**6} MB are accepted at once.")


def _busy() -> BodyRefused:
    return BodyRefused(503, "busy", "The server is receiving too many uploads at the moment. Try again shortly.")
