"""Freeze a campaign's labels, with their pictures, into a label set that never changes; and export pictures from one.

A set holds each galaxy's newest consensus at the moment when the work began (``as_of``). An interrupted run therefore
resumes with the same labels, even if people have voted since.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from PIL import Image

from giz.catalog.formats.identifiers import identifiers_text
from giz.catalog.formats.numbers import FIRST_OWN_NUMBER, number_in_words
from giz.catalog.models import GalaxyImage
from giz.catalog.selectors import identifiers_of
from giz.catalog.storage import StorageError, display_file_read
from giz.core import audit
from giz.core.errors import Refused
from giz.core.vocabulary import BANDS, COLOUR
from giz.imaging.sizes import DISPLAY_SIZES_PX
from giz.labelset import Column, LabelSetError, LabelSetSpec, LabelSetWriter
from giz.labelset import LabelSet as FrozenSet
from giz.labelset.archives import write_folder, write_npz
from giz.labelset.images import Pixels
from giz.labelset.manifest import read_manifest
from giz.labelset.schema import CORE_COLUMNS, REASONS
from labeling.aggregation.retirement import MIN_VOLUNTEERS
from labeling.comparison import COMPARISON_RULE
from labeling.models import Campaign, Consensus, LabelSet, Reason, Target
from labeling.services.consensus import estimator_for
from labeling.services.exports import COLUMNS, IDENTIFIERS, SIGMA_COMMON, label_cells, manifest_write, measures_people

SIZES_PX = (64, *DISPLAY_SIZES_PX)
CHUNK_GALAXIES = 256
SHARD_GALAXIES = 512
SHARD_LABELS = 32_768

OnProgress = Callable[[int, int], None]
Report = Callable[[list[str]], None]
_CORE = {column.name for column in CORE_COLUMNS}
OWN_COLUMNS: tuple[Column, ...] = (*(column for column in COLUMNS if column.name not in _CORE), REASONS)


def labels_as_of(campaign: Campaign, estimator: str) -> int:
    """Return the id of the newest consensus: labels frozen up to it stay the same whatever people vote later.

    Ids are allocated before a transaction commits, so one that is still being written may be smaller than one that is
    already visible. The lock waits for such writers, and holds back new ones until the id is known.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{Consensus._meta.db_table}" IN SHARE MODE')
        found: int | None = Consensus.objects.filter(target__campaign=campaign, estimator=estimator).aggregate(
            newest=Max("pk")
        )["newest"]
    if found is None:
        raise Refused("no_labels", f"The campaign {campaign.name} has no labels yet: nobody has voted.")
    return found


def refuse_bad_size(size_px: int | None) -> None:
    """Raise Refused for a picture size that does not exist; None means labels without pictures."""
    if size_px is not None and size_px not in SIZES_PX:
        raise Refused(
            "bad_size", f"The picture size must be one of {', '.join(map(str, SIZES_PX))} pixels, not {size_px}."
        )


def refuse_without_pictures(campaign: Campaign, size_px: int | None) -> None:
    """Raise Refused if pictures are wanted but no galaxy has one that is large enough."""
    if size_px is None:
        return
    large_enough = [size for size in SIZES_PX if size >= size_px]
    found = GalaxyImage.objects.filter(
        galaxy__targets__campaign=campaign, is_current=True, band__in=BANDS, sizes_px__overlap=large_enough
    )
    if not found.exists():
        raise Refused(
            "no_pictures",
            f"No galaxy of {campaign.name} has a picture of {size_px} pixels or more. Choose a smaller size, or export "
            "labels alone.",
            status=409,
        )


