"""Decide whether to retrain: does the newest label set have enough labels that the network in service has not seen?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet

from giz.core.errors import Refused
from giz.core.models import Job
from giz.core.words import counted
from giz.labelset import LabelSet, LabelSetError
from giz.training.models import ModelVersion, TrainingRun
from giz.training.selectors import served_model
from giz.training.storage import KnownLabelSet, labelsets_known

PEOPLE = "volunteers"
# A label whose inclination changed by less than this is not new.
MOVED_DEG = 1.0


@dataclass(frozen=True, slots=True)
class Due:
    """The label set to train on, if any, and why."""

    labelset: KnownLabelSet | None
    why: str


def retraining_due(
    *, network: str, least_new_labels: int, campaigns: Collection[str] = (), minutes: float = 0.0, size_px: int = 128
) -> Due:
    """Check the newest label set from volunteers with pictures of this size, of these campaigns or of any.

    minutes : how long the training would take; shorter trainings are experiments and are ignored.
    """
    if least_new_labels < 1:
        raise Refused("bad_number", f"least_new_labels must be 1 or more, not {least_new_labels}.")
    newest = next((known for known in labelsets_known() if _is_wanted(known, campaigns, size_px)), None)
    if newest is None:
        return Due(None, f"There is no label set from votes with pictures of {size_px} px yet.")
    if tried := _tried(newest, network, minutes):
        return Due(None, tried)
    new = new_labels(newest, served_model(network))
    if new < least_new_labels:
        return Due(None, f"{newest.name} has {counted(new, 'new label')}; training begins at {least_new_labels:,}.")
    return Due(newest, f"{newest.name} has {counted(new, 'new label')}.")


def _tried(newest: KnownLabelSet, network: str, minutes: float) -> str:
    """Return the state of trainings on this label set, in a sentence; empty if there were none.

    Runs that were never meant to go into service, or shorter than this, are experiments and are ignored. One that
    failed or was stopped needs a person: repeated automatically it might fail for ever.
    """
    under_way = (Job.State.QUEUED, Job.State.RUNNING)
    runs = [run for run in _runs_on(newest, network) if run.state in under_way or not _is_try(run, minutes)]
    states = {run.state for run in runs}
    where = f"on the newest label set, {newest.name}"
    if Job.State.DONE in states:
        return f"{network} has already been trained {where}."
    if Job.State.RUNNING in states:
        return f"{network} is already being trained {where}."
    if Job.State.QUEUED in states:
        return f"{network} is already waiting to be trained {where}."
    if not runs:
        return ""
    error = runs[0].error.rstrip(".")
    ended = f"failed: {error}." if runs[0].state == Job.State.FAILED else "was stopped."
    return f"The training of {network} {where}, {ended} Resume it on its page, or start a new one."


def _runs_on(newest: KnownLabelSet, network: str) -> QuerySet[TrainingRun]:
    runs = TrainingRun.objects.filter(labelset_digest=newest.digest, network=network, flavour=0)
    return runs.select_related("job").order_by("-created_at")


def _is_try(run: TrainingRun, minutes: float) -> bool:
    if run.job and not run.job.params.get("promote", True):
        return True
    took = (run.job.params["settings"] if run.job else run.config).get("minutes", 0.0)
    return bool(took) and took < minutes


def new_labels(newest: KnownLabelSet, served: ModelVersion | None) -> int:
    """Count galaxies that are new or have a new label since the label set that `served` was trained on.

    All of them if that set is not here, as for a network that came with GIZ.
    """
    digest = (served.card.get("labelset") or {}).get("digest") if served else None
    before = next((known for known in labelsets_known() if known.digest == digest), None)
    try:
        now = _labels(newest)
        then = _labels(before) if before else {}
    except LabelSetError as error:
        raise Refused(error.code, error.detail) from None
    return sum(_is_new(label, then.get(pgc)) for pgc, label in now.items())


Label = tuple[str, float]


def _labels(known: KnownLabelSet) -> dict[int, Label]:
    opened = LabelSet.open(known.folder)
    columns = (opened.pgc, opened.column("verdict"), opened.column("inclination_deg"))
    return {int(pgc): (str(verdict), float(deg)) for pgc, verdict, deg in zip(*columns, strict=True)}


def _is_new(now: Label, then: Label | None) -> bool:
    if then is None or now[0] != then[0]:
        return True
    return bool(np.nan_to_num(abs(now[1] - then[1])) >= MOVED_DEG)


def _is_wanted(known: KnownLabelSet, campaigns: Collection[str], size_px: int) -> bool:
    return known.size_px == size_px and known.origin == PEOPLE and (not campaigns or known.campaign in campaigns)
