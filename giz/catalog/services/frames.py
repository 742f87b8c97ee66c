"""Frames of galaxies from surveys, and pictures from frames: several galaxies at a time, each completely or not at all.

Threads fetch and compute; only the calling thread uses the database.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from giz.catalog.formats.numbers import number_in_words
from giz.catalog.models import Galaxy, GalaxyImage
from giz.catalog.services.facts import galaxies_complete
from giz.catalog.services.pictures import image_record, work_ahead
from giz.catalog.storage import display_files_exist, display_files_write
from giz.core.errors import Refused
from giz.core.machine import write_whole
from giz.imaging.decoder import picture_decode
from giz.imaging.errors import FitsError, UnusableFileError
from giz.imaging.grid import SkyGrid, galaxy_grid
from giz.imaging.sizes import DisplayFiles, display_files, display_stem
from giz.surveys.cache import Limits
from giz.surveys.observatory import Observatory, joined_urls
from giz.surveys.sdss import SDSS
from giz.surveys.survey import Survey, SurveyError

if TYPE_CHECKING:
    from giz.imaging.frameset import FrameSet

# As many galaxies at a time as there are cores, but few enough to be no burden on a survey's host.
THREADS = min(max(os.cpu_count() or 1, 2), 8)
# After so many galaxies in a row without an answer from any server the run ends: the next would fail as well.
MAX_FAILED_IN_A_ROW = 5
COUNTS = ("fetched", "unchanged", "failed", "pictures")
SILENT = "without HyperLEDA's answer"
NO_ANSWER = ("no network", "server down")
# Why a galaxy failed, in a word or two for the summary of a run.
REASONS = {
    "no_network": NO_ANSWER[0],
    "survey_down": NO_ANSWER[1],
    "survey_bad_answer": "damaged",
    "not_covered": "not covered",
    "not_found": "file missing",
    "fetch_refused": "refused",
    "url_not_allowed": "refused",
}

# The share of the cache for visitors who ask for galaxies on the page of predictions: one tenth.
PUBLIC_PART = 10

Report = Callable[[list[str]], None]
Counts = dict[str, Any]
AfterGalaxy = Callable[[int, Counts, str], None]
Step = Callable[[str], None]


@dataclass(frozen=True)
class _Wanted:
    """One galaxy as the threads need it, without the database.

    stems : current pictures whose files exist, by band.
    from_sets : hash of the source of current pictures that come from a set of frames, by band.
    problem, reason : why nothing can be fetched, in a sentence and in a word or two.
    """

    pgc: int
    grid: SkyGrid | None
    stems: dict[str, str] = field(default_factory=dict)
    from_sets: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    reason: str = ""


@dataclass
class _Made:
    """The result of the threads for one galaxy; `outdated`: bands whose picture comes from a replaced set."""

    pgc: int
    outcome: str
    problem: str = ""
    reason: str = ""
    remark: str = ""
    survey: str = ""
    pictures: dict[str, DisplayFiles] = field(default_factory=dict)
    outdated: tuple[str, ...] = ()


def observatory_from_settings(*, is_public: bool = False) -> Observatory:
    """Return the surveys as configured in the settings.

    is_public : for the request of a visitor: less is fetched for it, and kept.

    Raises
    ------
    Refused
        ``bad_setting`` if SURVEY_URLS can't be used.
    """
    try:
        urls = joined_urls(settings.SURVEY_URLS)
    except ValueError as error:
        raise Refused("bad_setting", str(error)) from None
    most_bytes = settings.SURVEY_CACHE_GB * 10**9
    return Observatory(
        Path(settings.SURVEY_FOLDER) / "cache",
        urls,
        local_hosts=settings.SURVEY_LOCAL_HOSTS,
        limits=Limits(most_bytes=most_bytes, public_bytes=most_bytes // PUBLIC_PART),
        is_public=is_public,
    )


def surveys_by_name(observatory: Observatory, names: Sequence[str]) -> list[Survey]:
    """Return the surveys of these names, in this order. Refuses an unknown name (``unknown_survey``)."""
    try:
        return observatory.surveys(list(names))
    except ValueError as error:
        raise Refused("unknown_survey", str(error)) from None


def frames_path(pgc: int) -> Path:
    """Return the path of a galaxy's set of frames."""
    return Path(settings.SURVEY_FOLDER) / "frames" / f"{pgc % 1000:03d}" / f"pgc{pgc}_d25x2_rot.fits"


