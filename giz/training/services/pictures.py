"""Measure a network on pictures in a folder, named as astronomers name them: a final test on real galaxies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.catalog.formats.inclinations import read_inclinations
from giz.catalog.formats.pictures import PictureGroup, group_pictures
from giz.core.errors import Refused
from giz.core.vocabulary import BANDS, COLOUR, REASONS
from giz.imaging.decoder import picture_decode
from giz.imaging.errors import UnusableFileError
from giz.imaging.sizes import square
from giz.training.nn.data import pictures_stack
from giz.training.nn.metrics import inclination_metrics
from giz.training.nn.predictor import NetworkOutput, Predictor
from giz.training.services.runs import refusals

Pixels = npt.NDArray[np.uint8]


@dataclass
class Looked:
    """A network's answers about one galaxy, with all bands and with each alone; degrees and probabilities."""

    pgc: int
    truth_deg: float | None
    pictures: dict[str, Pixels]
    answer_deg: float = 0.0
    half_width_95_deg: float | None = None
    rejection: float | None = None
    reason: str = ""
    by_band_deg: dict[str, float] = field(default_factory=dict)

    @property
    def error_deg(self) -> float | None:
        return None if self.truth_deg is None else self.answer_deg - self.truth_deg


def pictures_evaluate(
    *, model: Path, folder: Path, truth: Path | None, on_progress: Callable[[int, int], None] | None = None
) -> tuple[list[Looked], list[tuple[str, str]]]:
    """Ask about every galaxy of a folder. Returns the galaxies in order, and the unusable files with the reasons."""
    with refusals():
        predictor = Predictor(model)
    outside = read_inclinations(truth, by_reference=False) if truth else []
    known = {one.pgc: one.inclination_deg for one in outside}
    if not folder.is_dir():
        raise Refused("no_folder", f"{folder} is not a folder.")
    groups, unusable = group_pictures(str(path) for path in folder.iterdir() if path.is_file())
    galaxies: dict[int, Looked] = {}
    for group in groups:
        pixels = _first_readable(group, predictor.size_px, unusable)
        if pixels is not None:
            galaxy = galaxies.setdefault(group.pgc, Looked(group.pgc, known.get(group.pgc), {}))
            galaxy.pictures[group.band] = pixels
    if not galaxies:
        raise Refused("no_pictures", f"{folder} holds no picture named pgc<number>_d25x2_rot_<gri|g|r|i>.png or .jpg.")
    for done, galaxy in enumerate(galaxies.values(), start=1):
        _ask(predictor, galaxy)
        if on_progress:
            on_progress(done, len(galaxies))
    return list(galaxies.values()), unusable


def summary(galaxies: list[Looked]) -> dict[str, Any]:
    """Return errors over the galaxies of known inclination, in all and by band."""
    known = [galaxy for galaxy in galaxies if galaxy.truth_deg is not None]
    found: dict[str, Any] = {"galaxies": len(galaxies), "with_truth": len(known), "by_band": {}}
    if known:
        truth = [galaxy.truth_deg or 0.0 for galaxy in known]
        found["inclination"] = asdict(inclination_metrics([galaxy.answer_deg for galaxy in known], truth))
    for band in BANDS:
        mine = [galaxy for galaxy in known if band in galaxy.by_band_deg]
        if mine:
            errors = [galaxy.by_band_deg[band] - (galaxy.truth_deg or 0.0) for galaxy in mine]
            found["by_band"][band] = {
                "galaxies": len(mine),
                "rms_deg": float(np.sqrt(np.mean(np.square(errors)))),
                "bias_deg": float(np.mean(errors)),
                "worst_deg": float(np.abs(errors).max()),
            }
    return found


def _ask(predictor: Predictor, galaxy: Looked) -> None:
    """Ask in one batch: all bands first, then each alone. For a network of one band, take the median of the bands."""
    bands = [band for band in BANDS if band in galaxy.pictures]
    if predictor.takes_all_bands:
        said = predictor.predict(*pictures_stack(galaxy.pictures, [bands, *([band] for band in bands)]))
        answers = _measured(said).tolist()
        galaxy.answer_deg, galaxy.by_band_deg = answers[0], dict(zip(bands, answers[1:], strict=True))
        if said.half_widths_deg is not None and said.rejection is not None and said.reasons is not None:
            galaxy.half_width_95_deg = float(said.half_widths_deg[0, 1])
            galaxy.rejection = float(said.rejection[0])
            galaxy.reason = REASONS[int(said.reasons[0].argmax())]
        return
    for band in bands:
        pixels, present = pictures_stack(galaxy.pictures, [[band]])
        galaxy.by_band_deg[band] = float(_measured(predictor.predict(pixels, present, band))[0])
    galaxy.answer_deg = float(np.median(list(galaxy.by_band_deg.values())))


def _measured(said: NetworkOutput) -> npt.NDArray[np.float32]:
    if said.inclination_deg is None:
        raise Refused("no_inclination", "This network predicts only a verdict, not an inclination.")
    return said.inclination_deg


def _first_readable(group: PictureGroup, size_px: int, unusable: list[tuple[str, str]]) -> Pixels | None:
    for name in group.candidates:
        try:
            with Path(name.path).open("rb") as file:
                pixels = square(picture_decode(file, "colour" if group.band == COLOUR else "grey"))
        except (UnusableFileError, OSError) as error:
            unusable.append((name.path, str(error)))
            continue
        # Scaled like display files (giz.imaging.sizes).
        scaled = Image.fromarray(pixels).resize((size_px, size_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
        return np.asarray(scaled)
    return None
