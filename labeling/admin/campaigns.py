"""Staff pages of campaigns and their targets: made and steered here."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from giz.catalog.models import Galaxy, GalaxyImage
from giz.core import audit
from giz.core.errors import Refused
from giz.core.staff_admin import PostButton, StaffAdmin, column, progress_bar
from giz.core.tasks import wake_on_commit
from labeling.aggregation.estimators import estimator_named
from labeling.aggregation.judgements import UnknownRule
from labeling.aggregation.retirement import retirement_rule
from labeling.jobs import labels_freeze_job
from labeling.models import Campaign, Target, Vote
from labeling.services.campaigns import campaign_close, campaign_create, campaign_open, campaign_pause, targets_add
from labeling.services.targets import (
    AGREED_SIGMA_DEG,
    target_reopen,
    targets_make_calibration,
    targets_make_golden,
    targets_make_ordinary,
)
from standards.models import Standard, StandardSet

STATE_LABELS = {"draft": "info", "open": "success", "paused": "warning", "closed": "danger"}


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


def press_ask(request: HttpRequest, target: Target) -> str:
    target_reopen(target=target, actor=request.user)
    return f"{target.galaxy} is open again: one more person is asked. What was found so far stays as history."


def press_golden(request: HttpRequest, target: Target) -> str:
    if not targets_make_golden(campaign=target.campaign, target_ids=[target.pk], actor=request.user):
        raise Refused(
            "not_known",
            f"Nobody knows the inclination of {target.galaxy} well enough: it is no synthetic galaxy to be accepted, "
            f"and its consensus is not done and surer than {AGREED_SIGMA_DEG}°.",
        )
    return f"{target.galaxy} is golden: it is mixed in for everybody, and calibrates them."


def press_calibration(request: HttpRequest, target: Target) -> str:
    targets_make_calibration(campaign=target.campaign, target_ids=[target.pk], actor=request.user)
    return f"{target.galaxy} is mixed in for everybody, so that people can be compared."


def press_ordinary(request: HttpRequest, target: Target) -> str:
    targets_make_ordinary(campaign=target.campaign, target_ids=[target.pk], actor=request.user)
    return f"{target.galaxy} is labelled like the others again."


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
    list_display = ("galaxy_link", "campaign", "state_label", "purpose", "votes_bar", "lease_count", "priority", "need")
    list_filter = ("campaign", "state", "purpose", "priority")
    search_fields = ("=galaxy__pgc", "galaxy__name")
    list_select_related = ("galaxy", "campaign")
    ordering = ("-id",)
    fields = (
        *(
            "campaign",
            "galaxy",
            "state",
            "purpose",
            "known_deg",
            "votes_bar",
            "lease_count",
            "asked",
            "priority",
            "need",
        ),
        *("stale_since", "retired_at"),
    )
    readonly_fields = tuple(name for name in fields if name != "priority")
    actions = ("ask_one_more",)
    post_buttons: ClassVar[tuple[PostButton, ...]] = (
        PostButton("ask", "Ask one more person", press_ask, lambda one: one.state != "open", "main"),
        PostButton("golden", "Make it golden", press_golden, lambda one: one.purpose != "golden"),
        PostButton(
            "calibration", "Let everybody judge it", press_calibration, lambda one: one.purpose != "calibration"
        ),
        PostButton("ordinary", "Label it like the others", press_ordinary, lambda one: one.purpose != "label"),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Ask one more person about each", permissions=["change"])
    def ask_one_more(self, request: HttpRequest, queryset: QuerySet[Target]) -> None:
        done = queryset.exclude(state=Target.State.OPEN)
        for target in done:
            target_reopen(target=target, actor=request.user)
        self.message_user(
            request, f"One more person is asked about {len(done):,} galaxies; open ones stay as they are."
        )

    @column("galaxy", ordering="galaxy__pgc")
    def galaxy_link(self, target: Target) -> str:
        return str(target.galaxy)

    @column("state", ordering="state", label={"open": "info", "retired": "success", "expert": "warning"})
    def state_label(self, target: Target) -> str:
        return target.state

    @column("votes of its quota", ordering="vote_count")
    def votes_bar(self, target: Target) -> str:
        return progress_bar(target.vote_count, target.quota)
