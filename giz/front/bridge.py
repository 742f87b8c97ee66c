"""Serves a WSGI application through granian's RSGI, so that threads never wait for a client.

A request gets a thread when its whole body has arrived (`giz.front.bodies`) and returns it when its answer is ready.
granian's own loop sends small answers from memory and files from the disk; an answer that is made while it is sent
goes through a pipe that its own thread fills.
"""

from __future__ import annotations

import array
import asyncio
import fcntl
import io
import ipaddress
import json
import os
import re
import select
import sys
import tempfile
import termios
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from giz.front.bodies import BodyRefused, Receiver

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[str, str]]

# What one slow reader may hold in memory; larger answers go to a file.
MEMORY_BYTES = 256_000
# Requests of one process that may wait for a thread, and for how long: later nobody waits for the answer.
MOST_WAITING, LONGEST_WAIT_S = 400, 20.0
# Uploads have their own threads and queue, so that they never delay votes, however long they take to read.
UPLOAD_THREADS, MOST_UPLOADS_WAITING = 2, 40
# Answers that are made while they are sent: in one process, for one address, and how long a reader may take nothing.
MOST_STREAMS, MOST_STREAMS_OF_ONE_ADDRESS, STREAM_SILENCE_S = 8, 4, 60.0
# [2001:db8::1]:443 or [2001:db8::1], 192.0.2.1:443
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:\[\]]+):\d+")
# How often the loop checks which requests are answered.
CLEAR_EVERY_S = 0.02
# granian opens the file of an answer a moment after it gets its path.
OPENED_BY_THEN_S = 30.0


class FileWrapper:
    """The wrapper in which Django returns a file (``wsgi.file_wrapper``)."""

    def __init__(self, file: Any, block_bytes: int = 65_536) -> None:
        self.file = file
        self.block_bytes = block_bytes

    def __iter__(self) -> Iterable[bytes]:
        return iter(lambda: self.file.read(self.block_bytes), b"")

    def close(self) -> None:
        self.file.close()


