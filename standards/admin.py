"""Staff pages of standard sets and standards: to look at. Sets are made by ``manage.py import_standards``."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from giz.core.staff_admin import HistoryAdmin, column
from standards.models import Standard, StandardSet


@admin.register(StandardSet)
class StandardSetAdmin(HistoryAdmin):
    list_display = ("__str__", "state_label", "standards_count", "filled_bins", "source", "published_at")
    list_filter = ("state", "name")
    search_fields = ("name", "source", "digest")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StandardSet]:
        sets: QuerySet[StandardSet] = super().get_queryset(request)
        shown = Q(standards__is_shown=True)
        return sets.annotate(
            shown_standards=Count("standards", filter=shown),
            shown_bins=Count("standards__bin_deg", filter=shown, distinct=True),
        )

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
