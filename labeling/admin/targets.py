"""Staff pages of targets: ask more people, make them golden, dismiss doubts."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join

from giz.core.errors import Refused
from giz.core.staff_admin import PostButton, StaffAdmin, column, progress_bar
from giz.core.words import n_galaxies
from labeling.models import NetworkAnswer, Target
from labeling.selectors import standards_among
from labeling.services.network import doubt_dismiss
from labeling.services.targets import (
    AGREED_SIGMA_DEG,
    target_reopen,
    targets_make_calibration,
    targets_make_golden,
    targets_make_ordinary,
)
from labeling.tasks import wake_consensus


def press_ask(request: HttpRequest, target: Target) -> str:
    target_reopen(target=target, actor=request.user)
    return f"{target.galaxy} is open again and waits for one more person. Its result so far is kept as history."


def press_golden(request: HttpRequest, target: Target) -> str:
    if standards_among(target.campaign.standard_set, [target.galaxy_id]):
        raise Refused(
            "is_standard",
            f"{target.galaxy} is a standard of this campaign. A comparison never shows a galaxy beside itself, so "
            "volunteers could notice that it is a gold standard. Choose another galaxy.",
        )
    if not targets_make_golden(campaign=target.campaign, target_ids=[target.pk], actor=request.user):
        raise Refused(
            "not_known",
            f"Nobody knows the inclination of {target.galaxy} well enough: it is not an acceptable synthetic galaxy, "
            f"and it has no finished consensus with an error below {AGREED_SIGMA_DEG}°.",
        )
    return f"{target.galaxy} is now a gold standard: every volunteer judges it, which calibrates them."


def press_calibration(request: HttpRequest, target: Target) -> str:
    targets_make_calibration(campaign=target.campaign, target_ids=[target.pk], actor=request.user)
    return f"{target.galaxy} is now used for calibration: every volunteer judges it, so that they can be compared."


def press_ordinary(request: HttpRequest, target: Target) -> str:
    targets_make_ordinary(campaign=target.campaign, target_ids=[target.pk], actor=request.user)
    return f"{target.galaxy} is an ordinary target again."


def press_right(request: HttpRequest, target: Target) -> str:
    doubt_dismiss(target=target, actor=request.user)
    wake_consensus()
    return f"{target.galaxy} is done: the volunteers' verdict is final. Its label will follow shortly."


class DoubtFilter(admin.SimpleListFilter):
    title = "people and network"
    parameter_name = "in_doubt"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "disagree")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Target]) -> QuerySet[Target]:
        return queryset.exclude(doubt="") if self.value() else queryset


@admin.register(Target)
class TargetAdmin(StaffAdmin):
    list_display = (
        *("galaxy_link", "campaign", "state_label", "purpose", "votes_bar", "lease_count", "priority", "need"),
        "doubt",
    )
    list_filter = ("campaign", "state", DoubtFilter, "purpose", "priority")
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
            "history_links",
            "lease_count",
            "asked",
            "priority",
            "need",
            "votes_to_go",
        ),
        *("doubt", "network_says", "stale_since", "retired_at"),
    )
    readonly_fields = tuple(name for name in fields if name != "priority")
    actions = ("ask_one_more",)
    post_buttons: ClassVar[tuple[PostButton, ...]] = (
        PostButton("right", "Keep the volunteers' verdict", press_right, lambda one: bool(one.doubt), "main"),
        PostButton("ask", "Ask one more person", press_ask, lambda one: not one.has_room, "main"),
        PostButton("golden", "Use as a gold standard", press_golden, lambda one: one.purpose != "golden"),
        PostButton("calibration", "Use for calibration", press_calibration, lambda one: one.purpose != "calibration"),
        PostButton("ordinary", "Make it an ordinary target", press_ordinary, lambda one: one.purpose != "label"),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Ask one more person about each", permissions=["change"])
    def ask_one_more(self, request: HttpRequest, queryset: QuerySet[Target]) -> None:
        done = [target for target in queryset.select_related("galaxy") if not target.has_room]
        for target in done:
            target_reopen(target=target, actor=request.user)
        self.message_user(
            request,
            f"One more person will be asked about {n_galaxies(len(done))}; open ones that already wait for somebody "
            "are unchanged.",
        )

    @column("galaxy", ordering="galaxy__pgc")
    def galaxy_link(self, target: Target) -> str:
        return str(target.galaxy)

    @column("state", ordering="state", label={"open": "info", "retired": "success", "expert": "warning"})
    def state_label(self, target: Target) -> str:
        return target.state

    @column("votes / quota", ordering="vote_count")
    def votes_bar(self, target: Target) -> str:
        return progress_bar(target.vote_count, target.quota)

    @column("result")
    def history_links(self, target: Target) -> str:
        links = [
            (reverse(f"admin:labeling_{model}_changelist") + f"?target__id__exact={target.pk}", f"{count:,} {words}")
            for model, count, words in (
                ("vote", target.votes.count(), "votes"),
                ("consensus", target.consensuses.count(), "all consensuses, including older ones"),
            )
        ]
        return format_html_join(" · ", '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>', links)

    @column("network's prediction")
    def network_says(self, target: Target) -> str:
        answer = NetworkAnswer.objects.filter(target=target).first()
        return answer.in_words if answer else "–"
