"""The README of a label set, for somebody who has never heard of GIZ."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from giz.labelset.manifest import INDEX_NAME, LABELS_NAME, FileEntry, LabelSetSpec
from giz.labelset.schema import Column

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
