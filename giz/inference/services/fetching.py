"""Fetch what a source wishes from the surveys: place, frames, pictures. Runs in a job, never in a web process."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from giz.catalog.services.frames import observatory_from_settings, surveys_by_name
from giz.core.errors import Refused
from giz.inference import selectors
from giz.inference.models import Source
from giz.inference.services.sources import FETCH_FAILED, picture_columns, source_of_galaxy
from giz.inference.storage import pictures_write
from giz.inference.uploads import limited
from giz.surveys.errors import SurveyError
from giz.surveys.hyperleda import GalaxyFacts
from giz.surveys.names import NAMED_WITHIN_ARCSEC
from giz.surveys.observatory import Observatory


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look and how wide; degrees, arcsec."""

    ra_deg: float
    dec_deg: float
    d25_arcsec: float
    position_angle_deg: float | None
    pgc: int | None = None
    name: str = ""


def source_fetch(source: Source) -> Source:
    """Fetch the pictures of a source and make it ready, or write down why it can't be.

    Raises
    ------
    Refused
        Only for settings that can't be used; what the sky or the network refuse is written into the source.
    """
    observatory = observatory_from_settings()
    try:
        place = _place(source, observatory)
        known = selectors.galaxy_of_pgc(place.pgc) if place.pgc else None
        if known is not None and selectors.current_images(known):
            return source_of_galaxy(known, into=source)
        return _fetched(source, place, observatory)
    except SurveyError as error:
        return _failed(source, error.code, error.detail)
    except ValueError as error:  # a grid that can't be
        return _failed(source, "bad_place", str(error))


def _place(source: Source, observatory: Observatory) -> Place:
    wanted = source.wanted
    if "ra_deg" in wanted:
        return Place(wanted["ra_deg"], wanted["dec_deg"], 60.0 * wanted["size_arcmin"] / 2.0, None)
    if "pgc" in wanted:
        known = selectors.galaxy_of_pgc(wanted["pgc"])
        if known is not None and None not in (known.ra_deg, known.dec_deg, known.d25_arcsec):
            return Place(
                known.ra_deg or 0.0,
                known.dec_deg or 0.0,
                known.d25_arcsec or 0.0,
                known.position_angle_deg,
                known.pgc,
                known.name,
            )
        facts = observatory.catalogue.galaxies([wanted["pgc"]]).get(wanted["pgc"])
        if facts is None:
            raise SurveyError("not_found", f"HyperLEDA does not know PGC {wanted['pgc']}.")
        return _place_of(facts, facts.name)
    resolved = observatory.names.resolve(wanted["name"])
    if resolved.pgc is not None:
        near = list(observatory.catalogue.galaxies([resolved.pgc]).values())
    else:
        near = observatory.catalogue.around(resolved.ra_deg, resolved.dec_deg, NAMED_WITHIN_ARCSEC)
    sized = next((facts for facts in near if facts.d25_arcsec is not None), None)
    if sized is None:
        raise SurveyError(
            "no_size", f"{wanted['name']} is known, its size is not. Give its position and the size of the field."
        )
    return _place_of(sized, wanted["name"])


def _place_of(facts: GalaxyFacts, name: str) -> Place:
    if facts.d25_arcsec is None:
        raise SurveyError(
            "no_size", f"HyperLEDA has no size of PGC {facts.pgc}. Give its position and the size of the field."
        )
    return Place(facts.ra_deg, facts.dec_deg, facts.d25_arcsec, facts.position_angle_deg, facts.pgc, name)


def _fetched(source: Source, place: Place, observatory: Observatory) -> Source:
    from giz.imaging.frameset import set_pictures
    from giz.imaging.grid import galaxy_grid
    from giz.surveys.assemble import fetch_frame_set

    surveys = surveys_by_name(observatory, settings.SURVEY_ORDER)
    grid = galaxy_grid(place.ra_deg, place.dec_deg, place.d25_arcsec, place.position_angle_deg)
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
        **picture_columns(pictures),
    }
    for name, value in values.items():
        setattr(source, name, value)
    source.save(update_fields=list(values))
    return source


def _failed(source: Source, code: str, detail: str) -> Source:
    source.state, source.error_code, source.error_detail = Source.State.FAILED, code, detail
    source.save(update_fields=["state", "error_code", "error_detail"])
    return source


def fetch_give_up(source: Source, error: Exception) -> None:
    """The job ended in an error of ours: whoever waits must not wait for ever."""
    detail = error.detail if isinstance(error, Refused) else "The pictures could not be fetched."
    _failed(source, FETCH_FAILED, detail)
