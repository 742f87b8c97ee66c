"""Staff pages of targets: the galaxies of a campaign, asked about again, made golden, taken out of doubt."""

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
from labeling.services.consensus import consensus_refresh
from labeling.services.network import doubt_dismiss
from labeling.services.targets import (
    AGREED_SIGMA_DEG,
    target_reopen,
    targets_make_calibration,
    targets_make_golden,
    targets_make_ordinary,
)


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


def press_right(request: HttpRequest, target: Target) -> str:
    doubt_dismiss(target=target, actor=request.user)
    consensus_refresh(campaign=target.campaign, max_batches=1)
    return f"{target.galaxy} is done as people say, whatever the network says."


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
        PostButton("right", "People are right", press_right, lambda one: bool(one.doubt), "main"),
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
            request, f"One more person is asked about {n_galaxies(len(done))}; open ones stay as they are."
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

    @column("what was found")
    def history_links(self, target: Target) -> str:
        links = [
            (reverse(f"admin:labeling_{model}_changelist") + f"?target__id__exact={target.pk}", f"{count:,} {words}")
            for model, count, words in (
                ("vote", target.votes.count(), "votes"),
                ("consensus", target.consensuses.count(), "consensuses, the older ones among them"),
            )
        ]
        return format_html_join(" · ", '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>', links)

    @column("the network says")
    def network_says(self, target: Target) -> str:
        answer = NetworkAnswer.objects.filter(target=target).first()
        return answer.in_words if answer else "–"
