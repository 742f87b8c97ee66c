"""What is learned from: sides that never mix, pictures as they lie in the label set, clear words about a bad set."""

from pathlib import Path

import numpy as np
import pytest

from giz.core.vocabulary import BANDS, REASONS
from giz.labelset import LabelSet, LabelSetSpec, LabelSetWriter
from giz.training.nn.data import TrainingData, bin_of
from tests.refusals import refuses
from tests.training.discs import COLUMNS, SIZE_PX, galaxy


def test_no_galaxy_stands_on_two_sides(data: TrainingData) -> None:
    sides = [set(data.labelset.pgc[data.rows(side)]) for side in ("train", "validation", "test")]  # type: ignore[arg-type]
    assert all(sides)
    assert sum(map(len, sides)) == len(set.union(*sides)) == 600


def test_bags_are_drawn_from_the_train_side_alone(data: TrainingData) -> None:
    whole = set(data.rows("train"))
    for flavour in (1, 2, 3):
        bag = set(data.rows("train", flavour))
        assert bag < whole
        assert len(bag) / len(whole) == pytest.approx(0.67, abs=0.06)


def test_pictures_are_those_of_the_label_set_and_unwanted_bands_stay_empty(data: TrainingData) -> None:
    rows = np.flatnonzero(data.has_band.all(axis=1))[:3]
    wanted = np.array([[True] * 4, [True, False, False, False], [False, False, False, True]])
    pixels = data.pictures(rows, wanted)
    assert pixels.shape == (3, 6, SIZE_PX, SIZE_PX)
    for number, band in enumerate(BANDS[:3]):
        assert np.array_equal(pixels[0, number], data.labelset.image(int(rows[0]), band))
    assert np.array_equal(pixels[2, 3:].transpose(1, 2, 0), data.labelset.image(int(rows[2]), "gri"))
    assert not pixels[1, 1:].any()
    assert not pixels[2, :3].any()


def test_only_accepted_galaxies_have_an_inclination_to_learn(data: TrainingData) -> None:
    assert np.isfinite(data.inclination_deg[data.is_accepted]).all()
    assert np.isnan(data.inclination_deg[~data.is_accepted]).all()
    assert not (data.is_accepted & data.is_rejected).any()


def test_reasons_come_from_words_in_brackets_and_from_the_verdict_face_on(data: TrainingData) -> None:
    verdict = data.labelset.column("verdict").astype(str)
    named = {code: data.reasons[:, number].astype(bool) for number, code in enumerate(REASONS)}
    assert np.array_equal(named["not_spiral"], verdict == "J")
    assert np.array_equal(named["face_on"], verdict == "F")
    assert not named["HI"].any()


def test_ninety_degrees_belong_to_the_last_bin() -> None:
    assert bin_of([45, 49.99, 50, 89.9, 90]).tolist() == [0, 0, 1, 8, 8]


def test_a_set_without_pictures_is_refused(tmp_path: Path) -> None:
    spec = LabelSetSpec(name="bare", title="Bare", description="No pictures.", origin="test", columns=COLUMNS)
    with LabelSetWriter(tmp_path / "bare", spec) as writer:
        writer.add(galaxy(1)[0], None)
        writer.finish()
    with refuses("no_images"):
        TrainingData.of(LabelSet.open(tmp_path / "bare"))


def test_a_set_without_an_accepted_galaxy_is_refused(tmp_path: Path) -> None:
    spec = LabelSetSpec(
        name="sad",
        title="Sad",
        description="Rejected all.",
        origin="test",
        columns=COLUMNS,
        size_px=SIZE_PX,
        bands=("g", "r", "i", "gri"),
    )
    with LabelSetWriter(tmp_path / "sad", spec) as writer:
        writer.add(*galaxy(4))
        writer.finish()
    with refuses("no_inclinations"):
        TrainingData.of(LabelSet.open(tmp_path / "sad"))
