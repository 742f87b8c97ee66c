"""Several networks answer as one: the median, an interval that widens where they disagree, mean probabilities."""

import numpy as np
import pytest

from giz.training.nn.predictor import Ensemble, NetworkOutput, combined
from tests.refusals import refuses


def said(*degrees: float, width: float = 1.0, rejection: float = 0.2) -> NetworkOutput:
    n = len(degrees)
    widths = np.tile(np.array([[width, 1.96 * width]], np.float32), (n, 1))
    return NetworkOutput(np.array(degrees, np.float32), widths, np.full(n, rejection, np.float32), None)


class Fixed:
    """A network that always says the same."""

    def __init__(self, answer: NetworkOutput, *, size_px: int = 128, takes_all_bands: bool = False) -> None:
        self.answer, self.size_px, self.takes_all_bands = answer, size_px, takes_all_bands
        self.card = {"network": "model4", "flavour": 2}

    def predict(self, pictures: object, present: object, main_band: str = "gri") -> NetworkOutput:
        return self.answer


def test_the_median_and_the_mixture() -> None:
    one = combined([said(60, 50, rejection=0.1), said(60, 52, rejection=0.3), said(60, 60, rejection=0.2)])
    assert one.inclination_deg is not None
    assert one.half_widths_deg is not None
    assert one.rejection is not None
    assert one.inclination_deg.tolist() == [60, 52]
    assert one.rejection == pytest.approx([0.2, 0.2])
    # Where all say the same it is as wide as theirs; else the variance of what they say comes on top.
    assert one.half_widths_deg[0] == pytest.approx([1.0, 1.96])
    assert one.half_widths_deg[1, 0] == pytest.approx(np.sqrt(1 + np.var([50, 52, 60])))
    assert one.reasons is None


def test_networks_that_measure_and_networks_that_judge_stand_together() -> None:
    judging = NetworkOutput(rejection=np.array([0.9], np.float32))
    measuring = NetworkOutput(np.array([70.0], np.float32))
    together = Ensemble([Fixed(measuring), Fixed(judging)])
    one = together.predict(np.zeros((1, 6, 2, 2), np.uint8), np.ones((1, 4), bool))
    assert one.inclination_deg == pytest.approx([70.0])
    assert one.rejection == pytest.approx([0.9])
    assert one.half_widths_deg is None
    assert together.card["members"] == ["model42", "model42"]


def test_networks_that_take_other_pictures_are_no_ensemble() -> None:
    with refuses("mixed_ensemble"):
        Ensemble([Fixed(said(60)), Fixed(said(60), size_px=64)])
    with refuses("mixed_ensemble"):
        Ensemble([Fixed(said(60)), Fixed(said(60), takes_all_bands=True)])
