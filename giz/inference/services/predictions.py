"""Predict the inclination of a galaxy from its pictures, and store the prediction: one row per question, no picture.

Every network sees all bands together and each band alone. Which rows are stored, and for how long, follows from who
asked, because most questions come from visitors:

- bulk (jobs and commands of the site's own staff): stored for good;
- catalogue galaxies in the plain view: stored for good, one row per network and set of pictures;
- pictures from a survey or an upload in the plain view: for some days (`KEPT`), at most `MOST_OF_STRANGERS` rows;
- every other view (rotated, magnified, shifted, inverted): not stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import Q
from django.db.models.functions import Now

from giz.catalog.models import Galaxy
from giz.core.vocabulary import BANDS, BEST_FIRST, REASONS
from giz.inference.models import Prediction, Source
from giz.inference.selectors import campaign_around
from giz.inference.services.runtime import LoadedNetwork, runtime
from giz.inference.services.sources import source_pictures
from giz.inference.storage import disk_is_short
from giz.inference.view import View, measured_ellipse, render
from giz.training.drift import input_summary
from giz.training.nn.data import pictures_stack
from giz.training.nn.metrics import OUTLIER_DEG
from giz.training.nn.predictor import NetworkOutput
from labeling.aggregation.prior import with_prior

Pixels = npt.NDArray[np.uint8]
LOWEST_DEG, HIGHEST_DEG = 0.0, 90.0
KEPT = {Prediction.Origin.SKY: timedelta(days=30), Prediction.Origin.UPLOAD: timedelta(days=7)}
MOST_OF_STRANGERS = 100_000
PLAIN_VIEW = View()
# What a network that takes one band is shown: the colour picture, else the deepest grey one.


@dataclass(frozen=True, slots=True)
class PredictedValues:
    """What one network predicts from some bands of a galaxy: degrees and probabilities, None if it does not say."""

    inclination_deg: float | None
    half_width_68_deg: float | None = None
    half_width_95_deg: float | None = None
    rejection: float | None = None
    reasons: Mapping[str, float] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The most probable reason for a rejection; empty if the network predicts none."""
        return max(self.reasons, key=lambda code: self.reasons[code]) if self.reasons else ""

    @property
    def interval_68_deg(self) -> tuple[float, float] | None:
        return self._interval(self.half_width_68_deg)

    @property
    def interval_95_deg(self) -> tuple[float, float] | None:
        return self._interval(self.half_width_95_deg)

    def in_campaign(self, prior: float | None) -> PredictedValues:
        """Return the same with the probability of a rejection as it is where the share `prior` is rejected."""
        if self.rejection is None or prior is None:
            return self
        return replace(self, rejection=_number(with_prior(self.rejection, prior), 4))

    def _interval(self, half_width_deg: float | None) -> tuple[float, float] | None:
        if self.inclination_deg is None or half_width_deg is None:
            return None
        low, high = self.inclination_deg - half_width_deg, self.inclination_deg + half_width_deg
        return round(max(LOWEST_DEG, low), 2), round(min(HIGHEST_DEG, high), 2)


