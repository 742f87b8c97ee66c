"""Cache of answers on disk, of limited size: stored by the hash of the content, found by the hash of the address."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from giz.surveys.survey import SurveyError

# Counted for each file, however small: many tiny answers must not fill the folder.
LEAST_COST_BYTES = 65_536
# Space is freed down to this part of a limit, so that not every answer has to free some.
ROOM_SHARE = 0.9
# The ledger is recounted this often, since a killed process may have left it wrong.
COUNT_SECONDS = 3600.0
PART_SECONDS = 3600.0


def discard(stored: Path) -> None:
    """Delete a stored answer that turned out to be damaged, so that it is fetched again."""
    stored.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Limits:
    """Most bytes in the cache, most of them for visitors, and the free disk space that visitors must leave."""

    most_bytes: int = 20_000_000_000
    public_bytes: int = 2_000_000_000
    least_free_bytes: int = 1_000_000_000


@dataclass
class _Ledger:
    """The size of the cache, kept so that not every file must be looked at."""

    held_bytes: int = 0
    public_bytes: int = 0
    counted_at: float = 0.0


@dataclass
class _Held:
    """A stored answer and its index entries."""

    path: Path
    cost: int
    used_at: float
    entries: list[Path]
    is_public: bool = True


class DiskCache:
    """``objects/ab/<sha256 of content>`` and ``index/ab/<sha256 of URL>.json``; whole files only.

    Processes and threads may share the folder. Anything in it may be deleted at any time and is fetched again. To make
    room the least recently used answers are deleted, except those in use (`reading`).

    is_public : for visitors' requests. Their answers use a small part of the cache, and are refused when that is full;
        those of the site's own people never are.
    """

    def __init__(self, folder: Path, limits: Limits | None = None, *, is_public: bool = False) -> None:
        self.folder = folder
        self.limits = limits or Limits()
        self.is_public = is_public

    def find(self, url: str, max_age_s: float | None = None) -> Path | None:
        """Return the stored answer of an address; None if there is none, or it is damaged or older than `max_age_s`."""
        try:
            with self._locked(fcntl.LOCK_SH):
                entry = json.loads(self._entry(url).read_text())
                stored = self._object(str(entry["sha256"]))
                if stored.stat().st_size != entry["bytes"] or entry["url"] != url:
                    return None
                if max_age_s is not None and time.time() - float(entry["fetched_at"]) > max_age_s:
                    return None
                os.utime(stored)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return stored

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Protect every answer found or stored in this block from deletion, at most for the life of the process."""
        folder = self.folder / "readers"
        folder.mkdir(parents=True, exist_ok=True)
        pin = folder / uuid.uuid4().hex
        with self._locked(fcntl.LOCK_SH):
            handle = pin.open("w")
            fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            pin.unlink(missing_ok=True)
            handle.close()

    @contextmanager
    def receiving(self) -> Iterator[Path]:
        """Yield a temporary file in the cache's folder for an answer; deleted afterwards unless stored."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".part")
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def store(self, url: str, received: Path) -> Path:
        """Move a complete answer into the cache and return its path.

        Raises
        ------
        SurveyError
            ``cache_full``, for visitors' requests only.
        """
        with received.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        size = received.stat().st_size
        place = self._object(digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        entry = self._entry(url)
        entry.parent.mkdir(parents=True, exist_ok=True)
        said = {"url": url, "sha256": digest, "bytes": size, "fetched_at": time.time()}
        with self._locked(fcntl.LOCK_EX):
            # Counted first: a process killed in between leaves the ledger too high, never too low.
            self._take_room(_cost(size))
            os.utime(received)
            received.replace(place)
            part = entry.with_name(f".{entry.name}.{os.getpid()}.part")
            part.write_text(json.dumps({**said, **({"public": True} if self.is_public else {})}))
            part.replace(entry)
        return place

    def _take_room(self, cost: int) -> None:
        """Count an answer, and delete others if it does not fit."""
        limits, ledger = self.limits, self._read_ledger()
        if self.is_public and shutil.disk_usage(self.folder).free - cost < limits.least_free_bytes:
            raise SurveyError(
                "cache_full", "The disk of this site is nearly full, so no more pictures can be fetched at the moment."
            )
        if not self._fits(ledger, cost) or time.time() - ledger.counted_at > COUNT_SECONDS:
            ledger = self._clear(cost)
            if self.is_public and not self._fits(ledger, cost):
                self._write_ledger(ledger)
                raise SurveyError(
                    "cache_full", "Too many pictures are being fetched for visitors at the moment. Try again later."
                )
        ledger.held_bytes += cost
        ledger.public_bytes += cost * self.is_public
        self._write_ledger(ledger)

    def _fits(self, ledger: _Ledger, cost: int, share: float = 1.0) -> bool:
        fits = ledger.held_bytes + cost <= share * self.limits.most_bytes
        return fits and (not self.is_public or ledger.public_bytes + cost <= share * self.limits.public_bytes)

    def _clear(self, cost: int) -> _Ledger:
        """Recount everything, and delete the least recently used until `cost` fits with some to spare."""
        held = sorted(self._held(), key=lambda one: one.used_at)
        ledger = _Ledger(counted_at=time.time())
        for one in held:
            ledger.held_bytes += one.cost
            ledger.public_bytes += one.cost * one.is_public
        if self._fits(ledger, cost):
            return ledger
        read_since = self._read_since()
        for one in held:
            if one.used_at >= read_since or self._fits(ledger, cost, ROOM_SHARE):
                break
            if self.is_public and not one.is_public and ledger.held_bytes + cost <= self.limits.most_bytes:
                continue  # only the visitors' part is full
            for entry in one.entries:
                entry.unlink(missing_ok=True)
            one.path.unlink(missing_ok=True)
            ledger.held_bytes -= one.cost
            ledger.public_bytes -= one.cost * one.is_public
        return ledger

    def _held(self) -> list[_Held]:
        """Return every stored answer; remove dangling entries and files left half received by killed processes."""
        found: dict[str, _Held] = {}
        for path in self.folder.glob("objects/??/*"):
            status = path.stat()
            found[path.name] = _Held(path, _cost(status.st_size), status.st_mtime, [])
        for entry in self.folder.glob("index/??/*.json"):
            try:
                said = json.loads(entry.read_text())
                held = found[str(said["sha256"])]
            except (ValueError, KeyError, TypeError):
                entry.unlink(missing_ok=True)
                continue
            held.entries.append(entry)
            held.is_public = held.is_public and bool(said.get("public"))
        before = time.time() - PART_SECONDS
        for part in (*self.folder.glob(".*.part"), *self.folder.glob("index/??/.*.part")):
            if part.stat().st_mtime < before:
                part.unlink(missing_ok=True)
        return list(found.values())

    def _read_since(self) -> float:
        """Return when the oldest current reader began; remove pins left by killed processes."""
        oldest = float("inf")
        for pin in self.folder.glob("readers/*"):
            with pin.open("r+") as handle:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    oldest = min(oldest, pin.stat().st_mtime)
                else:
                    pin.unlink(missing_ok=True)
        return oldest

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "ledger.lock").open("a") as handle:
            fcntl.flock(handle, how)
            yield

    def _read_ledger(self) -> _Ledger:
        try:
            return _Ledger(**json.loads((self.folder / "ledger.json").read_text()))
        except (OSError, ValueError, TypeError):
            return _Ledger()

    def _write_ledger(self, ledger: _Ledger) -> None:
        part = self.folder / "ledger.json.part"
        part.write_text(json.dumps(asdict(ledger)))
        part.replace(self.folder / "ledger.json")

    @contextmanager
    def only_one(self, url: str) -> Iterator[None]:
        """Lock an address: another process or thread that wants the same waits, and then finds the answer."""
        folder = self.folder / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        # Addresses share a limited number of lock files; a collision only means a short wait.
        with (folder / _digest(url)[:3]).open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def wait_turn(self, host: str, interval_s: float) -> None:
        """Wait until `interval_s` after the last request to a host by any process that shares this cache."""
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


def _cost(size: int) -> int:
    return max(size, LEAST_COST_BYTES)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
