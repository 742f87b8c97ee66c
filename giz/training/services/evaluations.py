"""Measure networks on a label set and write one report. Works on files, without database or torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.catalog.formats.inclinations import Outside, compared, read_inclinations
from giz.core.errors import Refused
from giz.core.vocabulary import BANDS, COLOUR, GREYS_BY_DEPTH
from giz.imaging.greys import light_of_grey
from giz.imaging.measure import ShapeError, measure_shape
from giz.training.nn.data import LOWEST_DEG, Rows, Side, TrainingData, TrainingError
from giz.training.nn.evaluation import SIGMA_COLUMN, Asked, ask, details, figures, measured, predictions, report_of
from giz.training.nn.metrics import LEVELS, conformal_widths, inclination_metrics
from giz.training.nn.predictor import Answering, Ensemble, Predictor
from giz.training.nn.real_error import COMMON_NAME, FACTORS_NAME, SIGMAS
from giz.training.services.runs import labelset_opened, refusals
from giz.training.storage import models_folder
from standards.grid import inclination_from_axial_ratio

# The axial-ratio method: most galaxies measured, and the order of bands (deep and with little dust first).
MOST_GALAXIES = 400
MEASURED_BANDS = (*GREYS_BY_DEPTH, COLOUR)
# Fewer accepted galaxies can't tell a 95 % interval.
LEAST_LABELS = 50
OnProgress = Callable[[int, int, str], None]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The report as JSON, and the pictures of its outliers: (galaxy as in the report, picture, its band)."""

    report: dict[str, Any]
    outliers: list[tuple[dict[str, Any], Pixels, str]]


def model_evaluate(
    *,
    models: Sequence[Path],
    labelset: Path,
    side: Side = "test",
    against: Sequence[Path] = (),
    agreement: Path | None = None,
    truth: tuple[Path, str] | None = None,
    recalibrate: bool = False,
    on_progress: OnProgress | None = None,
) -> Evaluated:
    """Measure one network, or several as an ensemble, on one side of the label set.

    Parameters
    ----------
    models : ONNX files; several form an ensemble, whose members are compared with it.
    against : further ONNX files to compare with. Those for another picture size are only listed.
    agreement : how well people agree, as written by `manage.py report agreement --json`.
    truth : a table of inclinations from elsewhere, and the name of its reference where the table names none.
    recalibrate : scale the intervals of the network so that they hold the labels of this label set.
    """
    report_progress = on_progress or (lambda _done, _total, _message: None)
    with refusals():
        members = [Predictor(path) for path in models]
        network: Answering = members[0] if len(members) == 1 else Ensemble(members)
        data = labelset_opened(labelset)
        if data.size_px != network.size_px:
            raise Refused(
                "bad_size", f"{models[0]} takes pictures of {network.size_px} px; the label set has {data.size_px} px."
            )
        rows = data.rows(side)
        if not rows.size:
            raise Refused("too_few_galaxies", f"The label set has no {side} galaxies.")
        people = _agreement(agreement) if agreement else None
        outside = read_inclinations(truth[0], name=truth[1]) if truth else None
        recalibrated = _recalibrated(data, network, rows, report_progress) if recalibrate else None
        asked = ask(data, network, rows, partial(_progress, report_progress, "asking the network"))
        validation = ask(
            data, network, data.rows("validation"), partial(_progress, report_progress, "asking on validation")
        )
        manifest = data.labelset.manifest
        report = report_of(data, network.card, asked) | {
            "side": side,
            "labelset": {key: manifest[key] for key in ("name", "title", "origin", "digest")},
            "detail": details(data, asked, validation),
            "axial_ratio": _axial(data, asked, report_progress),
            "people": people,
            "recalibrated": recalibrated,
            "truth": None if outside is None else _against(outside, data, asked),
            "models": _others(data, side, [*(models if len(models) > 1 else ()), *against], models, report_progress),
        }
    return Evaluated(report, _outlier_pictures(data, report["outliers"]))


def _against(outside: Sequence[Outside], data: TrainingData, asked: Asked) -> dict[str, Any]:
    """Compare the network's answers, and the labels of the same galaxies, with inclinations from elsewhere."""
    rows, answers = next(iter(asked.values()))
    pgc, found = data.labelset.pgc[rows], {}
    if answers.inclination_deg is not None:
        widths = None if answers.half_widths_deg is None else answers.half_widths_deg.astype(float)
        found["network"] = compared(outside, pgc, answers.inclination_deg.astype(float), widths)
    has_sigma = any(column.name == SIGMA_COLUMN for column in data.labelset.columns)
    widths = np.outer(data.labelset.column(SIGMA_COLUMN).astype(float)[rows], SIGMAS) if has_sigma else None
    found["labels"] = compared(outside, pgc, data.inclination_deg[rows], widths)
    return found


def recalibrated_write(source: Path, path: Path, report: dict[str, Any]) -> None:
    """Write a copy of a network's file with the scaled intervals of this report, and its common-mode error.

    Raises
    ------
    Refused
        ``bad_path``; ``no_torch``: without the package that writes such files.
    """
    with refusals():
        from giz.training.nn.export import write_card

        try:
            found = {FACTORS_NAME: report["recalibrated"]["factors"]}
            if report["truth"]:
                found[COMMON_NAME] = report["truth"]["network"]["sigma_common_deg"]
            write_card(source, path, Predictor(source).card | found)
        except OSError as error:
            raise Refused("bad_path", f"{path} can't be written ({error.strerror}).") from None


