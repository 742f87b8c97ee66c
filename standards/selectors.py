"""Questions about standard sets; nothing here writes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet

from giz.catalog.models import GalaxyImage, GalaxyShape
from giz.catalog.storage import IMAGE_PATH
from giz.core.errors import Refused
from giz.core.vocabulary import GREYS_BY_DEPTH
from standards import grid
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
    """Return a published set for browsers: its shown standards and their pictures. It never changes.

    The pictures are those that were current when the set was published, even if they were replaced since.
    ``sizes_px`` are the sizes that every picture has; a standard with further sizes lists its own.
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
    """Whether the picture that was measured is still the galaxy's current one."""
    return GalaxyShape.objects.filter(_of_current_picture(), pk=shape.pk).exists()


def holds_synthetic(set_name: str) -> bool:
    """Whether the newest version has synthetic standards: only then may synthetic galaxies be proposed for the set."""
    return _synthetic_standards(newest_version(set_name)).exists()


def _synthetic_standards(standard_set: StandardSet | None) -> QuerySet[Standard]:
    return Standard.objects.filter(standard_set=standard_set, galaxy__is_synthetic=True)


def candidates(set_name: str, limit: int) -> list[tuple[GalaxyShape, Candidate]]:
    """Return the galaxies, measured on their current picture, to propose for a set, best first.

    The set's standards are left out, and galaxies already decided on, unless an accepted one has a new picture.
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
    """Return, by bin, the numbers of shown standards and of accepted ones not yet published, and their types."""
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
    """Return the accepted proposals that are not published yet."""
    return Proposal.objects.filter(
        set_name=set_name, decision=Proposal.Decision.ACCEPTED, published_in__isnull=True
    ).order_by("galaxy__pgc")


def proposals_to_publish(set_name: str) -> QuerySet[Proposal]:
    """Return the accepted proposals that can be published.

    Those are decided on the current picture, and synthetic only if the set has synthetic standards. Of a galaxy that
    the set already contains, the set's own entry stays.
    """
    newest = newest_version(set_name)
    fits = Q(galaxy__is_synthetic=False) | Exists(_synthetic_standards(newest))
    in_set = Exists(Standard.objects.filter(standard_set=newest, galaxy=OuterRef("galaxy")))
    return accepted_proposals(set_name).filter((Q(_of_current_picture()) & fits) | Q(in_set))


def _of_current_picture() -> Exists:
    """Rows (shapes, proposals) whose ``stem`` is a grey picture that their galaxy shows now."""
    current = GalaxyImage.objects.filter(is_current=True, band__in=GREYS_BY_DEPTH)
    return Exists(current.filter(galaxy=OuterRef("galaxy"), stem=OuterRef("stem")))


def _kind(morphological_type: str, type_code: float | None) -> str:
    """The first letters of the type (SBbc -> SBb), or its number where it has no name."""
    return morphological_type[:3] if morphological_type or type_code is None else f"T{type_code:.0f}"


# --- what a task may show ------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ShownStandards:
    """Standards that can be shown, by bin, and the bin that fills each panel of the grid."""

    standard_ids: Mapping[int, tuple[int, ...]]
    sources: Mapping[int, int]

    def orders(self, seed: int) -> "DrawOrders":
        return DrawOrders(self.standard_ids, seed)


class DrawOrders(Mapping[int, Sequence[int]]):
    """The seeded permutation of each bin's standards, computed on first access."""

    def __init__(self, standard_ids: Mapping[int, tuple[int, ...]], seed: int) -> None:
        self._standard_ids = standard_ids
        self._seed = seed
        self._made: dict[int, list[int]] = {}

    def __getitem__(self, bin_deg: int) -> list[int]:
        if bin_deg not in self._made:
            self._made[bin_deg] = grid.draw_order(self._seed, bin_deg, self._standard_ids[bin_deg])
        return self._made[bin_deg]

    def __iter__(self) -> Iterator[int]:
        return iter(self._standard_ids)

    def __len__(self) -> int:
        return len(self._standard_ids)


@dataclass(frozen=True, slots=True)
class SetStandards:
    """The shown standards of a whole set, and the bin and standard of each of their galaxies."""

    shown: ShownStandards
    place_of_galaxy: Mapping[int, tuple[int, int]]

    @property
    def has_enough_panels(self) -> bool:
        return grid.has_enough_panels(self.shown.sources)

    def for_target(self, galaxy_id: int) -> ShownStandards:
        """Return the standards that a task may show: all but the target's own galaxy."""
        place = self.place_of_galaxy.get(galaxy_id)
        if place is None:
            return self.shown
        bin_deg, standard_id = place
        others = tuple(other for other in self.shown.standard_ids[bin_deg] if other != standard_id)
        kept = {name: ids for name, ids in self.shown.standard_ids.items() if name != bin_deg}
        if others:
            kept[bin_deg] = others
            return ShownStandards(kept, self.shown.sources)
        return ShownStandards(kept, grid.panel_sources(kept))


def read_set_standards(standard_set_id: int) -> SetStandards:
    """Read the shown standards of a set from the database."""
    ids: dict[int, list[int]] = {}
    places = {}
    rows = Standard.objects.filter(standard_set_id=standard_set_id, is_shown=True).order_by("bin_deg", "id")
    for standard_id, bin_deg, galaxy_id in rows.values_list("id", "bin_deg", "galaxy_id"):
        ids.setdefault(bin_deg, []).append(standard_id)
        places[galaxy_id] = (bin_deg, standard_id)
    shown = ShownStandards({bin_deg: tuple(found) for bin_deg, found in ids.items()}, grid.panel_sources(ids))
    return SetStandards(shown, places)


@lru_cache(maxsize=64)
def set_standards(standard_set_id: int) -> SetStandards:
    """Return the shown standards of a published set; they never change, so each process reads them once."""
    if not StandardSet.objects.filter(id=standard_set_id, state=StandardSet.State.PUBLISHED).exists():
        raise Refused(
            "campaign_misconfigured",
            "This campaign's standard set is not published, so its standards could still change. Staff can publish it.",
            status=409,
        )
    return read_set_standards(standard_set_id)
