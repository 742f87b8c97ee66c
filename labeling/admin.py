"""Staff pages of campaigns (made and steered here), targets, tasks, votes and consensus (history: to look at)."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from giz.catalog.models import Galaxy, GalaxyImage
from giz.core import audit
from giz.core.staff_admin import HistoryAdmin, PostButton, StaffAdmin, column, progress_bar, row_link
from giz.core.tasks import wake_on_commit
from giz.labelset.download import tar_blocks, tar_bytes
from labeling.aggregation.estimators import estimator_named
from labeling.aggregation.judgements import UnknownRule
from labeling.aggregation.retirement import retirement_rule
from labeling.jobs import labels_freeze_job
from labeling.models import Campaign, Consensus, CrowdFit, LabelSet, Target, Task, VolunteerFit, Vote
from labeling.services.campaigns import campaign_close, campaign_create, campaign_open, campaign_pause, targets_add
from labeling.services.labelsets import labelset_root
from standards.models import Standard, StandardSet

STATE_LABELS = {"draft": "info", "open": "success", "paused": "warning", "closed": "danger"}
VERDICT_LABELS = {"accepted": "success", "face-on": "info", "rejected": "danger"}


def press_open(request: HttpRequest, campaign: Campaign) -> str:
    campaign_open(campaign=campaign, actor=request.user)
    return f"{campaign} is open: volunteers are served its galaxies from now on."


def press_pause(request: HttpRequest, campaign: Campaign) -> str:
    campaign_pause(campaign=campaign, actor=request.user)
    return f"{campaign} is paused: no new galaxies are served; votes on those already served still count."


def press_close(request: HttpRequest, campaign: Campaign) -> str:
    campaign_close(campaign=campaign, actor=request.user)
    return f"{campaign} is closed; votes on galaxies already served still count."


def press_add_all(request: HttpRequest, campaign: Campaign) -> str:
    """Standards of the campaign's set stay out: they are the ruler, not what is measured."""
    pictured = Galaxy.objects.filter(Exists(GalaxyImage.objects.filter(galaxy=OuterRef("pk"), is_current=True)))
    ruler = Standard.objects.filter(standard_set=campaign.standard_set_id, galaxy=OuterRef("pk"))
    ids = pictured.filter(~Exists(ruler)).values_list("pk", flat=True)
    added = targets_add(campaign=campaign, galaxy_ids=ids.iterator()).added
    audit.record("campaign_targets_added", actor=request.user, subject=campaign.name, added=added)
    return f"{added:,} galaxies were added as targets." if added else "Every galaxy with pictures is a target already."


def press_freeze(request: HttpRequest, campaign: Campaign) -> str:
    job = labels_freeze_job(campaign=campaign, owner=request.user)
    wake_on_commit(job)
    return f"The labels of {campaign} are being frozen; the label set appears under Label sets when it is finished."


class CampaignForm(forms.ModelForm):  # type: ignore[type-arg]
    """The rules that campaign_create would refuse, told beside their fields."""

    class Meta:
        model = Campaign
        fields = "__all__"

    def clean_estimator(self) -> str:
        return self._known("estimator", estimator_named)

    def clean_retirement(self) -> str:
        return self._known("retirement", retirement_rule)

    def _known(self, field: str, look_up: Callable[[str], object]) -> str:
        name: str = self.cleaned_data[field]
        try:
            look_up(name)
        except UnknownRule as error:
            raise forms.ValidationError(str(error)) from None
        return name