def _recalibrated(data: TrainingData, network: Answering, rows: Rows, on_progress: OnProgress) -> dict[str, Any]:
    """Scale the intervals of `network` by labels that it has not learned from; return the factors and figures.

    These are the validation galaxies, and if it learned from synthetic galaxies only, the other train galaxies, too.
    """
    if not isinstance(network, Predictor) or not network.takes_all_bands:
        raise Refused("no_intervals", "Only the intervals of a single network of ours can be scaled.")
    is_synthetic = (network.card.get("labelset") or {}).get("origin") == "synthetic"
    known = data.rows("validation")
    if is_synthetic:
        known = np.sort(np.concatenate([known, data.rows("train")]))
    if data.is_accepted[known].sum() < LEAST_LABELS:
        few = f"{LEAST_LABELS} accepted galaxies that the network has not learned from are needed to scale intervals"
        raise Refused("too_few_galaxies", f"{few}; there are {data.is_accepted[known].sum()}.")
    before = figures(data, rows, predictions(data, network, rows, "all")).get("coverage")
    network.real_error = network.interval_factors = None
    on_progress(0, known.size, "scaling the intervals")
    said = predictions(data, network, known, "all")
    truth_deg, answer_deg, _ = measured(data, known, said)
    half_deg = np.asarray(said.half_widths_deg, float)[data.is_accepted[known], 0]
    network.interval_factors = conformal_widths(answer_deg - truth_deg, half_deg, answer_deg, LEVELS).round(4)
    return {"galaxies": int(truth_deg.size), "before": before, "factors": network.interval_factors.tolist()}


def registered_files() -> list[Path]:
    """Return the files of all registered networks, oldest first."""
    return sorted(models_folder().glob("*.onnx"), key=lambda path: (path.stat().st_mtime, path.name))


def _axial(data: TrainingData, asked: Asked, on_progress: OnProgress) -> dict[str, Any] | None:
    """Compare the network's inclinations with those from axial ratios of isophotes, on galaxies that both measure."""
    rows, answers = next(iter(asked.values()))
    if answers.inclination_deg is None or not data.is_accepted[rows].any():
        return None
    truth_deg, answer_deg, rows = measured(data, rows, answers)
    chosen = np.unique(np.linspace(0, rows.size - 1, min(rows.size, MOST_GALAXIES)).round().astype(int))
    found = np.full(chosen.size, np.nan)
    for place, row in enumerate(rows[chosen].tolist()):
        band = next(band for band in MEASURED_BANDS if data.has_band[row, BANDS.index(band)])
        found[place] = axial_inclination_deg(data.labelset.image(row, band), band)
        on_progress(place + 1, chosen.size, "measuring axial ratios")
    known = np.isfinite(found)
    if not known.any():
        return None
    figures = {
        "axial_ratio": inclination_metrics(found[known], truth_deg[chosen[known]]),
        "network": inclination_metrics(answer_deg[chosen[known]], truth_deg[chosen[known]]),
    }
    short = {
        name: {key: getattr(one, key) for key in ("rms_deg", "mae_deg", "bias_deg", "outlier_share")}
        for name, one in figures.items()
    }
    return {"galaxies": int(known.sum()), "not_measurable": int((~known).sum()), **short}


def axial_inclination_deg(pixels: Pixels, band: str) -> float:
    """Return the inclination from the axial ratio of the isophote at half of the frame; NaN if none can be measured.

    `pixels` is a picture of a label set: (H, W) in g, r, i, or (H, W, 3) in gri. At least 45 degrees, as for labels and
    networks.
    """
    light = np.asarray(pixels.mean(axis=2)) if band == COLOUR else light_of_grey(pixels)
    try:
        shape = measure_shape(light)
    except ShapeError:
        return float("nan")
    return max(LOWEST_DEG, inclination_from_axial_ratio(min(1.0, shape.axial_ratio)))


def _others(
    data: TrainingData, side: Side, files: Sequence[Path], shown: Sequence[Path], on_progress: OnProgress
) -> list[dict[str, Any]]:
    """Return figures of other networks on the same galaxies, in their views, or why there are none."""
    found: list[dict[str, Any]] = []
    seen = {shown[0].resolve()} if len(shown) == 1 else set()
    for path in files:
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        entry: dict[str, Any] = {"file": path.name}
        found.append(entry)
        try:
            other = Predictor(path)
        except TrainingError as error:
            entry["problem"] = error.detail
            continue
        entry["network"] = f"{other.card.get('network', '')}{other.card.get('flavour') or ''}"
        entry["labelset"] = (other.card.get("labelset") or {}).get("name", "")
        if other.size_px != data.size_px:
            entry["problem"] = f"takes pictures of {other.size_px} px"
            continue
        answers = ask(data, other, data.rows(side), partial(_progress, on_progress, f"asking {path.name[:12]}"))
        entry["views"] = report_of(data, other.card, answers)["views"]
    return found


def _progress(on_progress: OnProgress, words: str, done: int, total: int) -> None:
    on_progress(done, total, words)


def _agreement(path: Path) -> dict[str, Any]:
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
        return {"rms_deg": float(figures["rms_deg"]), "pairs": int(figures["pairs"])}
    except OSError as error:
        raise Refused("bad_path", f"{path} can't be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError):
        raise Refused(
            "bad_agreement", f"{path} was not written by `manage.py report agreement --campaign NAME --json FILE`."
        ) from None


def _outlier_pictures(data: TrainingData, outliers: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Pixels, str]]:
    """Return what the network was shown of them; for all bands together, colour or the first band."""
    found = []
    for galaxy in outliers:
        row = int(np.searchsorted(data.labelset.pgc, galaxy["pgc"]))
        wanted = (COLOUR, *BANDS) if galaxy["view"] == "all" else (galaxy["view"],)
        bands = [band for band in wanted if data.has_band[row, BANDS.index(band)]]
        found.append((galaxy, np.array(data.labelset.image(row, bands[0])), bands[0]))
    return found
