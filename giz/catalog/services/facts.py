"""Complete galaxies of the catalogue from HyperLEDA, without changing existing values, and resolve names."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from giz.catalog.formats.numbers import FIRST_SYNTHETIC_PGC
from giz.catalog.models import Galaxy
from giz.catalog.selectors import GalaxyPlaces
from giz.core.errors import Refused
from giz.core.words import n_galaxies
from giz.surveys.hyperleda import MAX_NUMBERS, GalaxyFacts, HyperLEDA
from giz.surveys.sesame import NAMED_WITHIN_ARCSEC, Sesame
from giz.surveys.survey import SurveyError

FIELDS = ("ra_deg", "dec_deg", "d25_arcsec", "axial_ratio", "position_angle_deg", "type_code")
NEEDED = ("ra_deg", "dec_deg", "d25_arcsec", "position_angle_deg")
TEXTS = ("name", "morphological_type")
SOURCE = "HyperLEDA"

Report = Callable[[list[str]], None]
Step = Callable[[str], None]


@dataclass
class Completed:
    """Galaxies by PGC number, and the errors for numbers without an answer from HyperLEDA."""

    galaxies: dict[int, Galaxy]
    silence: dict[int, SurveyError] = field(default_factory=dict)


def galaxies_complete(*, numbers: Sequence[int], catalogue: HyperLEDA, report: Report, step: Step) -> Completed:
    """Return the galaxies of these PGC numbers, with blanks filled and unknown galaxies created from HyperLEDA.

    It is asked for some at a time, and answers are saved at once. If it does not answer, this is reported, and the
    galaxies are returned as they are; the position angle may be missing (round galaxies have none). ``step`` is called
    before each request.

    Raises
    ------
    Refused
        ``no_network``, ``survey_down`` if nothing can be done without HyperLEDA; ``cache_unwritable``.
    """
    known = {galaxy.pgc: galaxy for galaxy in Galaxy.objects.filter(pgc__in=numbers)}
    asked = [pgc for pgc in numbers if pgc < FIRST_SYNTHETIC_PGC and (pgc not in known or _lacks(known[pgc]))]
    made = Completed(known)
    first: SurveyError | None = None
    for start in range(0, len(asked), MAX_NUMBERS):
        some = asked[start : start + MAX_NUMBERS]
        step(f"asking HyperLEDA: {start:,} of {n_galaxies(len(asked))}")
        try:
            facts = catalogue.galaxies(some)
        except SurveyError as error:
            if error.code == "cache_unwritable":
                raise Refused(error.code, error.detail, status=507) from None
            first = first or error
            made.silence |= dict.fromkeys(some, error)
            continue
        known |= {pgc: _fill(pgc, facts[pgc]) for pgc in some if pgc in facts}
    if first is not None:
        if (
            first.is_retryable
            and len(made.silence) == len(numbers)
            and not any(_has_field(known.get(pgc)) for pgc in numbers)
        ):
            raise Refused(first.code, f"{first.detail} HyperLEDA is needed for galaxies without position or D25.")
        report([f"No answer from HyperLEDA for {n_galaxies(len(made.silence))}: {first.detail} [{first.code}]"])
    return made


@dataclass
class NamesFound:
    """PGC numbers by name, the number of names without one by reason, and why the resolver failed, if it did."""

    numbers: dict[str, int] = field(default_factory=dict)
    why: Counter[str] = field(default_factory=Counter)
    silence: str = ""


def names_resolve(*, names: Sequence[str], resolver: Sesame, report: Report, step: Step) -> NamesFound:
    """Return the PGC number of each name that has one, and report why the others have none.

    The number is SIMBAD's PGC or LEDA name, or that of the catalogue's galaxy nearest to the position. If the resolver
    fails for one name, the others are not tried. ``step`` is called before each request.
    """
    found = NamesFound()
    places: GalaxyPlaces | None = None
    for place, name in enumerate(names):
        step(f"looking up names: {place:,} of {len(names):,}")
        try:
            resolved = resolver.resolve(name)
        except SurveyError as error:
            report([f"{name}: {error.detail} [{error.code}]"])
            if error.code in ("no_network", "survey_down"):
                rest = names[place + 1 :]
                report([f"{other}: not looked up for the same reason" for other in rest])
                found.why["names not looked up"] += 1 + len(rest)
                found.silence = error.detail
                return found
            found.why["name not known" if error.code == "not_found" else "names not looked up"] += 1
            continue
        pgc = resolved.pgc
        if pgc is None:
            places = places or GalaxyPlaces(NAMED_WITHIN_ARCSEC)
            pgc = places.nearest(resolved.ra_deg, resolved.dec_deg)
        if pgc is None:
            where = f"{resolved.ra_deg:.5f} {resolved.dec_deg:+.5f}"
            report([f"{name}: {resolved.resolver} knows it at {where}, but no PGC number of it"])
            found.why["name without PGC number"] += 1
        else:
            found.numbers[name] = pgc
    return found


def _lacks(galaxy: Galaxy) -> bool:
    return not galaxy.is_synthetic and any(getattr(galaxy, name) is None for name in NEEDED)


def _has_field(galaxy: Galaxy | None) -> bool:
    return galaxy is not None and None not in (galaxy.ra_deg, galaxy.dec_deg, galaxy.d25_arcsec)


@transaction.atomic
def _fill(pgc: int, facts: GalaxyFacts) -> Galaxy:
    galaxy, is_new = Galaxy.objects.select_for_update(no_key=True).get_or_create(pgc=pgc, defaults={"source": SOURCE})
    changed = [name for name in FIELDS if getattr(galaxy, name) is None and getattr(facts, name) is not None]
    changed += [name for name in TEXTS if not getattr(galaxy, name) and getattr(facts, name)]
    for name in changed:
        setattr(galaxy, name, getattr(facts, name))
    if changed:
        if not is_new:
            # Keep a record of which values are not from the imported table.
            galaxy.extra = {**galaxy.extra, "filled_from_hyperleda": " ".join(changed)}
        galaxy.save(update_fields=[*changed, "extra", "updated_at"])
    return galaxy
