"""Show what a network is trained on: a page of augmented pictures, and labels before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from giz.core.plot import Plot, Series
from giz.core.report import Picture, Report, page
from giz.core.vocabulary import BANDS, COLOUR
from giz.training.nn.data import CHANNELS, LOWEST_DEG, Rows, TrainingData, bin_of
from giz.training.reports import BAND_NAMES
from giz.training.services.runs import labelset_opened, refusals

BATCHES_COUNTED = 50
BIN_LABELS = [f"{LOWEST_DEG + 5 * number:.0f}" for number in range(9)]


def augmentation_page(*, labelset: Path, network: str, seed: int, count: int) -> str:
    """Return a page (HTML) of the first `count` pictures of a run's batches, and both distributions of labels."""
    data = labelset_opened(labelset)
    with refusals():
        from giz.training.nn.augment import Augmenter, augmentation_for
        from giz.training.nn.batches import BatchPlan, make_sample
        from giz.training.nn.kinds import OURS, check_network, task_of, usual_size

        check_network(network, data.size_px)
        size = usual_size(task_of(network))
        plan = BatchPlan(data, task=task_of(network), size=size, seed=seed, all_bands=network == OURS)
        augmenter = Augmenter(augmentation_for(data.labelset.manifest["origin"]))
        shown: list[Picture] = []
        for number in range(-(-count // size)):
            batch = plan.batch(number)
            pictures = (make_sample(data, batch, augmenter).pictures.numpy() * 255).round().astype(np.uint8)
            for slot, picture in enumerate(pictures[: count - len(shown)]):
                band = BANDS[batch.main_band[slot]]
                words = _words(data, int(batch.rows[slot]), band)
                shown.append(Picture(_visible(picture, band), words, words))
        drawn = np.concatenate([plan.batch(number).rows for number in range(BATCHES_COUNTED)])
    plots = [_bars(data, data.rows("train"), "In the label set"), _bars(data, drawn, f"In {BATCHES_COUNTED} batches")]
    title = f"What the network {network} learns from: {data.labelset.manifest['title']}"
    return page(title, [Report("augmentation", "", plots=plots, pictures=shown)])


def _visible(picture: npt.NDArray[np.uint8], band: str) -> npt.NDArray[np.uint8]:
    channels = picture[CHANNELS[band]]
    return channels.transpose(1, 2, 0) if band == COLOUR else channels[0]


def _words(data: TrainingData, row: int, band: str) -> str:
    inclination_deg = data.inclination_deg[row]
    label = f"{inclination_deg:.1f}°" if np.isfinite(inclination_deg) else "rejected"
    return f"{data.labelset.pgc[row]}, {label}, {BAND_NAMES[band]}"


def _bars(data: TrainingData, rows: Rows, title: str) -> Plot:
    measured = rows[data.is_accepted[rows]]
    counts = np.bincount(bin_of(data.inclination_deg[measured]), minlength=9)
    values = [*counts.tolist(), int(rows.size - measured.size)]
    return Plot(
        title=title,
        x_label="inclination from, degrees",
        y_label="pictures",
        series=[Series("bars", list(range(len(values))), values)],
        x_names=[*BIN_LABELS, "rejected"],
    )
