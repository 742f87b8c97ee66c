"""Questions about galaxies and their pictures; nothing here writes."""

import math
from collections.abc import Collection

from django.db.models import Exists, OuterRef

from giz.catalog.models import GREY_BANDS, Band, Galaxy, GalaxyImage, SyntheticTruth
from giz.catalog.storage import display_files_exist


def synthetic_galaxies_complete(seeds: dict[int, int]) -> set[int]:
    """Return which of these PGC numbers hold the galaxy of that seed, with a picture in its place in every band."""
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
    """Return the PGC numbers of galaxies whose grey picture of now is not measured by the rule of now."""
    from giz.imaging.measure import MEASURE_RULE

    greys = GalaxyImage.objects.filter(galaxy=OuterRef("pk"), is_current=True, band__in=GREY_BANDS)
    waiting = Galaxy.objects.filter(Exists(greys)).exclude(
        Exists(greys.filter(stem=OuterRef("shape__stem"))), shape__rule=MEASURE_RULE
    )
    return list(waiting.order_by("pgc").values_list("pgc", flat=True))


def near_duplicates(numbers: Collection[int], within_arcsec: float = 3.0) -> list[tuple[int, int, float]]:
    """Return pairs of real galaxies that lie nearly on each other, with arcsec between; one of `numbers` in each."""
    import numpy as np
    from scipy.spatial import cKDTree

    rows = Galaxy.objects.filter(is_synthetic=False, ra_deg__isnull=False, dec_deg__isnull=False).order_by("pgc")
    sky = np.array(list(rows.values_list("pgc", "ra_deg", "dec_deg").iterator()), dtype=float).reshape(-1, 3)
    if len(sky) < 2:
        return []
    ra, dec = np.radians(sky[:, 1]), np.radians(sky[:, 2])
    places = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)
    chord = 2 * math.sin(math.radians(within_arcsec / 3600) / 2)
    pairs = cKDTree(places).query_pairs(chord, output_type="ndarray")
    found = []
    for one, two in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]:
        first, second = int(sky[one, 0]), int(sky[two, 0])
        if first in numbers or second in numbers:
            away_rad = 2 * math.asin(min(1.0, float(np.linalg.norm(places[one] - places[two])) / 2))
            found.append((first, second, math.degrees(away_rad) * 3600))
    return found
