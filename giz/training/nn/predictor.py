"""Ask a trained network by ONNX Runtime. No torch in here: this is what serves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.training.nn.data import CHANNELS
from giz.training.nn.errors import TrainingError

CARD_KEY = "giz"
MODEL_FORMAT = "giz-model-1"
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Answers about n galaxies; None where the network does not say.

    inclination_deg : (n,). half_widths_deg : (n, 2), of the 68 and the 95 % interval. rejection : (n,) probability.
    reasons : (n, 9) probability of each reason of `REASON_CODES`.
    """

    inclination_deg: Floats | None = None
    half_widths_deg: Floats | None = None
    rejection: Floats | None = None
    reasons: Floats | None = None


class Predictor:
    """One network, loaded once. `card` tells what it is and what it was trained on."""

    def __init__(self, model: bytes | Path, *, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Threads that wait by spinning take a core from whoever else works: 40 % more CPU, slower on a busy machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        source = model if isinstance(model, bytes) else str(model)
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
            self.card: dict[str, Any] = json.loads(self._session.get_modelmeta().custom_metadata_map[CARD_KEY])
            if self.card["format"] != MODEL_FORMAT:
                raise ValueError("another format")
        except Exception as error:  # noqa: BLE001 - the runtime's own errors share no other base
            name = "It" if isinstance(model, bytes) else str(model)
            raise TrainingError("bad_model", f"{name} is no model of GIZ ({type(error).__name__}).") from None
        self.size_px = int(self.card["size_px"])
        self.takes_all_bands = len(self._session.get_inputs()) == 2

    def run(self, *inputs: npt.NDArray[np.float32]) -> list[Floats]:
        names = [wanted.name for wanted in self._session.get_inputs()]
        answers: list[Floats] = self._session.run(None, dict(zip(names, inputs, strict=True)))
        return answers

    def predict(
        self, pictures: npt.NDArray[np.uint8], present: npt.NDArray[np.bool_], main_band: str = "gri"
    ) -> Prediction:
        """Answer about galaxies.

        Parameters
        ----------
        pictures : (n, 6, S, S) uint8: g, r, i, red, green, blue, as label sets hold them.
        present : (n, 4) bands that are there.
        main_band : what a network of one band is shown.
        """
        scaled = np.asarray(pictures, np.float32) / np.float32(255)
        if self.takes_all_bands:
            return Prediction(*self.run(scaled, present.astype(np.float32)))
        shown = scaled[:, CHANNELS[main_band]]
        (answer,) = self.run(np.ascontiguousarray(np.broadcast_to(shown, (len(shown), 3, *shown.shape[2:]))))
        is_binary = str(self.card.get("network", "")).endswith("-binary")
        return Prediction(rejection=answer) if is_binary else Prediction(inclination_deg=answer)
