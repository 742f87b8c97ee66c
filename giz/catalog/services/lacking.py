"""Galaxies that lack pictures which fetch_images or prepare_images would make. Read only."""

from collections.abc import Iterator
from itertools import groupby

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count

from giz.catalog.models import Band, Galaxy, GalaxyImage
from giz.catalog.selectors import numbers_without_picture
from giz.catalog.services.frames import frames_path, quick_look_path
from giz.catalog.storage import display_name, display_names
from giz.imaging.errors import FitsError
from giz.imaging.fits_structure import check_structure

COLOUR = Band.COLOUR.value


def numbers_to_fetch() -> list[int]:
    """Return the PGC numbers of real galaxies without a picture, or without one that their frames can give."""
    return sorted({*numbers_without_picture(), *_incomplete()})


def numbers_to_prepare() -> list[int]:
    """Return the numbers of `numbers_to_fetch`, and those of galaxies whose files of pictures from frames are lost."""
    return sorted({*numbers_to_fetch(), *_lost()})


def _incomplete() -> Iterator[int]:
    """Yield galaxies that lack a band which their set of frames can give, by the set's headers."""
    found = Galaxy.objects.filter(is_synthetic=False, images__is_current=True).annotate(
        band_count=Count("images"), bands=ArrayAgg("images__band")
    )
    rows = found.filter(band_count__lt=len(Band.values)).order_by()
    for pgc, bands in rows.values_list("pgc", "bands").iterator():
        if frames_path(pgc).exists() and _is_one_given(pgc, set(Band.values) - set(bands)):
            yield pgc


def _is_one_given(pgc: int, lacking: set[str]) -> bool:
    """Whether a galaxy's set of frames can give one of these bands; true for a damaged set, which is fetched again."""
    from astropy.io import fits

    path, has_quick_look = frames_path(pgc), quick_look_path(pgc).exists()
    try:
        check_structure(path, path.name)
        with fits.open(path) as hdus:
            may_have_colour = has_quick_look or bool(hdus[0].header.get("CALIBRAT"))
            if lacking == {COLOUR} and not may_have_colour:
                return False  # Plates: the first of four headers is enough.
            given = {str(hdu.header["FILTER"]) for hdu in hdus[1:]}
    except (FitsError, OSError, KeyError):
        return True
    has_colour = has_quick_look or (may_have_colour and given == set(Band.values) - {COLOUR})
    return not lacking.isdisjoint(given | {COLOUR} if has_colour else given)


def _lost() -> Iterator[int]:
    """Yield galaxies whose files are lost; each folder of display files is listed once."""
    rows = GalaxyImage.objects.filter(is_current=True, galaxy__is_synthetic=False).order_by("stem")
    columns = rows.values_list("stem", "sizes_px", "galaxy__pgc", "source_name").iterator()
    from_sets = (row for row in columns if row[3] == frames_path(row[2]).name)
    for folder, images in groupby(from_sets, key=lambda row: row[0].partition("/")[0]):
        there = display_names(folder)
        for stem, sizes_px, pgc, _ in images:
            if any(display_name(stem, size_px) not in there for size_px in sizes_px):
                yield pgc