def labelset_write(
    *,
    campaign: Campaign,
    estimator: str,
    as_of: int,
    size_px: int | None,
    folder: Path,
    common_error: dict[str, Any] | None = None,
    on_progress: OnProgress | None = None,
    report: Report | None = None,
) -> dict[str, Any]:
    """Write a label set to ``folder``, or resume an interrupted one; return its manifest.

    Pictures that are missing on disk or damaged are left out and passed to ``report``, a line each. Only a set with a
    common-mode error (`Campaign.common_error`) has a column for it, and only one of galaxies without a PGC number has
    their identifiers, so that sets without them are what they always were.
    """
    refuse_bad_size(size_px)
    spec = _spec(campaign, estimator, as_of, size_px, common_error)
    try:
        if folder.exists():
            manifest = read_manifest(folder)
            if manifest.get("settings_digest") == spec.digest():
                return manifest
            raise Refused("exists", f"{folder} already exists and contains something else.")
        with LabelSetWriter(folder, spec) as writer:
            total = Target.objects.filter(campaign=campaign).count()
            for consensuses in _chunks(campaign, estimator, as_of, after=writer.last_pgc):
                pictures = _pictures(consensuses, size_px, report)
                names = identifiers_of([consensus.target.galaxy_id for consensus in consensuses])
                for consensus in consensuses:
                    row = _row(consensus, common_error)
                    if IDENTIFIERS in spec.columns:
                        row[IDENTIFIERS.name] = identifiers_text(names.get(consensus.target.galaxy_id, ()))
                    writer.add(row, pictures.get(consensus.target.galaxy_id))
                if on_progress:
                    on_progress(writer.counts["galaxies"], total)
            manifest = writer.finish()
            if on_progress:
                on_progress(total, total)
            return manifest
    except LabelSetError as error:
        raise Refused(error.code, error.detail) from None


def labelset_name(
    campaign: Campaign, *, estimator: str, as_of: int, size_px: int | None, common_error: dict[str, Any] | None = None
) -> str:
    """Return the name of a set, which identifies its labels: equal labels give the same set."""
    name = f"{campaign.name}-{estimator}-{as_of}" + (f"-{size_px}px" if size_px else "")
    if common_error is None:
        return name
    return f"{name}-common-{hashlib.sha256(json.dumps(common_error, sort_keys=True).encode()).hexdigest()[:8]}"


def labelset_freeze(
    *,
    campaign: Campaign,
    as_of: int,
    estimator: str | None = None,
    size_px: int | None = 128,
    common_error: dict[str, Any] | None = None,
    on_progress: OnProgress | None = None,
    report: Report | None = None,
) -> LabelSet:
    """Freeze the campaign's labels into the site's data folder, or return the set that already holds them.

    If the folder of that set is missing or damaged, it is written again. If the result differs (a comment was erased,
    a picture replaced), it becomes another set with its own name, so the row of the first stays correct.
    """
    chosen = estimator_for(estimator or campaign.estimator).name
    name = labelset_name(campaign, estimator=chosen, as_of=as_of, size_px=size_px, common_error=common_error)
    if found := labelset_found(name):
        return found
    root = labelset_root()
    root.mkdir(parents=True, exist_ok=True)
    _set_aside_damaged(root / name)
    manifest = labelset_write(
        campaign=campaign, estimator=chosen, as_of=as_of, size_px=size_px, folder=root / name,
        common_error=common_error, on_progress=on_progress, report=report,
    )  # fmt: skip
    first = LabelSet.objects.filter(name=name).first()
    if first is not None and first.digest != manifest["digest"]:
        name = f"{name}-{manifest['digest'][:8]}"
        _set_aside_damaged(root / name)
        if (root / name).exists():
            shutil.rmtree(root / first.name)
        else:
            (root / first.name).rename(root / name)
    made, is_new = LabelSet.objects.get_or_create(
        name=name,
        defaults={
            "campaign": campaign,
            "estimator": chosen,
            "as_of": as_of,
            "size_px": size_px,
            "digest": manifest["digest"],
            "galaxy_count": manifest["counts"]["galaxies"],
            "byte_count": sum(item["bytes"] for item in manifest["files"]),
            "manifest": {key: value for key, value in manifest.items() if key != "files"},
        },
    )
    if is_new:
        audit.record("label_set_frozen", subject=made.name, galaxies=made.galaxy_count, digest=made.digest)
    return made


def labelset_found(name: str) -> LabelSet | None:
    """Return the frozen set of this name if its folder is complete and undamaged."""
    found = LabelSet.objects.filter(name=name).first()
    return found if found is not None and _is_whole(labelset_root() / name, found.digest) else None


