"""Read-only staff pages of tasks, votes, consensuses and fits."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from giz.core.staff_admin import HistoryAdmin, column, row_link
from labeling.models import (
    Certificate,
    Consensus,
    CrowdFit,
    Figures,
    NetworkAnswer,
    NetworkOrder,
    Target,
    Task,
    Volunteer,
    VolunteerFit,
    Vote,
    VoteTally,
)

# More would not fit into a bigint.
MOST_DIGITS = 19
VERDICT_LABELS = {"accepted": "success", "face-on": "info", "rejected": "danger"}


def found_by_number(queryset: QuerySet[Any], term: str) -> QuerySet[Any] | None:
    """Return the rows of the galaxy or person with this number; None if the term is not a number.

    The few galaxies and people are looked up first, because a query over the joined tables would read all of them.
    """
    digits = term[1:] if term[:1] in {"v", "V"} else term
    if not (digits.isascii() and digits.isdigit() and len(digits) < MOST_DIGITS):
        return None
    targets = list(Target.objects.filter(galaxy__pgc=int(digits)).values_list("pk", flat=True))
    people = list(Volunteer.objects.filter(volunteer_number=int(digits)).values_list("pk", flat=True))
    return queryset.filter(Q(target__in=targets) | Q(volunteer__in=people))


@admin.register(Task)
class TaskAdmin(HistoryAdmin):
    list_display = ("galaxy", "volunteer_link", "state_label", "checked_out_at", "due_at", "checked_in_at")
    list_filter = ("state", "target__campaign", "checked_out_at")
    search_fields = ("=id", "=target__galaxy__pgc", "=volunteer__volunteer_number")
    list_select_related = ("target__galaxy", "volunteer")
    ordering = ("-checked_out_at",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Task], search_term: str
    ) -> tuple[QuerySet[Task], bool]:
        found = found_by_number(queryset, search_term.strip())
        return (found, False) if found is not None else super().get_search_results(request, queryset, search_term)

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
        (
            "Comparison",
            {"fields": ("standard_set", "task", "guide", "trace", "rule_version", "rounding_seed", "flags")},
        ),
        ("Origin", {"fields": ("key", "body_hash", "checked_out_at", "shown_ms", "is_imported", "import_ref")}),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Vote], search_term: str
    ) -> tuple[QuerySet[Vote], bool]:
        found = found_by_number(queryset, search_term.strip())
        return (found, False) if found is not None else super().get_search_results(request, queryset, search_term)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow the dashboard's links to the votes of one day."""
        of_a_day = ("created_at__gte", "created_at__lt", "created_at__date")
        return lookup in of_a_day or bool(super().lookup_allowed(lookup, value, request))

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


@admin.register(Certificate)
class CertificateAdmin(HistoryAdmin):
    list_display = ("number", "person", "day", "votes", "galaxies", "offset_text", "scatter_text")
    search_fields = ("=number", "=volunteer__volunteer_number")
    list_select_related = ("volunteer",)
    ordering = ("-id",)
    # Neither the code, which opens it, nor the volunteer's address.
    fields = ("number", "person", "day", "votes", "galaxies", "offset_text", "scatter_text", "created_at")
    readonly_fields = fields

    @column("volunteer", ordering="volunteer__volunteer_number")
    def person(self, certificate: Certificate) -> str:
        return row_link(certificate.volunteer, certificate.volunteer.public_name)


@admin.register(Consensus)
class ConsensusAdmin(HistoryAdmin):
    list_display = (
        "galaxy",
        "campaign",
        "verdict",
        "inclination",
        "people",
        "split_label",
        "status",
        "estimator",
        "created_at",
        "is_current",
    )
    list_filter = ("target__campaign", "is_current", "verdict", "is_split", "status", "estimator")
    search_fields = ("=target__galaxy__pgc", "target__galaxy__name")
    list_select_related = ("target__galaxy", "target__campaign")
    ordering = ("-id",)

    @column("galaxy")
    def galaxy(self, consensus: Consensus) -> str:
        return str(consensus.target.galaxy)

    @column("inclination", ordering="inclination_deg")
    def inclination(self, consensus: Consensus) -> str:
        if consensus.inclination_deg is None or consensus.sigma_deg is None:
            return "–"
        return f"{consensus.inclination_deg:.1f}° ± {consensus.sigma_deg:.1f}"

    @column("people", ordering="volunteer_count")
    def people(self, consensus: Consensus) -> str:
        return f"{consensus.volunteer_count}"

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


@admin.register(NetworkAnswer)
class NetworkAnswerAdmin(HistoryAdmin):
    list_display = ("galaxy", "model", "inclination_deg", "sigma_deg", "rejection", "is_dismissed", "created_at")
    list_filter = ("target__campaign", "is_dismissed")
    search_fields = ("=target__galaxy__pgc", "model")
    list_select_related = ("target__galaxy",)
    ordering = ("-created_at",)

    @column("galaxy")
    def galaxy(self, answer: NetworkAnswer) -> str:
        return str(answer.target.galaxy)


@admin.register(NetworkOrder)
class NetworkOrderAdmin(HistoryAdmin):
    list_display = ("campaign", "model", "answers", "unanswered", "compared", "bias_deg", "agreement", "ordered_at")
    search_fields = ("campaign__name", "model")
    list_select_related = ("campaign",)
    ordering = ("-ordered_at",)


@admin.register(Figures)
class FiguresAdmin(HistoryAdmin):
    """The public counts as written by a worker."""

    list_display = ("__str__", "votes", "people", "galaxies", "retired", "counted_at")
    search_fields = ("campaign__name",)
    list_select_related = ("campaign",)
    ordering = ("id",)


@admin.register(VoteTally)
class VoteTallyAdmin(HistoryAdmin):
    list_display = ("person", "campaign", "votes")
    list_filter = ("campaign",)
    search_fields = ("=volunteer__volunteer_number",)
    list_select_related = ("volunteer", "campaign")
    ordering = ("-id",)
    fields = ("person", "campaign", "votes")
    readonly_fields = fields

    @column("volunteer")
    def person(self, tally: VoteTally) -> str:
        return row_link(tally.volunteer, tally.volunteer.public_name)
