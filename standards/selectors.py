"""Questions about standard sets; nothing here writes."""

from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet

from giz.catalog.models import GREY_BANDS, GalaxyImage, GalaxyShape
from giz.catalog.storage import IMAGE_PATH
from giz.core.errors import Refused
from standards.coverage import Coverage, coverage_of
from standards.grid import GRID_BINS, bin_of
from standards.models import Proposal, Standard, StandardSet
from standards.proposing import Candidate, Measured, candidate_of, proposal_order

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


def newest_version(name: str) -> StandardSet | None:
    """Return the newest version of a set, published or not."""
    return StandardSet.objects.filter(name=name).order_by("-version").first()


def candidate_for(shape: GalaxyShape) -> Candidate | None:
    """Return the candidate that a measured shape makes, or None where it is no good fit."""
    if shape.axial_ratio is None or shape.axial_ratio_error is None or shape.angle_deg is None:
        return None
    return candidate_of(
        Measured(
            galaxy_id=shape.galaxy_id,
            axial_ratio=shape.axial_ratio,
            axial_ratio_error=shape.axial_ratio_error,
            angle_deg=shape.angle_deg,
            x=shape.x or 0.0,
            y=shape.y or 0.0,
            semi_major=shape.semi_major or 0.0,
            is_cut=shape.is_cut,
            kind=_kind(shape.galaxy.morphological_type, shape.galaxy.type_code),
        )
    )


def is_of_current_picture(shape: GalaxyShape) -> bool:
    """Whether the galaxy still shows the grey picture that was measured."""
    return GalaxyShape.objects.filter(_of_current_picture(), pk=shape.pk).exists()


def holds_synthetic(set_name: str) -> bool:
    """Whether some standards of the newest version are synthetic galaxies: then others may be proposed for it."""
    return _synthetic_standards(newest_version(set_name)).exists()


def _synthetic_standards(standard_set: StandardSet | None) -> QuerySet[Standard]:
    return Standard.objects.filter(standard_set=standard_set, galaxy__is_synthetic=True)


def candidates(set_name: str, limit: int) -> list[tuple[GalaxyShape, Candidate]]:
    """Return galaxies measured on their picture of now to propose for a set, best first.

    Its standards are left out, and galaxies decided on, unless they were accepted and have another picture since.
    """
    newest = newest_version(set_name)
    members = Standard.objects.filter(standard_set=newest).values("galaxy_id")
    outdated = accepted_proposals(set_name).exclude(_of_current_picture())
    decided = Proposal.objects.filter(set_name=set_name).exclude(pk__in=outdated.values("pk")).values("galaxy_id")
    shapes = {
        shape.galaxy_id: shape
        for shape in GalaxyShape.objects.filter(_of_current_picture(), axial_ratio__isnull=False)
        .filter(Q(galaxy__is_synthetic=False) | Exists(_synthetic_standards(newest)))
        .exclude(galaxy_id__in=members)
        .exclude(galaxy_id__in=decided)
        .select_related("galaxy")
        .prefetch_related(Prefetch("galaxy__images", GalaxyImage.objects.filter(is_current=True), "current_images"))
    }
    found = [candidate for shape in shapes.values() if (candidate := candidate_for(shape))]
    fill, kinds = bin_fill(set_name)
    ordered = proposal_order(found, {bin_deg: sum(counts) for bin_deg, counts in fill.items()}, kinds)
    return [(shapes[candidate.measured.galaxy_id], candidate) for candidate in ordered[:limit]]


def bin_fill(set_name: str) -> tuple[dict[int, tuple[int, int]], dict[int, list[str]]]:
    """Return shown standards and accepted ones not yet published of each bin, and the types that it has."""
    newest = newest_version(set_name)
    fill = {bin_deg: [0, 0] for bin_deg in GRID_BINS}
    kinds: dict[int, list[str]] = {bin_deg: [] for bin_deg in GRID_BINS}
    rows = Standard.objects.filter(standard_set=newest, is_shown=True).order_by()
    for bin_deg, text, code in rows.values_list("bin_deg", "galaxy__morphological_type", "galaxy__type_code"):
        fill[bin_deg][0] += 1
        kinds[bin_deg].append(_kind(text, code))
    for proposal in accepted_proposals(set_name).select_related("galaxy"):
        bin_deg = bin_of(proposal.inclination_deg)
        fill[bin_deg][1] += 1
        kinds[bin_deg].append(_kind(proposal.galaxy.morphological_type, proposal.galaxy.type_code))
    return {bin_deg: (shown, accepted) for bin_deg, (shown, accepted) in fill.items()}, kinds


def accepted_proposals(set_name: str) -> QuerySet[Proposal]:
    """Return what was accepted for a set and waits for its next version."""
    return Proposal.objects.filter(
        set_name=set_name, decision=Proposal.Decision.ACCEPTED, published_in__isnull=True
    ).order_by("galaxy__pgc")


def proposals_to_publish(set_name: str) -> QuerySet[Proposal]:
    """Return what was accepted and may stand in the next version: on its picture of now, synthetic only beside such.

    Of a galaxy that the set holds by now, the set's own entry stays.
    """
    newest = newest_version(set_name)
    fits = Q(galaxy__is_synthetic=False) | Exists(_synthetic_standards(newest))
    in_set = Exists(Standard.objects.filter(standard_set=newest, galaxy=OuterRef("galaxy")))
    return accepted_proposals(set_name).filter((Q(_of_current_picture()) & fits) | Q(in_set))


def _of_current_picture() -> Exists:
    """Rows (shapes, proposals) whose ``stem`` is a grey picture that their galaxy shows now."""
    current = GalaxyImage.objects.filter(is_current=True, band__in=GREY_BANDS)
    return Exists(current.filter(galaxy=OuterRef("galaxy"), stem=OuterRef("stem")))


def _kind(morphological_type: str, type_code: float | None) -> str:
    """The first letters of the type (SBbc -> SBb), or its number where it has no name."""
    return morphological_type[:3] if morphological_type or type_code is None else f"T{type_code:.0f}"
