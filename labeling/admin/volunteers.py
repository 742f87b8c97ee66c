"""Staff pages of volunteers: their votes, the weight of these, and suspicions."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from giz.core.staff_admin import HistoryAdmin, PostButton, column, row_link
from giz.core.words import counted
from labeling.models import PracticeRound, Suspicion, Volunteer, Vote
from labeling.rules import WEIGHTLESS_FLAGS
from labeling.services.plausibility import (
    suspicion_confirm,
    suspicion_dismiss,
    volunteer_discount,
    volunteer_restore,
)

REASONS = {
    "too_fast": "votes in under a second",
    "same_answer": "always the same answer",
    "not_looking": "answers unrelated to the galaxies",
    "rejects_all": "rejects galaxies that everybody else measures",
    "staff": "decided by staff",
}


def evidence_lines(suspicion: Suspicion) -> Iterator[str]:
    """Yield the findings of the rule as sentences."""
    found = suspicion.evidence
    if not found:
        yield "Decided by staff, or before evidence was stored."
        return
    yield f"{counted(found['vote_count'], 'vote')} here, {found['answers']:,} of them answers (no rejections)."
    if "too_fast" in suspicion.reasons:
        yield f"{found['fast_share']:.0%} of the votes took less than a second (such votes never have weight)."
    if "same_answer" in suspicion.reasons:
        yield (
            f"{found['answer_count']:,} of {found['answers']:,} answers are {found['answer_deg']:.1f}°. For "
            f"somebody who looks the probability is {found['answer_chance']:.0e}, even if all galaxies are alike."
        )
    if "not_looking" in suspicion.reasons:
        yield (
            f"Correlation with the answers of others on the same galaxies: {found['likeness']:.2f}; of those others "
            f"with each other: {found['likeness_of_others']:.2f}. That is too low by {found['errors']:.1f} standard "
            "errors."
        )
    if "rejects_all" in suspicion.reasons:
        said = counted(found["rejected"], "rejection")
        yield f"{said} of the galaxies that at least two others measured and nobody else rejected."


def press_confirm(request: HttpRequest, suspicion: Suspicion) -> str:
    count = suspicion_confirm(suspicion=suspicion, actor=request.user)
    return (
        f"{counted(count, 'vote')} of {suspicion} now have weight 0, and so will later ones; the labels will be "
        "updated."
    )


def press_dismiss(request: HttpRequest, suspicion: Suspicion) -> str:
    count = suspicion_dismiss(suspicion=suspicion, actor=request.user)
    back = f" {counted(count, 'vote')} count again." if count else ""
    return f"Dismissed. Only later votes by {suspicion.volunteer.public_name} can raise it again.{back}"


@admin.register(Suspicion)
class SuspicionAdmin(HistoryAdmin):
    list_display = ("person", "campaign", "state_label", "why", "found_at", "decided_at")
    list_filter = ("state", "campaign")
    search_fields = ("=volunteer__volunteer_number",)
    list_select_related = ("volunteer", "campaign")
    ordering = ("-state", "-found_at")
    fields = ("person", "campaign", "state_label", "why", "evidence_shown", "votes_link", "found_at", "decided_at")
    readonly_fields = fields
    post_buttons: ClassVar[tuple[PostButton, ...]] = (
        PostButton("dismiss", "The votes are honest", press_dismiss, lambda one: one.state != "dismissed", "main"),
        PostButton("confirm", "Give the votes weight 0", press_confirm, lambda one: one.state != "confirmed", "danger"),
    )

    @column("volunteer", ordering="volunteer__volunteer_number")
    def person(self, suspicion: Suspicion) -> str:
        return str(suspicion.volunteer.public_name)

    @column(
        "state",
        ordering="state",
        label={
            Suspicion.State.OPEN.label: "warning",
            Suspicion.State.CONFIRMED.label: "danger",
            Suspicion.State.DISMISSED.label: "success",
        },
    )
    def state_label(self, suspicion: Suspicion) -> str:
        return suspicion.get_state_display()

    @column("why")
    def why(self, suspicion: Suspicion) -> str:
        return "; ".join(REASONS.get(reason, reason) for reason in suspicion.reasons)

    @column("evidence")
    def evidence_shown(self, suspicion: Suspicion) -> str:
        return format_html_join("", "<p>{}</p>", ((line,) for line in evidence_lines(suspicion)))

    @column("votes")
    def votes_link(self, suspicion: Suspicion) -> str:
        address = reverse("admin:labeling_vote_changelist") + f"?q={suspicion.volunteer.volunteer_number}"
        return format_html('<a href="{}">{}</a>', address, "look at the votes")


def press_discount(request: HttpRequest, volunteer: Any) -> str:
    count = volunteer_discount(volunteer=volunteer, actor=request.user)
    have = "has" if count == 1 else "have"
    return f"{counted(count, 'vote')} of {volunteer.public_name} {have} weight 0 now; the labels will be updated."


def press_restore(request: HttpRequest, volunteer: Any) -> str:
    count = volunteer_restore(volunteer=volunteer, actor=request.user)
    have = "has" if count == 1 else "have"
    return (
        f"{counted(count, 'vote')} of {volunteer.public_name} {have} weight again; only later votes can be suspected."
    )


class WeightFilter(admin.SimpleListFilter):
    """Filter by weight of the votes, suspicion, and decision of staff."""

    title = "votes"
    parameter_name = "weight"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("none", "some have weight 0"),
            (Suspicion.State.OPEN, "suspected"),
            (Suspicion.State.CONFIRMED, "weight 0, decided by staff"),
            (Suspicion.State.DISMISSED, "cleared by staff"),
            ("voted", "any"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        votes = Vote.objects.filter(volunteer=OuterRef("pk"))
        chosen = self.value()
        if chosen in Suspicion.State.values:
            return queryset.filter(Exists(Suspicion.objects.filter(volunteer=OuterRef("pk"), state=chosen)))
        # Older links use "implausible".
        if chosen in ("none", "implausible"):
            return queryset.filter(Exists(votes.filter(flags__overlap=list(WEIGHTLESS_FLAGS))))
        return queryset.filter(Exists(votes)) if chosen else queryset


@admin.register(Volunteer)
class VolunteerAdmin(HistoryAdmin):
    list_display = ("public_name", "votes_link", "weightless_votes", "weight_label", "import_source")
    list_filter = (WeightFilter, "import_source")
    search_fields = ("=volunteer_number",)
    ordering = ("-id",)
    fields = (
        *("public_name", "votes_link", "weightless_votes", "weight_label", "suspicions_shown"),
        *("import_source", "date_joined"),
    )
    readonly_fields = fields
    post_buttons: ClassVar[tuple[PostButton, ...]] = (
        PostButton("discount", "Give all votes weight 0", press_discount, lambda one: not one.discounted, "danger"),
        PostButton("restore", "Count the votes again", press_restore, lambda one: bool(one.discounted), "main"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        people: QuerySet[Any] = super().get_queryset(request)
        counted: QuerySet[Any] = people.annotate(
            vote_total=Count("votes"),
            weightless=Count("votes", filter=Q(votes__flags__overlap=list(WEIGHTLESS_FLAGS))),
            discounted=Count("votes", filter=Q(votes__flags__contains=["implausible"])),
            suspected=Exists(Suspicion.objects.filter(volunteer=OuterRef("pk"), state=Suspicion.State.OPEN)),
            trusted=Exists(Suspicion.objects.filter(volunteer=OuterRef("pk"), state=Suspicion.State.DISMISSED)),
        )
        return counted

    @column("volunteer", ordering="volunteer_number")
    def public_name(self, volunteer: Any) -> str:
        return str(volunteer.public_name)

    @column("votes", ordering="vote_total")
    def votes_link(self, volunteer: Any) -> str:
        address = reverse("admin:labeling_vote_changelist") + f"?q={volunteer.volunteer_number}"
        return format_html('<a href="{}">{}</a>', address, f"{volunteer.vote_total:,}")

    @column("weight", label={"weight 0": "danger", "suspected": "warning", "cleared by staff": "success"})
    def weight_label(self, volunteer: Any) -> str | None:
        if volunteer.discounted or (volunteer.weightless and volunteer.weightless == volunteer.vote_total):
            return "weight 0"
        if volunteer.suspected:
            return "suspected"
        return "cleared by staff" if volunteer.trusted else None

    @column("votes of weight 0")
    def weightless_votes(self, volunteer: Any) -> str | None:
        return f"{volunteer.weightless:,}" if volunteer.weightless else None

    @column("suspicions")
    def suspicions_shown(self, volunteer: Any) -> str:
        found = Suspicion.objects.filter(volunteer_id=volunteer.pk).select_related("volunteer", "campaign")
        rows = ((row_link(one, one.campaign.name), one.get_state_display()) for one in found)
        return format_html_join(" · ", "{} ({})", rows) or "–"


@admin.register(PracticeRound)
class PracticeRoundAdmin(HistoryAdmin):
    """What people practised; it has no weight anywhere."""

    list_display = ("created_at", "volunteer_link", "day", "galaxies", "mean_error_deg")
    list_filter = ("day",)
    search_fields = ("=volunteer__volunteer_number",)
    list_select_related = ("volunteer",)
    ordering = ("-id",)
    fields = ("volunteer_link", "created_at", "day", "mean_error_deg", "said")

    @column("volunteer")
    def volunteer_link(self, kept: PracticeRound) -> str:
        return row_link(kept.volunteer, kept.volunteer.public_name)

    @column("galaxies")
    def galaxies(self, kept: PracticeRound) -> int:
        return len(kept.judgements)

    @column("judgements")
    def said(self, kept: PracticeRound) -> str:
        lines = ((_said(judgement),) for judgement in kept.judgements)
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", lines))


def _said(judgement: dict[str, Any]) -> str:
    said = "rejected" if judgement["error_deg"] is None else f"off by {judgement['error_deg']:+.1f}°"
    return f"galaxy {judgement['galaxy']} of {judgement['true_deg']:.1f}°: {said}"