def quick_look_path(pgc: int) -> Path:
    """Return the path of SDSS's own colour picture of a galaxy, named as the original names it."""
    return frames_path(pgc).with_name(f"pgc{pgc}_d25x2_rot_gri.sdss.jpg")


def frames_fetch(
    *,
    numbers: Sequence[int],
    observatory: Observatory,
    surveys: Sequence[Survey],
    report: Report,
    after_galaxy: AfterGalaxy,
    step: Step,
    resume_index: int = 0,
    resume_counts: Counts | None = None,
) -> Counts:
    """Fetch frames of galaxies and make their pictures; return counts: fetched, unchanged, failed, pictures, and why.

    Missing data of galaxies, and galaxies unknown to the catalogue, are first requested from HyperLEDA and saved;
    ``step`` is called with the progress of that. A set for the same request is kept. ``after_galaxy`` is called with
    the number of galaxies done, the counts and the last galaxy's name.

    Raises
    ------
    Refused
        ``survey_down`` when no server answers for several galaxies in a row; finished galaxies are kept.
    """
    remaining = list(numbers)[resume_index:]
    facts = galaxies_complete(numbers=remaining, catalogue=observatory.catalogue, report=report, step=step)
    wanted = (_wanted(pgc, facts.galaxies.get(pgc), facts.silence.get(pgc)) for pgc in remaining)

    def work(item: _Wanted) -> _Made:
        with observatory.client.cache.reading():
            return _fetched(item, surveys, observatory.sdss)

    return _run(wanted, work, report, after_galaxy, resume_index, resume_counts)


def frames_prepare(
    *,
    numbers: Sequence[int],
    report: Report,
    after_galaxy: AfterGalaxy,
    resume_index: int = 0,
    resume_counts: Counts | None = None,
) -> Counts:
    """Make pictures of the sets of frames on disk; counts as in `frames_fetch` ("fetched" means made)."""
    remaining = list(numbers)[resume_index:]
    known = {galaxy.pgc: galaxy for galaxy in Galaxy.objects.filter(pgc__in=remaining)}
    wanted = (_on_disk(pgc, known.get(pgc)) for pgc in remaining)
    return _run(wanted, _prepared, report, after_galaxy, resume_index, resume_counts)


def _on_disk(pgc: int, galaxy: Galaxy | None) -> _Wanted:
    if galaxy is None:
        problem = "it is not in the catalogue; fetch_images can get it from HyperLEDA"
        return _Wanted(pgc, None, problem=problem, reason="not known")
    current = list(galaxy.images.filter(is_current=True))
    return _Wanted(
        pgc,
        None,
        {image.band: image.stem for image in current if display_files_exist(image.stem, image.sizes_px)},
        {image.band: image.content_sha256 for image in current if image.source_name == frames_path(pgc).name},
    )


def _wanted(pgc: int, galaxy: Galaxy | None, silence: SurveyError | None) -> _Wanted:
    if galaxy is None and silence:
        return _unanswered(_Wanted(pgc, None), "it is not in the catalogue", silence)
    if galaxy is None:
        return _Wanted(pgc, None, problem="neither the catalogue nor HyperLEDA knows it", reason="not known")
    item = _on_disk(pgc, galaxy)
    missing = [
        words
        for words, value in (("position", galaxy.ra_deg), ("declination", galaxy.dec_deg), ("D25", galaxy.d25_arcsec))
        if value is None
    ]
    if missing or galaxy.ra_deg is None or galaxy.dec_deg is None or galaxy.d25_arcsec is None:
        words = f"no {' and no '.join(missing)} in the catalogue"
        if silence:
            return _unanswered(item, words, silence)
        return replace(item, problem=f"{words} or in HyperLEDA", reason="without position or D25")
    try:
        grid = galaxy_grid(galaxy.ra_deg, galaxy.dec_deg, galaxy.d25_arcsec, galaxy.position_angle_deg)
    except ValueError as error:
        return replace(item, problem=str(error), reason="without a usable field")
    return replace(item, grid=grid)