@dataclass(frozen=True, slots=True)
class PredictedByNetwork:
    """What one network predicts: from all bands together, and from each band alone."""

    network: LoadedNetwork
    all_bands: PredictedValues
    by_band: Mapping[str, PredictedValues]

    def in_campaign(self, prior: float | None) -> PredictedByNetwork:
        by_band = {band: values.in_campaign(prior) for band, values in self.by_band.items()}
        return PredictedByNetwork(self.network, self.all_bands.in_campaign(prior), by_band)


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the networks predict for a galaxy in one view; the served network comes first.

    shown : the pictures that the served network was given, by band. ellipse : the galaxy on its full picture, if it
    was measured. row_id : of the stored row, None if the prediction is not stored. prior : the share of rejections that
    its campaign states, to which all probabilities of a rejection are adapted; rows are stored without that.
    """

    by_network: Sequence[PredictedByNetwork]
    shown: Mapping[str, Pixels]
    view: View
    galaxy: Galaxy | None = None
    ellipse: Mapping[str, float] | None = None
    row_id: int | None = None
    prior: float | None = None

    @property
    def served(self) -> PredictedByNetwork:
        return self.by_network[0]

    @property
    def spread_deg(self) -> float:
        """The largest difference between networks that predict an inclination; with only one, between its bands."""
        networks = _inclinations(one.all_bands for one in self.by_network)
        if len(networks) < 2:
            networks = _inclinations([self.served.all_bands, *self.served.by_band.values()])
        return max(networks) - min(networks) if networks else 0.0

    @property
    def is_alarming(self) -> bool:
        return self.spread_deg > OUTLIER_DEG


def source_predict(source: Source, view: View) -> Predicted:
    """Predict the galaxy of a source in this view, and store the prediction.

    Raises
    ------
    Refused
        As `source_pictures` and `Runtime.networks`.
    """
    return _predict(
        source_pictures(source), view, origin=source.kind, galaxy=source.galaxy, pgc=source.pgc, ellipse=source.shape
    )


def upload_predict(pictures: Mapping[str, Pixels], view: View) -> Predicted:
    """Predict the galaxy on uploaded pictures, which are not stored. Raises as `Runtime.networks`."""
    runtime.networks()  # without a network, refuse before anything is measured
    return _predict(pictures, view, origin=Prediction.Origin.UPLOAD, ellipse=measured_ellipse(pictures))


def _predict(
    pictures: Mapping[str, Pixels],
    view: View,
    *,
    origin: str,
    ellipse: Mapping[str, float] | None,
    galaxy: Galaxy | None = None,
    pgc: int | None = None,
) -> Predicted:
    networks, view = runtime.networks(), view.normal()
    shown_px = networks[0].predictor.size_px
    shown = shown_pictures(pictures, view, shown_px)
    by_network = []
    for network in networks:
        size_px = network.predictor.size_px
        by_network.append(
            _predicted_by(network, shown if size_px == shown_px else shown_pictures(pictures, view, size_px))
        )
    row_id = None
    if view == PLAIN_VIEW and not disk_is_short():
        row = prediction_row(
            network=networks[0],
            values=by_network[0].all_bands,
            shown=shown,
            origin=origin,
            galaxy_id=galaxy.pk if galaxy else None,
            pgc=galaxy.pgc if galaxy else pgc,
        )
        row_id = _stored_id(row.key)
        if row_id is None:
            predictions_store([row])
            row_id = _stored_id(row.key)
    campaign = campaign_around(galaxy) if galaxy else None
    prior = campaign.rejection_prior if campaign else None
    by_network = [one.in_campaign(prior) for one in by_network]
    return Predicted(by_network, shown, view, galaxy, ellipse, row_id, prior)


def shown_pictures(pictures: Mapping[str, Pixels], view: View, size_px: int) -> dict[str, Pixels]:
    """Render the pictures of a galaxy in one view, in the order of `BANDS`."""
    return {band: render(pictures[band], view, size_px) for band in BANDS if band in pictures}


def _predicted_by(network: LoadedNetwork, shown: Mapping[str, Pixels]) -> PredictedByNetwork:
    bands = list(shown)
    if network.predictor.takes_all_bands:
        first, *rest = values_of(network.ask(*pictures_stack(shown, [bands, *([band] for band in bands)])))
        return PredictedByNetwork(network, first, dict(zip(bands, rest, strict=True)))
    by_band = {band: values_of(network.ask(*pictures_stack(shown, [[band]]), band))[0] for band in bands}
    return PredictedByNetwork(network, _median(by_band.values()), by_band)


def predict_many(network: LoadedNetwork, galaxies: Sequence[Mapping[str, Pixels]]) -> list[PredictedValues]:
    """Predict many galaxies in one run, each from all its bands.

    A network that takes one band sees the first of `BEST_FIRST`.
    """
    if not galaxies:
        return []
    if network.predictor.takes_all_bands:
        stacks = [pictures_stack(shown, [list(shown)]) for shown in galaxies]
        pixels, present = (np.concatenate(parts) for parts in zip(*stacks, strict=True))
        return values_of(network.predictor.predict(pixels, present))
    predicted = []
    for shown in galaxies:
        band = next(band for band in BEST_FIRST if band in shown)
        predicted += values_of(network.predictor.predict(*pictures_stack(shown, [[band]]), band))
    return predicted


def values_of(output: NetworkOutput) -> list[PredictedValues]:
    """Return a network's arrays row by row, within the limits of the quantities and rounded."""
    count = next(len(column) for column in (output.inclination_deg, output.rejection) if column is not None)
    return [_values(output, row) for row in range(count)]


