"""The blind test for staff, "real or synthetic?", and its score: the measure of how real synthetic galaxies look."""

import uuid
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from giz.accounts.models import User
from giz.catalog.admin.galaxies import image_address
from giz.catalog.figures import Share
from giz.catalog.models import RealismTrial
from giz.catalog.selectors import RealismScore, realism_round, realism_score
from giz.catalog.services.realism import ROUND_TRIALS, SHOWN_PX, realism_answer, realism_trial_next
from giz.catalog.storage import display_file_read
from giz.core.errors import Refused
from giz.core.staff_admin import HistoryAdmin, column


@admin.register(RealismTrial)
class RealismTrialAdmin(HistoryAdmin):
    list_display = ("galaxy", "band", "truth", "said", "is_right", "person", "answered_at")
    list_filter = ("truth", "said", "image__band")
    search_fields = ("=image__galaxy__pgc",)
    list_select_related = ("image__galaxy", "person")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RealismTrial]:
        """Rounds that are over: what is still being asked must not be looked up here."""
        trials: QuerySet[RealismTrial] = super().get_queryset(request)
        return trials.filter(is_counted=True)

    def get_urls(self) -> list[URLPattern]:
        guard = self.admin_site.admin_view
        return [
            path("test/", guard(require_GET(self.test_view)), name="realism_test"),
            path("test/next/", guard(require_POST(self.next_view)), name="realism_next"),
            path("test/answer/", guard(require_POST(self.answer_view)), name="realism_answer"),
            path("test/<uuid:trial_id>.webp", guard(require_GET(self.picture_view)), name="realism_picture"),
            *super().get_urls(),
        ]

    @column("galaxy", ordering="image__galaxy__pgc")
    def galaxy(self, trial: RealismTrial) -> str:
        return str(trial.image.galaxy)

    @column("band", ordering="image__band")
    def band(self, trial: RealismTrial) -> str:
        return trial.image.get_band_display()

    @column("right", label={"right": "success", "wrong": "warning"})
    def is_right(self, trial: RealismTrial) -> str:
        return "right" if trial.said == trial.truth else "wrong"

    # --- the test ------------------------------------------------------------------------------------------------
    def test_view(self, request: HttpRequest) -> HttpResponse:
        """The score, the last round, and the place where pictures appear."""
        self._check(request)
        answered = RealismTrial.objects.filter(person_id=request.user.pk, is_counted=False).exclude(said="").count()
        score = realism_score()
        context = {
            **self.admin_site.each_context(request),
            "title": "Real or synthetic?",
            "round": ROUND_TRIALS,
            "answered": answered,
            "score": score,
            "shares": _rows(score, request.user.pk),
            "fooled": _row("synthetic", score.synthetic_for_real),
            "believed": _row("real", score.real_for_real),
            "judged": [_judged(trial) for trial in realism_round(request.user, ROUND_TRIALS)],
        }
        return TemplateResponse(request, "catalog/realism.html", context)

    def next_view(self, request: HttpRequest) -> HttpResponse:
        self._check(request)
        try:
            return JsonResponse(self._open_trial(request))
        except Refused as error:
            return _refused(error)

    def answer_view(self, request: HttpRequest) -> HttpResponse:
        self._check(request)
        said = request.POST.get("said", "")
        try:
            if said not in RealismTrial.Kind.values:
                raise Refused("bad_answer", "An answer is real or synthetic.")
            is_over = realism_answer(person=request.user, trial_id=_uuid(request.POST.get("trial", "")), said=said)
            return JsonResponse({"trial": None, "picture": None} if is_over else self._open_trial(request))
        except Refused as error:
            return _refused(error)

    def picture_view(self, request: HttpRequest, trial_id: uuid.UUID) -> HttpResponse:
        """The picture under an address that says nothing; the same headers for both kinds, kept by no cache."""
        self._check(request)
        trial = get_object_or_404(RealismTrial.objects.select_related("image"), pk=trial_id, person=request.user)
        try:
            data = display_file_read(trial.image.stem, SHOWN_PX)
        except FileNotFoundError:
            raise Http404 from None
        return HttpResponse(data, content_type="image/webp", headers={"Cache-Control": "no-store"})

    def _open_trial(self, request: HttpRequest) -> dict[str, Any]:
        trial = realism_trial_next(person=request.user)
        if trial is None:
            return {"trial": None, "picture": None}
        return {"trial": str(trial.pk), "picture": reverse("admin:realism_picture", args=[trial.pk])}

    def _check(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Refused("no_trial", "This picture was not shown to you.", status=404) from None


def _refused(error: Refused) -> JsonResponse:
    return JsonResponse({"code": error.code, "detail": error.detail}, status=error.status)


def _rows(score: RealismScore, me: Any) -> list[dict[str, Any]]:
    """The rows of the plot: everybody together, then each person."""
    names: dict[int | None, str] = {
        user.pk: user.public_name for user in User.objects.filter(pk__in=[pk for pk, _ in score.people if pk])
    }
    rows = [_row("everybody", score.right)] if len(score.people) > 1 else []
    for person, share in score.people:
        name = "you" if person == me else names.get(person, "somebody who left")
        rows.append(_row(name, share))
    return rows


def _row(name: str, share: Share) -> dict[str, Any]:
    """A share in per cent, as text and as places on an axis of 100."""
    low, value, high = (100 * part for part in (share.low, share.value, share.high))
    return {
        "name": name,
        "share": share,
        "low": low,
        "value": value,
        "high": high,
        "width": high - low,
        "mark": value - 0.4,
    }


def _judged(trial: RealismTrial) -> dict[str, Any]:
    return {
        "trial": trial,
        "galaxy": trial.image.galaxy,
        "address": image_address(trial.image, SHOWN_PX),
        "is_right": trial.said == trial.truth,
    }
