"""Write synthetic galaxies as a label set: truth, pictures and all drawn parameters. Files only, no database."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from giz.catalog.formats.numbers import FIRST_SYNTHETIC_PGC
from giz.core.errors import Refused
from giz.core.vocabulary import BANDS
from giz.labelset import Column, LabelSetError, LabelSetSpec, LabelSetWriter
from giz.labelset.manifest import read_manifest
from giz.labelset.schema import REASONS
from giz.synthetic.make import MAX_SIZE_PX, MIN_SIZE_PX
from giz.synthetic.population import POPULATION_RULE, POPULATION_RULE_YEAR, REASON_CODES, RenderedMember
from giz.synthetic.workers import RenderingError, render_population

MAX_GALAXIES = 9_000_000  # the numbers that are kept free for synthetic galaxies
MAX_WORKERS = 256
SHARD_GALAXIES = 512

OnProgress = Callable[[int, int], None]
COLUMNS = (
    REASONS,
    Column("galaxy_type", "string", "morphological type that was made; E is elliptical", ucd="src.morph.type"),
    Column("reject_reason", "string", "what was made to be rejected; empty for a disk to measure"),
    Column("is_disturbed", "bool", "whether a mild tide was applied to the disk", nullable=False),
    Column("survey", "string", "the survey whose pixels, depth, seeing and sky colour were taken", nullable=False),
    Column("has_corners", "bool", "whether the frame's turned corners hold no data", nullable=False),
    Column("seed", "int64", "seed of the galaxy: makes it again with giz.synthetic", nullable=False),
    Column("d25_arcsec", "float64", "diameter of the 25 mag/arcsec2 isophote as seen", unit="arcsec",
           ucd="phys.angSize", nullable=False),
    Column("pixel_scale_arcsec", "float64", "side of a pixel on the sky", unit="arcsec", ucd="instr.pixel",
           nullable=False),
    Column("seeing_arcsec", "float64", "full width at half maximum of a star in r", unit="arcsec",
           ucd="instr.obsty.seeing", nullable=False),
    Column("parameters", "string", "everything that was drawn, as JSON", nullable=False),
)  # fmt: skip


def labelset_synthesize(
    *,
    folder: Path,
    galaxies: int,
    size_px: int,
    seed: int,
    workers: int,
    rule: str = POPULATION_RULE,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Write a label set of synthetic galaxies to `folder`, or go on with one that was interrupted.

    The same number, size and seed give the same bytes, whatever the number of workers and interruptions. Returns the
    manifest; a set that is finished already is left as it is.
    """
    _refuse_bad_numbers(galaxies, size_px, seed, workers)
    spec = _spec(galaxies, size_px, seed, rule)
    try:
        if folder.exists():
            return _finished_already(folder, spec)
        with LabelSetWriter(folder, spec) as writer:
            start = writer.galaxy_count
            if on_progress:
                on_progress(start, galaxies)
            for made in render_population(seed, start, galaxies, size_px=size_px, workers=workers, rule=rule):
                writer.add(_row(made), made.pictures)
                if on_progress:
                    on_progress(made.member.number + 1, galaxies)
            return writer.finish()
    except LabelSetError as error:
        raise Refused(error.code, error.detail) from None
    except RenderingError as error:
        raise Refused("rendering_failed", f"{error} Run the same command again to continue from here.") from None
    except OSError as error:
        raise Refused("bad_path", f"{folder} can't be written ({error.strerror}).") from None


def _refuse_bad_numbers(galaxies: int, size_px: int, seed: int, workers: int) -> None:
    limits = (
        ("--n", galaxies, 1, MAX_GALAXIES),
        ("--size", size_px, MIN_SIZE_PX, MAX_SIZE_PX),
        ("--seed", seed, 0, 2**63 - 1),
        ("--workers", workers, 1, MAX_WORKERS),
    )
    for name, value, least, most in limits:
        if not least <= value <= most:
            raise Refused("bad_number", f"{name} must be from {least:,} to {most:,}; got {value:,}.")


def _finished_already(folder: Path, spec: LabelSetSpec) -> dict[str, Any]:
    if folder.is_dir() and (folder / "manifest.json").exists():
        manifest = read_manifest(folder)
        if manifest.get("settings_digest") == spec.digest():
            return manifest
    raise Refused(
        "exists", f"{folder} already exists and contains something else. Choose a folder that does not exist yet."
    )


def _spec(galaxies: int, size_px: int, seed: int, rule: str) -> LabelSetSpec:
    return LabelSetSpec(
        name=f"synthetic-{galaxies}-{size_px}px-seed{seed}",
        title=f"{galaxies:,} synthetic galaxies of known inclination",
        description=(
            "Spiral galaxies rendered from a model of disk, bulge, bar and dust, seen as a survey sees them, with "
            "their true inclination; one in five is to be rejected, and says why."
        ),
        origin="synthetic",
        columns=COLUMNS,
        size_px=size_px,
        bands=BANDS,
        versions={"population_rule": rule, "seed": seed, "galaxies": galaxies, "size_px": size_px},
        license="CC0-1.0",
        publication_year=POPULATION_RULE_YEAR,
        shard_galaxies=SHARD_GALAXIES,
    )


def _row(made: RenderedMember) -> dict[str, Any]:
    member = made.member
    return {
        "pgc": FIRST_SYNTHETIC_PGC + member.number,
        "inclination_deg": made.inclination_deg,
        "verdict": member.verdict,
        "reasons": " ".join(f"[{code}]" for code in REASON_CODES.get(member.reject_reason, ())),
        "galaxy_type": made.galaxy_type,
        "reject_reason": member.reject_reason,
        "is_disturbed": member.is_disturbed,
        "survey": member.survey,
        "has_corners": member.corners is not None,
        "seed": member.seed,
        "d25_arcsec": made.d25_arcsec,
        "pixel_scale_arcsec": made.pixel_scale_arcsec,
        "seeing_arcsec": made.seeing_arcsec,
        "parameters": json.dumps(made.parameters, sort_keys=True, allow_nan=False),
    }
