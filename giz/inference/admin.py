"""Read-only staff pages of predictions. Sources have none: their id gives access to a visitor's pictures."""

from django.contrib import admin

from giz.catalog.formats.numbers import number_in_words
from giz.core.staff_admin import HistoryAdmin, column, row_link
from giz.inference.models import Prediction


@admin.register(Prediction)
class PredictionAdmin(HistoryAdmin):
    list_display = ("id", "galaxy_link", "origin", "inclination", "rejection_share", "reason", "model", "created_at")
    list_filter = ("origin", "model", "reason", "created_at")
    search_fields = ("=pgc", "galaxy__name", "=key")
    list_select_related = ("galaxy", "model")
    fieldsets = (
        (None, {"fields": ("galaxy_link", "pgc", "origin", "model", "created_at")}),
        ("Prediction", {"fields": ("inclination", "half_width_95_deg", "rejection_share", "reason")}),
        ("Picture", {"fields": ("bands", "view", "input_summary", "key")}),
    )

    @column("galaxy", ordering="pgc")
    def galaxy_link(self, prediction: Prediction) -> str:
        if prediction.galaxy:
            return row_link(prediction.galaxy)
        return number_in_words(prediction.pgc) if prediction.pgc else "–"

    @column("inclination", ordering="inclination_deg")
    def inclination(self, prediction: Prediction) -> str:
        if prediction.inclination_deg is None:
            return "–"
        sigma = "" if prediction.sigma_deg is None else f" ± {prediction.sigma_deg:.1f}°"
        return f"{prediction.inclination_deg:.1f}°{sigma}"

    @column("rejected", ordering="rejection")
    def rejection_share(self, prediction: Prediction) -> str:
        return "–" if prediction.rejection is None else f"{prediction.rejection:.0%}"
