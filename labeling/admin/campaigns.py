"""Staff pages of campaigns."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from giz.catalog.jobs import images_fetch_job
from giz.catalog.models import Galaxy, GalaxyImage
from giz.catalog.services.lacking import numbers_to_fetch
from giz.core import audit
from giz.core.errors import Refused
from giz.core.staff_admin import PostButton, StaffAdmin, column, progress_bar
from giz.core.tasks import wake_on_commit
from giz.core.words import n_galaxies
from giz.texts.admin import edit_address
from giz.texts.models import FIELD_GUIDE
from giz.texts.selectors import text_in_use
from labeling.aggregation.estimators import estimator_named
from labeling.aggregation.judgements import UnknownRule
from labeling.aggregation.retirement import retirement_rule
from labeling.jobs import export_start, labels_freeze_job
from labeling.models import Campaign, NetworkOrder, Target, Vote
from labeling.selectors import campaign_votes_to_go
from labeling.services.campaigns import (
    campaign_close,
    campaign_create,
    campaign_numbers,
    campaign_open,
    campaign_pause,
    targets_add,
)
from labeling.services.export_files import VOTES, export_name, exports_of
from labeling.services.network import queue_unorder, rejection_prior_of_labels, rejection_prior_set
from standards.models import Standard, StandardSet

STATE_LABELS = {"draft": "info", "open": "success", "paused": "warning", "closed": "danger"}


def press_open(request: HttpRequest, campaign: Campaign) -> str:
    campaign_open(campaign=campaign, actor=request.user)
    return f"{campaign} is open: volunteers can now judge its galaxies."


def press_pause(request: HttpRequest, campaign: Campaign) -> str:
    campaign_pause(campaign=campaign, actor=request.user)
    return f"{campaign} is paused: no new galaxies are served; votes on those already served still count."


def press_close(request: HttpRequest, campaign: Campaign) -> str:
    campaign_close(campaign=campaign, actor=request.user)
    return f"{campaign} is closed; votes on galaxies already served still count."


def press_add_all(request: HttpRequest, campaign: Campaign) -> str:
    """Make every galaxy with pictures a target, except standards of the campaign's set."""
    pictured = Galaxy.objects.filter(Exists(GalaxyImage.objects.filter(galaxy=OuterRef("pk"), is_current=True)))
    ruler = Standard.objects.filter(standard_set=campaign.standard_set_id, galaxy=OuterRef("pk"))
    ids = pictured.filter(~Exists(ruler)).values_list("pk", flat=True)
    added = targets_add(campaign=campaign, galaxy_ids=ids.iterator()).added
    audit.record("campaign_targets_added", actor=request.user, subject=campaign.name, added=added)
    return f"Targets added: {n_galaxies(added)}." if added else "Every galaxy with pictures is already a target."


def press_freeze(request: HttpRequest, campaign: Campaign) -> str:
    job = labels_freeze_job(campaign=campaign, owner=request.user)
    wake_on_commit(job)
    return f"The labels of {campaign} are being frozen; the label set appears under Label sets when it is finished."


def press_prior(request: HttpRequest, campaign: Campaign) -> str:
    prior = round(rejection_prior_of_labels(campaign), 3)
    rejection_prior_set(campaign=campaign, prior=prior, actor=request.user)
    return f"People reject {prior:.1%} of the finished galaxies of {campaign}; its predictions now assume that."


def press_fetch(request: HttpRequest, campaign: Campaign) -> str:
    numbers = sorted({*campaign_numbers(campaign)}.intersection(numbers_to_fetch()))
    if not numbers:
        raise Refused("no_galaxies", f"Every real galaxy of {campaign} has its pictures.", status=409)
    job = images_fetch_job(numbers, list(settings.SURVEY_ORDER), owner=request.user)
    wake_on_commit(job)
    audit.record("fetch_images", actor=request.user, subject=str(job.id), campaign=campaign.name, galaxies=len(numbers))
    return f"Frames for the missing pictures of {n_galaxies(len(numbers))} are being fetched. Jobs shows the progress."


def press_export_votes(request: HttpRequest, campaign: Campaign) -> str:
    export_start(campaign=campaign, kind=VOTES, owner=request.user)
    return f"The votes of {campaign} are being exported. Exports on this page lists the file when it is finished."


