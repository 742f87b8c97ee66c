"""Questions about standard sets; nothing here writes."""

from typing import Any

from django.db.models import Count, F, Q

from giz.catalog.models import GalaxyImage
from giz.catalog.storage import IMAGE_PATH
from giz.core.errors import Refused
from standards.coverage import Coverage, coverage_of
from standards.models import Standard, StandardSet

MAX_NAMED_SETS = 20


def published_set(set_id: int) -> StandardSet | None:
    return StandardSet.objects.filter(id=set_id, state=StandardSet.State.PUBLISHED).first()


def standard_set_named(reference: str) -> StandardSet:
    """Return the newest published version of a set by ``name``, or that of ``name:version``.

    Refused where there is none, with those that exist.
    """
    name, _, version = reference.partition(":")
    published = StandardSet.objects.filter(state=StandardSet.State.PUBLISHED)
    found = published.filter(name=name)
    if version:
        found = found.filter(version=int(version) if version.isdecimal() and len(version) < 9 else -1)
    newest = found.order_by("-version").first()
    if newest is None:
        names = [f"{known.name}:{known.version}" for known in published[:MAX_NAMED_SETS]]
        known = f"Published: {', '.join(names)}." if names else "None is published yet; import_standards makes one."
        raise Refused("no_standard_set", f"There is no published standard set {reference!r}. {known}", status=404)
    return newest


def set_names() -> list[str]:
    """Return the names of all sets, whatever their versions."""
    return list(StandardSet.objects.order_by("name").values_list("name", flat=True).distinct())


def set_coverage(standard_set: StandardSet) -> Coverage:
    """Return how many standards, and how many that can be shown, each bin of a set has."""
    rows = (
        Standard.objects.filter(standard_set=standard_set)
        .order_by()
        .values("bin_deg")
        .annotate(standards=Count("id"), shown=Count("id", filter=Q(is_shown=True)))
    )
    return coverage_of(
        {row["bin_deg"]: row["standards"] for row in rows}, {row["bin_deg"]: row["shown"] for row in rows}
    )


def set_document(standard_set: StandardSet) -> dict[str, Any]:
    """Return what a browser needs of a published set, once for ever: its shown standards and their pictures.

    The pictures are those that were current when the set was published, even where better ones came since.
    ``sizes_px`` are the sizes that every picture has; a standard that has others too says so itself.
    """
    standards: dict[int, dict[str, Any]] = {}
    sizes: dict[int, set[int]] = {}
    for row in _shown_pictures(standard_set):
        standard_id = row["standard_id"]
        entry = standards.setdefault(
            standard_id,
            {
                "id": standard_id,
                "bin_deg": row["bin_deg"],
                "rotation_deg": row["rotation_deg"],
                "zoom": row["zoom"],
                "images": {},
            },
        )
        entry["images"][row["band"]] = row["stem"]
        sizes[standard_id] = sizes.get(standard_id, set(row["sizes_px"])) & set(row["sizes_px"])
    common = set.intersection(*sizes.values()) if sizes else set()
    for standard_id, entry in standards.items():
        if sizes[standard_id] != common:
            entry["sizes_px"] = sorted(sizes[standard_id])
    return {
        "id": standard_set.pk,
        "name": standard_set.name,
        "version": standard_set.version,
        "sizes_px": sorted(common),
        "image_path": IMAGE_PATH,
        "standards": sorted(standards.values(), key=lambda entry: (entry["bin_deg"], entry["id"])),
    }


def _shown_pictures(standard_set: StandardSet) -> Any:
    """One row a picture of every shown standard: for each band the newest one made before the publication."""
    return (
        GalaxyImage.objects.filter(
            galaxy__standards__standard_set=standard_set,
            galaxy__standards__is_shown=True,
            created_at__lte=standard_set.published_at,
        )
        .order_by("galaxy_id", "band", "-created_at", "-id")
        .distinct("galaxy_id", "band")
        .values(
            "band",
            "stem",
            "sizes_px",
            standard_id=F("galaxy__standards__id"),
            bin_deg=F("galaxy__standards__bin_deg"),
            rotation_deg=F("galaxy__standards__rotation_deg"),
            zoom=F("galaxy__standards__zoom"),
        )
    )
