"""Figures of pictures: sky, noise and contrast are those that were put in; the command compares two sets of them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.lab.display_figures import colour_figures, grey_figures, main


def _grey() -> np.ndarray:
    picture = np.full((512, 512), 232.0) + np.random.default_rng(1).normal(0, 6, (512, 512))
    picture[200:312, 192:320] = 100.0
    return np.clip(picture, 0, 255).astype(np.uint8)


def test_sky_noise_and_the_curve_along_the_major_axis_are_measured() -> None:
    figures = grey_figures(_grey())
    assert figures["sky level"] == pytest.approx(232, abs=1)
    assert figures["sky noise"] == pytest.approx(6, abs=1)
    assert figures["at 0 R25"] == figures["at 0.25 R25"] == 100
    assert figures["at 1 R25"] == pytest.approx(232, abs=2)


def test_a_blue_disk_is_told_from_a_red_one() -> None:
    picture = np.zeros((512, 512, 3), np.uint8)
    picture[..., 2] = 50
    assert colour_figures(picture)["disk blue - red"] == 50


def test_the_command_prints_real_beside_ours_and_answers_a_wrong_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(_grey()).save(tmp_path / "pgc7_d25x2_rot_r.png")
    Image.fromarray(np.zeros((512, 512, 3), np.uint8)).save(tmp_path / "pgc7_d25x2_rot_gri.jpg")
    main(["--real", str(tmp_path), "--count", "1"])
    level = next(line for line in capsys.readouterr().out.splitlines() if "sky level" in line)
    assert level.startswith(("| greys | sky level | 231 (231 to 231) |", "| greys | sky level | 232 (232 to 232) |"))
    with pytest.raises(SystemExit):
        main(["--real", str(tmp_path / "nothing")])
    assert "--real must be a folder" in capsys.readouterr().err
