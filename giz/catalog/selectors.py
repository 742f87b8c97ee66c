"""Queries about galaxies and their pictures."""

import math
from collections.abc import Collection
from typing import Any

from django.db.models import Exists, OuterRef

from giz.catalog.models import Band, Galaxy, GalaxyImage, SyntheticTruth
from giz.catalog.storage import display_files_exist
from giz.core.vocabulary import GREYS_BY_DEPTH


def synthetic_galaxies_complete(seeds: dict[int, int]) -> set[int]:
    """Return those PGC numbers whose galaxy has the given seed, and a picture with existing files in every band."""
    known = set(SyntheticTruth.objects.filter(galaxy__pgc__in=seeds).values_list("galaxy__pgc", "seed")) & set(
        seeds.items()
    )
    bands: dict[int, set[str]] = {pgc: set() for pgc, _seed in known}
    images = GalaxyImage.objects.filter(galaxy__pgc__in=bands, is_current=True)
    for pgc, band, stem, sizes_px in images.values_list("galaxy__pgc", "band", "stem", "sizes_px"):
        if display_files_exist(stem, sizes_px):
            bands[pgc].add(band)
    return {pgc for pgc, found in bands.items() if found.issuperset(Band.values)}


def galaxy_ids(numbers: Collection[int]) -> list[int]:
    """Return the ids of the galaxies with these PGC numbers."""
    return list(Galaxy.objects.filter(pgc__in=numbers).values_list("id", flat=True))


def numbers_to_measure() -> list[int]:
    """Return the PGC numbers of galaxies whose current grey picture is not measured by the current rule."""
    from giz.imaging.measure import MEASURE_RULE

    greys = GalaxyImage.objects.filter(galaxy=OuterRef("pk"), is_current=True, band__in=GREYS_BY_DEPTH)
    waiting = Galaxy.objects.filter(Exists(greys)).exclude(
        Exists(greys.filter(stem=OuterRef("shape__stem"))), shape__rule=MEASURE_RULE
    )
    return list(waiting.order_by("pgc").values_list("pgc", flat=True))


def numbers_without_picture() -> list[int]:
    """Return the PGC numbers of real galaxies that have no picture."""
    found = Galaxy.objects.filter(is_synthetic=False).exclude(images__is_current=True)
    return list(found.values_list("pgc", flat=True).order_by("pgc"))


class GalaxyPlaces:
    """Real galaxies of the catalogue by position, as of its construction."""

    def __init__(self, within_arcsec: float) -> None:
        import numpy as np
        from scipy.spatial import cKDTree

        self.within_arcsec = within_arcsec
        rows = Galaxy.objects.filter(is_synthetic=False, ra_deg__isnull=False, dec_deg__isnull=False).order_by("pgc")
        sky = np.array(list(rows.values_list("pgc", "ra_deg", "dec_deg").iterator()), dtype=float).reshape(-1, 3)
        self._numbers = sky[:, 0].astype(int)
        self._places = _unit_vectors(sky[:, 1], sky[:, 2])
        self._tree = cKDTree(self._places)
        self._chord = 2 * math.sin(math.radians(within_arcsec / 3600) / 2)

    def nearest(self, ra_deg: float, dec_deg: float) -> int | None:
        """Return the PGC number of the nearest galaxy, or None if none is near enough."""
        _, place = self._tree.query(_unit_vectors(ra_deg, dec_deg), distance_upper_bound=self._chord)
        return int(self._numbers[place]) if place < len(self._numbers) else None

    def pairs(self) -> list[tuple[int, int, float]]:
        """Return pairs of galaxies at nearly the same position with their distance in arcsec, by number."""
        import numpy as np

        pairs = self._tree.query_pairs(self._chord, output_type="ndarray")
        found = []
        for one, two in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]:
            chord = float(np.linalg.norm(self._places[one] - self._places[two]))
            away_arcsec = math.degrees(2 * math.asin(min(1.0, chord / 2))) * 3600
            found.append((int(self._numbers[one]), int(self._numbers[two]), away_arcsec))
        return found


def _unit_vectors(ra_deg: Any, dec_deg: Any) -> Any:
    import numpy as np

    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def near_duplicates(numbers: Collection[int], within_arcsec: float = 3.0) -> list[tuple[int, int, float]]:
    """Return pairs of real galaxies at nearly the same position, with arcsec between; one of each is in `numbers`."""
    pairs = GalaxyPlaces(within_arcsec).pairs()
    return [pair for pair in pairs if pair[0] in numbers or pair[1] in numbers]