def _targets(**condition: Any) -> Coalesce:
    """A count of targets as a subquery: two joined counts in one query would multiply each other."""
    of_campaign = Target.objects.filter(campaign=OuterRef("pk"), **condition).order_by().values("campaign")
    return Coalesce(Subquery(of_campaign.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0)


@admin.register(Campaign)
class CampaignAdmin(StaffAdmin):
    list_display = ("title", "name", "state_label", "retired_bar", "votes_link", "overlap", "standard_set")
    list_display_links = ("title", "name")
    list_filter = ("state", "standard_set")
    search_fields = ("name", "title", "description")
    list_select_related = ("standard_set",)
    form = CampaignForm
    readonly_fields = ("state_label", "retired_bar", "votes_link", "created_at")
    post_buttons: ClassVar[tuple[PostButton, ...]] = (
        PostButton("open", "Open", press_open, lambda one: one.state != "open", "main"),
        PostButton("add_all", "Add all galaxies with pictures", press_add_all, lambda one: one.state != "closed"),
        PostButton("pause", "Pause", press_pause, lambda one: one.state == "open"),
        PostButton("freeze", "Freeze a label set", press_freeze),
        PostButton("close", "Close", press_close, lambda one: one.state != "closed", "danger"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        campaigns: QuerySet[Campaign] = super().get_queryset(request)
        votes = Vote.objects.filter(target__campaign=OuterRef("pk"), standing=Vote.Standing.COUNTED).order_by()
        counted = votes.values("target__campaign").annotate(n=Count("pk")).values("n")
        return campaigns.annotate(
            target_count=_targets(),
            retired_count=_targets(state=Target.State.RETIRED),
            counted_votes=Coalesce(Subquery(counted, output_field=IntegerField()), 0),
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[tuple[str | None, dict[str, Any]]]:
        rules = ("standard_set", "overlap", "lease_minutes", "estimator", "retirement")
        if obj is None:
            return [(None, {"fields": ("name", "title", "description")}), ("Rules", {"fields": rules})]
        return [
            (None, {"fields": ("state_label", "retired_bar", "votes_link")}),
            ("Words", {"fields": ("name", "title", "description")}),
            ("Rules", {"fields": (*rules, "created_at")}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Votes are compared with one set and counted against one overlap: both stay once the campaign exists."""
        return (*self.readonly_fields, "name", "standard_set", "overlap", "retirement") if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A draft set can still change, so no campaign may be compared with it."""
        if db_field.name == "standard_set":
            kwargs["queryset"] = StandardSet.objects.filter(state=StandardSet.State.PUBLISHED)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        made = campaign_create(**form.cleaned_data, actor=request.user)
        obj.pk, obj._state.adding = made.pk, False

    @column("state", ordering="state", label=STATE_LABELS)
    def state_label(self, campaign: Campaign) -> str:
        return campaign.state

    @column("retired galaxies")
    def retired_bar(self, campaign: Any) -> str:
        address = reverse("admin:labeling_target_changelist") + f"?campaign__id__exact={campaign.pk}"
        return format_html('<a href="{}">{}</a>', address, progress_bar(campaign.retired_count, campaign.target_count))

    @column("votes", ordering="counted_votes")
    def votes_link(self, campaign: Any) -> str:
        address = reverse("admin:labeling_vote_changelist") + f"?target__campaign__id__exact={campaign.pk}"
        return format_html('<a href="{}">{}</a>', address, f"{campaign.counted_votes:,}")


@admin.register(Target)
class TargetAdmin(StaffAdmin):
    list_display = ("galaxy_link", "campaign", "state_label", "votes_bar", "lease_count", "priority", "retired_at")
    list_filter = ("campaign", "state", "priority")
    search_fields = ("=galaxy__pgc", "galaxy__name")
    list_select_related = ("galaxy", "campaign")
    ordering = ("-id",)
    fields = ("campaign", "galaxy", "state", "votes_bar", "lease_count", "priority", "stale_since", "retired_at")
    readonly_fields = tuple(name for name in fields if name != "priority")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @column("galaxy", ordering="galaxy__pgc")
    def galaxy_link(self, target: Target) -> str:
        return str(target.galaxy)

    @column("state", ordering="state", label={"open": "info", "retired": "success"})
    def state_label(self, target: Target) -> str:
        return target.state

    @column("votes of its quota", ordering="vote_count")
    def votes_bar(self, target: Target) -> str:
        return progress_bar(target.vote_count, target.quota)


@admin.register(Task)
class TaskAdmin(HistoryAdmin):
    list_display = ("galaxy", "volunteer_link", "state_label", "checked_out_at", "due_at", "checked_in_at")
    list_filter = ("state", "target__campaign", "checked_out_at")
    search_fields = ("=id", "=target__galaxy__pgc", "=volunteer__volunteer_number")
    list_select_related = ("target__galaxy", "volunteer")
    ordering = ("-checked_out_at",)

    @column("galaxy")
    def galaxy(self, task: Task) -> str:
        return str(task.target.galaxy)

    @column("volunteer")
    def volunteer_link(self, task: Task) -> str:
        return row_link(task.volunteer, task.volunteer.public_name)

    @column(
        "state",
        ordering="state",
        label={"leased": "warning", "voted": "success", "skipped": "info", "expired": "danger"},
    )
    def state_label(self, task: Task) -> str:
        return task.state


@admin.register(Vote)
class VoteAdmin(HistoryAdmin):
    list_display = (
        "created_at",
        "galaxy",
        "volunteer_link",
        "verdict_label",
        "inclination_deg",
        "standing",
        "said",
        "flags",
    )
    list_filter = ("target__campaign", "verdict", "standing", "is_imported", "created_at")
    search_fields = ("=key", "=target__galaxy__pgc", "=volunteer__volunteer_number", "comment")
    list_select_related = ("target__galaxy", "volunteer")
    ordering = ("-id",)
    date_hierarchy = "created_at"
    fieldsets = (
        (None, {"fields": ("galaxy", "volunteer_link", "created_at", "standing", "superseded_at")}),
        ("Judgement", {"fields": ("verdict", "inclination_deg", "inclination_rounded_deg", "reasons", "comment")}),
        ("How it came about", {"fields": ("standard_set", "task", "trace", "rule_version", "rounding_seed", "flags")}),
        ("Origin", {"fields": ("key", "body_hash", "checked_out_at", "is_imported", "import_ref")}),
    )

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """The dashboard links to the votes of one day."""
        return lookup.startswith("created_at__") or bool(super().lookup_allowed(lookup, value, request))

    @column("galaxy")
    def galaxy(self, vote: Vote) -> str:
        return row_link(vote.target, str(vote.target.galaxy))

    @column("volunteer")
    def volunteer_link(self, vote: Vote) -> str:
        return row_link(vote.volunteer, vote.volunteer.public_name)

    @column("verdict", ordering="verdict", label=VERDICT_LABELS)
    def verdict_label(self, vote: Vote) -> str:
        return str(vote.get_verdict_display())

    @column("reasons, comment")
    def said(self, vote: Vote) -> str:
        return " · ".join([*vote.reasons, *([vote.comment] if vote.comment else [])]) or "–"


@admin.register(Consensus)
class ConsensusAdmin(HistoryAdmin):
    list_display = (
        "galaxy",
        "campaign",
        "verdict",
        "inclination_deg",
        "sigma_deg",
        "volunteer_count",
        "split_label",
        "status",
        "estimator",
        "is_current",
    )
    list_filter = ("target__campaign", "is_current", "verdict", "is_split", "status", "estimator")
    search_fields = ("=target__galaxy__pgc", "target__galaxy__name")
    list_select_related = ("target__galaxy", "target__campaign")
    ordering = ("-id",)

    @column("galaxy")
    def galaxy(self, consensus: Consensus) -> str:
        return str(consensus.target.galaxy)

    @column("split", ordering="is_split", label={"split": "danger"})
    def split_label(self, consensus: Consensus) -> str | None:
        return "split" if consensus.is_split else None

    @column("campaign")
    def campaign(self, consensus: Consensus) -> str:
        return str(consensus.target.campaign)


@admin.register(CrowdFit)
class CrowdFitAdmin(HistoryAdmin):
    list_display = ("id", "campaign", "vote_count", "volunteer_count", "is_converged", "is_current", "created_at")
    list_filter = ("campaign", "is_current", "is_converged")
    search_fields = ("=id", "campaign__name")
    list_select_related = ("campaign",)


@admin.register(VolunteerFit)
class VolunteerFitAdmin(HistoryAdmin):
    list_display = ("person", "campaign", "vote_count", "offset_deg", "slope", "scale", "is_current")
    list_filter = ("fit__campaign", "fit__is_current")
    search_fields = ("=volunteer__volunteer_number",)
    list_select_related = ("volunteer", "fit__campaign")
    # Never the volunteer's address.
    fields = ("person", "fit", "vote_count", "offset_deg", "slope", "scale", "scale_log_error")
    readonly_fields = ("person",)

    @column("volunteer", ordering="volunteer__volunteer_number")
    def person(self, habits: VolunteerFit) -> str:
        return f"volunteer {habits.volunteer.volunteer_number}"

    @column("campaign")
    def campaign(self, habits: VolunteerFit) -> str:
        return str(habits.fit.campaign)

    @column("is current")
    def is_current(self, habits: VolunteerFit) -> str:
        return "yes" if habits.fit.is_current else "no"


@admin.register(LabelSet)
class LabelSetAdmin(HistoryAdmin):
    list_display = ("name", "campaign", "galaxy_count", "size_px", "megabytes", "created_at", "download_link")
    list_filter = ("campaign", "estimator", "created_at")
    search_fields = ("name", "=digest")
    list_select_related = ("campaign",)
    fieldsets = (
        (None, {"fields": ("name", "campaign", "created_at", "download_link")}),
        ("What is in it", {"fields": ("galaxy_count", "size_px", "megabytes", "counts")}),
        ("How it came about", {"fields": ("estimator", "as_of", "digest", "versions")}),
    )
    readonly_fields = ("megabytes", "download_link", "counts", "versions")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download_view)
        return [path("<int:pk>/download/", view, name="labeling_labelset_download"), *super().get_urls()]

    def download_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The whole folder as one tar file, made while it is sent."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        labelset = get_object_or_404(LabelSet, pk=pk)
        folder = labelset_root() / labelset.name
        if not folder.is_dir():
            raise Http404
        audit.record("label_set_downloaded", actor=request.user, subject=labelset.name)
        answer = StreamingHttpResponse(tar_blocks(folder), content_type="application/x-tar")
        answer.headers["Content-Length"] = str(tar_bytes(folder))
        answer.headers["Content-Disposition"] = f'attachment; filename="{labelset.name}.tar"'
        return answer

    @column("MB", ordering="byte_count")
    def megabytes(self, labelset: LabelSet) -> str:
        return f"{labelset.byte_count / 1e6:,.1f}"

    @column("download")
    def download_link(self, labelset: LabelSet) -> str:
        address = reverse("admin:labeling_labelset_download", args=[labelset.pk])
        return format_html('<a href="{}" class="text-primary-600 dark:text-primary-500">tar</a>', address)

    @column("counts")
    def counts(self, labelset: LabelSet) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in labelset.manifest["counts"].items())

    @column("versions")
    def versions(self, labelset: LabelSet) -> str:
        return json.dumps(labelset.manifest["versions"], ensure_ascii=False)
