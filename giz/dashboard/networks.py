"""What the pages of networks show: a training with its curves, which networks answer, whether the sky has changed."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from giz.core.models import JobLogLine
from giz.core.plot import Plot, Series
from giz.core.words import counted
from giz.inference.models import Prediction
from giz.training.drift import ANSWERS, LEAST_PICTURES, Shift, histograms, shifts
from giz.training.figures import HEADINGS, VIEW_NAMES, table
from giz.training.models import ModelVersion, Promotion, TrainingRun
from giz.training.selectors import answering_models, retraining_said, training_runs

LOG_LINES = 30
RUNS_SHOWN = PROMOTIONS_SHOWN = 12
LATELY = timedelta(days=30)
MOST_PREDICTIONS = 5000
OUTLIERS_SHOWN = 10
DRIFT_SECONDS = 300


# A database gives a document's keys back in an order of its own.
TOLD = {
    "minutes": "Minutes",
    "steps": "Steps",
    "seed": "Seed",
    "batch_size": "Batch",
    "learning_rate": "Learning rate",
    "weight_decay": "Weight decay",
    "average": "Average of weights",
    "validations": "Validations",
    "patience": "Patience",
    "bf16": "bfloat16",
    "workers": "Loading threads",
}
# 0 is no answer here: one of minutes and steps is given, the others follow from the network.
FOLLOWING = ("minutes", "steps", "batch_size", "learning_rate")


@dataclass(frozen=True)
class Drift:
    """A network that answers, and how far its pictures and answers of late have moved."""

    role: str
    version: ModelVersion
    predictions: int
    shifts: list[Shift]

    @property
    def alarms(self) -> list[Shift]:
        return [shift for shift in self.shifts if shift.is_alarm]

    @property
    def words(self) -> str:
        if not self.version.report.get("reference"):
            return "Nothing to compare with: no distributions were kept with this network."
        if self.predictions < LEAST_PICTURES:
            seen = counted(self.predictions, "prediction")
            return f"{seen} in 30 days; {LEAST_PICTURES} are needed to tell whether the pictures have changed."
        if self.alarms:
            return "Not as at its test: " + ", ".join(shift.words for shift in self.alarms) + "."
        if all(shift.psi is None for shift in self.shifts):
            return f"Too few test galaxies to compare with: {LEAST_PICTURES} are needed to tell anything."
        return f"As at its test, over {counted(self.predictions, 'prediction')}."


def drifts() -> list[Drift]:
    """Of each network that answers; worked out at most every five minutes."""
    answering = answering_models()
    key = "drift-" + "-".join(str(version.pk) for version in answering.values())
    found: list[Drift] | None = cache.get(key)
    if found is None:
        found = [_drift(role, version) for role, version in answering.items()]
        cache.set(key, found, DRIFT_SECONDS)
    return found


def drift_alarms() -> list[Drift]:
    return [drift for drift in drifts() if drift.alarms]


def _drift(role: str, version: ModelVersion) -> Drift:
    since = timezone.now() - LATELY
    lately = Prediction.objects.filter(model=version, created_at__gte=since).order_by("-created_at")
    rows = list(lately.values_list("input_summary", *ANSWERS)[:MOST_PREDICTIONS])
    answers = {name: [row[place] for row in rows] for place, name in enumerate(ANSWERS, start=1)}
    found = histograms([row[0] for row in rows], answers)
    return Drift(role, version, len(rows), shifts(version.report.get("reference", {}), found))


def overview() -> dict[str, Any]:
    """The page of networks."""
    return {
        "runs": list(training_runs()[:RUNS_SHOWN]),
        "drifts": drifts(),
        "retraining": retraining_said(),
        "promotions": list(Promotion.objects.select_related("version")[:PROMOTIONS_SHOWN]),
    }


def training(run: TrainingRun) -> dict[str, Any]:
    """The page of one training."""
    lines = list(JobLogLine.objects.filter(job=run.job).order_by("-id")[:LOG_LINES])[::-1] if run.job else []
    report = run.version.report if run.version else {}
    return {
        "run": run,
        "plots": curves(run.history),
        "told": told(run.config),
        "lines": lines,
        "headings": HEADINGS,
        "rows": table(report)[1:] if report else [],
        "outliers": report.get("outliers", [])[:OUTLIERS_SHOWN],
        "outliers_view": VIEW_NAMES.get(next((one.get("view", "") for one in report.get("outliers", [])), ""), ""),
        "card": run.version.card if run.version else None,
    }


def told(config: dict[str, Any]) -> list[tuple[str, str]]:
    """What a training was told, in words, the plain things first; what follows from something else is left out."""
    return [
        (words, _value(name, config[name]))
        for name, words in TOLD.items()
        if config.get(name) is not None and (config[name] or name not in FOLLOWING)
    ]


def _value(name: str, value: float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        # A seed is a name, to be typed again as it stands.
        return str(value) if name == "seed" else f"{value:,}"
    return f"{value:g}"


def curves(history: list[dict[str, Any]]) -> list[Plot]:
    """Loss, and what was measured in validation, against the step."""
    wanted = (
        ("loss", "Loss on the train galaxies", "loss", 0),
        ("rms_deg", "Error in validation", "RMS, degrees", 1),
        ("accuracy", "Verdicts right in validation", "share", 3),
    )
    plots = []
    for key, title, label, colour in wanted:
        known = [(entry["step"], entry[key]) for entry in history if entry.get(key) is not None]
        if known:
            steps, values = zip(*known, strict=True)
            series = [Series("line", steps, values, colour=colour), Series("points", steps, values, colour=colour)]
            # A share ends at 1, however few values there are.
            limits = (min(0.9, math.floor(10 * min(values)) / 10), 1.0) if label == "share" else None
            plots.append(Plot(title, "step", label, series, y_limits=limits))
    return plots
