"""Measure networks on a label set: one report with all that is to be said. Files only: neither database nor torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.core.errors import Refused
from giz.training.nn.data import BANDS, COLOUR, Side, TrainingData
from giz.training.nn.ensemble import Answering, Ensemble
from giz.training.nn.errors import TrainingError
from giz.training.nn.evaluation import Asked, ask, report_of
from giz.training.nn.predictor import Predictor
from giz.training.nn.report import details, measured
from giz.training.services.axial import MOST_GALAXIES, axial_ratio_compared
from giz.training.services.runs import labelset_opened, refusals
from giz.training.storage import models_folder

OnProgress = Callable[[int, int, str], None]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The report, fit for JSON, and the pictures of its outliers: (galaxy as in the report, picture, its band)."""

    report: dict[str, Any]
    outliers: list[tuple[dict[str, Any], Pixels, str]]


def model_evaluate(
    *,
    models: Sequence[Path],
    labelset: Path,
    side: Side = "test",
    against: Sequence[Path] = (),
    agreement: Path | None = None,
    on_progress: OnProgress | None = None,
) -> Evaluated:
    """Measure one network, or several that answer as one, on one side of the label set.

    Parameters
    ----------
    models : ONNX files; more than one is an ensemble, whose members are compared with it.
    against : further ONNX files to compare with. Files of another size of picture are left out, and named.
    agreement : what `manage.py report agreement --json` has written: how well people agree.
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
        asked = ask(data, network, rows, partial(_say, report_progress, "asking the network"))
        validation = ask(data, network, data.rows("validation"), partial(_say, report_progress, "asking on validation"))
        manifest = data.labelset.manifest
        report = report_of(data, network.card, asked) | {
            "side": side,
            "labelset": {key: manifest[key] for key in ("name", "title", "origin", "digest")},
            "detail": details(data, asked, validation),
            "axial_ratio": _axial(data, asked, report_progress),
            "people": people,
            "models": _others(data, side, [*(models if len(models) > 1 else ()), *against], models, report_progress),
        }
    return Evaluated(report, _outlier_pictures(data, report["outliers"]))


def registered_files() -> list[Path]:
    """The files of every network in the registry, oldest first."""
    return sorted(models_folder().glob("*.onnx"), key=lambda path: (path.stat().st_mtime, path.name))


def _axial(data: TrainingData, asked: Asked, on_progress: OnProgress) -> dict[str, Any] | None:
    rows, said = next(iter(asked.values()))
    if said.inclination_deg is None or not data.is_accepted[rows].any():
        return None
    _, answer_deg, mine = measured(data, rows, said)
    total, done = min(mine.size, MOST_GALAXIES), 0

    def count() -> None:
        nonlocal done
        done += 1
        on_progress(done, total, "measuring axial ratios")

    return axial_ratio_compared(data, mine, answer_deg, count)


def _others(
    data: TrainingData, side: Side, files: Sequence[Path], shown: Sequence[Path], on_progress: OnProgress
) -> list[dict[str, Any]]:
    """Figures of other networks on the same galaxies, in every view that they take, or why there are none."""
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
        said = ask(data, other, data.rows(side), partial(_say, on_progress, f"asking {path.name[:12]}"))
        entry["views"] = report_of(data, other.card, said)["views"]
    return found


def _say(on_progress: OnProgress, words: str, done: int, total: int) -> None:
    on_progress(done, total, words)


def _agreement(path: Path) -> dict[str, Any]:
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
        return {"rms_deg": float(figures["rms_deg"]), "pairs": int(figures["pairs"])}
    except OSError as error:
        raise Refused("bad_path", f"{path} can't be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError):
        raise Refused(
            "bad_agreement", f"{path} is not what `manage.py report agreement --campaign NAME --json FILE` writes."
        ) from None


def _outlier_pictures(data: TrainingData, outliers: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Pixels, str]]:
    """What the network was shown of them; of all bands together the colour, or else the first."""
    found = []
    for galaxy in outliers:
        row = int(np.searchsorted(data.labelset.pgc, galaxy["pgc"]))
        wanted = (COLOUR, *BANDS) if galaxy["view"] == "all" else (galaxy["view"],)
        bands = [band for band in wanted if data.has_band[row, BANDS.index(band)]]
        found.append((galaxy, np.array(data.labelset.image(row, bands[0])), bands[0]))
    return found
