"""Files that describe a label set: manifest, README, Croissant, DataCite metadata and checksums.

Croissant 1.0 is the metadata of data sets that machine learning tools read (mlcommons.org/croissant). DataCite 4 is for
a repository to complete with a DOI; the project is the creator, and no person is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from giz.labelset.files import whole_file
from giz.labelset.images import index_schema
from giz.labelset.manifest import (
    INDEX_NAME,
    LABELS_NAME,
    MANIFEST_NAME,
    SCHEMA_VERSION,
    FileEntry,
    LabelSetSpec,
    dumps,
    manifest_json,
)
from giz.labelset.schema import Column

CHECKSUMS_NAME = "SHA256SUMS"
PROJECT_NAME = "Galaxy Inclination Zoo"
LICENSE_URLS = {
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
}
# The terms of Croissant's JSON-LD context, in its order; those that are not plain "cr:" ones are below.
# fmt: off
_TERMS = (
    "@language", "@vocab", "citeAs", "column", "conformsTo", "cr", "rai", "data", "dataType", "dct",
    "equivalentProperty", "examples", "extract", "field", "fileProperty", "fileObject", "fileSet", "format",
    "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references",
    "regex", "repeated", "replace", "sc", "samplingRate", "separator", "source", "subField", "transform",
)
# fmt: on
_OTHER_TERMS: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "sc": "https://schema.org/",
}
_DATA_TYPES = {"int64": "sc:Integer", "int32": "sc:Integer", "float64": "sc:Float", "bool": "sc:Boolean"}
_HEAD = """\
# {title}

{description}

The inclination of a galaxy is the angle between its disk and the plane of the sky: 0° is seen face-on, 90° edge-on.
Made by the Galaxy Inclination Zoo (GIZ). License: {license}. This set is frozen: its files are never changed.

## What is here

| file | what |
|---|---|
| `{labels}` | one row a galaxy: its label, and on which side of the split it stands |
{image_files}| `manifest.json` | columns, units, counts, versions of the rules, size and SHA-256 of every file |
| `SHA256SUMS` | the same checksums for `sha256sum -c SHA256SUMS` |
| `croissant.json`, `datacite.json` | metadata for machine learning tools and for data repositories |

{counts}

## Columns of `{labels}`

| column | unit | meaning |
|---|---|---|
{columns}

An empty inclination means that it is not known; it is never written as 0.

## Read it

```python
import pandas as pd

labels = pd.read_parquet("{labels}")
train = labels[(labels.split == "train") & (labels.verdict == "A")]
```
"""
_IMAGES_IN_TABLE = """\
| `images/<band>-<number>.npy` | pictures, uint8: (n, {size}, {size}) in g, r, i; (n, {size}, {size}, 3) in gri |
| `{index}` | in which array, and where in it, the picture of each galaxy and band stands |
"""
_READ_IMAGES = """
```python
import numpy as np

index = pd.read_parquet("{index}")
first = index.iloc[0]
array = np.load(f"images/{{first.band}}-{{first.shard:05d}}.npy", mmap_mode="r")
picture = array[first.row]
```

Bands: {bands}. Greys are inverted (dark galaxy on a light sky) on an asinh scale; gri is a colour picture after
Lupton et al. 2004. Pictures show 2 x D25, major axis level, first row on top. Some galaxies lack some bands.
"""
_TAIL = """
## Train and test

The side of a galaxy follows from a hash of its number alone, so it is the same in every label set:
10 % `test` (never train on them, in any form), 90 % `train`. A tenth of the train galaxies is marked
`is_validation` for choosing when to stop; `subsample_1` to `subsample_3` mark 67 % of the train galaxies each, for
ensembles. All images of a galaxy stand on one side.

## How the labels came about

