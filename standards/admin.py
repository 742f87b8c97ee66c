"""Staff pages of standard sets, with a queue of measured galaxies that may become standards."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from giz.catalog.admin import image_address
from giz.catalog.jobs import shapes_measure_job
from giz.catalog.models import Galaxy, GalaxyShape
from giz.catalog.selectors import numbers_to_measure
from giz.core.errors import Refused
from giz.core.staff_admin import HistoryAdmin, column
from giz.core.tasks import wake_on_commit
from standards import selectors
from standards.models import Proposal, Standard, StandardSet
from standards.proposals import proposal_decide, proposal_withdraw, proposals_left, proposals_publish
from standards.proposing import Candidate

CANDIDATES_SHOWN = 24
PICTURE_PX = 256
CHART_HEIGHT = 60


@admin.register(StandardSet)
class StandardSetAdmin(HistoryAdmin):
    list_display = (
        "__str__",
        "state_label",
        "standards_count",
        "filled_bins",
        "source",
        "published_at",
        "propose",
    )
    list_filter = ("state", "name")
    search_fields = ("name", "source", "digest")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StandardSet]:
        sets: QuerySet[StandardSet] = super().get_queryset(request)
        shown = Q(standards__is_shown=True)
        return sets.annotate(
            shown_standards=Count("standards", filter=shown),
            shown_bins=Count("standards__bin_deg", filter=shown, distinct=True),
        )

    def get_urls(self) -> list[URLPattern]:
        guard = self.admin_site.admin_view
        return [
            path("<slug:set_name>/candidates/", guard(require_GET(self.candidates_view)), name="standards_candidates"),
            path("<slug:set_name>/candidates/decide/", guard(require_POST(self.decide_view)), name="standards_decide"),
            path("<slug:set_name>/candidates/run/", guard(require_POST(self.run_view)), name="standards_run"),
            *super().get_urls(),
        ]

    @column("")
    def propose(self, standard_set: StandardSet) -> str:
        address = reverse("admin:standards_candidates", args=[standard_set.name])
        return format_html('<a href="{}">Propose more</a>', address)

    def candidates_view(self, request: HttpRequest, set_name: str) -> HttpResponse:
        """Show measured galaxies one by one, the emptiest bins first, to accept or refuse."""
        self._check(request, set_name, "view")
        fill, _ = selectors.bin_fill(set_name)
        top = max(1, *(sum(counts) for counts in fill.values()))
        context = {
            **self.admin_site.each_context(request),
            "title": f"New standards for {set_name}",
            "set_name": set_name,
            "rows": [_row(shape, candidate, fill) for shape, candidate in _found(set_name)],
            "bars": [_bar(bin_deg, shown, accepted, CHART_HEIGHT / top) for bin_deg, (shown, accepted) in fill.items()],
            "accepted": selectors.accepted_proposals(set_name).count(),
            "to_measure": len(numbers_to_measure()),
            "may_decide": self._may_decide(request),
        }
        return TemplateResponse(request, "standards/candidates.html", context)

    def decide_view(self, request: HttpRequest, set_name: str) -> HttpResponse:
        """Accept or refuse one galaxy, or undo that; answers in JSON."""
        self._check(request, set_name, "change")
        pgc = request.POST.get("pgc", "")
        galaxy = get_object_or_404(Galaxy, pgc=int(pgc) if pgc.isdecimal() and len(pgc) < 16 else -1)
        decision = request.POST.get("decision", "")
        try:
            if decision == "undo":
                proposal_withdraw(set_name=set_name, galaxy=galaxy, actor=request.user)
            elif decision in Proposal.Decision.values:
                proposal_decide(set_name=set_name, galaxy=galaxy, decision=decision, actor=request.user)
            else:
                raise Refused("bad_decision", "A decision is accepted, refused or undo.")
        except Refused as error:
            return JsonResponse({"code": error.code, "detail": error.detail}, status=error.status)
        return JsonResponse({"accepted": selectors.accepted_proposals(set_name).count()})

    def run_view(self, request: HttpRequest, set_name: str) -> HttpResponse:
        """Publish the accepted galaxies, or measure new pictures."""
        self._check(request, set_name, "change")
        try:
            if request.POST.get("what") == "publish":
                made = proposals_publish(set_name=set_name, actor=request.user)
                messages.success(request, f"Published {made}. To use it, choose it in a campaign.")
                if left := proposals_left(set_name):
                    messages.warning(request, left)
            else:
                wake_on_commit(shapes_measure_job(numbers_to_measure(), owner=request.user))
                messages.success(request, "The pictures are being measured; candidates will appear here.")
        except Refused as error:
            messages.error(request, error.detail)
        return HttpResponseRedirect(reverse("admin:standards_candidates", args=[set_name]))

    def _check(self, request: HttpRequest, set_name: str, what: str) -> None:
        if not self.has_view_permission(request) or (what == "change" and not self._may_decide(request)):
            raise PermissionDenied
        if selectors.newest_version(set_name) is None:
            raise Http404

    def _may_decide(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("standards.add_standardset"))

    @column("state", ordering="state", label={"draft": "warning", "published": "success"})
    def state_label(self, standard_set: StandardSet) -> str:
        return standard_set.state

    @column("shown standards", ordering="shown_standards")
    def standards_count(self, standard_set: Any) -> str:
        address = reverse("admin:standards_standard_changelist") + f"?standard_set__id__exact={standard_set.pk}"
        return format_html('<a href="{}">{}</a>', address, standard_set.shown_standards)

    @column("filled bins of 46", ordering="shown_bins")
    def filled_bins(self, standard_set: Any) -> int:
        return int(standard_set.shown_bins)


@admin.register(Standard)
class StandardAdmin(HistoryAdmin):
    list_display = ("galaxy", "inclination_deg", "bin_deg", "rotation_deg", "zoom", "is_shown", "standard_set")
    list_filter = ("standard_set", "is_shown")
    search_fields = ("=galaxy__pgc", "galaxy__name", "=bin_deg")
    list_select_related = ("galaxy", "standard_set")


@admin.register(Proposal)
class ProposalAdmin(HistoryAdmin):
    list_display = (
        "galaxy",
        "set_name",
        "decision_label",
        "inclination_deg",
        "error_deg",
        "decided_by",
        "published_in",
    )
    list_filter = ("set_name", "decision")
    search_fields = ("=galaxy__pgc", "galaxy__name", "set_name")
    list_select_related = ("galaxy", "decided_by", "published_in")

    @column("decision", ordering="decision", label={"accepted": "success", "refused": "warning"})
    def decision_label(self, proposal: Proposal) -> str:
        return proposal.decision


def _found(set_name: str) -> list[tuple[GalaxyShape, Candidate]]:
    return selectors.candidates(set_name, CANDIDATES_SHOWN)


def _bar(bin_deg: int, shown: int, accepted: int, scale: float) -> dict[str, float]:
    return {
        "bin_deg": bin_deg,
        "shown": shown,
        "shown_y": CHART_HEIGHT - scale * shown,
        "shown_height": scale * shown,
        "accepted": accepted,
        "accepted_y": CHART_HEIGHT - scale * (shown + accepted),
        "accepted_height": scale * accepted,
    }


def _row(shape: Any, candidate: Candidate, fill: dict[int, tuple[int, int]]) -> dict[str, Any]:
    """Return what the page shows of one candidate; the ellipse is in hundredths of the picture's side."""
    image = next((one for one in shape.galaxy.current_images if one.stem == shape.stem), None)
    measured = candidate.measured
    semi_major = 100 * measured.semi_major
    return {
        "galaxy": shape.galaxy,
        "candidate": candidate,
        "image": image_address(image, PICTURE_PX) if image else "",
        "ellipse": {
            "x": 100 * measured.x,
            "y": 100 * measured.y,
            "a": semi_major,
            "b": semi_major * measured.axial_ratio,
            "angle_deg": measured.angle_deg,
        },
        "kind": shape.galaxy.morphological_type or measured.kind or "type unknown",
        "in_bin": sum(fill[candidate.bin_deg]),
    }
