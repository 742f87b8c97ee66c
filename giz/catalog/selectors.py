"""Queries about galaxies and their pictures."""

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Any

from django.db.models import Exists, Max, OuterRef

from giz.catalog.formats.identifiers import PGC, Identifier, identifiers_text, possible_identifiers
from giz.catalog.models import Band, Galaxy, GalaxyIdentifier, GalaxyImage, SyntheticTruth
from giz.catalog.storage import display_files_exist
from giz.core.vocabulary import GREYS_BY_DEPTH
from giz.core.words import printable
from giz.tables.table import RowError

# A name with a position in it, at least whole seconds; astropy parses the same.
_J2000 = re.compile(r"J[0-2]\d[0-5]\d[0-5]\d(\.\d+)?[+-]\d\d[0-5]\d[0-5]\d(?:\.\d+)?\s*$")
# Schemes that give one value to different galaxies are few.
MAX_NAMED = 20
ROWS_AT_ONCE = 500


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


def newest_galaxy_id() -> int:
    return Galaxy.objects.aggregate(newest=Max("pk"))["newest"] or 0


def galaxies_identified(identifiers: Iterable[Identifier]) -> dict[Identifier, int]:
    """Return the number of the galaxy that each identifier names, without those that name none here."""
    values: dict[str, list[str]] = {}
    for identifier in identifiers:
        values.setdefault(identifier.scheme, []).append(identifier.value)
    numbers = Galaxy.objects.filter(pgc__in=map(int, values.pop(PGC, ()))).values_list("pgc", flat=True)
    found = {Identifier(PGC, str(number)): number for number in numbers}
    for scheme, wanted in values.items():
        rows = GalaxyIdentifier.objects.filter(scheme=scheme, value__in=wanted)
        found |= {Identifier(scheme, value): number for value, number in rows.values_list("value", "galaxy__pgc")}
    return found


def numbers_named(text: str) -> list[int]:
    """Return the numbers of the galaxies that a text names: ``ls-dr10:9011-1-2``, "NGC 4258", or a value alone."""
    found = galaxies_identified(possible_identifiers(text)).values()
    alone = GalaxyIdentifier.objects.filter(value="_".join(text.split())).values_list("galaxy__pgc", flat=True)
    return sorted({*found, *alone[:MAX_NAMED]})


def number_named(text: str) -> int:
    """Return the number of the one galaxy that an identifier names. Raises RowError if there is none, or several."""
    numbers = numbers_named(text)
    if len(numbers) != 1:
        what = "names several galaxies" if numbers else "names no galaxy of the catalogue"
        raise RowError(f"{printable(text[:60])!r} {what}")
    return numbers[0]


def galaxy_at_named_place(name: str) -> Galaxy | None:
    """Return the real galaxy nearest to the position in a name such as J104059.7-270456; None if none is near.

    Names cut seconds off, so the galaxy may lie as far away as the last digit of the right ascension says.
    """
    if not (found := _J2000.search(name)):
        return None
    from astropy.coordinates import jparser

    ra, dec = (float(angle.to_value("deg")) for angle in jparser.to_ra_dec_angles(name))
    reach_deg = (1.5 if found[1] else 16.0) / 3600
    if not (0 <= ra < 360 and -90 <= dec <= 90):
        return None
    near = Galaxy.objects.filter(is_synthetic=False, dec_deg__range=(dec - reach_deg, dec + reach_deg))
    vector = _unit_vectors(ra, dec)
    away = {
        galaxy: float(((_unit_vectors(galaxy.ra_deg, galaxy.dec_deg) - vector) ** 2).sum())
        for galaxy in near.filter(ra_deg__isnull=False)
    }
    nearest = min(away, key=away.__getitem__, default=None)
    return nearest if nearest and away[nearest] <= math.radians(reach_deg) ** 2 else None


def identifiers_of(galaxies: Collection[int]) -> dict[int, list[Identifier]]:
    """Return the identifiers of galaxies, by their ids, in the order in which they came; the PGC number is not said."""
    found: dict[int, list[Identifier]] = {}
    rows = GalaxyIdentifier.objects.filter(galaxy__in=galaxies).order_by("galaxy", "id")
    for galaxy_id, scheme, value in rows.values_list("galaxy", "scheme", "value"):
        found.setdefault(galaxy_id, []).append(Identifier(scheme, value))
    return found


def rows_identified(
    rows: Iterable[tuple[Any, ...]], galaxy_of: Callable[[tuple[Any, ...]], int | None]
) -> Iterator[tuple[Any, ...]]:
    """Append to each row the identifiers of its galaxy (by its id), as exports write them; None where it has none."""
    rows = iter(rows)
    if not GalaxyIdentifier.objects.exists():
        yield from ((*row, None) for row in rows)
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        galaxies = [galaxy_of(row) for row in chunk]
        names = identifiers_of({galaxy for galaxy in galaxies if galaxy is not None})
        for row, galaxy in zip(chunk, galaxies, strict=True):
            yield (*row, identifiers_text(names.get(galaxy or 0, ())))


class GalaxyPlaces:
    """Real galaxies of the catalogue by position, as of its construction; ``up_to_id`` leaves later ones out."""

    def __init__(self, within_arcsec: float, *, up_to_id: int | None = None) -> None:
        import numpy as np
        from scipy.spatial import cKDTree

        self.within_arcsec = within_arcsec
        rows = Galaxy.objects.filter(is_synthetic=False, ra_deg__isnull=False, dec_deg__isnull=False).order_by("pgc")
        if up_to_id is not None:
            rows = rows.filter(pk__lte=up_to_id)
        sky = np.array(list(rows.values_list("pgc", "ra_deg", "dec_deg").iterator()), dtype=float).reshape(-1, 3)
        self._numbers = sky[:, 0].astype(int)
        self._places = _unit_vectors(sky[:, 1], sky[:, 2])
        self._tree = cKDTree(self._places)
        self._chord = 2 * math.sin(math.radians(within_arcsec / 3600) / 2)

    def nearest(self, ra_deg: float, dec_deg: float) -> int | None:
        """Return the PGC number of the nearest galaxy, or None if none is near enough."""
        _, place = self._tree.query(_unit_vectors(ra_deg, dec_deg), distance_upper_bound=self._chord)
        return int(self._numbers[place]) if place < len(self._numbers) else None

    def within(self, ra_deg: Any, dec_deg: Any) -> list[list[int]]:
        """Return, for each of these positions, the numbers of all galaxies that are near enough, in rising order."""
        found = self._tree.query_ball_point(_unit_vectors(ra_deg, dec_deg), self._chord)
        return [sorted(int(self._numbers[place]) for place in places) for places in found]

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
