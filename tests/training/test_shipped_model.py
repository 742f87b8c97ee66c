"""The network that comes with GIZ: there, small, what its cards say, and it measures without torch."""

import hashlib
import json
import subprocess
import sys

import numpy as np

from giz.synthetic.population import draw_member, render_member
from giz.training.model_card import card_text
from giz.training.nn.data import BANDS, CHANNELS, COLOUR
from giz.training.nn.predictor import Predictor
from giz.training.services.shipping import SHIPPED_FOLDER

FILE = SHIPPED_FOLDER / "ours.onnx"
MOST_BYTES = 8_000_000
SEED = 90_001


def test_the_file_is_small_and_is_the_one_of_its_cards() -> None:
    data, told = FILE.read_bytes(), json.loads((SHIPPED_FOLDER / "ours.json").read_text())
    assert len(data) == told["bytes"] <= MOST_BYTES
    assert hashlib.sha256(data).hexdigest() == told["sha256"]
    inside = Predictor(FILE).card
    assert told["card"] == {key: value for key, value in inside.items() if key != "format"}
    assert (SHIPPED_FOLDER / "MODEL_CARD.md").read_text() == card_text(told)


def test_it_measures_synthetic_galaxies_that_it_has_not_seen_and_knows_what_to_reject() -> None:
    predictor = Predictor(FILE, threads=1)
    errors, right = [], []
    for number in range(70):
        made = render_member(SEED, number, predictor.size_px)
        pixels = np.zeros((1, 6, predictor.size_px, predictor.size_px), np.uint8)
        for band, picture in made.pictures.items():
            pixels[0, CHANNELS[band]] = picture.transpose(2, 0, 1) if band == COLOUR else picture
        said = predictor.predict(pixels, np.array([[band in made.pictures for band in BANDS]]))
        assert said.inclination_deg is not None
        assert said.rejection is not None
        is_reject = bool(draw_member(SEED, number).reject_reason)
        right.append((said.rejection[0] >= 0.5) == is_reject)
        if not is_reject:
            errors.append(said.inclination_deg[0] - made.member.inclination_deg)
    assert np.sqrt(np.mean(np.square(errors))) < 3.0
    assert np.mean(right) > 0.85


def test_it_answers_where_torch_is_not_installed() -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from giz.training.nn.predictor import Predictor\n"
        f"said = Predictor(Path({str(FILE)!r})).predict(np.zeros((1, 6, 128, 128), np.uint8), np.ones((1, 4), bool))\n"
        "print(45 <= said.inclination_deg[0] <= 90)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "True"
