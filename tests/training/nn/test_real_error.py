"""What real pictures add to stated errors: by how a picture looks, never narrower, and as the file's card says."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from PIL import Image

from giz.core.vocabulary import BANDS
from giz.training.nn.data import CHANNELS, TrainingError
from giz.training.nn.export import write_card
from giz.training.nn.metrics import BIN_COUNT
from giz.training.nn.predictor import CARD_KEY, Predictor
from giz.training.nn.real_error import COARSE_BELOW, RealError, look_of, scaled, widened
from tests.training.discs import SIZE_PX

TERM = RealError(outside_deg=80.0, coarse_deg=30.0)
ONLY_COLOUR = np.array([[False, False, False, True]])


def galaxy(reach: float, side: int = 128) -> npt.NDArray[np.uint8]:
    """A disk in colour (1, 3, S, S) whose light falls by e in `reach` half sides, with noise."""
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / (side / 2)
    light = 12.0 + 200.0 * np.exp(-np.hypot(x, 2.0 * y) / reach)
    noisy = light + np.random.default_rng(1).normal(0.0, 2.0, light.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)[None, None].repeat(3, axis=1)


def with_all_bands(colour: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    pictures = np.zeros((len(colour), 6, *colour.shape[2:]), np.uint8)
    pictures[:, CHANNELS["gri"]] = colour
    return pictures


def made_small(colour: npt.NDArray[np.uint8], size_px: int) -> npt.NDArray[np.uint8]:
    side = colour.shape[-1]
    small = Image.fromarray(colour[0].transpose(1, 2, 0)).resize((size_px, size_px), Image.Resampling.LANCZOS)
    return np.asarray(small.resize((side, side), Image.Resampling.LANCZOS)).transpose(2, 0, 1)[None]


def test_a_galaxy_that_fills_its_frame_has_a_larger_term() -> None:
    small, large = (TERM.sigma_deg(with_all_bands(galaxy(reach)), ONLY_COLOUR)[0] for reach in (0.08, 0.25))
    assert small < 0.5
    assert large > 2.0


def test_a_picture_that_was_enlarged_has_a_larger_term() -> None:
    sharp = galaxy(0.08)
    coarse = [float(look_of(made_small(sharp, size_px))[1][0]) for size_px in (128, 64, 24)]
    assert coarse[:2] == [0.0, 0.0]
    assert 0.0 < coarse[2] < COARSE_BELOW


@pytest.mark.parametrize("band", BANDS[:3])
def test_a_picture_in_a_calibrated_band_has_no_term(band: str) -> None:
    pictures = with_all_bands(galaxy(0.25))
    pictures[:, CHANNELS[band]] = 200
    alone, with_colour = (np.array([[name in shown for name in BANDS]]) for shown in ([band], [band, "gri"]))
    assert TERM.sigma_deg(pictures, alone).tolist() == TERM.sigma_deg(pictures, with_colour).tolist() == [0.0]


def test_a_picture_without_light_or_detail_is_measured_without_an_error() -> None:
    for value in (0, 90, 255):
        sigma = TERM.sigma_deg(np.full((2, 6, 32, 32), value, np.uint8), ONLY_COLOUR.repeat(2, axis=0))
        assert np.isfinite(sigma).all()


def test_intervals_never_become_narrower() -> None:
    rng = np.random.default_rng(2)
    half, sigma = rng.uniform(0.5, 8.0, (50, 2)), rng.uniform(0.0, 5.0, 50)
    wide = widened(half, sigma)
    assert (wide >= half.astype(np.float32)).all()
    assert widened(np.array([[3.0, 6.0]]), np.array([4.0]))[0] == pytest.approx([4.97, 9.87], abs=0.02)
    assert np.array_equal(widened(half, np.zeros(50)), half.astype(np.float32))


def test_factors_are_chosen_by_the_bin_of_the_answer() -> None:
    factors = np.tile([1.0, 2.0], (BIN_COUNT, 1))
    factors[-1] = [1.5, 4.0]
    found = scaled(np.array([[2.0, 9.0], [2.0, 9.0]]), np.array([50.0, 90.0]), factors)
    assert found.tolist() == [[2.0, 4.0], [3.0, 8.0]]


def test_the_card_decides_and_an_older_file_answers_as_before(model_file: Path, tmp_path: Path) -> None:
    pictures = with_all_bands(galaxy(0.25, SIZE_PX))
    old = Predictor(model_file).predict(pictures, ONLY_COLOUR)
    card = {"network": "ours"}
    files = {"term": card | {"real_error": TERM.as_json()}, "factors": card | {"interval_factors": [[2.0, 5.0]] * 9}}
    said = {}
    for name, written in files.items():
        write_card(model_file, tmp_path / name, written | {"real_error": TERM.as_json()})
        said[name] = Predictor(tmp_path / name).predict(pictures, ONLY_COLOUR)
        assert said[name].inclination_deg == pytest.approx(old.inclination_deg)
    assert old.half_widths_deg is not None
    sigma = TERM.sigma_deg(pictures, ONLY_COLOUR)
    assert said["term"].half_widths_deg == pytest.approx(widened(old.half_widths_deg, sigma))
    asked = {name: Predictor(tmp_path / name) for name in files} | {"old": Predictor(model_file)}
    rest_on_real = {
        name: [one.has_real_errors(bands) for bands in (["gri"], ["r"], ["gri", "r"])] for name, one in asked.items()
    }
    assert rest_on_real == {"term": [True, False, False], "factors": [True] * 3, "old": [False] * 3}
    assert said["factors"].half_widths_deg == pytest.approx(old.half_widths_deg[:, :1] * np.array([[2.0, 5.0]]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"real_error": {"outside_deg": -1.0, "coarse_deg": 0.0}},
        {"real_error": {"outside_deg": float("nan"), "coarse_deg": 0.0}},
        {"real_error": {"outside_deg": 1.0}},
        {"interval_factors": [[1.0, 2.0]]},
        {"interval_factors": [[0.0, 2.0]] * 9},
    ],
)
def test_a_file_with_a_term_that_can_not_be_is_refused(model_file: Path, wrong: dict[str, object]) -> None:
    model = onnx.load(model_file)
    inside = next(entry for entry in model.metadata_props if entry.key == CARD_KEY)
    inside.value = json.dumps(json.loads(inside.value) | wrong)
    with pytest.raises(TrainingError) as refused:
        Predictor(model.SerializeToString())
    assert refused.value.code == "bad_model"