def _is_whole(folder: Path, digest: str = "") -> bool:
    """Whether every file of a set matches its manifest and, if given, whether the set has this digest."""
    try:
        read = FrozenSet.open(folder, verify="full")
    except (LabelSetError, OSError):
        return False
    return not digest or read.manifest["digest"] == digest


def _set_aside_damaged(folder: Path) -> None:
    """Rename a damaged folder so that its set can be written again; an earlier damaged one is deleted."""
    if not folder.exists() or _is_whole(folder):
        return
    aside = folder.with_name(f".{folder.name}.damaged")
    if aside.is_dir():
        shutil.rmtree(aside)
    folder.rename(aside)


def labels_new(campaign: Campaign, *, size_px: int | None) -> int:
    """Return how many galaxies were finished since the last label set of this size was frozen."""
    last = LabelSet.objects.filter(campaign=campaign, size_px=size_px).order_by("-id").first()
    done = Target.objects.filter(campaign=campaign, retired_at__isnull=False)
    return (done.filter(retired_at__gt=last.created_at) if last else done).count()


def pictures_export(
    *,
    campaign: Campaign,
    format_name: str,
    path: Path,
    estimator: str,
    as_of: int,
    size_px: int,
    common_error: dict[str, Any] | None = None,
    on_progress: OnProgress | None = None,
    report: Report | None = None,
) -> dict[str, Any]:
    """Write pictures with their labels as an npz archive or a folder of files, and a manifest beside it.

    A temporary label set beside ``path`` is the source; an interrupted run resumes from it.
    """
    work = path.with_name(f".{path.name}.labelset")
    manifest = labelset_write(
        campaign=campaign, estimator=estimator, as_of=as_of, size_px=size_px, folder=work, common_error=common_error,
        on_progress=on_progress, report=report,
    )  # fmt: skip
    counts = manifest["counts"]
    extra: dict[str, Any] = {}
    try:
        frozen = FrozenSet.open(work)
        if format_name == "npz":
            extra["sha256"] = write_npz(frozen, path, on_progress)
        else:
            partial = path.with_name(f"{path.name}.partial")
            extra["pictures"] = write_folder(frozen, partial, on_progress=on_progress)
            partial.rename(path)
        published = int((frozen.column("inc_n") >= MIN_VOLUNTEERS).sum())
        has = np.array([frozen.has_image(band) for band in frozen.bands])
        pictured = {"pictured": int(has.any(axis=0).sum()), "pictures": int(has.sum())}
    except LabelSetError as error:
        raise Refused(error.code, error.detail) from None
    exported = {
        "file": path.name,
        "format": format_name,
        **extra,
        "campaign": campaign.name,
        "counts": {"rows": counts["galaxies"], "published": published, **counts, **pictured},
        **{key: manifest[key] for key in ("digest", "images", "split", "versions")},
    }
    manifest_write(path, exported)
    shutil.rmtree(work)
    return exported


def labelset_root() -> Path:
    """Return the folder of frozen label sets: not below the pictures, which anybody may download."""
    return Path(settings.GIZ_HOME) / "labelsets"


def _chunks(campaign: Campaign, estimator: str, as_of: int, *, after: int | None) -> Iterator[list[Consensus]]:
    """Yield each target's newest consensus up to ``as_of``, by rising PGC number, in lists.

    Each list takes two queries of its own, so no transaction stays open for the whole set.
    """
    last = -1 if after is None else after
    targets = Target.objects.filter(campaign=campaign).exclude(measures_people()).order_by("galaxy__pgc")
    while chunk := list(targets.filter(galaxy__pgc__gt=last).values_list("pk", "galaxy__pgc")[:CHUNK_GALAXIES]):
        then = Consensus.objects.filter(target__in=[pk for pk, _ in chunk], estimator=estimator, pk__lte=as_of)
        newest = then.order_by("target", "-pk").distinct("target").select_related("target__galaxy")
        judged = [consensus for consensus in newest if consensus.volunteer_count]
        yield sorted(judged, key=lambda consensus: consensus.target.galaxy.pgc)
        last = chunk[-1][1]


