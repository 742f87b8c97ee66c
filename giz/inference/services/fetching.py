"""Fetch the pictures of a source from the surveys: position, frames, pictures. Runs in jobs, not in web processes."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from giz.catalog.formats.numbers import FIRST_OWN_NUMBER
from giz.catalog.services.frames import observatory_from_settings, surveys_by_name
from giz.core.errors import Refused
from giz.imaging.upload import limited
from giz.inference import selectors
from giz.inference.models import Source
from giz.inference.services.sources import (
    FETCH_FAILED,
    MOST_SIZE_ARCMIN,
    picture_columns,
    refuse_being_judged,
    source_of_galaxy,
)
from giz.inference.storage import disk_is_short, pictures_write
from giz.surveys.hyperleda import GalaxyFacts
from giz.surveys.observatory import Observatory
from giz.surveys.sesame import NAMED_WITHIN_ARCSEC
from giz.surveys.survey import SurveyError


@dataclass(frozen=True, slots=True)
class Place:
    """The position and size of a galaxy; degrees, arcsec."""

    ra_deg: float
    dec_deg: float
    d25_arcsec: float
    position_angle_deg: float | None
    pgc: int | None = None
    name: str = ""


def source_fetch(source: Source) -> Source:
    """Fetch the pictures of a source and make it ready, or record why that failed.

    Raises
    ------
    Refused
        Only for invalid settings; errors of surveys and of the connection are recorded in the source.
    """
    observatory = observatory_from_settings(is_public=True)
    try:
        if disk_is_short():
            why = "The disk of this site is nearly full, so no more pictures can be fetched at the moment."
            raise SurveyError("cache_full", why)
        place = _place(source, observatory)
        known = selectors.galaxy_of_pgc(place.pgc) if place.pgc else None
        refuse_being_judged(known, (place.ra_deg, place.dec_deg))
        if known is not None and selectors.current_images(known):
            return source_of_galaxy(known, into=source)
        with observatory.client.cache.reading():
            return _fetched(source, place, observatory)
    except SurveyError as error:
        return _failed(source, error.code, error.detail)
    except Refused as error:
        if error.code != "being_judged":
            raise
        return _failed(source, error.code, error.detail)
    except ValueError as error:  # an impossible grid
        return _failed(source, "bad_place", str(error))


def _place(source: Source, observatory: Observatory) -> Place:
    wanted = source.wanted
    if "ra_deg" in wanted:
        return Place(wanted["ra_deg"], wanted["dec_deg"], 60.0 * wanted["size_arcmin"] / 2.0, None)
    # The catalogue comes first: it may contain names that are known nowhere else.
    known = selectors.galaxy_of_pgc(wanted["pgc"]) if "pgc" in wanted else selectors.galaxy_of_name(wanted["name"])
    if known is not None and None not in (known.ra_deg, known.dec_deg, known.d25_arcsec):
        return Place(
            known.ra_deg or 0.0,
            known.dec_deg or 0.0,
            known.d25_arcsec or 0.0,
            known.position_angle_deg,
            known.pgc,
            known.name,
        )
    if known is not None and known.pgc >= FIRST_OWN_NUMBER:
        raise SurveyError("no_size", f"{known} has no position or no D25 here. Give its position and the field's size.")
    if known is not None or "pgc" in wanted:
        pgc = known.pgc if known is not None else wanted["pgc"]
        facts = observatory.catalogue.galaxies([pgc]).get(pgc)
        if facts is None:
            raise SurveyError("not_found", f"HyperLEDA does not know PGC {pgc}.")
        return _place_of(facts, facts.name)
    resolved = observatory.names.resolve(wanted["name"])
    if resolved.pgc is not None:
        near = list(observatory.catalogue.galaxies([resolved.pgc]).values())
    else:
        near = observatory.catalogue.around(resolved.ra_deg, resolved.dec_deg, NAMED_WITHIN_ARCSEC)
    sized = next((facts for facts in near if facts.d25_arcsec is not None), None)
    if sized is None:
        raise SurveyError(
            "no_size", f"{wanted['name']} is known, but not its size. Give its position and the size of the field."
        )
    return _place_of(sized, wanted["name"])


def _place_of(facts: GalaxyFacts, name: str) -> Place:
    if facts.d25_arcsec is None:
        raise SurveyError(
            "no_size", f"HyperLEDA has no size for PGC {facts.pgc}. Give its position and the size of the field."
        )
    return Place(facts.ra_deg, facts.dec_deg, facts.d25_arcsec, facts.position_angle_deg, facts.pgc, name)


def _fetched(source: Source, place: Place, observatory: Observatory) -> Source:
    from giz.imaging.frameset import set_pictures
    from giz.imaging.grid import galaxy_grid
    from giz.surveys.assemble import fetch_frame_set

    grid = galaxy_grid(place.ra_deg, place.dec_deg, place.d25_arcsec, place.position_angle_deg)
    surveys = surveys_by_name(observatory, _surveys_for(grid.field_arcsec / 60.0, is_stranger=bool(source.asked_from)))
    frames = fetch_frame_set(grid, surveys)
    pictures = {band: limited(pixels) for band, pixels in set_pictures(frames).items()}
    pictures_write(source.id, pictures)
    values = {
        "state": Source.State.READY,
        "pgc": place.pgc,
        "name": place.name[:80],
        "ra_deg": place.ra_deg,
        "dec_deg": place.dec_deg,
        "size_arcmin": round(grid.field_arcsec / 60.0, 4),
        "position_angle_deg": place.position_angle_deg,
        "survey": frames.survey[:40],
        "byte_count": sum(pixels.nbytes for pixels in pictures.values()),
        **picture_columns(pictures),
    }
    for name, value in values.items():
        setattr(source, name, value)
    source.save(update_fields=list(values))
    return source


def _surveys_for(field_arcmin: float, *, is_stranger: bool) -> list[str]:
    """Return the surveys to ask; for a large field of an anonymous visitor only those that scale it themselves.

    Raises
    ------
    SurveyError
        ``field_too_large`` if there is no such survey.
    """
    if not is_stranger or field_arcmin <= MOST_SIZE_ARCMIN:
        return list(settings.SURVEY_ORDER)
    small = [name for name in settings.SURVEY_ORDER if name == "hips"]
    if not small:
        why = f"This galaxy's field is {field_arcmin:.0f} arcmin wide; at most {MOST_SIZE_ARCMIN:g} are fetched here."
        raise SurveyError("field_too_large", why)
    return small


def _failed(source: Source, code: str, detail: str) -> Source:
    source.state, source.error_code, source.error_detail = Source.State.FAILED, code, detail
    source.save(update_fields=["state", "error_code", "error_detail"])
    return source


def fetch_give_up(source: Source, error: Exception) -> None:
    """Record that the job failed by an internal error, so that nobody waits for the source any longer."""
    detail = error.detail if isinstance(error, Refused) else "The pictures could not be fetched."
    _failed(source, FETCH_FAILED, detail)
