"""Measure a network on pictures in a folder, named as the field names them: a last look at real galaxies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.catalog.formats.pictures import PictureGroup, group_pictures
from giz.catalog.formats.table import table_or_refusal
from giz.core.errors import Refused
from giz.imaging.decode import PictureError, decode_picture
from giz.imaging.sizes import square
from giz.training.nn.data import BANDS, CHANNEL_COUNT, CHANNELS, COLOUR, REASON_CODES
from giz.training.nn.metrics import inclination_metrics
from giz.training.nn.predictor import Prediction, Predictor
from giz.training.services.runs import refusals

TRUTH_COLUMNS = ("inclination_deg", "inc", "inclination")
Pixels = npt.NDArray[np.uint8]


@dataclass
class Looked:
    """What a network says of one galaxy: with all bands, and with each alone; degrees and probabilities."""

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
    """Look at every galaxy of a folder. Returns the galaxies by number, and the files that can't be used with why."""
    with refusals():
        predictor = Predictor(model)
    known = _truths(truth) if truth else {}
    if not folder.is_dir():
        raise Refused("no_folder", f"{folder} is no folder.")
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
    """Errors per galaxy over those whose truth is known, and by band."""
    known = [galaxy for galaxy in galaxies if galaxy.truth_deg is not None]
    found: dict[str, Any] = {"galaxies": len(galaxies), "with_truth": len(known), "by_band": {}}
    if known:
        truth = [galaxy.truth_deg or 0.0 for galaxy in known]
        found["inclination"] = inclination_metrics([galaxy.answer_deg for galaxy in known], truth).as_json()
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
    """One batch: all bands first, then each alone. A network of one band answers with the median of its bands."""
    bands = [band for band in BANDS if band in galaxy.pictures]
    if predictor.takes_all_bands:
        said = predictor.predict(*pictures_stack(galaxy.pictures, [bands, *([band] for band in bands)]))
        answers = _measured(said).tolist()
        galaxy.answer_deg, galaxy.by_band_deg = answers[0], dict(zip(bands, answers[1:], strict=True))
        if said.half_widths_deg is not None and said.rejection is not None and said.reasons is not None:
            galaxy.half_width_95_deg = float(said.half_widths_deg[0, 1])
            galaxy.rejection = float(said.rejection[0])
            galaxy.reason = REASON_CODES[int(said.reasons[0].argmax())]
        return
    for band in bands:
        pixels, present = pictures_stack(galaxy.pictures, [[band]])
        galaxy.by_band_deg[band] = float(_measured(predictor.predict(pixels, present, band))[0])
    galaxy.answer_deg = float(np.median(list(galaxy.by_band_deg.values())))


def _measured(said: Prediction) -> npt.NDArray[np.float32]:
    if said.inclination_deg is None:
        raise Refused("no_inclination", "This network gives a verdict only; it does not measure the inclination.")
    return said.inclination_deg


def pictures_stack(pictures: Mapping[str, Pixels], views: list[list[str]]) -> tuple[Pixels, npt.NDArray[np.bool_]]:
    """What `Predictor.predict` takes, one row a view: (n, 6, S, S) pixels and (n, 4) bands that are there.

    ``pictures`` are of one galaxy by band, (S, S) grey or (S, S, 3) colour; a view names the bands that it shows.
    """
    side = next(iter(pictures.values())).shape[0]
    pixels = np.zeros((len(views), CHANNEL_COUNT, side, side), np.uint8)
    present = np.zeros((len(views), len(BANDS)), bool)
    for number, view in enumerate(views):
        for band in view:
            image = pictures[band]
            pixels[number, CHANNELS[band]] = image.transpose(2, 0, 1) if band == COLOUR else image
            present[number, BANDS.index(band)] = True
    return pixels, present


def _first_readable(group: PictureGroup, size_px: int, unusable: list[tuple[str, str]]) -> Pixels | None:
    for name in group.candidates:
        try:
            pixels = square(decode_picture(Path(name.path).read_bytes(), "colour" if group.band == COLOUR else "grey"))
        except (PictureError, OSError) as error:
            unusable.append((name.path, str(error)))
            continue
        # As display files are scaled (giz.imaging.sizes).
        scaled = Image.fromarray(pixels).resize((size_px, size_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
        return np.asarray(scaled)
    return None


def _truths(path: Path) -> dict[int, float]:
    table = table_or_refusal(path)
    column = next((name for name in TRUTH_COLUMNS if name in table.columns), None)
    if "pgc" not in table.columns or column is None:
        raise Refused("bad_table", f"{path.name} needs the columns pgc and {' or '.join(TRUTH_COLUMNS)}.")
    known: dict[int, float] = {}
    for row in table.rows():
        try:
            known[int(row.cells["pgc"])] = float(row.cells[column])
        except (KeyError, ValueError):
            raise Refused("bad_table", f"{path.name}, line {row.line}: pgc and {column} must be numbers.") from None
    return known