class CampaignForm(forms.ModelForm):  # type: ignore[type-arg]
    """Shows what `campaign_create` would refuse beside its field."""

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
    """Return a count of targets as a subquery, because two joined counts in one query would multiply each other."""
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
    readonly_fields = (
        "state_label",
        "retired_bar",
        "votes_link",
        "votes_to_go",
        "exports",
        "network",
        "field_guide",
        "created_at",
    )
    post_buttons: ClassVar[tuple[PostButton, ...]] = (
        PostButton("open", "Open", press_open, lambda one: one.state != "open", "main"),
        PostButton("add_all", "Add all galaxies with pictures", press_add_all, lambda one: one.state != "closed"),
        PostButton("fetch", "Fetch missing pictures", press_fetch),
        PostButton("pause", "Pause", press_pause, lambda one: one.state == "open"),
        PostButton("freeze", "Freeze a label set", press_freeze),
        PostButton("export_votes", "Export votes", press_export_votes),
        PostButton("prior", "Take the share of rejections from its labels", press_prior),
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
            return [
                (None, {"fields": ("name", "title", "description")}),
                ("Rules", {"fields": rules}),
                ("Network", {"fields": ("uses_network",)}),
            ]
        return [
            (None, {"fields": ("state_label", "retired_bar", "votes_link", "votes_to_go", "exports")}),
            ("Words", {"fields": ("name", "title", "description", "field_guide")}),
            ("Rules", {"fields": (*rules, "created_at")}),
            ("Network", {"fields": ("uses_network", "rejection_prior", "network")}),
            ("Scale of truth", {"fields": ("sigma_common_deg", "sigma_common_from")}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Standard set and overlap cannot be changed here once the campaign exists."""
        return (*self.readonly_fields, "name", "standard_set", "overlap", "retirement") if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer published sets only, because drafts can still change."""
        if db_field.name == "standard_set":
            kwargs["queryset"] = StandardSet.objects.filter(state=StandardSet.State.PUBLISHED)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        if change:
            if "rejection_prior" in form.changed_data:
                rejection_prior_set(campaign=obj, prior=form.cleaned_data["rejection_prior"], actor=request.user)
            super().save_model(request, obj, form, change)
            if "uses_network" in form.changed_data and not obj.uses_network:
                queue_unorder(campaign=obj, actor=request.user)
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

    @column("exports of votes")
    def exports(self, campaign: Campaign) -> str:
        """Link the files of the last day."""
        address = "votes-export-file"
        files = (
            (reverse(address, args=[campaign.name, job.pk]), export_name(job), f"{job.finished_at:%H:%M} UTC")
            for job in exports_of(campaign, VOTES)
        )
        words = '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a> ({})'
        return format_html_join(", ", words, files) or "–"

    @column("votes still needed")
    def votes_to_go(self, campaign: Campaign) -> str:
        return f"about {campaign_votes_to_go(campaign):,.0f}"

    @column("field guide")
    def field_guide(self, campaign: Campaign) -> str:
        name = f"{FIELD_GUIDE}/{campaign.name}"
        own = text_in_use(name)
        words = f"Edit it: version {own.number}" if own else "The common one. Write one of its own"
        return format_html(
            '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>', edit_address(name), words
        )

    @column("network")
    def network(self, campaign: Campaign) -> str:
        order = NetworkOrder.objects.filter(campaign=campaign).first()
        if order is None:
            return (
                "Nothing yet: a network orders the queue within ten minutes of being put into use."
                if campaign.uses_network
                else "–"
            )
        doubts = Target.objects.filter(campaign=campaign).exclude(doubt="").count()
        address = reverse("admin:labeling_target_changelist") + f"?campaign__id__exact={campaign.pk}&in_doubt=1"
        return format_html(
            '{} ordered {}, {} UTC. In doubt: <a href="{}" class="{}">{}</a>. {}',
            order.short_model, n_galaxies(order.answers), f"{order.ordered_at:%Y-%m-%d %H:%M}", address,
            "text-primary-600 dark:text-primary-500", n_galaxies(doubts), order.in_words,
        )  # fmt: skip
