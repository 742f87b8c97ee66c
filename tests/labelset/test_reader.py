"""Reading: columns, rows by side, any image at random; a spoilt set is refused in words before anybody trains on it."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from giz.core.machine import sha256_of
from giz.labelset import LabelSet, LabelSetError, sides_of
from giz.labelset.manifest import content_digest, dumps, file_entries, read_manifest
from tests.labelset.sets import FIRST_PGC, galaxy
from tests.refusals import refuses


def test_labels_come_back_as_they_were_written(finished: Path) -> None:
    labelset = LabelSet.open(finished, verify="full")
    rows = [galaxy(number)[0] for number in range(50)]
    assert labelset.pgc.tolist() == [row["pgc"] for row in rows]
    assert labelset.column("verdict").tolist() == [row["verdict"] for row in rows]
    wanted = np.array([row["inclination_deg"] or np.nan for row in rows])
    np.testing.assert_array_equal(labelset.column("inclination_deg"), wanted)
    assert labelset.column("note")[5] == "=1+1 [bad_TF] Ü & <b>"


@pytest.mark.parametrize("band", ["g", "r", "i", "gri"])
def test_any_image_is_found_by_its_row(finished: Path, band: str) -> None:
    labelset = LabelSet.open(finished)
    rows = np.flatnonzero(labelset.has_image(band))[::-3]
    images = labelset.images(rows, band)
    for row, pixels in zip(rows, images, strict=True):
        np.testing.assert_array_equal(pixels, galaxy(int(row))[1][band])
        np.testing.assert_array_equal(labelset.image(int(row), band), pixels)


def test_a_missing_band_is_said(finished: Path) -> None:
    labelset = LabelSet.open(finished)
    assert labelset.has_image("g").sum() == 43
    with pytest.raises(LabelSetError, match=f"pgc {FIRST_PGC + 3} has no image in 'g'"):
        labelset.image(3, "g")


def test_images_can_not_be_changed_through_the_reader(finished: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        LabelSet.open(finished).image(0, "r")[0, 0] = 1


def test_rows_are_chosen_by_side_flavour_and_verdict(finished: Path) -> None:
    labelset = LabelSet.open(finished)
    sides = [sides_of(int(pgc)) for pgc in labelset.pgc]
    assert labelset.rows(split="test").tolist() == [k for k, side in enumerate(sides) if side.split == "test"]
    wanted = [k for k, side in enumerate(sides) if side.subsamples[1] and not side.is_validation]
    assert labelset.rows(split="train", flavour=2, validation=False).tolist() == wanted
    assert labelset.rows(verdicts=["F", "J"]).size == 16


def test_a_reader_travels_to_another_process(finished: Path) -> None:
    labelset = LabelSet.open(finished)
    labelset.image(0, "r")
    sent = pickle.dumps(labelset)
    assert len(sent) < 50_000
    np.testing.assert_array_equal(pickle.loads(sent).image(0, "r"), labelset.image(0, "r"))


def test_batches_hold_every_galaxy_once(finished: Path) -> None:
    batches = list(LabelSet.open(finished).batches(["pgc"], size=7))
    assert [number for batch in batches for number in batch["pgc"].to_pylist()] == list(range(1001, 1051))


def consistent(folder: Path) -> None:
    """Make manifest and checksums fit the files again, as somebody would who poisons a set with care."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for item in manifest["files"]:
        path = folder / item["path"]
        item["bytes"], item["sha256"] = path.stat().st_size, sha256_of(path)
    manifest["digest"] = content_digest(_entries(manifest))
    rewrite(folder / "manifest.json", dumps(manifest))


def _entries(manifest: dict[str, Any]) -> list[Any]:
    return list(file_entries(manifest).values())


def rewrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def relabel(column: str, row: int, value: Any) -> Callable[[Path], None]:
    """Change one cell of the label table."""

    def spoil(folder: Path) -> None:
        path = folder / "labels.parquet"
        table = pq.read_table(path)
        cells = table[column].to_pylist()
        cells[row] = value
        at = table.column_names.index(column)
        field = table.schema.field(column).with_nullable(True)
        table = table.set_column(at, field, pa.array(cells, field.type, from_pandas=False))
        path.chmod(0o644)
        pq.write_table(table, path)
        consistent(folder)

    return spoil


def shrink_images(folder: Path) -> None:
    path = folder / "images/r-00001.npy"
    path.chmod(0o644)
    np.save(path, np.load(path)[:, :16, :16])
    consistent(folder)


def pickled_images(folder: Path) -> None:
    path = folder / "images/r-00001.npy"
    path.chmod(0o644)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    consistent(folder)


def reindex(column: str, value: int) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "images.parquet"
        table = pq.read_table(path)
        cells = table[column].to_pylist()
        cells[4] = value
        at = table.column_names.index(column)
        field = table.schema.field(column)
        path.chmod(0o644)
        pq.write_table(table.set_column(at, field, pa.array(cells, field.type)), path)
        consistent(folder)

    return spoil