class Front:
    """An RSGI application around a WSGI one."""

    def __init__(self, application: Application, *, threads: int, trusted_proxies: int = 0) -> None:
        self._application = application
        self._trusted_proxies = trusted_proxies
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._uploads = ThreadPoolExecutor(UPLOAD_THREADS, thread_name_prefix="upload")
        self._waiting = {True: 0, False: 0}
        self._working: list[tuple[Future[None], asyncio.Future[None]]] = []
        self._streams: Counter[str] = Counter()
        self._streams_lock = threading.Lock()
        self._receiver = Receiver()
        self._constant: dict[str, Any] = {
            "SCRIPT_NAME": "",
            "SERVER_SOFTWARE": "granian",
            "wsgi.version": (1, 0),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": FileWrapper,
        }

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        wsgi_environ = self._environ(scope)
        try:
            if "CONTENT_LENGTH" in wsgi_environ or "HTTP_TRANSFER_ENCODING" in wsgi_environ:
                async with self._receiver.received(
                    protocol,
                    address=self._address(wsgi_environ),
                    declared=_length(wsgi_environ.get("CONTENT_LENGTH")),
                    content_type=wsgi_environ.get("CONTENT_TYPE", ""),
                ) as (body, length):
                    wsgi_environ["CONTENT_LENGTH"] = str(length)
                    wsgi_environ.pop("HTTP_TRANSFER_ENCODING", None)
                    await self._answered(wsgi_environ, body, protocol)
            else:
                await self._answered(wsgi_environ, io.BytesIO(), protocol)
        except BodyRefused as refused:
            _refuse(protocol, refused)

    async def _answered(self, wsgi_environ: dict[str, Any], body: IO[bytes], protocol: Any) -> None:
        is_upload = wsgi_environ.get("CONTENT_TYPE", "").lower().startswith("multipart/")
        if self._waiting[is_upload] >= (MOST_UPLOADS_WAITING if is_upload else MOST_WAITING):
            raise _overloaded()
        wsgi_environ["wsgi.input"] = body
        self._waiting[is_upload] += 1
        try:
            await self._in_thread(self._uploads if is_upload else self._pool, wsgi_environ, body, protocol)
        finally:
            self._waiting[is_upload] -= 1

    async def _in_thread(
        self, pool: ThreadPoolExecutor, wsgi_environ: dict[str, Any], body: IO[bytes], protocol: Any
    ) -> None:
        """Have a thread answer; the loop notices the end a little later, because waking it each time costs more."""
        loop = asyncio.get_running_loop()
        work = pool.submit(self._serve, wsgi_environ, body, protocol, loop, time.monotonic())
        done = loop.create_future()
        self._working.append((work, done))
        if len(self._working) == 1:
            loop.call_later(CLEAR_EVERY_S, self._clear, loop)
        await done

    def _clear(self, loop: asyncio.AbstractEventLoop) -> None:
        """Finish the requests that are answered."""
        working = []
        for work, done in self._working:
            if work.done():
                done.set_result(None)
            else:
                working.append((work, done))
        self._working = working
        if working:
            loop.call_later(CLEAR_EVERY_S, self._clear, loop)

    # --- the request -------------------------------------------------------------------------------------------
    def _environ(self, scope: Any) -> dict[str, Any]:
        host, _colon, port = scope.server.rpartition(":")
        wsgi_environ = {
            **self._constant,
            "REQUEST_METHOD": scope.method,
            "PATH_INFO": scope.path.encode().decode("latin-1"),
            "QUERY_STRING": scope.query_string,
            "SERVER_NAME": host.strip("[]"),
            "SERVER_PORT": port,
            "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
            "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
            "wsgi.url_scheme": scope.scheme,
        }
        for name, value in scope.headers.items():
            # Headers with an underscore could be mistaken for others: proxies drop them, and so do we.
            if "_" in name:
                continue
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = f"HTTP_{key}"
            joint = "; " if key == "HTTP_COOKIE" else ","
            wsgi_environ[key] = f"{wsgi_environ[key]}{joint}{value}" if key in wsgi_environ else value
        if scope.authority and "HTTP_HOST" not in wsgi_environ:
            wsgi_environ["HTTP_HOST"] = scope.authority
        return wsgi_environ

    def _address(self, wsgi_environ: dict[str, Any]) -> str:
        """Return the client's address, or the /64 around an IPv6 one, which belongs to one party.

        A port that some proxies append is ignored, and an IPv4 address written as an IPv6 one is that IPv4 address.
        """
        forwarded = [word.strip() for word in wsgi_environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        is_proxied = 0 < self._trusted_proxies <= len(forwarded)
        address = str(forwarded[-self._trusted_proxies] if is_proxied else wsgi_environ["REMOTE_ADDR"])
        if found := _WITH_PORT.fullmatch(address):
            address = found[1] or found[2]
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return address
        if ip.version == 4 or ip.ipv4_mapped:
            return str(ip if ip.version == 4 else ip.ipv4_mapped)
        return str(ipaddress.IPv6Network((ip, 64), strict=False))

    # --- the answer --------------------------------------------------------------------------------------------
    def _serve(
        self,
        wsgi_environ: dict[str, Any],
        body: IO[bytes],
        protocol: Any,
        loop: asyncio.AbstractEventLoop,
        asked_at: float,
    ) -> None:
        """Have Django answer, in a thread of the pool."""
        with body:
            if time.monotonic() - asked_at > LONGEST_WAIT_S:
                _refuse(protocol, _overloaded())
                return
            head: list[Any] = [500, []]

            def start_response(status: str, headers: Headers, _error: Any = None) -> None:
                head[:] = [int(status[:3]), headers]

            answer = self._application(wsgi_environ, start_response)
            status, headers = head
            is_head = wsgi_environ["REQUEST_METHOD"] == "HEAD"
            if isinstance(answer, FileWrapper) and not is_head and (path := _plain_file(answer.file)):
                protocol.response_file(status, headers, path)
                answer.close()
            elif is_head or not (isinstance(answer, FileWrapper) or getattr(answer, "streaming", False)):
                try:
                    content = b"" if is_head else b"".join(answer)
                finally:
                    _close(answer)
                self._send(protocol, status, headers, content, loop)
            elif (length := _length(dict(headers).get("Content-Length"))) is not None and length <= MEMORY_BYTES:
                content = b"".join(answer)
                _close(answer)
                protocol.response_bytes(status, headers, content)
            else:
                self._stream(self._address(wsgi_environ), protocol, status, headers, answer, loop)

    def _send(
        self, protocol: Any, status: int, headers: Headers, content: bytes, loop: asyncio.AbstractEventLoop
    ) -> None:
        if len(content) <= MEMORY_BYTES:
            protocol.response_bytes(status, headers, content)
            return
        file = tempfile.TemporaryFile()  # noqa: SIM115 - granian opens it once more, by its number
        file.write(content)
        file.flush()
        file.seek(0)
        protocol.response_file(status, headers, _by_number(file.fileno()))
        loop.call_soon_threadsafe(loop.call_later, OPENED_BY_THEN_S, file.close)

    def _stream(
        self,
        address: str,
        protocol: Any,
        status: int,
        headers: Headers,
        answer: Iterable[bytes],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        with self._streams_lock:
            is_full = self._streams.total() >= MOST_STREAMS or self._streams[address] >= MOST_STREAMS_OF_ONE_ADDRESS
            self._streams[address] += not is_full
        if is_full:
            _close(answer)
            _refuse(protocol, _overloaded())
            return
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        protocol.response_file(status, headers, _by_number(reader))
        pump = threading.Thread(
            target=self._pump, args=(address, answer, reader, writer, loop), name="stream", daemon=True
        )
        pump.start()

    def _pump(
        self, address: str, answer: Iterable[bytes], reader: int, writer: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Write an answer into its pipe as fast as it is read, until it ends or nobody reads any more."""
        written, is_opened = 0, False
        room = select.poll()
        room.register(writer, select.POLLOUT)
        try:
            for block in answer:
                rest = memoryview(block)
                while rest:
                    if not room.poll(1000 * STREAM_SILENCE_S):
                        raise BrokenPipeError
                    sent = os.write(writer, rest)
                    rest, written = rest[sent:], written + sent
                    if not is_opened and _bytes_in(reader) < written:
                        # granian has opened its own end; while we hold ours, we would not see that the client left.
                        is_opened = True
                        os.close(reader)
        except BrokenPipeError:
            pass
        finally:
            os.close(writer)
            if not is_opened:
                loop.call_soon_threadsafe(loop.call_later, OPENED_BY_THEN_S, os.close, reader)
            _close(answer)
            with self._streams_lock:
                self._streams[address] -= 1
                self._streams += Counter()  # drops addresses without streams


def _refuse(protocol: Any, refused: BodyRefused) -> None:
    """Answer in the shape of the API and close the connection, without waiting for the rest of a body."""
    headers = [("content-type", "application/json"), ("cache-control", "no-store"), ("connection", "close")]
    if refused.status == 503:
        headers.append(("retry-after", "5"))
    protocol.response_str(refused.status, headers, json.dumps({"code": refused.code, "detail": refused.detail}))


def _overloaded() -> BodyRefused:
    return BodyRefused(503, "busy", "The site is very busy at the moment. Try again shortly.")


def _length(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _close(answer: Iterable[bytes]) -> None:
    close = getattr(answer, "close", None)
    if close is not None:
        close()


def _bytes_in(pipe: int) -> int:
    """Return the number of bytes in a pipe."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


def _by_number(number: int) -> str:
    """Return a path that opens again a file without a name."""
    folder = "/proc/self/fd" if Path("/proc/self/fd").is_dir() else "/dev/fd"
    return f"{folder}/{number}"


def _plain_file(file: Any) -> str | None:
    """Return the path of an open file that is to be sent from its beginning; None for anything else."""
    name = getattr(file, "name", None)
    if not isinstance(name, str | os.PathLike):
        return None
    try:
        is_whole = file.tell() == 0 and os.path.samestat(Path(name).stat(), os.fstat(file.fileno()))
    except (OSError, ValueError, AttributeError):
        return None
    return os.fspath(name) if is_whole else None
