"""Frames of galaxies from surveys, and pictures from frames: many galaxies, a few at a time, each whole or not at all.

Threads fetch and compute; only the calling thread speaks with the database.
"""

import hashlib
import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from giz.catalog.models import Galaxy, GalaxyImage
from giz.catalog.services.facts import galaxies_complete
from giz.catalog.services.pictures import image_record
from giz.catalog.storage import display_files_exist, display_files_write
from giz.core.errors import Refused
from giz.imaging.decode import PictureError, decode_picture
from giz.imaging.display_folder import write_whole
from giz.imaging.fits_structure import FitsError
from giz.imaging.grid import SkyGrid, galaxy_grid
from giz.imaging.sizes import DisplayFiles, display_files, display_stem
from giz.surveys.errors import SurveyError
from giz.surveys.exposure import Survey
from giz.surveys.observatory import Observatory, joined_urls
from giz.surveys.sdss import SDSS

# As many galaxies at a time as there are cores, but never so many that a survey's host would notice.
THREADS = min(max(os.cpu_count() or 1, 2), 8)
# So many galaxies in a row that no server answers for: the others would fare no better now.
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

Report = Callable[[list[str]], None]
Counts = dict[str, Any]
AfterGalaxy = Callable[[int, Counts, str], None]
Step = Callable[[str], None]


@dataclass(frozen=True)
class _Wanted:
    """One galaxy as the threads see it: no database behind it.

    stems : current pictures whose files are there, by band.
    from_sets : what the current pictures that come from a set of frames were made of (a hash), by band.
    """

    pgc: int
    grid: SkyGrid | None
    stems: dict[str, str] = field(default_factory=dict)
    from_sets: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    reason: str = ""


@dataclass
class _Made:
    """What the threads made of a galaxy; `outdated` are bands whose picture comes from a set that is replaced."""

    pgc: int
    outcome: str
    problem: str = ""
    reason: str = ""
    remark: str = ""
    survey: str = ""
    pictures: dict[str, DisplayFiles] = field(default_factory=dict)
    outdated: tuple[str, ...] = ()


def observatory_from_settings() -> Observatory:
    """The surveys as the settings describe them.

    Raises
    ------
    Refused
        ``bad_setting`` if SURVEY_URLS can't be used.
    """
    try:
        urls = joined_urls(settings.SURVEY_URLS)
    except ValueError as error:
        raise Refused("bad_setting", str(error)) from None
    return Observatory(Path(settings.SURVEY_FOLDER) / "cache", urls, local_hosts=settings.SURVEY_LOCAL_HOSTS)


def surveys_by_name(observatory: Observatory, names: Sequence[str]) -> list[Survey]:
    """The surveys of these names in this order. Refuses an unknown name (``unknown_survey``)."""
    try:
        return observatory.surveys(list(names))
    except ValueError as error:
        raise Refused("unknown_survey", str(error)) from None


def frames_path(pgc: int) -> Path:
    """Where the set of frames of a galaxy lies."""
    return Path(settings.SURVEY_FOLDER) / "frames" / f"{pgc % 1000:03d}" / f"pgc{pgc}_d25x2_rot.fits"


def quick_look_path(pgc: int) -> Path:
    """Where SDSS's own colour picture of a galaxy lies, under the original's name for it."""
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

    What a galaxy's entry lacks is asked of HyperLEDA first (and kept); galaxies that the catalogue does not know are
    made so; ``step`` is told how that goes on. A set that answers the same request is left as it is. ``after_galaxy``
    is called with the number of galaxies done, the counts and the last galaxy's name.

    Raises
    ------
    Refused
        ``survey_down`` when no server answers for several galaxies in a row; what is done stays.
    """
    remaining = list(numbers)[resume_index:]
    facts = galaxies_complete(numbers=remaining, catalogue=observatory.catalogue, report=report, step=step)
    wanted = (_wanted(pgc, facts.galaxies.get(pgc), facts.silence.get(pgc)) for pgc in remaining)

    def work(item: _Wanted) -> _Made:
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
    """Make pictures of the sets of frames that are on disk; counts as of `frames_fetch` ("fetched" means made)."""
    remaining = list(numbers)[resume_index:]
    known = {galaxy.pgc: galaxy for galaxy in Galaxy.objects.filter(pgc__in=remaining)}
    wanted = (_on_disk(pgc, known.get(pgc)) for pgc in remaining)
    return _run(wanted, _prepared, report, after_galaxy, resume_index, resume_counts)


def _on_disk(pgc: int, galaxy: Galaxy | None) -> _Wanted:
    if galaxy is None:
        problem = "it is not in the catalogue; fetch_images asks HyperLEDA"
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
    """In a thread: fetch the set if there is none for this request, then make what pictures are missing."""
    from giz.imaging.frameset import read_frame_set_request, read_frame_set_survey, write_frame_set
    from giz.surveys.assemble import fetch_frame_set, request_digest

    if item.grid is None:
        return _Made(item.pgc, "failed", item.problem, item.reason)
    path = frames_path(item.pgc)
    request = request_digest(item.grid, [survey.name for survey in surveys])
    fetched = read_frame_set_request(path) != request
    if fetched:
        try:
            frames = fetch_frame_set(item.grid, surveys)
            with _disk():
                # It was turned for the set that is replaced now.
                quick_look_path(item.pgc).unlink(missing_ok=True)
                write_frame_set(path, frames)
        except SurveyError as error:
            if error.code == "cache_unwritable":
                raise Refused(error.code, error.detail, status=507) from None
            return _Made(item.pgc, "failed", _in_words(error), REASONS.get(error.code, error.code))
    remark = _quick_look(item.grid, item.pgc, sdss) if read_frame_set_survey(path) == sdss.name else ""
    made = _prepared(item)
    outcome = "fetched" if fetched and not made.problem else made.outcome
    return replace(made, outcome=outcome, remark=remark or made.remark)


@contextmanager
def _disk() -> Iterator[None]:
    """A disk that takes nothing ends the run with a sentence: no galaxy would fare better."""
    try:
        yield
    except OSError as error:
        raise Refused("frames_unwritable", f"Frames can't be written: {error.strerror or error}.", status=507) from None


def _quick_look(grid: SkyGrid, pgc: int, sdss: SDSS) -> str:
    """Keep SDSS's own colour picture, turned like ours, beside the frames; return what went wrong, if anything."""
    from giz.imaging.quick_look import jpeg_bytes, level_picture

    path = quick_look_path(pgc)
    if path.exists():
        return ""
    try:
        file, scale_arcsec = sdss.quick_look(grid)
        picture = decode_picture(file.read_bytes(), "colour")
    except (SurveyError, PictureError) as error:
        return f"no quick-look picture: {error.detail} [{error.code}]"
    with _disk():
        write_whole(path, jpeg_bytes(level_picture(picture, scale_arcsec, grid)))
    return ""


