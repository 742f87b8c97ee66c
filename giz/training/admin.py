"""Staff pages of trainings and networks: start, stop, go on; which network answers, and since when and why."""

import json
from datetime import UTC, datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from giz.core.errors import Refused
from giz.core.jobs import UNFINISHED
from giz.core.models import Job
from giz.core.staff_admin import HistoryAdmin, PostButton, StaffAdmin, column, progress_bar, row_link, text_block
from giz.core.words import counted
from giz.training.jobs import MOST_MINUTES, MOST_PROCESSES, MOST_SEED, training_cancel, training_resume, training_start
from giz.training.models import ModelVersion, Promotion, TrainingRun
from giz.training.nn.kinds import NETWORKS
from giz.training.reports import evaluation_text
from giz.training.selectors import training_runs, versions_with_answering
from giz.training.services.registry import model_promote, model_rollback
from giz.training.services.runs import refuse_without_torch
from giz.training.storage import labelsets_known

LEAST_MINUTES = 0.1
STATE_LABELS = {"queued": "info", "running": "warning", "done": "success", "failed": "danger"}
DEVICES = (
    ("", "a GPU where there is one"),
    ("cpu", "the CPU"),
    ("cuda", "the first GPU"),
    *((f"cuda:{number}", f"the {word} GPU") for number, word in enumerate(("second", "third", "fourth"), start=1)),
)
GALAXIES = ((0, "all train galaxies"), *((n, f"sub-sample {n} (67 %)") for n in (1, 2, 3)))
STOPPED = (Job.State.CANCELLED, Job.State.FAILED)


def press_cancel(request: HttpRequest, run: TrainingRun) -> str:
    training_cancel(run=run, actor=request.user)
    return "The training will be cancelled. A running one stops at its next step and can be resumed later."


def press_resume(request: HttpRequest, run: TrainingRun) -> str:
    training_resume(run=run, actor=request.user)
    return "It will resume from its last checkpoint as soon as the trainer is free."


def press_promote(request: HttpRequest, version: ModelVersion) -> str:
    model_promote(version=version, actor=request.user, why="by hand on the staff page")
    return f"{version} is now in use as {version.role}."


def press_rollback(request: HttpRequest, version: ModelVersion) -> str:
    back = model_rollback(role=version.role, actor=request.user)
    return f"{back.version} is in use as {back.role} again."


class TrainingStartForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a training is told. The label sets are those that lie under GIZ_HOME."""

    labelset = forms.ChoiceField(label="Label set", widget=UnfoldAdminSelectWidget)
    network = forms.ChoiceField(choices=[(name, name) for name in NETWORKS], widget=UnfoldAdminSelectWidget)
    minutes = forms.FloatField(
        min_value=LEAST_MINUTES,
        max_value=MOST_MINUTES,
        initial=60,
        help_text="how long to train; less than one for an experiment",
        widget=UnfoldAdminDecimalFieldWidget,
    )
    flavour = forms.TypedChoiceField(
        label="Galaxies",
        coerce=int,
        choices=GALAXIES,
        widget=UnfoldAdminSelectWidget,
    )
    seed = forms.IntegerField(
        min_value=0,
        max_value=MOST_SEED,
        initial=1,
        help_text="random seed; another seed gives another run",
        widget=UnfoldAdminDecimalFieldWidget,
    )
    processes = forms.IntegerField(
        min_value=1,
        max_value=MOST_PROCESSES,
        initial=1,
        help_text="number of processes that share the work, one GPU each; with fewer GPUs, all of them use the CPU",
        widget=UnfoldAdminDecimalFieldWidget,
    )
    device = forms.ChoiceField(
        choices=DEVICES,
        required=False,
        help_text="If the training machine has no such GPU, the training ends at once with an error.",
        widget=UnfoldAdminSelectWidget,
    )
    start = forms.ChoiceField(
        label="Start from",
        choices=(("", "nothing"), ("served", "the network in use")),
        required=False,
        help_text="With few labels, continue from the network in use (ours only).",
        widget=UnfoldAdminSelectWidget,
    )
    mixed = forms.BooleanField(
        label="Add synthetic galaxies",
        required=False,
        help_text="Half of each batch, so that the network does not forget what it knows of them (ours only).",
        widget=UnfoldBooleanSwitchWidget,
    )
    promote = forms.BooleanField(
        label="Put it into use if it passes the gate", required=False, initial=True, widget=UnfoldBooleanSwitchWidget
    )

    class Meta:
        model = TrainingRun
        fields = ("network", "flavour")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (known.name, f"{known.title} · {known.galaxies:,} galaxies · {known.size_px} px · {_day(known.frozen_at)}")
            for known in labelsets_known()
            if known.size_px
        ]
        field = self.fields["labelset"]
        field.choices = choices  # type: ignore[attr-defined]
        if not choices:
            field.help_text = (
                "No label set has pictures yet: freeze one on a campaign's page, or put one into labelsets/."
            )


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


@admin.register(TrainingRun)
class TrainingRunAdmin(StaffAdmin):
    list_display = ("title", "state_label", "bar", "validation", "gate_words", "version_link", "created_at")
    list_filter = ("network", "job__state", "created_at")
    search_fields = ("network", "labelset_name", "=id", "job__message")
    list_select_related = ("job", "version")
    form = TrainingStartForm
    post_buttons: ClassVar[tuple[PostButton, ...]] = (
        PostButton(
            "cancel",
            "Stop the training",
            press_cancel,
            lambda run: run.state in UNFINISHED,
            "danger",
            confirm="Its progress is kept as a checkpoint, so it can be resumed later.",
        ),
        PostButton("resume", "Resume", press_resume, lambda run: run.state in STOPPED, "main"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[TrainingRun]:
        return training_runs()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[tuple[str | None, dict[str, Any]]]:
        if obj is None:
            told = (
                "labelset",
                "network",
                "minutes",
                "flavour",
                "seed",
                "processes",
                "device",
                "start",
                "mixed",
                "promote",
            )
            return [(None, {"fields": told})]
        return [
            (None, {"fields": ("curves_link", "state_label", "bar", "job_link", "error_text", "validation")}),
            ("Result", {"fields": ("gate_words", "version_link")}),
            (
                "Configuration",
                {"fields": ("network", "labelset_name", "labelset_digest", "galaxies", "where", "told")},
            ),
            ("Times", {"fields": ("created_at", "finished_at")}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (
            tuple(name for _title, part in self.get_fieldsets(request, obj) for name in part["fields"]) if obj else ()
        )

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        extra = dict(kwargs.pop("extra_context", None) or {})
        try:
            refuse_without_torch()
        except Refused as error:
            if request.method == "POST":
                return HttpResponseRedirect(request.get_full_path())
            messages.error(request, error.detail)
            extra["show_save"] = False
        try:
            return super().add_view(request, *args, extra_context=extra, **kwargs)  # type: ignore[no-any-return]
        except Refused as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: TrainingRun, form: Any, change: bool) -> None:
        made = training_start(owner=request.user, **form.cleaned_data)
        obj.pk, obj._state.adding = made.pk, False
        obj.labelset_name = made.labelset_name

    def response_add(
        self, request: HttpRequest, obj: TrainingRun, post_url_continue: str | None = None
    ) -> HttpResponse:
        """To the page where it can be followed."""
        return HttpResponseRedirect(reverse("dashboard:training", args=[obj.pk]))

    @column("training")
    def title(self, run: TrainingRun) -> str:
        return str(run)

    @column("state", ordering="job__state", label=STATE_LABELS)
    def state_label(self, run: TrainingRun) -> str:
        return str(run.state)

    @column("progress")
    def bar(self, run: TrainingRun) -> str:
        if run.job is None:
            return "–"
        steps = counted(run.steps_done, "step") if run.state == Job.State.DONE else ""
        return progress_bar(run.job.progress_done, run.job.progress_total, steps)

    @column("best validation")
    def validation(self, run: TrainingRun) -> str:
        return f"{run.best['words']} at step {run.best['step']:,}" if run.best else "–"

    @column("gate")
    def gate_words(self, run: TrainingRun) -> str:
        return f"{'Passed.' if run.gate['passed'] else 'Not passed.'} {run.gate['why']}" if run.gate else "–"

    @column("network made")
    def version_link(self, run: TrainingRun) -> str:
        return row_link(run.version) if run.version else "–"

    @column("job")
    def job_link(self, run: TrainingRun) -> str:
        return row_link(run.job, "its job, with the log") if run.job else "–"

    @column("error")
    def error_text(self, run: TrainingRun) -> str:
        return run.error or "–"

    @column("curves")
    def curves_link(self, run: TrainingRun) -> str:
        address = reverse("dashboard:training", args=[run.pk])
        return format_html(
            '<a href="{}" class="text-primary-600 dark:text-primary-500">live progress and curves</a>', address
        )

    @column("galaxies")
    def galaxies(self, run: TrainingRun) -> str:
        return dict(GALAXIES)[run.flavour]

    @column("where")
    def where(self, run: TrainingRun) -> str:
        device = dict(DEVICES).get(run.device, run.device)
        return f"{run.processes} processes, {device}" if run.processes > 1 else device

    @column("settings")
    def told(self, run: TrainingRun) -> str:
        return _pre(run.config)


@admin.register(ModelVersion)
class ModelVersionAdmin(HistoryAdmin):
    list_display = ("title", "answers", "words_column", "origin", "megabytes", "created_at")
    list_filter = ("network", "is_shipped", "created_at")
    search_fields = ("sha256", "network")
    fieldsets = (
        (None, {"fields": ("answers", "words_column", "origin", "made_by", "created_at")}),
        ("File", {"fields": ("sha256", "megabytes")}),
        ("Figures on its test galaxies", {"fields": ("figures",)}),
        ("Card", {"fields": ("card_text",)}),
    )
    post_buttons: ClassVar[tuple[PostButton, ...]] = (
        PostButton(
            "promote",
            "Put it into use",
            press_promote,
            lambda version: version.newest_id != version.pk,
            "main",
            confirm="Every prediction in its role will come from this network.",
        ),
        PostButton(
            "rollback",
            "Roll back",
            press_rollback,
            lambda version: version.newest_id == version.pk,
            "danger",
            confirm="The network that was in use before this one is used again.",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        return versions_with_answering()

    @column("network")
    def title(self, version: ModelVersion) -> str:
        return str(version)

    @column("in use as", label={"ours": "success"})
    def answers(self, version: Any) -> str | None:
        return version.role if version.newest_id == version.pk else None

    @column("on its test galaxies")
    def words_column(self, version: ModelVersion) -> str:
        return version.words or "–"

    @column("origin", ordering="is_shipped")
    def origin(self, version: ModelVersion) -> str:
        return version.origin

    @column("MB", ordering="byte_count")
    def megabytes(self, version: ModelVersion) -> str:
        return f"{version.byte_count / 1e6:,.1f}"

    @column("trained by")
    def made_by(self, version: ModelVersion) -> str:
        return row_link(version.run) if version.run else "–"

    @column("figures")
    def figures(self, version: ModelVersion) -> str:
        if not version.report.get("views"):
            return "–"
        return text_block(evaluation_text(version.report), "figures")

    @column("model card")
    def card_text(self, version: ModelVersion) -> str:
        return _pre(version.card)


@admin.register(Promotion)
class PromotionAdmin(HistoryAdmin):
    list_display = ("at", "role", "version_link", "kind", "actor", "why")
    list_filter = ("role", "kind", "at")
    search_fields = ("role", "why", "version__sha256")
    list_select_related = ("version",)
    fieldsets = ((None, {"fields": ("role", "version_link", "kind", "at", "actor", "why", "gate_text")}),)

    @column("version")
    def version_link(self, promotion: Promotion) -> str:
        return row_link(promotion.version)

    @column("by", ordering="actor_number")
    def actor(self, promotion: Promotion) -> str:
        return f"v{promotion.actor_number}" if promotion.actor_number else "GIZ"

    @column("figures of the gate")
    def gate_text(self, promotion: Promotion) -> str:
        return _pre(promotion.gate)


def _pre(values: Any) -> str:
    return text_block(json.dumps(values, indent=1, ensure_ascii=False)) if values else "–"
