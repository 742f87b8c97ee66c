"""The contact sheets."""

from pathlib import Path

import pytest
from PIL import Image

from giz.synthetic import make_galaxy
from giz.synthetic.contact_sheet import main, pair_rows, real_galaxies, sheet


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
