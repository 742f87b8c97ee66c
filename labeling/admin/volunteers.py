"""Staff pages of volunteers as the labelling sees them: how they vote, and whether their votes count."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from giz.core.staff_admin import HistoryAdmin, PostButton, column
from giz.core.words import counted
from labeling.models import Volunteer, Vote
from labeling.services.plausibility import IMPLAUSIBLE, PLAUSIBLE, implausible_unflag, volunteer_discount


def press_discount(request: HttpRequest, volunteer: Any) -> str:
    count = volunteer_discount(volunteer=volunteer, actor=request.user)
    have = "has" if count == 1 else "have"
    return f"{counted(count, 'vote')} of {volunteer.public_name} {have} weight 0 from now on; the labels follow."


def press_restore(request: HttpRequest, volunteer: Any) -> str:
    count = implausible_unflag(volunteer=volunteer, actor=request.user)
    said = counted(count, "vote")
    counts = "counts again, and is" if count == 1 else "count again, and are"
    return f"{said} of {volunteer.public_name} {counts} not taken for a robot's any more."


class WeightFilter(admin.SimpleListFilter):
    """Whose votes have no weight, and who was declared plausible by staff."""

    title = "votes"
    parameter_name = "weight"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(IMPLAUSIBLE, "have weight 0"), (PLAUSIBLE, "count by staff's word"), ("voted", "any")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        votes = Vote.objects.filter(volunteer=OuterRef("pk"))
        if self.value() in (IMPLAUSIBLE, PLAUSIBLE):
            return queryset.filter(Exists(votes.filter(flags__contains=[self.value()])))
        if self.value():
            return queryset.filter(Exists(votes))
        return queryset


@admin.register(Volunteer)
class VolunteerAdmin(HistoryAdmin):
    list_display = ("public_name", "votes_link", "weight_label", "import_source")
    list_filter = (WeightFilter, "import_source")
    search_fields = ("=volunteer_number",)
    ordering = ("-id",)
    fields = ("public_name", "votes_link", "weight_label", "import_source", "date_joined")
    readonly_fields = fields
    post_buttons: ClassVar[tuple[PostButton, ...]] = (
        PostButton("discount", "Give all votes weight 0", press_discount, lambda one: not one.discounted, "danger"),
        PostButton("restore", "Count the votes again", press_restore, lambda one: bool(one.discounted), "main"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        people: QuerySet[Any] = super().get_queryset(request)
        counted: QuerySet[Any] = people.annotate(
            vote_total=Count("votes"),
            discounted=Count("votes", filter=Q(votes__flags__contains=[IMPLAUSIBLE])),
            trusted=Count("votes", filter=Q(votes__flags__contains=[PLAUSIBLE])),
        )
        return counted

    @column("volunteer", ordering="volunteer_number")
    def public_name(self, volunteer: Any) -> str:
        return str(volunteer.public_name)

    @column("votes", ordering="vote_total")
    def votes_link(self, volunteer: Any) -> str:
        address = reverse("admin:labeling_vote_changelist") + f"?q={volunteer.volunteer_number}"
        return format_html('<a href="{}">{}</a>', address, f"{volunteer.vote_total:,}")

    @column("weight", label={"weight 0": "danger", "by staff's word": "success"})
    def weight_label(self, volunteer: Any) -> str | None:
        if volunteer.discounted:
            return "weight 0"
        return "by staff's word" if volunteer.trusted else None
