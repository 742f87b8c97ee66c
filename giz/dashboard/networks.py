"""The staff pages of networks: a training with its curves, the networks that answer, and the drift of their input."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from giz.catalog.formats.numbers import FIRST_OWN_NUMBER, FIRST_SYNTHETIC_PGC
from giz.core.models import JobLogLine
from giz.core.words import counted
from giz.inference.models import Prediction
from giz.training.drift import ANSWERS, LEAST_PICTURES, Shift, histograms, shifts
from giz.training.models import ModelVersion, Promotion, TrainingRun
from giz.training.reports import VIEW_NAMES, training_curves, views_table
from giz.training.selectors import answering_models, retraining_said, training_runs

LOG_LINES = 30
RUNS_SHOWN = PROMOTIONS_SHOWN = 12
LATELY = timedelta(days=30)
MOST_PREDICTIONS = 5000
OUTLIERS_SHOWN = 10
DRIFT_SECONDS = 300


# In the order of the page: a database does not keep the order of a document's keys.
SETTING_NAMES = {
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
# 0 means unset: either minutes or steps is given, the others follow from the network.
UNSET_IF_ZERO = ("minutes", "steps", "batch_size", "learning_rate")


@dataclass(frozen=True)
class Drift:
    """How far the recent pictures and predictions of a network that answers differ from those of its test."""

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
            return "Nothing to compare with: this network was stored without the distributions from its test."
        if self.predictions < LEAST_PICTURES:
            seen = counted(self.predictions, "prediction")
            return f"{seen} in 30 days; {LEAST_PICTURES} are needed to see whether the pictures have changed."
        if self.alarms:
            return "Different from its test: " + ", ".join(shift.words for shift in self.alarms) + "."
        if all(shift.psi is None for shift in self.shifts):
            return f"Too few test galaxies to compare with: at least {LEAST_PICTURES} are needed."
        return f"The same as in its test, over {counted(self.predictions, 'prediction')}."


def drifts() -> list[Drift]:
    """Return the drift of each network that answers, recomputed at most every five minutes."""
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
    # Only galaxies that staff chose: uploads and queries of visitors must not trigger the alarm.
    # Synthetic galaxies (the demo's) say nothing about a change of the survey pictures.
    chosen = Prediction.objects.filter(model=version, origin=Prediction.Origin.BULK)
    chosen = chosen.exclude(pgc__gte=FIRST_SYNTHETIC_PGC, pgc__lt=FIRST_OWN_NUMBER)
    lately = chosen.filter(created_at__gte=since).order_by("-created_at")
    rows = list(lately.values_list("input_summary", *ANSWERS)[:MOST_PREDICTIONS])
    answers = {name: [row[place] for row in rows] for place, name in enumerate(ANSWERS, start=1)}
    found = histograms([row[0] for row in rows], answers)
    return Drift(role, version, len(rows), shifts(version.report.get("reference", {}), found))


def overview() -> dict[str, Any]:
    """Return the context of the page of networks."""
    return {
        "runs": list(training_runs()[:RUNS_SHOWN]),
        "drifts": drifts(),
        "retraining": retraining_said(),
        "promotions": list(Promotion.objects.select_related("version")[:PROMOTIONS_SHOWN]),
    }


def training(run: TrainingRun) -> dict[str, Any]:
    """Return the context of the page of one training."""
    lines = list(JobLogLine.objects.filter(job=run.job).order_by("-id")[:LOG_LINES])[::-1] if run.job else []
    report = run.version.report if run.version else {}
    views = views_table(report) if report else None
    return {
        "run": run,
        "plots": training_curves(run.history),
        "settings": settings_in_words(run.config),
        "lines": lines,
        "headings": [column.label for column in views.columns] if views else [],
        "rows": views.shown_rows() if views else [],
        "outliers": report.get("outliers", [])[:OUTLIERS_SHOWN],
        "outliers_view": VIEW_NAMES.get(next((one.get("view", "") for one in report.get("outliers", [])), ""), ""),
        "card": run.version.card if run.version else None,
    }


def settings_in_words(config: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the settings of a training in words, without those that follow from others."""
    return [
        (words, _value(name, config[name]))
        for name, words in SETTING_NAMES.items()
        if config.get(name) is not None and (config[name] or name not in UNSET_IF_ZERO)
    ]


def _value(name: str, value: float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        # A seed is copied and typed again: no thousands separator.
        return str(value) if name == "seed" else f"{value:,}"
    return f"{value:g}"
