"""Answers on disk: each once, under the hash of its content, found again by the hash of its address."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def discard(stored: Path) -> None:
    """Forget a stored answer that turned out to be damaged: whoever wants it next asks again."""
    stored.unlink(missing_ok=True)


class DiskCache:
    """``objects/ab/<sha256 of content>`` and ``index/ab/<sha256 of URL>.json``; whole files only.

    Processes and threads may share the folder. Anything in it may be deleted at any time and is fetched again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, url: str, max_age_s: float | None = None) -> Path | None:
        """The stored answer of an address, or None (also if it is older than `max_age_s` or damaged)."""
        try:
            entry = json.loads(self._entry(url).read_text())
            stored = self._object(str(entry["sha256"]))
            if stored.stat().st_size != entry["bytes"] or entry["url"] != url:
                return None
            if max_age_s is not None and time.time() - float(entry["fetched_at"]) > max_age_s:
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return stored

    @contextmanager
    def receiving(self) -> Iterator[Path]:
        """A temporary file in the cache's own folder for an answer on its way; gone afterwards unless stored."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".part")
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def store(self, url: str, received: Path) -> Path:
        """Move a whole answer into the cache and return its place."""
        with received.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        size = received.stat().st_size
        place = self._object(digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        received.replace(place)
        entry = self._entry(url)
        entry.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"url": url, "sha256": digest, "bytes": size, "fetched_at": time.time()})
        part = entry.with_name(f".{entry.name}.{os.getpid()}.part")
        part.write_text(text)
        part.replace(entry)
        return place

    @contextmanager
    def only_one(self, url: str) -> Iterator[None]:
        """Hold an address: another process or thread that wants the same waits and then finds the answer."""
        folder = self.folder / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        # Few lock files for many addresses: a shared one makes somebody wait a little, no more.
        with (folder / _digest(url)[:3]).open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def wait_turn(self, host: str, interval_s: float) -> None:
        """Leave at least `interval_s` between two requests to a host, over all processes that share this cache."""
        folder = self.folder / "hosts"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _digest(host)[:24]).open("a+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            handle.seek(0)
            try:
                last = float(handle.read() or 0.0)
            except ValueError:
                last = 0.0
            wait = min(interval_s, last + interval_s - time.time())
            if wait > 0:
                time.sleep(wait)
            handle.truncate(0)
            handle.write(repr(time.time()))

    def _entry(self, url: str) -> Path:
        digest = _digest(url)
        return self.folder / "index" / digest[:2] / f"{digest}.json"

    def _object(self, digest: str) -> Path:
        return self.folder / "objects" / digest[:2] / digest


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