SPOILERS: list[tuple[Callable[[Path], None], str, str]] = [
    (relabel("inclination_deg", 1, float("nan")), "bad_labels", "pgc 1002: inclination_deg is NaN"),
    (relabel("inclination_deg", 1, 123.0), "bad_labels", "pgc 1002: the inclination is not within 0 to 90"),
    (relabel("inclination_deg", 1, None), "bad_labels", "pgc 1002: accepted, but without an inclination"),
    (relabel("sigma_deg", 2, float("inf")), "bad_labels", "pgc 1003: sigma_deg is NaN or infinite"),
    (relabel("pgc", 1, 1001), "duplicate_galaxies", "pgc 1001 appear in the label set more than once"),
    (relabel("pgc", 1, 5000), "bad_labels", "not sorted by number"),
    (relabel("verdict", 0, "Z"), "bad_labels", "pgc 1001: the verdict is none of"),
    (relabel("verdict", 0, None), "bad_labels", "verdict has 1 empty cells"),
    (shrink_images, "bad_images", r"r-00001.npy should hold uint8 \(16, 32, 32\)"),
    (pickled_images, "bad_images", "is no array of images"),
    (reindex("galaxy", 9), "bad_images", "gives pgc 1002 the row of another galaxy"),
    (reindex("galaxy", 999), "bad_images", "points to galaxy 999"),
    (reindex("row", 99), "bad_images", "an image in g that is not there"),
    (reindex("row", -2), "bad_images", "an image in g that is not there"),
]


@pytest.mark.parametrize(("spoil", "code", "message"), SPOILERS)
def test_a_poisoned_set_is_refused_with_a_clear_message(
    tmp_path: Path, finished: Path, spoil: Callable[[Path], None], code: str, message: str
) -> None:
    folder = shutil.copytree(finished, tmp_path / "set")
    spoil(folder)
    with pytest.raises(LabelSetError, match=message) as refused:
        LabelSet.open(folder)
    assert refused.value.code == code


def test_a_test_galaxy_moved_to_train_is_found_by_the_full_check(tmp_path: Path, finished: Path) -> None:
    folder = shutil.copytree(finished, tmp_path / "set")
    row = int(LabelSet.open(finished).rows(split="test")[0])
    relabel("split", row, "train")(folder)
    with pytest.raises(LabelSetError, match=f"pgc {FIRST_PGC + row} is marked as train"):
        LabelSet.open(folder, verify="full")


def test_one_flipped_bit_is_found_by_the_full_check(tmp_path: Path, finished: Path) -> None:
    folder = shutil.copytree(finished, tmp_path / "set")
    path = folder / "images/gri-00000.npy"
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    rewrite(path, bytes(data))
    LabelSet.open(folder)
    with refuses("wrong_sha256", "gri-00000.npy"):
        LabelSet.open(folder, verify="full")


def test_a_truncated_and_a_missing_file_are_named(tmp_path: Path, finished: Path) -> None:
    folder = shutil.copytree(finished, tmp_path / "set")
    path = folder / "images/i-00002.npy"
    rewrite(path, path.read_bytes()[:-1])
    with refuses("wrong_size", "i-00002.npy"):
        LabelSet.open(folder)
    path.unlink()
    with refuses("missing_file", "i-00002.npy"):
        LabelSet.open(folder)


@pytest.mark.parametrize("name", ["../manifest.json", "/etc/passwd", "images/../../x", ".hidden", "a/b/c"])
def test_a_manifest_that_points_out_of_the_set_is_refused(tmp_path: Path, finished: Path, name: str) -> None:
    folder = shutil.copytree(finished, tmp_path / "set")
    manifest = read_manifest(folder)
    manifest["files"][0]["path"] = name
    manifest["digest"] = content_digest(_entries(manifest))
    rewrite(folder / "manifest.json", dumps(manifest))
    with pytest.raises(LabelSetError) as refused:
        LabelSet.open(folder)
    assert refused.value.code == "unsafe_path"


def test_a_link_in_the_place_of_a_file_is_refused(tmp_path: Path, finished: Path) -> None:
    folder = shutil.copytree(finished, tmp_path / "set")
    (folder / "labels.parquet").unlink()
    (folder / "labels.parquet").symlink_to(finished / "labels.parquet")
    with refuses("unsafe_path"):
        LabelSet.open(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "does not describe"),
        (b'{"format": "giz-labelset", "schema_version": 99}', "schema version 99"),
        (b'{"format": "giz-labelset", "schema_version": 1}', "'name' is missing"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "manifest.json").write_bytes(text)
    with pytest.raises(LabelSetError, match=message):
        LabelSet.open(tmp_path)


def test_a_folder_without_a_manifest_is_no_label_set(tmp_path: Path) -> None:
    with pytest.raises(LabelSetError, match="so it is not a label set") as refused:
        LabelSet.open(tmp_path)
    assert refused.value.code == "not_a_label_set"