```json
{versions}
```
"""


def write_descriptions(
    folder: Path, spec: LabelSetSpec, columns: Sequence[Column], data: Iterable[FileEntry], counts: dict[str, Any]
) -> None:
    """Write all descriptions of `data`; the manifest lists every file but itself and the checksums."""
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


def croissant_json(spec: LabelSetSpec, columns: Sequence[Column], files: Sequence[FileEntry]) -> dict[str, Any]:
    """Return the Croissant description: files with checksums, tables with columns."""
    labels = [
        (column.name, column.kind, f"{column.description} [{column.unit}]" if column.unit else column.description)
        for column in columns
    ]
    records = [_records("labels", LABELS_NAME, "one galaxy a record", labels)]
    if spec.bands:
        fields = [(field.name, str(field.type), field.metadata[b"description"].decode()) for field in index_schema()]
        records.append(_records("images", INDEX_NAME, "where each image stands in the arrays", fields))
    return {
        "@context": {term: _OTHER_TERMS.get(term, f"cr:{term}") for term in _TERMS},
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": spec.name,
        "alternateName": spec.title,
        "description": spec.description,
        "license": LICENSE_URLS.get(spec.license, spec.license),
        "creator": {"@type": "sc:Organization", "name": PROJECT_NAME},
        "datePublished": str(spec.publication_year),
        "version": "1.0.0",
        "citeAs": f"{PROJECT_NAME} ({spec.publication_year}): {spec.title}",
        "keywords": ["galaxies", "inclination", "spiral galaxies", "citizen science"],
        "isLiveDataset": False,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": entry.path,
                "name": entry.path,
                "contentUrl": entry.path,
                "contentSize": f"{entry.bytes} B",
                "encodingFormat": f"application/{'x-parquet' if entry.path.endswith('.parquet') else 'octet-stream'}",
                "sha256": entry.sha256,
            }
            for entry in files
        ],
        "recordSet": records,
    }


def _records(name: str, file_name: str, description: str, fields: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{field}",
                "name": field,
                "description": text,
                "dataType": _DATA_TYPES.get(kind, "sc:Text"),
                "source": {"fileObject": {"@id": file_name}, "extract": {"column": field}},
            }
            for field, kind, text in fields
        ],
    }


def datacite_json(spec: LabelSetSpec, files: Sequence[FileEntry], counts: dict[str, Any]) -> dict[str, Any]:
    """Return the properties that DataCite requires (except the DOI), in its JSON schema."""
    rights: dict[str, Any] = {"rights": spec.license, "rightsIdentifier": spec.license.lower()}
    if spec.license in LICENSE_URLS:
        rights |= {"rightsUri": LICENSE_URLS[spec.license], "rightsIdentifierScheme": "SPDX"}
    total_bytes = sum(entry.bytes for entry in files)
    return {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Label set of galaxies"},
        "creators": [{"name": PROJECT_NAME, "nameType": "Organizational"}],
        "titles": [{"title": spec.title, "lang": "en"}],
        "publisher": {"name": PROJECT_NAME},
        "publicationYear": str(spec.publication_year),
        "subjects": [
            {"subject": "Spiral galaxies", "subjectScheme": "Unified Astronomy Thesaurus"},
            {"subject": "Inclination", "subjectScheme": "Unified Astronomy Thesaurus"},
            {"subject": "Astronomy citizen science"},
        ],
        "language": "en",
        "descriptions": [{"description": spec.description, "descriptionType": "Abstract", "lang": "en"}],
        "rightsList": [rights],
        "sizes": [f"{counts['galaxies']} galaxies", f"{total_bytes} bytes"],
        "formats": ["application/vnd.apache.parquet", *(["application/x-npy"] if spec.bands else [])],
        "version": f"format {SCHEMA_VERSION}",
        "alternateIdentifiers": [{"alternateIdentifier": spec.name, "alternateIdentifierType": "GIZ label set"}],
    }


def readme_text(
    spec: LabelSetSpec, columns: Sequence[Column], files: Sequence[FileEntry], counts: dict[str, Any]
) -> str:
    """Return the README as Markdown."""
    words = {"labels": LABELS_NAME, "index": INDEX_NAME, "size": spec.size_px, "bands": ", ".join(spec.bands)}
    text = _HEAD.format(
        title=spec.title,
        description=spec.description,
        license=spec.license,
        image_files=_IMAGES_IN_TABLE.format(**words) if spec.bands else "",
        counts=_count_sentence(spec, files, counts),
        columns="\n".join(f"| `{column.name}` | {column.unit} | {column.description} |" for column in columns),
        labels=LABELS_NAME,
    )
    if spec.bands:
        text += _READ_IMAGES.format(**words)
    return text + _TAIL.format(versions=json.dumps(spec.versions, indent=2, ensure_ascii=False))


def _count_sentence(spec: LabelSetSpec, files: Sequence[FileEntry], counts: dict[str, Any]) -> str:
    size_mb = sum(entry.bytes for entry in files) / 1e6
    verdicts = f"{counts['accepted']:,} accepted, {counts['face_on']:,} face-on, {counts['rejected']:,} rejected"
    if counts["split"]:
        verdicts += f", {counts['split']:,} on which people disagree evenly"
    pictures = sum(counts[f"images_{band}"] for band in spec.bands)
    images = f" {pictures:,} pictures." if spec.bands else ""
    return (
        f"{counts['galaxies']:,} galaxies: {verdicts}. {counts['train']:,} train (of them {counts['validation']:,} "
        f"validation), {counts['test']:,} test.{images} {size_mb:,.1f} MB."
    )
