"""A WSGI application behind the same front as the site, for what clients can do to a web server."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from giz.front.bridge import MOST_STREAMS, Front

THREADS = 2
LARGE = b"0123456789abcdef" * 400_000
BLOCK = b"x" * 65_536
released = threading.Event()


class Blocks:
    """A streaming answer as Django's: without end, or as many blocks as the query says."""

    streaming = True

    def __init__(self, count: int | None) -> None:
        self.count = count

    def __iter__(self) -> Iterator[bytes]:
        made = 0
        while self.count is None or made < self.count:
            yield BLOCK
            made += 1


def answer(environ: dict[str, Any], start_response: Any) -> Any:
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    headers: list[tuple[str, str]] = [("Content-Type", "application/octet-stream")]
    if path == "/file":
        file = Path(query).open("rb")  # noqa: SIM115 - closed by the wrapper
        file.seek(int(environ.get("HTTP_X_FROM", "0")))
        start_response("200 OK", headers)
        return environ["wsgi.file_wrapper"](file)
    if path == "/blocks":
        start_response("200 OK", headers)
        return Blocks(int(query) if query else None)
    if path == "/large":
        body = LARGE
    elif path == "/sleep":
        time.sleep(float(query))
        body = b"slept"
    elif path == "/hold":
        released.wait(60)
        body = b"held"
    elif path == "/close":
        released.clear()
        body = b"closed"
    elif path == "/release":
        released.set()
        body = b"released"
    elif path == "/environ":
        body = repr({name: value for name, value in environ.items() if not name.startswith("wsgi.")}).encode()
    elif path == "/free":
        body = str(MOST_STREAMS - application._streams.total()).encode()
    elif path == "/error":
        raise RuntimeError("as a bug would")
    else:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", headers)
    return [body]


application = Front(answer, threads=THREADS)
