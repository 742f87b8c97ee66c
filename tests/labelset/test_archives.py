"""Archives and folders: the names and codes that the field's readers expect, the pictures that went in."""

from pathlib import Path

import numpy as np
from PIL import Image

from giz.imaging.decode import decode_picture
from giz.labelset import LabelSet
from giz.labelset.archives import write_folder, write_npz
from tests.labelset.sets import LABELS_ONLY, galaxy, write_set
from tests.refusals import refuses


def test_numpy_loads_the_archive_and_finds_every_picture(tmp_path: Path, finished: Path) -> None:
    labelset = LabelSet.open(finished)
    write_npz(labelset, tmp_path / "all.npz")
    archive = np.load(tmp_path / "all.npz", allow_pickle=False)
    assert archive["images"].shape == (193, 32, 32, 3)
    assert archive["images"].dtype == np.uint8
    for place in (0, 57, 192):
        band, number = str(archive["band"][place]), int(archive["pgc"][place]) - 1001
        pixels = galaxy(number)[1][band]
        wanted = pixels if band == "gri" else np.repeat(pixels[..., None], 3, axis=2)
        np.testing.assert_array_equal(archive["images"][place], wanted)


def test_the_archive_has_the_originals_names_and_codes(tmp_path: Path, finished: Path) -> None:
    write_npz(LabelSet.open(finished), tmp_path / "all.npz")
    archive = np.load(tmp_path / "all.npz", allow_pickle=False)
    assert {"images", "labels", "pgcIDs", "filter"} <= set(archive.files)
    assert set(archive["filter"]) == {"c", "g", "r", "i"}
    np.testing.assert_array_equal(archive["pgcIDs"], archive["pgc"])
    assert set(archive["labels"][archive["verdict"] == "F"]) == {1.0}
    assert set(archive["labels"][archive["verdict"] == "J"]) == {0.0}
    accepted = archive["verdict"] == "A"
    np.testing.assert_allclose(archive["labels"][accepted], archive["inclination_deg"][accepted], rtol=1e-6)
    assert np.isnan(archive["inclination_deg"][~accepted]).all()


def test_the_same_set_gives_the_same_archive(tmp_path: Path, finished: Path) -> None:
    labelset = LabelSet.open(finished)
    assert write_npz(labelset, tmp_path / "one.npz") == write_npz(labelset, tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_training_copies_bear_the_originals_names(tmp_path: Path, finished: Path) -> None:
    labelset = LabelSet.open(finished)
    assert write_folder(labelset, tmp_path / "out") == 193
    files = {path.name: path.parent.name for path in (tmp_path / "out").rglob("*.jpg")}
    angle = round(galaxy(0)[0]["inclination_deg"])
    assert {f"pgc1001_32x32_{angle}.g.jpg", f"pgc1001_32x32_{angle}.gri.jpg"} <= set(files)
    assert "pgc1004_32x32_F.r.jpg" in files
    assert "pgc1005_32x32_0.r.jpg" in files
    assert "pgc1004_32x32_F.g.jpg" not in files
    sides = dict(zip(labelset.pgc.tolist(), labelset.column("split"), strict=True))
    assert all(sides[int(name[3:7])] == side for name, side in files.items())


def test_catalogue_pictures_are_exact_in_grey_and_can_be_imported(tmp_path: Path, finished: Path) -> None:
    write_folder(LabelSet.open(finished), tmp_path / "out", layout="catalogue")
    path = next((tmp_path / "out").rglob("pgc1001_d25x2_rot_g.png"))
    np.testing.assert_array_equal(decode_picture(path.read_bytes(), "grey"), galaxy(0)[1]["g"])
    colour = next((tmp_path / "out").rglob("pgc1001_d25x2_rot_gri.jpg"))
    with Image.open(colour) as picture:
        assert picture.size == (32, 32)


def test_a_folder_goes_on_where_it_stopped(tmp_path: Path, finished: Path) -> None:
    labelset = LabelSet.open(finished)
    write_folder(labelset, tmp_path / "out")
    files = sorted((tmp_path / "out").rglob("*.jpg"))
    kept, removed = files[0], files[1]
    stamp = kept.stat().st_mtime_ns
    bytes_before = removed.read_bytes()
    removed.unlink()
    write_folder(labelset, tmp_path / "out")
    assert kept.stat().st_mtime_ns == stamp
    assert removed.read_bytes() == bytes_before


def test_a_set_without_pictures_and_an_unknown_layout_are_refused(tmp_path: Path, finished: Path) -> None:
    write_set(tmp_path / "labels", spec=LABELS_ONLY)
    labelset = LabelSet.open(tmp_path / "labels")
    with refuses("no_image"):
        write_npz(labelset, tmp_path / "x.npz")
    with refuses("unknown_format", "'tree'"):
        write_folder(LabelSet.open(finished), tmp_path / "out", layout="tree")
