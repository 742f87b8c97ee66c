"""Add pictures to the catalogue: one (``image_store``) or a whole folder (``images_import``)."""

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from django.db import transaction

from giz.catalog.formats.pictures import PictureGroup, PictureName
from giz.catalog.models import Galaxy, GalaxyImage
from giz.catalog.storage import display_files_exist, display_files_write
from giz.core.vocabulary import COLOUR_FIRST
from giz.imaging.decode import MAX_BYTES, Pixels
from giz.imaging.decoder import picture_decode
from giz.imaging.errors import PictureError, UnusableFileError
from giz.imaging.sizes import DisplayFiles, display_files, display_stem

THREADS = 2  # they wait for the decoding processes; Pillow scales and encodes without Python's lock
CHUNK_GROUPS = 1000

Report = Callable[[list[str]], None]
AfterGroup = Callable[[int, dict[str, int]], None]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def image_store(
    *,
    galaxy: Galaxy,
    band: str,
    pixels: Pixels,
    origin: str,
    source_name: str = "",
    content_sha256: str | None = None,
) -> GalaxyImage:
    """Make the display files of a picture and its row; the same picture again returns the existing row.

    ``pixels`` is grey (ny, nx) or colour (ny, nx, 3), uint8; ``content_sha256`` the hash of the file it came from.
    A replaced picture is kept as history, no longer current.
    """
    made = display_files(pixels, content_sha256)
    display_files_write(made)
    return image_record(galaxy=galaxy, band=band, made=made, origin=origin, source_name=source_name)


def image_record(*, galaxy: Galaxy, band: str, made: DisplayFiles, origin: str, source_name: str = "") -> GalaxyImage:
    """Record display files that are already on disk."""
    with transaction.atomic():
        # The galaxy's row is the lock, so that two imports of one band don't both find nothing current.
        Galaxy.objects.select_for_update(no_key=True).get(pk=galaxy.pk)
        current = GalaxyImage.objects.filter(galaxy=galaxy, band=band, is_current=True)
        found = current.first()
        if found and found.stem == made.stem:
            return found
        current.update(is_current=False)
        return GalaxyImage.objects.create(
            galaxy=galaxy,
            band=band,
            stem=made.stem,
            sizes_px=sorted(made.files),
            content_sha256=made.content_sha256,
            origin=origin,
            source_name=source_name[:120],
            source_width_px=made.source_width_px,
            source_height_px=made.source_height_px,
        )


@dataclass(frozen=True)
class _Prepared:
    """The result of the threads for a group: display files of one of its files (none if unchanged), and problems."""

    group: PictureGroup
    problems: list[str]
    chosen: PictureName | None = None
    made: DisplayFiles | None = None


def images_import(
    *,
    root: Path,
    groups: list[PictureGroup],
    report: Report,
    after_group: AfterGroup,
    resume_index: int = 0,
    resume_counts: dict[str, int] | None = None,
) -> dict[str, int]:
    """Import the pictures of a folder; return counts: new, replaced, unchanged, bad, galaxies.

    Galaxies unknown to the catalogue are created (``galaxies`` counts them). ``after_group`` is called inside
    the transaction that stored a group, with the number of groups done and the counts so far.
    """
    counts: Counter[str] = Counter(resume_counts or {})
    for start in range(resume_index, len(groups), CHUNK_GROUPS):
        chunk = groups[start : start + CHUNK_GROUPS]
        known = _current_stems(chunk)
        with closing(work_ahead(chunk, partial(_prepare, root, known), THREADS)) as prepared:
            for done, item in enumerate(prepared, start=start + 1):
                with transaction.atomic():
                    counts.update(_store(item))
                    if item.problems:
                        report(item.problems)
                    after_group(done, _as_dict(counts))
    return _as_dict(counts)


def missing_bands(groups: Iterable[PictureGroup]) -> dict[str, list[int]]:
    """Return the galaxies for which the groups have no picture in a band, as ``{"gri": [30197, 71047]}``."""
    bands: defaultdict[int, set[str]] = defaultdict(set)
    for group in groups:
        bands[group.pgc].add(group.band)
    missing: dict[str, list[int]] = {}
    for pgc in sorted(bands):
        for band in COLOUR_FIRST:
            if band not in bands[pgc]:
                missing.setdefault(band, []).append(pgc)
    return missing


def _as_dict(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in ("new", "replaced", "unchanged", "bad", "galaxies")}


def _current_stems(groups: list[PictureGroup]) -> dict[tuple[int, str], str]:
    """Return the stems of current pictures whose files all exist, by galaxy and band."""
    current = GalaxyImage.objects.filter(is_current=True, galaxy__pgc__in={group.pgc for group in groups})
    return {
        (pgc, band): stem
        for pgc, band, stem, sizes in current.values_list("galaxy__pgc", "band", "stem", "sizes_px")
        if display_files_exist(stem, sizes)
    }


def work_ahead(
    items: Iterable[_Item], work: Callable[[_Item], _Result], threads: int
) -> Generator[_Result, None, None]:
    """Yield ``work(item)`` in order, computed in threads a few items ahead; items are taken only as they are needed."""
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[_Result]] = deque()
        waiting = iter(items)
        try:
            while True:
                for item in waiting:
                    ahead.append(pool.submit(work, item))
                    if len(ahead) >= 2 * threads:
                        break
                if not ahead:
                    return
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def _prepare(root: Path, known: dict[tuple[int, str], str], group: PictureGroup) -> _Prepared:
    """Make display files of the first usable file of the group. Runs in a thread, without the database."""
    known_stem = known.get((group.pgc, group.band), "")
    problems: list[str] = []
    for name in group.candidates:
        try:
            data = _read(root / name.path)
            kind: Any = "colour" if group.band == "gri" else "grey"
            content = hashlib.sha256(data).hexdigest()
            if display_stem(content, is_colour=kind == "colour") == known_stem:
                return _Prepared(group, problems, chosen=name)
            made = display_files(picture_decode(data, kind), content)
        except (UnusableFileError, OSError) as error:
            problems.append(f"{name.path}: {error}")
            continue
        display_files_write(made)
        return _Prepared(group, problems, chosen=name, made=made)
    return _Prepared(group, problems)


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise PictureError("image_too_large", f"The file is larger than {MAX_BYTES:,} bytes.")
    return path.read_bytes()


def _store(item: _Prepared) -> dict[str, int]:
    group, name = item.group, item.chosen
    bad = {"bad": len(item.problems)}
    if name is None:
        return bad
    if item.made is None:
        return {**bad, "unchanged": 1}
    galaxy, is_new = Galaxy.objects.get_or_create(pgc=group.pgc, defaults={"source": "picture file"})
    before = galaxy.images.filter(band=group.band, is_current=True).values_list("stem", flat=True).first()
    image_record(galaxy=galaxy, band=group.band, made=item.made, origin=name.origin, source_name=Path(name.path).name)
    outcome = "new" if before is None else "unchanged" if before == item.made.stem else "replaced"
    return {**bad, outcome: 1, "galaxies": int(is_new)}
