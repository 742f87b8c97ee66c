"""Does a score of its own tell pictures that show no galaxy better than the verdict does?

The score is the Mahalanobis distance of the features from which the network answers to those of synthetic galaxies to
be measured (Lee et al. 2018). It is compared with the probability of a rejection on the real pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx

from giz.core.vocabulary import BANDS, COLOUR
from giz.training.nn.data import CHANNEL_COUNT, CHANNELS
from giz.training.nn.predictor import Predictor
from tests.bench.real_sky.comparison import synthetic_pictures
from tests.bench.real_sky.figures import BATCH, NO_GALAXY, Answers, Floats, Mask, auc
from tests.bench.real_sky.sky import Pixels, RealPicture

SEED = 5001
# Of the covariance: this share is that of independent features with equal variances, so that it can be inverted.
SHRINKAGE = 0.1
FALSE_ALARMS = (0.01, 0.05)


def features(model: Path, pixels: Pixels) -> Floats:
    """Return what the layers of verdict and inclination are given of each colour picture, (n, features)."""
    graph = onnx.load(model)
    verdict = next(node for node in graph.graph.node if any(name.endswith("verdict.weight") for name in node.input))
    graph.graph.output.append(onnx.helper.make_tensor_value_info(verdict.input[0], onnx.TensorProto.FLOAT, None))
    predictor = Predictor(graph.SerializeToString())
    found = []
    for first in range(0, len(pixels), BATCH):
        colour = pixels[first : first + BATCH].transpose(0, 3, 1, 2)
        shown = np.zeros((len(colour), CHANNEL_COUNT, *colour.shape[2:]), np.float32)
        shown[:, CHANNELS[COLOUR]] = colour / np.float32(255)
        present = np.array([[band == COLOUR for band in BANDS]] * len(colour), np.float32)
        # Greys come first, then colour; there are none here.
        found.append(predictor.run(shown, present)[-1][-len(colour) :])
    return np.concatenate(found).astype(float)


def distances(known: Floats, asked: Floats) -> Floats:
    """Return the Mahalanobis distances of `asked` (n, features) from the distribution of `known`."""
    covariance = np.cov(known.T)
    even = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    factor = np.linalg.cholesky((1 - SHRINKAGE) * covariance + SHRINKAGE * even)
    whitened = np.linalg.solve(factor, (asked - known.mean(axis=0)).T)
    return np.asarray(np.sqrt(np.square(whitened).sum(axis=0)))


def unlike_lines(rows: list[RealPicture], pixels: Pixels, said: Answers, options: argparse.Namespace) -> Iterator[str]:
    """Yield how well the score and the verdict tell no galaxies from those that people judged, and large errors."""
    made, _ = synthetic_pictures(options.unlike, SEED, pixels.shape[1], options.workers, options.rule)
    score = distances(features(options.model, np.stack(made)), features(options.model, pixels))
    is_none = np.array([row.expected_why == NO_GALAXY for row in rows])
    is_measured = np.array([row.is_measured for row in rows])
    is_judged = is_measured | np.array([row.verdict in ("F", "J") for row in rows])
    people_deg = np.array([row.people_deg for row in rows])
    yield f"pictures that show no galaxy ({is_none.sum()}), told from those that people judged ({is_judged.sum()})"
    for name, by in (("distance of the features", score), ("probability of a rejection", said.rejection)):
        error = _ranks(np.abs(said.deg - people_deg)[is_measured])
        correlation = np.corrcoef(_ranks(by[is_measured]), error)[0, 1]
        yield f"  {name:<28} {_told(by, is_none, is_judged)}; rank correlation with the error {correlation:+.2f}"
        for survey in sorted({row.survey for row in rows}):
            mine = np.array([row.survey == survey for row in rows]) & ~is_none & ~is_judged
            if mine.sum() >= 15:
                yield f"    {survey:<60} {mine.sum():4} others, {(by[mine] > _limit(by[is_judged])).mean():5.1%} above"


def _told(by: Floats, is_none: Mask, is_judged: Mask) -> str:
    either = is_none | is_judged
    found = [f"{(by[is_none] > _limit(by[is_judged], share)).mean():.0%} at {share:.0%}" for share in FALSE_ALARMS]
    return f"AUC {auc(by[either], is_none[either]):.3f}, found {', '.join(found)} false alarms"


def _limit(of_judged: Floats, share: float = FALSE_ALARMS[0]) -> float:
    return float(np.quantile(of_judged, 1 - share))


def _ranks(values: Floats) -> Floats:
    return np.argsort(np.argsort(values)).astype(float)
