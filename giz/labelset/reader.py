"""Read a label set of any size: labels as columns, images mapped into memory, by the galaxy's row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from giz.labelset import checks
from giz.labelset.files import member_path
from giz.labelset.images import NO_IMAGE, Pixels, item_shape, open_shard, places_by_band, shard_name
from giz.labelset.manifest import INDEX_NAME, LABELS_NAME, FileEntry, file_entries, read_manifest
from giz.labelset.schema import Column, LabelSetError, columns_of

if TYPE_CHECKING:
    import pyarrow as pa

Rows = npt.NDArray[np.int64]
OnProgress = Callable[[int, int], None]


class LabelSet:
    """A finished label set, open for reading. Make one with `LabelSet.open`.

    Galaxies have rows 0 to n - 1 in the order of their numbers. Images stay on disk until needed, so a set takes only
    its labels and 8 bytes per galaxy and band in memory. It can be pickled for another process.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: dict[str, Any] = read_manifest(folder)
        self._files = file_entries(self.manifest)
        checks.check_sizes(folder, self._files)
        self.columns: tuple[Column, ...] = columns_of(self._parquet(LABELS_NAME).schema_arrow)
        self.pgc: npt.NDArray[np.int64] = checks.check_labels(self.table(), self._files[LABELS_NAME])
        images = self.manifest.get("images") or {}
        self.size_px: int | None = images.get("size_px")
        self.bands: tuple[str, ...] = tuple(images.get("bands", ()))
        self._shard_rows = checks.shard_rows(self._files, self.bands)
        self._places = self._indexed() if self.bands else {}
        self._shards: dict[tuple[str, int], Pixels] = {}

    @classmethod
    def open(
        cls, folder: Path | str, *, verify: Literal["quick", "full"] = "quick", on_progress: OnProgress | None = None
    ) -> LabelSet:
        """Open a label set and check it.

        Parameters
        ----------
        folder : the label set.
        verify : "quick" checks the manifest, sizes, every label and every shard's header; "full" also the SHA-256 of
            every file, and each galaxy's side of the split.
        on_progress : called with (bytes read, bytes in all) during the full check.

        Raises
        ------
        LabelSetError
            With the file or the galaxy, and what is wrong with it.
        """
        opened = cls(Path(folder).resolve())
        if verify == "full":
            opened.verify(on_progress)
        return opened

    def verify(self, on_progress: OnProgress | None = None) -> None:
        """Check the SHA-256 of every file and the side of every galaxy."""
        checks.check_hashes(self.folder, self._files, on_progress)
        checks.check_sides(self.table())

    def __len__(self) -> int:
        return int(self.pgc.size)

    def _parquet(self, name: str) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if name not in self._files:
            raise LabelSetError("missing_file", f"The manifest does not list {name}.")
        try:
            return pq.ParquetFile(member_path(self.folder, name), memory_map=True)
        except (pa.ArrowException, OSError) as error:
            raise LabelSetError("bad_labels", f"{name} is not a Parquet file ({error}).") from None

    def table(self, names: Collection[str] | None = None) -> pa.Table:
        """Return the label table, or its columns `names`, as an Arrow table (`.to_pandas()` needs pandas)."""
        return self._parquet(LABELS_NAME).read(columns=None if names is None else list(names))

    def batches(self, names: Collection[str] | None = None, size: int = 8192) -> Iterator[pa.RecordBatch]:
        """Yield the label table in pieces of bounded size."""
        yield from self._parquet(LABELS_NAME).iter_batches(size, columns=None if names is None else list(names))

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return one column as an array (n,); missing numbers are NaN, missing texts empty."""
        column = next((column for column in self.columns if column.name == name), None)
        if column is None:
            known = ", ".join(column.name for column in self.columns)
            raise LabelSetError("bad_labels", f"This label set has no column {name!r}; it has {known}.")
        values = self.table([name])[name]
        if column.kind == "string":
            return np.asarray(values.fill_null("").to_pylist(), dtype=object)
        return np.asarray(values.to_numpy())

    def rows(
        self,
        *,
        split: Literal["train", "test"] | None = None,
        flavour: int = 0,
        validation: bool | None = None,
        verdicts: Collection[str] | None = None,
    ) -> Rows:
        """Return the rows of the chosen galaxies, in ascending order.

        Parameters
        ----------
        split : "train", "test", or None for both.
        flavour : 1, 2 or 3 for a sub-sample of the train galaxies, 0 for no sub-sample.
        validation : True for the validation tenth of the train galaxies, False for the rest, None for both.
        verdicts : some of "A", "F", "J", "split"; None for any.
        """
        chosen = np.ones(len(self), bool)
        if split is not None:
            chosen &= self.column("split") == split
        if flavour:
            chosen &= self.column(f"subsample_{flavour}")
        if validation is not None:
            chosen &= self.column("is_validation") == validation
        if verdicts is not None:
            chosen &= np.isin(self.column("verdict").astype(str), list(verdicts))
        return np.flatnonzero(chosen).astype(np.int64)

    def _indexed(self) -> dict[str, npt.NDArray[np.int32]]:
        for band, shard in self._shard_rows:
            self._open(band, shard)
        return places_by_band(self._parquet(INDEX_NAME).read(), self.pgc, self._shard_rows)

    def _open(self, band: str, shard: int) -> Pixels:
        path = member_path(self.folder, shard_name(band, shard))
        return open_shard(path, band, self.size_px or 0, self._shard_rows[band, shard])

    def _shard(self, band: str, shard: int) -> Pixels:
        if (band, shard) not in self._shards:
            self._shards[band, shard] = self._open(band, shard)
        return self._shards[band, shard]

    def has_image(self, band: str) -> npt.NDArray[np.bool_]:
        """Return for each galaxy (n,) whether it has an image in this band."""
        if band not in self._places:
            return np.zeros(len(self), bool)
        return np.asarray(self._places[band][:, 0] != NO_IMAGE)

    def image(self, row: int, band: str) -> Pixels:
        """Return the image of one galaxy, (H, W) or (H, W, 3) uint8, as a read-only view of the file."""
        shard, place = self._places[band][row] if band in self._places else (NO_IMAGE, NO_IMAGE)
        if shard == NO_IMAGE:
            raise LabelSetError("no_image", f"pgc {self.pgc[row]} has no image in {band!r}.")
        view: Pixels = self._shard(band, int(shard))[int(place)]
        return view

    def images(self, rows: npt.ArrayLike, band: str, out: Pixels | None = None) -> Pixels:
        """Return images of several galaxies, (n, H, W) or (n, H, W, 3) uint8, copied in the order of `rows`."""
        wanted = np.asarray(rows, np.int64)
        shape = (wanted.size, *item_shape(band, self.size_px or 0))
        taken = np.empty(shape, np.uint8) if out is None else out
        # In the order on disk, so that neighbours are read together.
        for place in np.argsort(wanted, kind="stable"):
            taken[place] = self.image(int(wanted[place]), band)
        return taken

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_shards": {}}

    @property
    def files(self) -> tuple[FileEntry, ...]:
        return tuple(self._files.values())