def _values(output: NetworkOutput, row: int) -> PredictedValues:
    widths = None if output.half_widths_deg is None else output.half_widths_deg[row]
    return PredictedValues(
        inclination_deg=None
        if output.inclination_deg is None
        else _number(min(max(float(output.inclination_deg[row]), LOWEST_DEG), HIGHEST_DEG)),
        half_width_68_deg=None if widths is None else _number(widths[0]),
        half_width_95_deg=None if widths is None else _number(widths[1]),
        rejection=None if output.rejection is None else _number(min(max(float(output.rejection[row]), 0.0), 1.0), 4),
        reasons={}
        if output.reasons is None
        else {code: _number(value, 4) for code, value in zip(REASONS, output.reasons[row], strict=True)},
    )


def _median(by_band: Collection[PredictedValues]) -> PredictedValues:
    """Return the prediction of a network that takes one band: the median over the bands."""
    inclinations = _inclinations(by_band)
    rejections = [one.rejection for one in by_band if one.rejection is not None]
    return PredictedValues(
        inclination_deg=_number(np.median(inclinations)) if inclinations else None,
        rejection=_number(np.median(rejections), 4) if rejections else None,
    )


def _inclinations(predicted: Iterable[PredictedValues]) -> list[float]:
    return [one.inclination_deg for one in predicted if one.inclination_deg is not None]


def _number(value: Any, digits: int = 2) -> float:
    return round(float(value), digits)


def prediction_row(
    *,
    network: LoadedNetwork,
    values: PredictedValues,
    shown: Mapping[str, Pixels],
    origin: str,
    galaxy_id: int | None,
    pgc: int | None,
) -> Prediction:
    """Return an unsaved row of a prediction in the plain view. Equal questions have equal keys."""
    view = PLAIN_VIEW.as_json()
    digest = hashlib.sha256(network.version.sha256.encode())
    digest.update(json.dumps([galaxy_id, pgc, view], sort_keys=True).encode())
    for band, pixels in sorted(shown.items()):
        digest.update(f"|{band}{pixels.shape}|".encode())
        digest.update(np.ascontiguousarray(pixels).tobytes())
    return Prediction(
        key=digest.hexdigest(),
        galaxy_id=galaxy_id,
        pgc=pgc,
        origin=origin,
        model=network.version,
        inclination_deg=values.inclination_deg,
        sigma_deg=values.half_width_68_deg,
        half_width_95_deg=values.half_width_95_deg,
        rejection=values.rejection,
        reason=values.reason,
        bands=list(shown),
        view=view,
        input_summary=input_summary(shown),
    )


def _stored_id(key: str) -> int | None:
    return Prediction.objects.filter(key=key).values_list("pk", flat=True).first()


def predictions_store(rows: Sequence[Prediction]) -> None:
    """Insert rows, except those that exist already; an existing row of visitors becomes a bulk one if staff ask."""
    Prediction.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    keys = [row.key for row in rows if row.origin == Prediction.Origin.BULK]
    if keys:
        Prediction.objects.filter(key__in=keys).exclude(origin=Prediction.Origin.BULK).update(
            origin=Prediction.Origin.BULK
        )


def predictions_forget() -> int:
    """Delete the predictions of visitors that no rule keeps any longer; return the number of deleted rows."""
    of_strangers = Prediction.objects.filter(origin__in=KEPT)
    old = Q()
    for origin, kept in KEPT.items():
        old |= Q(origin=origin, created_at__lt=Now() - kept)
    # Earlier versions stored every view.
    turned = ~Q(origin=Prediction.Origin.BULK) & ~Q(view=PLAIN_VIEW.as_json()) & ~Q(view={})
    gone, _ = Prediction.objects.filter(old | (turned & Q(created_at__lt=Now() - min(KEPT.values())))).delete()
    too_many = of_strangers.order_by("-id").values_list("pk", flat=True)[MOST_OF_STRANGERS:]
    gone += Prediction.objects.filter(pk__in=list(too_many)).delete()[0]
    return gone
