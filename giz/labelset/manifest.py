"""The manifest: contents and origin of a label set, and the checksum of every file.

It states versions of rules, standard sets and fits, but no person and no time, so that equal labels give equal bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from giz.labelset.schema import (
    FLAVOURS,
    SPLIT_RULE,
    SUBSAMPLE_SHARE,
    TEST_SHARE,
    VALIDATION_SHARE,
    Column,
    LabelSetError,
)

FORMAT = "giz-labelset"
SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"
LABELS_NAME = "labels.parquet"
INDEX_NAME = "images.parquet"
MAX_MANIFEST_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of the set; `rows` is its number of galaxies or images."""

    path: str
    bytes: int
    sha256: str
    rows: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {"path": self.path, "bytes": self.bytes, "sha256": self.sha256, "rows": self.rows}


@dataclass(frozen=True, slots=True)
class LabelSetSpec:
    """Everything a writer must know before the first galaxy. Equal specs and rows give equal bytes.

    columns : the writer's own, besides the core and those of the split (`label_columns`).
    size_px, bands : of the images; no bands for a set without images.
    versions : of rules, standard set, volunteer fit and whatever else the labels depend on, as JSON.
    publication_year : for DataCite; the year of the latest vote or of the rule, never of the clock.
    """

    name: str
    title: str
    description: str
    origin: str
    columns: tuple[Column, ...] = ()
    size_px: int | None = None
    bands: tuple[str, ...] = ()
    versions: dict[str, Any] = field(default_factory=dict)
    license: str = "CC-BY-4.0"
    publication_year: int = 2026
    shard_galaxies: int = 1024

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "origin": self.origin,
            "columns": [column.as_json() for column in self.columns],
            "size_px": self.size_px,
            "bands": list(self.bands),
            "versions": self.versions,
            "license": self.license,
            "publication_year": self.publication_year,
            "shard_galaxies": self.shard_galaxies,
        }

    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()


def manifest_json(
    spec: LabelSetSpec, columns: Iterable[Column], files: Iterable[FileEntry], counts: dict[str, Any]
) -> dict[str, Any]:
    """Return the manifest as JSON-ready data."""
    entries = list(files)
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "name": spec.name,
        "title": spec.title,
        "description": spec.description,
        "origin": spec.origin,
        "license": spec.license,
        "publication_year": spec.publication_year,
        "digest": content_digest(entries),
        "settings_digest": spec.digest(),
        "columns": [column.as_json() for column in columns],
        "images": {
            "size_px": spec.size_px,
            "bands": list(spec.bands),
            "dtype": "uint8",
            "axes": "(image, row, column) for g, r, i; (image, row, column, red-green-blue) for gri",
        }
        if spec.bands
        else None,
        "counts": counts,
        "split": {
            "rule": SPLIT_RULE,
            "by": "galaxy",
            "test_share": TEST_SHARE,
            "validation_share_of_train": VALIDATION_SHARE,
            "subsample_share_of_train": SUBSAMPLE_SHARE,
            "subsample_flavours": list(FLAVOURS),
        },
        "versions": spec.versions,
        "files": [entry.as_json() for entry in entries],
    }


def content_digest(entries: Iterable[FileEntry]) -> str:
    """Return one checksum for the set: of the list of its files and their checksums."""
    lines = "".join(f"{entry.sha256}  {entry.path}\n" for entry in sorted(entries, key=lambda entry: entry.path))
    return hashlib.sha256(lines.encode()).hexdigest()


def dumps(data: Any) -> bytes:
    return (json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and check the manifest of a label set.

    Raises
    ------
    LabelSetError
        ``not_a_label_set``, or ``bad_manifest`` with the wrong field.
    """
    path = folder / MANIFEST_NAME
    if not path.is_file():
        partial = " It was never finished: run the command that makes it again." if _is_partial(folder) else ""
        why = (
            f"{folder} holds no {MANIFEST_NAME}, so it is not a label set."
            if folder.is_dir()
            else f"There is no folder {folder}."
        )
        raise LabelSetError("not_a_label_set", why + partial)
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise LabelSetError("bad_manifest", f"{MANIFEST_NAME} has more than {MAX_MANIFEST_BYTES:,} bytes.")
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise LabelSetError("bad_manifest", f"{MANIFEST_NAME} is not JSON ({error}).") from None
    _check(data)
    return dict(data)


def _is_partial(folder: Path) -> bool:
    return folder.name.endswith(".partial") or folder.with_name(f"{folder.name}.partial").is_dir()


def _check(data: Any) -> None:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise LabelSetError("bad_manifest", f"{MANIFEST_NAME} does not describe a {FORMAT}.")
    if data.get("schema_version") != SCHEMA_VERSION:
        raise LabelSetError(
            "bad_manifest",
            f"This label set has schema version {data.get('schema_version')!r}; this program reads {SCHEMA_VERSION}.",
        )
    wanted = {"name": str, "digest": str, "columns": list, "counts": dict, "split": dict, "files": list}
    for key, kind in wanted.items():
        if not isinstance(data.get(key), kind):
            raise LabelSetError("bad_manifest", f"{MANIFEST_NAME}: {key!r} is missing or no {kind.__name__}.")
    if data["split"].get("rule") != SPLIT_RULE:
        raise LabelSetError("bad_manifest", f"Unknown split rule {data['split'].get('rule')!r}; known: {SPLIT_RULE}.")
    entries = [_entry(item) for item in data["files"]]
    if content_digest(entries) != data["digest"]:
        raise LabelSetError(
            "bad_manifest", f"{MANIFEST_NAME} was changed: its digest does not match its list of files."
        )
    images = data.get("images")
    if images is not None and not (isinstance(images, dict) and isinstance(images.get("size_px"), int)):
        raise LabelSetError("bad_manifest", f"{MANIFEST_NAME}: 'images' must say size_px and bands.")


def _entry(item: Any) -> FileEntry:
    kinds = {"path": str, "bytes": int, "sha256": str}
    if not isinstance(item, dict) or any(not isinstance(item.get(key), kind) for key, kind in kinds.items()):
        raise LabelSetError("bad_manifest", f"{MANIFEST_NAME}: an entry of 'files' lacks path, bytes or sha256.")
    rows = item.get("rows")
    if rows is not None and not isinstance(rows, int):
        raise LabelSetError("bad_manifest", f"{MANIFEST_NAME}: rows of {item['path']} is no whole number.")
    return FileEntry(item["path"], item["bytes"], item["sha256"], rows)


def file_entries(manifest: dict[str, Any]) -> dict[str, FileEntry]:
    """Return the files of a checked manifest by path."""
    return {item["path"]: _entry(item) for item in manifest["files"]}
