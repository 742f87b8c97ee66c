"""`evaluate_pictures`: a folder of pictures as the field names them, every galaxy told one by one."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from giz.core.errors import Refused
from giz.training.reports import pictures_headline as headline
from giz.training.services.pictures import pictures_evaluate
from tests.memory import at_most
from tests.refusals import refuses
from tests.training.discs import disc, pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two galaxies, one without colour, and three files that can't be used."""
    made = tmp_path / "galaxies"
    made.mkdir()
    for pgc, inclination_deg, left_out in ((11, 50.0, ""), (12, 80.0, "gri")):
        for band, pixels in pictures(disc(inclination_deg, 0.0, 96)).items():
            if band != left_out:
                Image.fromarray(pixels).save(made / f"pgc{pgc}_d25x2_rot_{band}.png")
    (made / "pgc13_d25x2_rot_g.png").write_bytes(b"no picture")
    (made / "holiday.png").write_bytes(b"")
    (tmp_path / "truth.csv").write_text("pgc,inc\n11,50\n99,70\n")
    return made


def test_every_galaxy_is_told_with_all_bands_and_each_alone(
    model_file: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = folder.parent / "page.html"
    call_command(
        "evaluate_pictures", str(model_file), str(folder), truth=str(folder.parent / "truth.csv"), html=str(page)
    )
    out = capsys.readouterr()
    lines = [line for line in out.out.splitlines() if line.startswith("pgc")]
    assert [line.split()[1] for line in lines] == ["11", "12"]
    assert "known  50.0" in lines[0]
    assert "colour" in lines[0]
    assert "known   –" in lines[1]
    assert "colour" not in lines[1]
    assert "2 galaxies, 1 of known inclination" in out.out
    assert "holiday.png: the name is not understood" in out.err
    assert "pgc13_d25x2_rot_g.png" in out.err
    html = page.read_text()
    assert html.count("data:image/png") == 7
    assert "<script" not in html


def test_the_headline_has_thousands_apart_and_a_true_minus() -> None:
    figures = {"rms_deg": 2.5, "mae_deg": 1.75, "bias_deg": -1.5}
    said = headline({"galaxies": 12_000, "with_truth": 11_000, "inclination": figures})
    assert said == "12,000 galaxies, 11,000 of known inclination: RMS 2.50°, MAE 1.75°, bias −1.50° with all bands."


def test_a_grey_and_a_colour_picture_reach_the_network_as_they_are(model_file: Path, folder: Path) -> None:
    from giz.training.nn.predictor import Predictor
    from giz.training.services.pictures import pictures_evaluate

    galaxies, _ = pictures_evaluate(model=model_file, folder=folder, truth=None)
    colour = galaxies[0].pictures["gri"]
    pixels = np.zeros((1, 6, 32, 32), np.uint8)
    pixels[0, 3:] = colour.transpose(2, 0, 1)
    said = Predictor(model_file).predict(pixels, np.array([[False, False, False, True]]))
    assert said.inclination_deg is not None
    assert galaxies[0].by_band_deg["gri"] == pytest.approx(float(said.inclination_deg[0]), abs=1e-3)


def test_mistakes_are_told_in_a_sentence(model_file: Path, folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CommandError, match="holds no picture named"):
        call_command("evaluate_pictures", str(model_file), str(empty))
    with refuses("no_folder"):
        call_command("evaluate_pictures", str(model_file), str(tmp_path / "nowhere"))
    for wrong in ("11,steep", "11,nan", "11,inf", "11,1e999", "11,-40", "11,90.5", "11.5,60", "1e20,60", "11"):
        (tmp_path / "bad.csv").write_text(f"pgc,inc\n{wrong}\n")
        with pytest.raises(CommandError, match=r"bad\.csv, line 2: "):
            call_command("evaluate_pictures", str(model_file), str(folder), truth=str(tmp_path / "bad.csv"))


def test_a_file_as_large_as_a_disk_is_told_and_not_read(model_file: Path, folder: Path) -> None:
    with (folder / "pgc14_d25x2_rot_r.png").open("wb") as file:
        file.truncate(2_000_000_000)
    with at_most(500):
        _galaxies, unusable = pictures_evaluate(model=model_file, folder=folder, truth=None)
    (why,) = [why for path, why in unusable if path.endswith("pgc14_d25x2_rot_r.png")]
    assert "bytes" in why


def test_two_truths_of_one_galaxy_are_a_mistake(model_file: Path, folder: Path, tmp_path: Path) -> None:
    truth = tmp_path / "twice.csv"
    for rows, is_refused in (("11,50\n11,50.0\n", False), ("11,50\n11,70\n", True)):
        truth.write_text("pgcID,inc\n" + rows)
        with pytest.raises(Refused, match="line 3") if is_refused else nullcontext():
            pictures_evaluate(model=model_file, folder=folder, truth=truth)