def _unanswered(item: _Wanted, lacks: str, error: SurveyError) -> _Wanted:
    reason = REASONS.get(error.code, error.code)
    is_silent = reason in NO_ANSWER
    words = "did not answer" if is_silent else "gave no answer that can be used"
    problem = f"{lacks}, and HyperLEDA {words}: {_in_words(error)}"
    return replace(item, problem=problem, reason=SILENT if is_silent else reason)


def _in_words(error: SurveyError) -> str:
    return f"{error.detail}{' Try again later.' if error.is_retryable else ''} [{error.code}]"


def _fetched(item: _Wanted, surveys: Sequence[Survey], sdss: SDSS) -> _Made:
    """Fetch the set unless there is one for this request, then make the missing pictures. Runs in a thread."""
    from giz.imaging.frameset import write_frame_set
    from giz.surveys.assemble import fetch_frame_set, request_digest

    if item.grid is None:
        return _Made(item.pgc, "failed", item.problem, item.reason)
    path = frames_path(item.pgc)
    request = request_digest(item.grid, [survey.name for survey in surveys])
    try:
        frames, content = _read(path)
        fetched = frames.request != request
    except FitsError:  # missing or damaged
        fetched = True
    if fetched:
        try:
            frames = fetch_frame_set(item.grid, surveys)
            with _disk():
                # It was turned for the set that is replaced now.
                quick_look_path(item.pgc).unlink(missing_ok=True)
                content = write_frame_set(path, frames)
        except SurveyError as error:
            if error.code == "cache_unwritable":
                raise Refused(error.code, error.detail, status=507) from None
            return _Made(item.pgc, "failed", _in_words(error), REASONS.get(error.code, error.code))
    remark = _quick_look(item.grid, item.pgc, sdss) if frames.survey == sdss.name else ""
    made = _pictures(item, frames, content)
    outcome = "fetched" if fetched and not made.problem else made.outcome
    return replace(made, outcome=outcome, remark=remark or made.remark)


@contextmanager
def _disk() -> Iterator[None]:
    """End the run if the disk can't be written: the next galaxy would fail as well."""
    try:
        yield
    except OSError as error:
        raise Refused("frames_unwritable", f"Frames can't be written: {error.strerror or error}.", status=507) from None


def _quick_look(grid: SkyGrid, pgc: int, sdss: SDSS) -> str:
    """Save SDSS's own colour picture, turned like ours, beside the frames; return what went wrong, if anything."""
    from giz.imaging.colour import jpeg_bytes, level_picture

    path = quick_look_path(pgc)
    if path.exists():
        return ""
    try:
        file, scale_arcsec = sdss.quick_look(grid)
        picture = picture_decode(file.read_bytes(), "colour")
    except (SurveyError, UnusableFileError) as error:
        return f"no quick-look picture: {error.detail} [{error.code}]"
    with _disk():
        write_whole(path, jpeg_bytes(level_picture(picture, scale_arcsec, grid)))
    return ""


def _prepared(item: _Wanted) -> _Made:
    """Make the missing pictures of the set on disk. Runs in a thread."""
    if item.problem:
        return _Made(item.pgc, "failed", item.problem, item.reason)
    path = frames_path(item.pgc)
    if not path.exists():
        return _Made(item.pgc, "failed", "its frames are not here; fetch_images fetches them", "without frames here")
    try:
        frames, content = _read(path)
    except FitsError as error:
        return _Made(item.pgc, "failed", f"{error.detail} [{error.code}]", REASONS["survey_bad_answer"])
    return _pictures(item, frames, content)


def _read(path: Path) -> "tuple[FrameSet, str]":
    """Read a set and the SHA-256 of its file."""
    from giz.imaging.frameset import read_frame_set

    frames = read_frame_set(path)
    with path.open("rb") as file:
        return frames, hashlib.file_digest(file, "sha256").hexdigest()


