"""The contact sheets."""

from pathlib import Path

import pytest
from PIL import Image

from giz.synthetic import make_galaxy
from tests.lab.contact_sheet import blind_sheet, main, pair_rows, real_galaxies, sheet


def test_a_sheet_has_a_cell_for_every_picture(tmp_path: Path) -> None:
    galaxies = [(f"{tilt}", make_galaxy("Sbc", tilt, 1, size_px=64)) for tilt in (50, 70, 90)]
    assert sheet(pair_rows(galaxies, 40), 40).size == (120, 80)


def test_real_galaxies_are_found_by_their_names_and_a_missing_colour_is_black(tmp_path: Path) -> None:
    Image.new("L", (50, 40), 230).save(tmp_path / "pgc12_d25x2_rot_r.png")
    (((_, grey), (_, colour)),) = real_galaxies(tmp_path, 32)
    assert grey.size == colour.size == (32, 32)
    assert grey.getpixel((5, 5)) == (230, 230, 230)
    assert colour.getpixel((5, 5)) == (0, 0, 0)


def test_a_missing_folder_of_real_images_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), "--real", str(tmp_path / "absent")])
    assert "must be an existing folder" in capsys.readouterr().err


def test_a_size_out_of_range_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), "--size", "5000"])
    assert "--size must be from 64 to 1024; got 5000" in capsys.readouterr().err


def test_the_blind_sheet_shuffles_as_many_of_ours_among_the_real_ones_and_has_a_key(tmp_path: Path) -> None:
    for pgc in range(1, 6):
        Image.new("L", (50, 50), 230).save(tmp_path / f"pgc{pgc}_d25x2_rot_r.png")
        if pgc > 1:  # without colour it would be known at once
            Image.new("RGB", (50, 50), (9, 9, 90)).save(tmp_path / f"pgc{pgc}_d25x2_rot_gri.jpg")
    page, key = blind_sheet(tmp_path, 3, 64, 32, columns=4)
    assert page.size == (4 * 32, 4 * 32)
    rows = [line.split() for line in key.splitlines()]
    assert [len(row) for row in rows] == [4, 4]
    assert sorted(rows[0] + rows[1]) == ["R"] * 4 + ["S"] * 4
    assert rows[0] != ["R"] * 4
    for line, row in enumerate(rows):
        for column, kind in enumerate(row):
            colour = page.getpixel((column * 32 + 16, (2 * line + 1) * 32 + 2))
            assert (abs(colour[2] - 90) < 6) == (kind == "R")