def _prepared(item: _Wanted) -> _Made:
    """In a thread: pictures of the set on disk, unless all of them are there."""
    from giz.imaging.frameset import read_frame_set, set_pictures

    if item.problem:
        return _Made(item.pgc, "failed", item.problem, item.reason)
    path = frames_path(item.pgc)
    if not path.exists():
        return _Made(item.pgc, "failed", "no frames here; fetch_images gets them", "without frames here")
    try:
        frames = read_frame_set(path)
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except FitsError as error:
        return _Made(item.pgc, "failed", f"{error.detail} [{error.code}]", REASONS["survey_bad_answer"])
    pictures = {}
    shown = set_pictures(frames)
    remark = ""
    if "gri" not in shown and quick_look_path(item.pgc).exists():
        try:
            shown["gri"] = decode_picture(quick_look_path(item.pgc).read_bytes(), "colour")
        except PictureError as error:
            quick_look_path(item.pgc).unlink(missing_ok=True)
            remark = f"its quick-look picture was damaged; fetch_images gets it anew. {error.detail} [{error.code}]"
    for band, pixels in shown.items():
        source = _source(content, band)
        if item.stems.get(band) != display_stem(source, is_colour=band == "gri"):
            pictures[band] = display_files(pixels, source)
            display_files_write(pictures[band])
    # A band that this set does not give, of a set that it replaced: another field, another angle.
    outdated = tuple(
        band for band, source in item.from_sets.items() if band not in shown and source != _source(content, band)
    )
    if outdated and not remark:
        remark = f"these frames give no picture in {' and '.join(outdated)}; that of the frames before is history now"
    outcome = "fetched" if pictures else "unchanged"
    return _Made(item.pgc, outcome, remark=remark, survey=frames.survey, pictures=pictures, outdated=outdated)


def _source(content: str, band: str) -> str:
    """What a picture of a set is made of: a hash of the set's file and the band."""
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
    with closing(_ahead(wanted, work)) as results:
        for done, made in enumerate(results, start=resume_index + 1):
            counts[made.outcome] += 1
            counts["pictures"] += _record(made)
            if made.problem:
                why[made.reason] += 1
                report([f"PGC {made.pgc}: {made.problem}"])
            if made.remark:
                report([f"PGC {made.pgc}: {made.remark}"])
            after_galaxy(done, so_far(), f"PGC {made.pgc}")
            if made.reason != SILENT:  # such a galaxy costs no request: the others may do without HyperLEDA
                failed_in_a_row = failed_in_a_row + 1 if made.reason in NO_ANSWER else 0
            if failed_in_a_row >= MAX_FAILED_IN_A_ROW:
                raise Refused("survey_down", f"{made.problem} Stopped after {failed_in_a_row} galaxies in a row.")
    return so_far()


def _record(made: _Made) -> int:
    """All bands or none: whoever looks, or is killed, between them must not find a galaxy half old and half new."""
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


def _ahead(wanted: Iterator[_Wanted], work: Callable[[_Wanted], _Made]) -> Generator[_Made, None, None]:
    """Work in threads a few galaxies ahead of the one that is recorded, in order, and look galaxies up as they come."""
    with ThreadPoolExecutor(THREADS) as pool:
        ahead: deque[Future[_Made]] = deque()
        try:
            while True:
                for item in wanted:
                    ahead.append(pool.submit(work, item))
                    if len(ahead) >= 2 * THREADS:
                        break
                if not ahead:
                    return
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