def _pictures(item: _Wanted, frames: "FrameSet", content: str) -> _Made:
    """Make those pictures of a set that do not exist yet; `content` is the SHA-256 of the set's file."""
    from giz.imaging.frameset import set_pictures

    pictures = {}
    shown = set_pictures(frames)
    if not shown:
        frames_path(item.pgc).unlink(missing_ok=True)
        return _Made(item.pgc, "failed", "the frames here are blank; fetch_images fetches them again", "not covered")
    remark = ""
    if "gri" not in shown and quick_look_path(item.pgc).exists():
        try:
            shown["gri"] = picture_decode(quick_look_path(item.pgc).read_bytes(), "colour")
        except UnusableFileError as error:
            quick_look_path(item.pgc).unlink(missing_ok=True)
            remark = f"its quick-look picture is damaged; fetch_images fetches it again. {error.detail} [{error.code}]"
    for band, pixels in shown.items():
        source = _source(content, band)
        if item.stems.get(band) != display_stem(source, is_colour=band == "gri"):
            pictures[band] = display_files(pixels, source)
            display_files_write(pictures[band])
    # Bands that only the replaced set had show another field or another angle.
    outdated = tuple(
        band for band, source in item.from_sets.items() if band not in shown and source != _source(content, band)
    )
    if outdated and not remark:
        bands = " and ".join(outdated)
        remark = f"these frames give no picture in {bands}; the picture from the earlier frames is now history"
    outcome = "fetched" if pictures else "unchanged"
    return _Made(item.pgc, outcome, remark=remark, survey=frames.survey, pictures=pictures, outdated=outdated)


def _source(content: str, band: str) -> str:
    """Return the hash of the source of a picture: the set's file and the band."""
    return hashlib.sha256(f"{content}|{band}".encode()).hexdigest()


def _run(
    wanted: Iterator[_Wanted],
    work: Callable[[_Wanted], _Made],
    report: Report,
    after_galaxy: AfterGalaxy,
    resume_index: int,
    resume_counts: Counts | None,
) -> Counts:
    before = dict(resume_counts or {})
    why: Counter[str] = Counter(before.pop("why", {}))
    counts: Counter[str] = Counter(before)

    def so_far() -> Counts:
        return {name: counts[name] for name in COUNTS} | {"why": dict(why.most_common())}

    failed_in_a_row = 0
    with closing(work_ahead(wanted, work, THREADS)) as results:
        for done, made in enumerate(results, start=resume_index + 1):
            counts[made.outcome] += 1
            counts["pictures"] += _record(made)
            if made.problem:
                why[made.reason] += 1
                report([f"{number_in_words(made.pgc)}: {made.problem}"])
            if made.remark:
                report([f"{number_in_words(made.pgc)}: {made.remark}"])
            after_galaxy(done, so_far(), number_in_words(made.pgc))
            if made.reason != SILENT:  # no request was made for such a galaxy; the others may not need HyperLEDA
                failed_in_a_row = failed_in_a_row + 1 if made.reason in NO_ANSWER else 0
            if failed_in_a_row >= MAX_FAILED_IN_A_ROW:
                raise Refused("survey_down", f"{made.problem} Stopped after {failed_in_a_row} galaxies in a row.")
    return so_far()


def _record(made: _Made) -> int:
    """Record all bands or none, so that nobody ever finds a galaxy with some old and some new pictures."""
    if not made.pictures and not made.outdated:
        return 0
    name = frames_path(made.pgc).name
    with transaction.atomic():
        galaxy = Galaxy.objects.select_for_update(no_key=True).get(pgc=made.pgc)
        replaced = GalaxyImage.objects.filter(galaxy=galaxy, is_current=True, source_name=name, band__in=made.outdated)
        replaced.update(is_current=False)
        for band, files in made.pictures.items():
            image_record(galaxy=galaxy, band=band, made=files, origin=made.survey[:30], source_name=name)
    return len(made.pictures)
