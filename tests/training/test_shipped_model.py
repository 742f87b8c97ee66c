"""The network that comes with GIZ: there, small, what its cards say, and it measures without torch."""

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from giz.core.vocabulary import BANDS, COLOUR
from giz.synthetic.population import draw_member, render_member
from giz.training.nn.data import CHANNELS
from giz.training.nn.predictor import Predictor
from giz.training.storage import SHIPPED_FILE as FILE
from tests.lab.model_card import card_text

MOST_BYTES = 8_000_000
SEED = 90_001


def test_the_file_is_small_and_is_the_one_of_its_cards() -> None:
    data, told = FILE.read_bytes(), json.loads((FILE.parent / "ours.json").read_text())
    assert len(data) == told["bytes"] <= MOST_BYTES
    assert hashlib.sha256(data).hexdigest() == told["sha256"]
    inside = Predictor(FILE).card
    assert told["card"] == {key: value for key, value in inside.items() if key != "format"}
    assert (FILE.parent / "MODEL_CARD.md").read_text() == card_text(told)


@dataclass(frozen=True)
class Unseen:
    """Seventy synthetic galaxies that the network has not seen: pixels (70, 6, n, n), bands (70, 4) and the truth."""

    pixels: npt.NDArray[np.uint8]
    present: npt.NDArray[np.bool_]
    inclination_deg: npt.NDArray[np.float64]
    is_reject: npt.NDArray[np.bool_]

    def rms_error_deg(self, inclination_deg: npt.ArrayLike) -> float:
        """Root mean square error over those that are fit to be measured."""
        errors = (np.asarray(inclination_deg) - self.inclination_deg)[~self.is_reject]
        return float(np.sqrt(np.mean(np.square(errors))))


@pytest.fixture(scope="module")
def unseen() -> Unseen:
    side = Predictor(FILE, threads=1).size_px
    made = [render_member(SEED, number, side) for number in range(70)]
    pixels = np.zeros((len(made), 6, side, side), np.uint8)
    for row, galaxy in zip(pixels, made, strict=True):
        for band, picture in galaxy.pictures.items():
            row[CHANNELS[band]] = picture.transpose(2, 0, 1) if band == COLOUR else picture
    return Unseen(
        pixels,
        np.array([[band in galaxy.pictures for band in BANDS] for galaxy in made]),
        np.array([galaxy.member.inclination_deg for galaxy in made], float),
        np.array([bool(draw_member(SEED, number).reject_reason) for number in range(len(made))]),
    )


def test_it_measures_synthetic_galaxies_that_it_has_not_seen_and_knows_what_to_reject(unseen: Unseen) -> None:
    said = Predictor(FILE, threads=1).predict(unseen.pixels, unseen.present)
    assert said.inclination_deg is not None
    assert said.rejection is not None
    assert unseen.rms_error_deg(said.inclination_deg) < 3.0
    assert np.mean((said.rejection >= 0.5) == unseen.is_reject) > 0.85


def test_it_measures_as_well_where_torch_is_not_installed(unseen: Unseen, tmp_path: Path) -> None:
    np.savez(tmp_path / "unseen.npz", pixels=unseen.pixels, present=unseen.present)
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "import json\n"
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from giz.training.nn.predictor import Predictor\n"
        f"given = np.load({str(tmp_path / 'unseen.npz')!r})\n"
        f"said = Predictor(Path({str(FILE)!r}), threads=1).predict(given['pixels'], given['present'])\n"
        "print(json.dumps(said.inclination_deg.tolist()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert unseen.rms_error_deg(json.loads(done.stdout)) < 3.0
