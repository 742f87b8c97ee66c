"""Ask a trained network by ONNX Runtime, or several networks as one. This is what serves, without torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from giz.core.vocabulary import COLOUR
from giz.training.nn.data import BIN_COUNT, CHANNELS, TrainingError
from giz.training.nn.metrics import LEVELS, ensemble
from giz.training.nn.real_error import FACTORS_NAME, RealError, scaled, widened

CARD_KEY = "giz"
MODEL_FORMAT = "giz-model-1"
# Half widths of the 68 and 95 % intervals of a normal distribution, in standard deviations.
NORMAL_WIDTHS = (1.0, 1.96)
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class NetworkOutput:
    """Answers about n galaxies; None where the network gives none.

    inclination_deg : (n,). half_widths_deg : (n, 2), of the 68 and the 95 % interval. rejection : (n,) probability.
    reasons : (n, 9) probability of each of `REASONS`.
    """

    inclination_deg: Floats | None = None
    half_widths_deg: Floats | None = None
    rejection: Floats | None = None
    reasons: Floats | None = None


class Predictor:
    """One network, loaded once. `card` describes it and what it was trained on.

    Its intervals are those of the network; with factors in the card, which were measured on labels of people, these
    times the factors; else with a term for real pictures in the card, wider by that.
    """

    def __init__(self, model: bytes | Path, *, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Spinning while waiting costs 40 % more CPU, and is slower on a busy machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        source = model if isinstance(model, bytes) else str(model)
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
            self.card: dict[str, Any] = json.loads(self._session.get_modelmeta().custom_metadata_map[CARD_KEY])
            if self.card["format"] != MODEL_FORMAT:
                raise ValueError("another format")
            self.real_error = RealError.of(self.card)
            self.interval_factors = _factors(self.card)
        except Exception as error:  # noqa: BLE001 - the runtime's errors have no other base in common
            name = "It" if isinstance(model, bytes) else str(model)
            raise TrainingError("bad_model", f"{name} is not a GIZ model ({type(error).__name__}).") from None
        self.size_px = int(self.card["size_px"])
        self.takes_all_bands = len(self._session.get_inputs()) == 2

    def has_real_errors(self, bands: Sequence[str]) -> bool:
        """Return whether what it states of a galaxy with these bands rests on real galaxies, not on those of training.

        That is so of colour pictures alone where the card says how they were measured (`real_error`), and of all
        pictures once intervals were scaled by labels.
        """
        return self.interval_factors is not None or (self.real_error is not None and list(bands) == [COLOUR])

    def run(self, *inputs: npt.NDArray[np.float32]) -> list[Floats]:
        names = [wanted.name for wanted in self._session.get_inputs()]
        answers: list[Floats] = self._session.run(None, dict(zip(names, inputs, strict=True)))
        return answers

    def predict(
        self, pictures: npt.NDArray[np.uint8], present: npt.NDArray[np.bool_], main_band: str = "gri"
    ) -> NetworkOutput:
        """Answer about galaxies.

        Parameters
        ----------
        pictures : (n, 6, S, S) uint8: g, r, i, red, green, blue, as label sets hold them.
        present : (n, 4) bands that are there.
        main_band : what a network of one band is shown.
        """
        shown = np.asarray(pictures, np.float32) / np.float32(255)
        if self.takes_all_bands:
            answer_deg, half_widths_deg, *verdict = self.run(shown, present.astype(np.float32))
            if self.interval_factors is not None:
                half_widths_deg = scaled(half_widths_deg, answer_deg, self.interval_factors)
            elif self.real_error is not None:
                half_widths_deg = widened(half_widths_deg, self.real_error.sigma_deg(pictures, present))
            return NetworkOutput(answer_deg, half_widths_deg, *verdict)
        shown = shown[:, CHANNELS[main_band]]
        (answer,) = self.run(np.ascontiguousarray(np.broadcast_to(shown, (len(shown), 3, *shown.shape[2:]))))
        is_binary = str(self.card.get("network", "")).endswith("-binary")
        return NetworkOutput(rejection=answer) if is_binary else NetworkOutput(inclination_deg=answer)


def _factors(card: dict[str, Any]) -> npt.NDArray[np.float64] | None:
    if FACTORS_NAME not in card:
        return None
    factors = np.asarray(card[FACTORS_NAME], float)
    if factors.shape != (BIN_COUNT, len(LEVELS)) or not (np.isfinite(factors) & (factors > 0.0)).all():
        raise ValueError("factors of intervals that no intervals can have")
    return factors


class Answering(Protocol):
    """What can be asked: a `Predictor`, or an `Ensemble` of them."""

    card: dict[str, Any]
    size_px: int
    takes_all_bands: bool

    def predict(
        self, pictures: npt.NDArray[np.uint8], present: npt.NDArray[np.bool_], main_band: str = "gri"
    ) -> NetworkOutput: ...


class Ensemble:
    """Networks that take the same pictures; some may measure and others give verdicts (`-binary`)."""

    def __init__(self, members: Sequence[Answering]) -> None:
        """Raises TrainingError ``mixed_ensemble``."""
        self.members = list(members)
        if len({(member.takes_all_bands, member.size_px) for member in members}) != 1:
            raise TrainingError(
                "mixed_ensemble", "The networks of an ensemble must take the same pictures: one size, all bands or one."
            )
        self.size_px, self.takes_all_bands = members[0].size_px, members[0].takes_all_bands
        names = [f"{member.card.get('network', '')}{member.card.get('flavour') or ''}" for member in members]
        self.card: dict[str, Any] = {"network": "ensemble", "members": names}

    def predict(
        self, pictures: npt.NDArray[np.uint8], present: npt.NDArray[np.bool_], main_band: str = "gri"
    ) -> NetworkOutput:
        """Predict as `Predictor` does; None where no member answers."""
        return combined([member.predict(pictures, present, main_band) for member in self.members])


def combined(answers: Sequence[NetworkOutput]) -> NetworkOutput:
    """Combine answers about the same galaxies: median inclination, width of the mixture, mean probabilities.

    The variance of a mixture is the mean of the variances plus the variance of the means, so the interval widens where
    the networks disagree, however certain each of them is.
    """
    measured = [one for one in answers if one.inclination_deg is not None]
    median = half_widths = None
    if measured:
        median, spread = ensemble([one.inclination_deg for one in measured if one.inclination_deg is not None])
        widths = [one.half_widths_deg for one in measured if one.half_widths_deg is not None]
        if len(widths) == len(measured):
            apart = np.outer(spread, NORMAL_WIDTHS)
            half_widths = np.sqrt(np.mean(np.square(widths), axis=0) + apart**2).astype(np.float32)
    return NetworkOutput(
        None if median is None else median.astype(np.float32),
        half_widths,
        _mean([one.rejection for one in answers if one.rejection is not None]),
        _mean([one.reasons for one in answers if one.reasons is not None]),
    )


def _mean(values: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32] | None:
    return np.asarray(np.mean(np.stack(values), axis=0), np.float32) if values else None
