"""The measurement on real galaxies (tests/bench/real_sky), on a sky of synthetic pictures."""

import csv
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from giz.catalog.services.synthesis import labelset_synthesize
from giz.synthetic.population import render_member
from tests.bench.real_sky.__main__ import SHIPPED
from tests.bench.real_sky.by_look import RENDERED_PX, ROWS, members, seen
from tests.bench.real_sky.figures import auc, cross_validated_line
from tests.bench.real_sky.looks import HEIGHTS, measure_look
from tests.bench.real_sky.sky import FLOORED_DEG, read_sky
from tests.bench.real_sky.unlike import distances, features

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = (
    "file,survey,pgc,class,people,people_inc,axial_ratio,hubble_type_T,contamination,share_of_border_inside,expect,"
    "expect_why"
)
PAD = "def pad(image, factor, seed=0):\n    return image\n"


def run(*arguments: str, module: str = "tests.bench.real_sky") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )


def made_sky(folder: Path) -> Path:
    """Twenty galaxies, two of them face-on and two rejected by people who never saw them."""
    sky = folder / "sky"
    (sky / "efigi88").mkdir(parents=True)
    (folder / "tools").mkdir()
    (folder / "tools" / "pad.py").write_text(PAD)
    with (sky / "sky.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS.split(","))
        number = 0
        for pgc in range(1, 21):
            made = None
            while made is None or made.member.reject_reason or "gri" not in made.pictures:
                made = render_member(11, number, 64)
                number += 1
            Image.fromarray(made.pictures["gri"]).save(sky / "efigi88" / f"PGC{pgc}.png")
            verdict = {1: "F", 2: "F", 3: "J", 4: "J"}.get(pgc, "A")
            deg = str(int(made.inclination_deg or 0)) if verdict == "A" else ""
            writer.writerow(
                [f"efigi88/PGC{pgc}.png", "made", pgc, "spiral", verdict if verdict != "A" else deg, deg, "", "4.0",
                 "0.0", "0.03" if pgc > 15 else "0.0", "", ""]
            )  # fmt: skip
    return sky


def test_without_the_real_pictures_it_says_so(tmp_path: Path) -> None:
    done = run("--sky", str(tmp_path / "none"))
    assert done.returncode == 0
    assert "nothing is measured" in done.stdout
    done = run("--sky", str(tmp_path / "none"), module="tests.bench.real_sky.label_curve")
    assert (done.returncode, "nothing is measured" in done.stdout) == (0, True)


def test_it_measures_a_sky_and_writes_a_page_outside_of_the_repository(tmp_path: Path) -> None:
    sky, out = made_sky(tmp_path), tmp_path / "out"
    done = run("--sky", str(sky), "--out", str(out), "--term")
    assert "taken from the other half of the galaxies" in done.stdout
    assert done.returncode == 0, done.stderr
    assert "fitted on half 0: outside" in done.stdout
    assert "in this code: outside" in done.stdout
    assert "20 pictures, 16 measured by people from 45°" in done.stdout
    assert {path.name for path in out.iterdir()} >= {
        "real-sky.html",
        "answers.csv",
        "error.svg",
        "rms.svg",
        "stated.svg",
    }
    assert "data:image/png" in (out / "real-sky.html").read_text()
    refused = run("--sky", str(sky), "--out", str(ROOT / "giz" / "real"))
    assert refused.returncode != 0
    assert not (ROOT / "giz" / "real").exists()


def test_every_look_shows_the_same_galaxies_its_own_way() -> None:
    inclination_deg, pictures = seen(next(members()))
    assert 45.0 <= inclination_deg <= 90.0
    assert set(pictures) == {look for look, _, _ in ROWS}
    reds = [found["r"] for found in pictures.values() if "r" in found]
    assert all((one != other).mean() > 0.5 for one, other in pairwise(reds))
    for look, _, bands in ROWS:
        assert all(pictures[look][band].shape[:2] == (RENDERED_PX, RENDERED_PX) for band in bands)


def test_features_of_known_pictures_are_near_and_those_of_noise_are_far() -> None:
    rng = np.random.default_rng(5)
    made = [render_member(11, number, 128).pictures["gri"] for number in (1, 2, 3, 4, 5, 7)]
    noise = [rng.integers(0, 256, (128, 128, 3), np.uint8) for _ in range(2)]
    found = features(SHIPPED, np.stack(made + noise))
    assert found.shape == (8, 128)
    far = distances(found[:6], found)
    assert far[6:].min() > far[:6].max()


def test_labels_that_were_rounded_down_are_brought_back(tmp_path: Path) -> None:
    rows = read_sky(made_sky(tmp_path))
    measured = [row for row in rows if row.is_measured]
    assert len(measured) == 16
    assert all(row.people_deg % 1 == FLOORED_DEG for row in measured)
    assert [row.verdict for row in rows[:4]] == ["F", "F", "J", "J"]
    assert sum(row.is_cut for row in rows) == 5


def test_the_last_layers_learn_from_real_labels_and_nothing_is_written(tmp_path: Path) -> None:
    done = run(
        *("--sky", str(made_sky(tmp_path)), "--out", str(tmp_path / "out"), "--labels", "0", "16", "--splits", "1"),
        *("--head-steps", "3", "--synthetic", str(_synthetic(tmp_path)), "--guard", str(_synthetic(tmp_path))),
        module="tests.bench.real_sky.label_curve",
    )
    assert done.returncode == 0, done.stderr
    assert "20 labels, 16 of them inclinations" in done.stdout
    none, sixteen = (line for line in done.stdout.splitlines() if "whole RMS" in line)
    assert none.split(";")[1] != sixteen.split(";")[1]


def _synthetic(folder: Path) -> Path:
    made = folder / "synthetic"
    if not made.exists():
        labelset_synthesize(folder=made, galaxies=300, size_px=128, seed=3, workers=1)
    return made


def test_the_line_is_fitted_without_the_galaxies_it_is_used_on() -> None:
    rng = np.random.default_rng(3)
    people = rng.uniform(50, 85, 400)
    answer = 20.0 + 0.7 * people + rng.normal(0.0, 0.5, 400)
    line = cross_validated_line(answer, people, list(range(400)))
    assert np.sqrt(np.mean((line - people) ** 2)) == pytest.approx(0.5 / 0.7, rel=0.15)
    # Of noise alone a line that knew its own galaxies would make something.
    noise = rng.normal(70.0, 5.0, 400)
    assert np.sqrt(np.mean((cross_validated_line(noise, people, list(range(400))) - people) ** 2)) >= people.std()


def test_auc_counts_pairs() -> None:
    assert auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])) == 0.75
    assert auc(np.array([0.5, 0.5]), np.array([False, True])) == 0.5


def test_a_look_finds_the_tilt_the_sky_and_the_stars() -> None:
    y, x = np.mgrid[:128, :128] - 63.5
    light = 150.0 * np.exp(-np.hypot(x, y / 0.5) / 9.0) + 12.0
    star = 120.0 * np.exp(-((x - 49.5) ** 2 + (y - 49.5) ** 2) / (2 * (2.0 / 2.3548) ** 2))
    picture = np.clip(light + star, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    look = measure_look(picture)
    assert look.sky == 12.0
    assert look.tilt_deg[HEIGHTS.index(0.15)] == pytest.approx(62.1, abs=1.5)
    assert look.star_fwhm_px == pytest.approx(2.0, abs=0.3)
    assert look.star_count == 1
    assert look.blueness == pytest.approx(0.0, abs=0.01)
