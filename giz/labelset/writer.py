"""Write a label set: streamed, resumable after a kill at any moment, visible only when complete, then never changed.

All work happens in ``NAME.partial`` beside the target: the unfinished set, a journal, and the rows of each shard. A
shard (a run of galaxies: their rows and images) counts once its line is in the journal; anything that a killed writer
left beyond that line is removed when the next one resumes.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from giz.core.machine import sha256_of, sync_folder
from giz.labelset.describe import write_descriptions
from giz.labelset.files import whole_file
from giz.labelset.images import Pixels, ShardWriter, check_bands, check_image, index_schema, item_shape, shard_name
from giz.labelset.manifest import INDEX_NAME, LABELS_NAME, FileEntry, LabelSetSpec, read_manifest
from giz.labelset.parquet import merge, write_rows
from giz.labelset.rows import COUNT_NAMES, RowChecker, add_counts
from giz.labelset.schema import LabelSetError, arrow_schema, label_columns

JOURNAL, LOCK, PARTS, SET = "journal.jsonl", "lock", "parts", "set"


class LabelSetWriter:
    """Writes galaxies in the order of their numbers. Use as a context manager; `finish` makes the set.

    `galaxy_count` is the number of galaxies safely written, from which to resume, and `last_pgc` the last of them.
    """

    def __init__(self, folder: Path, spec: LabelSetSpec) -> None:
        if folder.exists():
            raise LabelSetError("exists", f"{folder} already exists, and a finished label set is never changed.")
        if spec.bands:
            check_bands(spec.bands)
        self.folder = folder
        self.spec = spec
        self.columns = label_columns(spec.columns)
        self.counts = dict.fromkeys((*COUNT_NAMES, *(f"images_{band}" for band in spec.bands)), 0)
        self._work = folder.with_name(f"{folder.name}.partial")
        self._set = self._work / SET
        self._schema = arrow_schema(self.columns)
        self._checker = RowChecker(self.columns)
        self._shards: list[dict[str, Any]] = []
        self._rows: list[list[Any]] = []
        self._index: list[tuple[int, int, str, int, int]] = []
        self._images: dict[str, ShardWriter] = {}
        for made in (self._work, self._work / PARTS, self._set, *([self._set / "images"] if spec.bands else [])):
            made.mkdir(parents=True, exist_ok=True)
        self._lock = self._locked()
        try:
            self._journal = self._resumed()
        except BaseException:
            self._lock.close()
            raise

    @property
    def galaxy_count(self) -> int:
        """Number of galaxies in finished shards, from which a writer resumes."""
        return sum(shard["galaxies"] for shard in self._shards)

    @property
    def last_pgc(self) -> int | None:
        return self._shards[-1]["last_pgc"] if self._shards else None

    def _locked(self) -> IO[bytes]:
        lock = (self._work / LOCK).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise LabelSetError("in_use", f"Another process is writing {self.folder} at the moment.") from None
        return lock

    def _resumed(self) -> IO[bytes]:
        """Read the journal's complete lines, remove everything beyond them, and open it for writing."""
        path = self._work / JOURNAL
        text = path.read_bytes() if path.exists() else b""
        whole = text[: text.rfind(b"\n") + 1]
        first, *shards = [json.loads(line) for line in whole.splitlines()] or [None]
        if first is not None and first["settings"] != self.spec.digest():
            raise LabelSetError(
                "other_settings",
                f"{self._work} was begun with other settings. Use the same settings, choose another folder, or remove "
                "it.",
            )
        if shards:
            self._shards = shards
            self.counts.update(shards[-1]["counts"])
            self._checker.last_pgc = self.last_pgc
        self._remove_strays()
        journal = path.open("r+b" if path.exists() else "w+b")
        journal.truncate(len(whole))
        journal.seek(len(whole))
        if first is None:
            _append(journal, {"settings": self.spec.digest()})
            sync_folder(self._work)
        return journal

    def _remove_strays(self) -> None:
        """Remove files that are not in the journal: the shard interrupted by a kill."""
        known = {self._set / entry["path"] for shard in self._shards for entry in shard["files"]}
        known |= {path for number in range(len(self._shards)) for path in self._part_paths(number)}
        for path in [*(self._set / "images").glob("*"), *(self._work / PARTS).glob("*")]:
            if path not in known:
                path.unlink()

    def _part_paths(self, number: int) -> tuple[Path, Path]:
        parts = self._work / PARTS
        return parts / f"labels-{number:05d}.parquet", parts / f"images-{number:05d}.parquet"

    def add(self, row: Mapping[str, Any], images: Mapping[str, Pixels] | None = None) -> None:
        """Add one galaxy: its label, and its images by band (bands may be missing).

        Raises
        ------
        LabelSetError
            ``bad_row`` (numbers not rising, NaN, out of range, wrong kind), ``bad_image``, ``address_found``.
        """
        for band, pixels in (images or {}).items():
            check_image(band, pixels, self.spec.size_px or 0, self.spec.bands)
        cells = self._checker.cells(row)
        galaxy = self.counts["galaxies"]
        self._rows.append(cells)
        add_counts(self.counts, cells)
        shard = len(self._shards)
        for band in self.spec.bands:
            if images and band in images:
                place = self._shard(band, shard).append(images[band])
                self._index.append((row["pgc"], galaxy, band, shard, place))
                self.counts[f"images_{band}"] += 1
        if len(self._rows) == self.spec.shard_galaxies:
            self._commit()

    def _shard(self, band: str, shard: int) -> ShardWriter:
        if band not in self._images:
            shape = item_shape(band, self.spec.size_px or 0)
            self._images[band] = ShardWriter(self._set / shard_name(band, shard), shape)
        return self._images[band]

    def _commit(self) -> None:
        """Write the shard to disk, then its line to the journal."""
        number = len(self._shards)
        files = []
        for band in self.spec.bands:
            if writer := self._images.get(band):
                writer.close()
                size = writer.path.stat().st_size
                entry = FileEntry(shard_name(band, number), size, sha256_of(writer.path), writer.rows)
                files.append(entry.as_json())
        labels, index = self._part_paths(number)
        with whole_file(labels) as out:
            write_rows(out, self._schema, self._rows)
        if self.spec.bands:
            with whole_file(index) as out:
                write_rows(out, index_schema(), self._index)
            sync_folder(self._set / "images")
        sync_folder(self._work / PARTS)
        last_pgc = self._rows[-1][0]
        shard = {"galaxies": len(self._rows), "last_pgc": last_pgc, "files": files, "counts": dict(self.counts)}
        _append(self._journal, shard)
        self._shards.append(shard)
        self._rows, self._index, self._images = [], [], {}

    def finish(self) -> dict[str, Any]:
        """Complete the label set and return its manifest. Afterwards nothing can be added."""
        if self._rows:
            self._commit()
        if not self._shards:
            raise LabelSetError("bad_row", "There are no galaxies to write.")
        parts = [self._part_paths(number) for number in range(len(self._shards))]
        tables = [_merged([labels for labels, _ in parts], self._set / LABELS_NAME, self._schema)]
        if self.spec.bands:
            tables.append(_merged([index for _, index in parts], self._set / INDEX_NAME, index_schema()))
        images = [FileEntry(**entry) for shard in self._shards for entry in shard["files"]]
        write_descriptions(self._set, self.spec, self.columns, [*tables, *images], self.counts)
        for path in self._set.rglob("*"):
            if path.is_file():
                path.chmod(0o444)
        sync_folder(self._set)
        self._set.rename(self.folder)
        sync_folder(self.folder.parent)
        self.close()
        shutil.rmtree(self._work)
        return read_manifest(self.folder)

    def close(self) -> None:
        """Stop; another writer can resume."""
        for writer in self._images.values():
            writer.abandon()
        self._images = {}
        self._journal.close()
        self._lock.close()

    def __enter__(self) -> LabelSetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _append(journal: IO[bytes], entry: dict[str, Any]) -> None:
    journal.write(json.dumps(entry).encode() + b"\n")
    journal.flush()
    os.fsync(journal.fileno())


def _merged(parts: list[Path], path: Path, schema: Any) -> FileEntry:
    size, digest, rows = merge(parts, path, schema)
    return FileEntry(path.name, size, digest, rows)
