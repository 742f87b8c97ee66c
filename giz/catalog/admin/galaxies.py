"""Staff pages of galaxies, their pictures, and the truth about synthetic ones."""

from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join

from giz.catalog.admin import fetching
from giz.catalog.models import Galaxy, GalaxyIdentifier, GalaxyImage, GalaxyRevision, GalaxyShape, SyntheticTruth
from giz.catalog.selectors import numbers_named
from giz.core.errors import Refused
from giz.core.models import Job
from giz.core.staff_admin import HistoryAdmin, PostButton, StaffAdmin, column
from giz.surveys.survey import survey_title


def image_address(image: GalaxyImage, size_px: int) -> str:
    """Return the address of the smallest file of at least this size, or of the largest."""
    sizes = sorted(image.sizes_px)
    chosen = next((size for size in sizes if size >= size_px), sizes[-1] if sizes else size_px)
    return f"{settings.MEDIA_URL}{image.stem}-{chosen}.webp"


@admin.register(Galaxy)
class GalaxyAdmin(StaffAdmin):
    list_before_template = "catalog/fetch_link.html"
    actions = ("fetch_frames", "prepare_pictures")
    post_buttons: ClassVar[tuple[PostButton, ...]] = (
        PostButton("fetch", "Fetch its frames", fetching.press_fetch, lambda one: not one.is_synthetic),
        PostButton("prepare", "Remake its pictures", fetching.press_prepare, lambda one: not one.is_synthetic),
    )
    list_display = ("pgc", "name", "images_count", "d25_arcsec", "axial_ratio", "morphological_type", "source")
    list_display_links = ("pgc", "name")
    list_filter = ("is_synthetic", "source")
    search_fields = ("=pgc", "name")
    search_help_text = "a PGC number, a name, or an identifier such as ls-dr10:9011-123-45"
    readonly_fields = ("identified_as", "pictures", "source", "extra", "is_synthetic", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("pgc", "name", "identified_as", "pictures")}),
        ("Sky", {"fields": ("ra_deg", "dec_deg", "d25_arcsec", "axial_ratio", "position_angle_deg")}),
        ("Kind", {"fields": ("morphological_type", "type_code", "is_synthetic")}),
        ("Origin", {"fields": ("source", "extra", "created_at", "updated_at")}),
    )

    def get_urls(self) -> list[URLPattern]:
        guard = self.admin_site.admin_view
        return [path("fetch/", guard(self.fetch_view), name="catalog_fetch"), *super().get_urls()]

    def fetch_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for numbers and names to fetch from surveys."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        return fetching.fetch_view(request, self.admin_site.each_context(request))

    @admin.action(description="Fetch their frames from surveys", permissions=["change"])
    def fetch_frames(self, request: HttpRequest, galaxies: QuerySet[Galaxy]) -> HttpResponse | None:
        start = partial(fetching.start_fetching, names=[], surveys=list(settings.SURVEY_ORDER))
        return self._start(request, galaxies, start, "Their frames are being fetched")

    @admin.action(description="Remake their pictures", permissions=["change"])
    def prepare_pictures(self, request: HttpRequest, galaxies: QuerySet[Galaxy]) -> HttpResponse | None:
        return self._start(request, galaxies, fetching.start_preparing, "Their pictures are being remade")

    def _start(
        self, request: HttpRequest, galaxies: QuerySet[Galaxy], start: Callable[..., Job], words: str
    ) -> HttpResponse | None:
        numbers = list(galaxies.filter(is_synthetic=False).order_by("pgc").values_list("pgc", flat=True))
        try:
            job = start(request, numbers)
        except Refused as error:
            messages.error(request, error.detail)
            return None
        messages.success(request, f"{words}. Reload this page to see the progress.")
        return fetching.job_page(job)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Galaxy]:
        galaxies: QuerySet[Galaxy] = super().get_queryset(request)
        return galaxies.annotate(current_images=Count("images", filter=Q(images__is_current=True)))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Don't change the number of an existing galaxy, by which votes and exports refer to it."""
        return (*self.readonly_fields, "pgc") if obj else self.readonly_fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Galaxy], search_term: str
    ) -> tuple[QuerySet[Galaxy], bool]:
        """Find galaxies by each of their identifiers, too."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if numbers := numbers_named(search_term):
            found |= queryset.filter(pgc__in=numbers)
        return found, may_repeat

    @column("identifiers")
    def identified_as(self, galaxy: Galaxy) -> str:
        return ", ".join(map(str, galaxy.identifiers.all())) or "none but its number"

    @column("pictures", ordering="current_images")
    def images_count(self, galaxy: Any) -> str:
        address = reverse("admin:catalog_galaxyimage_changelist") + f"?galaxy__id__exact={galaxy.pk}"
        return format_html('<a href="{}">{}</a>', address, galaxy.current_images)

    @column("pictures")
    def pictures(self, galaxy: Galaxy) -> str:
        if galaxy._state.adding:
            return "–"
        figures = format_html_join(
            "",
            '<figure><img src="{}" alt="in band {}" width="160" height="160" loading="lazy">'
            "<figcaption>{}</figcaption></figure>",
            ((image_address(image, 256), image.band, image.band) for image in galaxy.images.filter(is_current=True)),
        )
        return format_html('<div class="staff-pictures">{}</div>', figures) if figures else "none yet"


class OriginFilter(admin.SimpleListFilter):
    """The surveys and other sources of pictures, by their titles."""

    title = "made from"
    parameter_name = "origin"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = GalaxyImage.objects.values_list("origin", flat=True).distinct()
        return sorted(((name, survey_title(name)) for name in names), key=itemgetter(1))

    def queryset(self, request: HttpRequest, images: QuerySet[GalaxyImage]) -> QuerySet[GalaxyImage]:
        return images.filter(origin=self.value()) if self.value() else images


@admin.register(GalaxyImage)
class GalaxyImageAdmin(HistoryAdmin):
    list_display = ("thumbnail", "galaxy", "band", "made_from", "source_name", "is_current", "created_at")
    list_display_links = ("thumbnail", "galaxy")
    list_filter = ("band", OriginFilter, "is_current")
    search_fields = ("=galaxy__pgc", "galaxy__name", "source_name", "stem")
    list_select_related = ("galaxy",)
    ordering = ("-id",)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "galaxy__id__exact" or bool(super().lookup_allowed(lookup, value, request))

    @column("made from", ordering="origin")
    def made_from(self, image: GalaxyImage) -> str:
        return survey_title(image.origin)

    @column("")
    def thumbnail(self, image: GalaxyImage) -> str:
        address = image_address(image, 128)
        return format_html(
            '<img class="staff-thumbnail" src="{}" alt="picture in band {}" width="48" height="48" loading="lazy">',
            address,
            image.band,
        )


@admin.register(GalaxyRevision)
class GalaxyRevisionAdmin(HistoryAdmin):
    list_display = ("galaxy", "source", "source_before", "changes", "created_at")
    search_fields = ("=galaxy__pgc", "galaxy__name", "source")
    list_select_related = ("galaxy",)


@admin.register(GalaxyIdentifier)
class GalaxyIdentifierAdmin(HistoryAdmin):
    list_display = ("galaxy", "scheme", "value", "source", "created_at")
    list_filter = ("scheme",)
    search_fields = ("=galaxy__pgc", "galaxy__name", "value", "source")
    list_select_related = ("galaxy",)


@admin.register(GalaxyShape)
class GalaxyShapeAdmin(HistoryAdmin):
    list_display = ("galaxy", "axial_ratio", "axial_ratio_error", "angle_deg", "semi_major", "is_cut", "problem")
    list_filter = ("is_cut", "band", "rule")
    search_fields = ("=galaxy__pgc", "galaxy__name")
    list_select_related = ("galaxy",)
    ordering = ("galaxy__pgc",)


@admin.register(SyntheticTruth)
class SyntheticTruthAdmin(HistoryAdmin):
    list_display = ("galaxy_link", "inclination_deg", "reject_reason", "galaxy_type", "seed")
    list_filter = ("galaxy_type", "reject_reason")
    search_fields = ("=galaxy__pgc", "galaxy__name")
    list_select_related = ("galaxy",)
    ordering = ("galaxy__pgc",)

    @column("galaxy", ordering="galaxy__pgc")
    def galaxy_link(self, truth: SyntheticTruth) -> str:
        return str(truth.galaxy)