def _row(consensus: Consensus, common_error: dict[str, Any] | None) -> dict[str, Any]:
    cells = label_cells(consensus.target.galaxy.pgc, consensus)
    row = dict(zip((column.name for column in COLUMNS), cells, strict=True))
    if row["verdict"] == "A" and row["inclination_deg"] is None:
        row["verdict"] = ""
    if common_error is not None:
        row[SIGMA_COMMON.name] = None if row["inclination_deg"] is None else common_error["sigma_deg"]
    return row | {"reasons": " ".join(f"[{code}]" for code in Reason.values if consensus.reason_counts.get(code))}


def _spec(
    campaign: Campaign, estimator: str, as_of: int, size_px: int | None, common_error: dict[str, Any] | None
) -> LabelSetSpec:
    then = Consensus.objects.filter(pk__lte=as_of, estimator=estimator, target__campaign=campaign)
    newest = then.order_by("-pk").first()
    if newest is None:
        raise Refused("no_labels", f"The campaign {campaign.name} had no labels at that moment.")
    standard_set = campaign.standard_set
    return LabelSetSpec(
        name=f"{campaign.name}-{estimator}-{as_of}",
        title=f"Inclinations of galaxies: {campaign.title or campaign.name}",
        description=(
            "Inclinations of spiral galaxies, and which galaxies to leave out, as volunteers judged them by comparison "
            "with standards of known inclination."
        ),
        origin="volunteers",
        columns=(
            *OWN_COLUMNS,
            *([] if common_error is None else [SIGMA_COMMON]),
            *([IDENTIFIERS] if then.filter(target__galaxy__pgc__gte=FIRST_OWN_NUMBER).exists() else []),
        ),
        size_px=size_px,
        bands=BANDS if size_px else (),
        versions={
            "campaign": campaign.name,
            "as_of_consensus": as_of,
            "estimator": estimator,
            "rules": sorted(set(then.values_list("rule_version", flat=True).distinct())),
            "comparison_rule": COMPARISON_RULE,
            "standard_set": {
                "name": standard_set.name,
                "version": standard_set.version,
                "digest": standard_set.digest,
            },
            **({"common_error": common_error} if common_error else {}),
        },
        publication_year=newest.created_at.year,
        shard_galaxies=SHARD_GALAXIES if size_px else SHARD_LABELS,
    )


def _pictures(
    consensuses: list[Consensus], size_px: int | None, report: Report | None
) -> Mapping[int, dict[str, Pixels]]:
    """Return pictures by galaxy and band at ``size_px``, from the display files that volunteers saw."""
    if size_px is None:
        return {}
    found: dict[int, dict[str, Pixels]] = {}
    problems = []
    galaxies = [consensus.target.galaxy_id for consensus in consensuses]
    rows = GalaxyImage.objects.filter(galaxy__in=galaxies, is_current=True, band__in=BANDS).select_related("galaxy")
    for image in rows:
        try:
            pixels = _pixels(image, size_px)
        except StorageError:
            raise  # a set never changes once it is made: better to fail now than to freeze one without its pictures
        except OSError as error:
            problems.append(f"{number_in_words(image.galaxy.pgc)} {image.band}: picture left out ({error}).")
        else:
            if pixels is not None:
                found.setdefault(image.galaxy_id, {})[image.band] = pixels
    if problems and report:
        report(sorted(problems))
    return found


def _pixels(image: GalaxyImage, size_px: int) -> Pixels | None:
    """Return the picture at this size, if need be reduced from the next larger file; None if there is none."""
    larger = [size for size in sorted(image.sizes_px) if size >= size_px]
    if not larger:
        return None
    file = io.BytesIO(display_file_read(image.stem, larger[0]))
    with Image.open(file, formats=["WEBP"]) as picture:
        drawn = picture.convert("RGB" if image.band == COLOUR else "L")
    if drawn.size != (size_px, size_px):
        drawn = drawn.resize((size_px, size_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(drawn, np.uint8)
