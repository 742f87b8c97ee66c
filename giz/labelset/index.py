"""The index of images: for each galaxy and band, the shard and the row in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from giz.labelset.errors import LabelSetError

if TYPE_CHECKING:
    import pyarrow as pa

INDEX_COLUMNS = ("pgc", "galaxy", "band", "shard", "row")
NO_IMAGE = -1


def index_schema() -> pa.Schema:
    import pyarrow as pa

    kinds = (pa.int64(), pa.int64(), pa.string(), pa.int32(), pa.int32())
    words = (
        "number of the galaxy",
        "row of the galaxy in labels.parquet, from 0",
        "g, r, i or gri",
        "number of the file images/<band>-<shard>.npy",
        "row of the image in that file, from 0",
    )
    return pa.schema(
        [
            pa.field(name, kind, nullable=False, metadata={"description": text})
            for name, kind, text in zip(INDEX_COLUMNS, kinds, words, strict=True)
        ]
    )


def places_by_band(
    index: pa.Table, pgc: npt.NDArray[np.int64], shard_rows: dict[tuple[str, int], int]
) -> dict[str, npt.NDArray[np.int32]]:
    """For each band an array (galaxies, 2) of shard and row, -1 where the galaxy has no image in it.

    Raises
    ------
    LabelSetError
        ``bad_images``: an entry that points to no galaxy, to another one, to no image, or comes twice.
    """
    galaxy = index["galaxy"].to_numpy()
    if galaxy.size and (galaxy.min() < 0 or galaxy.max() >= pgc.size):
        raise LabelSetError("bad_images", f"images.parquet points to galaxy {galaxy.max()}; there are {pgc.size}.")
    strangers = np.flatnonzero(pgc[galaxy] != index["pgc"].to_numpy())
    if strangers.size:
        number = index["pgc"][int(strangers[0])].as_py()
        raise LabelSetError("bad_images", f"images.parquet gives pgc {number} the row of another galaxy.")
    bands = np.asarray(index["band"].to_numpy(zero_copy_only=False), dtype=object)
    shard, row = index["shard"].to_numpy(), index["row"].to_numpy()
    places = {}
    for band in sorted({band for band, _ in shard_rows}):
        mine = np.flatnonzero(bands == band)
        lengths = np.zeros(max(number for name, number in shard_rows if name == band) + 1, np.int64)
        for (name, number), rows in shard_rows.items():
            if name == band:
                lengths[number] = rows
        bad = (shard[mine] < 0) | (shard[mine] >= lengths.size) | (row[mine] < 0)
        bad |= row[mine] >= lengths[np.clip(shard[mine], 0, lengths.size - 1)]
        if bad.any():
            number = index["pgc"][int(mine[np.flatnonzero(bad)[0]])].as_py()
            raise LabelSetError(
                "bad_images", f"images.parquet gives pgc {number} an image in {band} that is not there."
            )
        if np.unique(galaxy[mine]).size != mine.size:
            raise LabelSetError("bad_images", f"images.parquet names an image in {band} twice for one galaxy.")
        places[band] = np.full((pgc.size, 2), NO_IMAGE, np.int32)
        places[band][galaxy[mine], 0] = shard[mine]
        places[band][galaxy[mine], 1] = row[mine]
    return places
