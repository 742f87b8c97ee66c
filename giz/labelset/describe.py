"""What stands beside the data: manifest, a README for strangers, Croissant, DataCite, checksums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from giz.labelset.croissant import croissant_json
from giz.labelset.datacite import datacite_json
from giz.labelset.files import whole_file
from giz.labelset.manifest import MANIFEST_NAME, FileEntry, LabelSetSpec, dumps, manifest_json
from giz.labelset.readme import readme_text
from giz.labelset.schema import Column

CHECKSUMS_NAME = "SHA256SUMS"


def write_descriptions(
    folder: Path, spec: LabelSetSpec, columns: Sequence[Column], data: Iterable[FileEntry], counts: dict[str, Any]
) -> None:
    """Write everything that describes `data`; the manifest lists all files but itself and the list of checksums."""
    entries = list(data)
    texts = {
        "README.md": readme_text(spec, columns, entries, counts).encode(),
        "croissant.json": dumps(croissant_json(spec, columns, entries)),
        "datacite.json": dumps(datacite_json(spec, entries, counts)),
    }
    entries += [_written(folder, name, text) for name, text in texts.items()]
    manifest = _written(folder, MANIFEST_NAME, dumps(manifest_json(spec, columns, entries, counts)))
    lines = "".join(f"{entry.sha256}  {entry.path}\n" for entry in [manifest, *entries])
    _written(folder, CHECKSUMS_NAME, lines.encode())


def _written(folder: Path, name: str, text: bytes) -> FileEntry:
    with whole_file(folder / name) as out:
        out.write(text)
        return FileEntry(name, out.bytes_written, out.sha256)
