"""Show what a network is given to learn from: one page of changed pictures, and labels before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from giz.core.plot import Plot, Series
from giz.training.nn.data import BANDS, CHANNELS, COLOUR, LOWEST_DEG, Rows, TrainingData, bin_of
from giz.training.pages import BAND_NAMES, gallery
from giz.training.services.runs import labelset_opened, refusals

BATCHES_COUNTED = 50
BIN_LABELS = [f"{LOWEST_DEG + 5 * number:.0f}" for number in range(9)]


def augmentation_page(*, labelset: Path, network: str, seed: int, count: int) -> str:
    """The page as HTML: the first `count` pictures of a run's batches, and the two distributions."""
    data = labelset_opened(labelset)
    with refusals():
        from giz.training.nn.augment import Augmenter, augmentation_for
        from giz.training.nn.batches import BatchPlan, usual_size
        from giz.training.nn.feed import make_sample
        from giz.training.nn.learners import learner_for

        learner = learner_for(network, data.size_px)
        size = usual_size(learner.task)
        plan = BatchPlan(data, task=learner.task, size=size, seed=seed, all_bands=learner.all_bands)
        augmenter = Augmenter(augmentation_for(data.labelset.manifest["origin"]))
        shown: list[tuple[npt.NDArray[np.uint8], str]] = []
        for number in range(-(-count // size)):
            batch = plan.batch(number)
            pictures = (make_sample(data, batch, augmenter).pictures.numpy() * 255).round().astype(np.uint8)
            for slot, picture in enumerate(pictures[: count - len(shown)]):
                band = BANDS[batch.main_band[slot]]
                shown.append((_visible(picture, band), _words(data, int(batch.rows[slot]), band)))
        drawn = np.concatenate([plan.batch(number).rows for number in range(BATCHES_COUNTED)])
    plots = [_bars(data, data.rows("train"), "In the label set"), _bars(data, drawn, f"In {BATCHES_COUNTED} batches")]
    return gallery(
        f"What the network {network} learns from: {data.labelset.manifest['title']}",
        [plot.svg() for plot in plots],
        shown,
    )


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
