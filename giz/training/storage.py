"""Files of training under GIZ_HOME: label sets, runs, and networks, whose checksums are verified on access.

A network's file is named by its SHA-256 and never rewritten. The one that comes with GIZ is also found in the package,
so that a machine without the site's data folder can predict, too.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from giz.core.errors import Refused
from giz.labelset import LabelSetError
from giz.labelset.manifest import MANIFEST_NAME, read_manifest
from giz.synthetic.population import POPULATION_RULES
from giz.training.models import ModelVersion, TrainingRun

SHIPPED_FILE = Path(__file__).resolve().parent / "shipped" / "ours.onnx"


def models_folder() -> Path:
    return Path(settings.GIZ_HOME) / "models"


def run_folder(run: TrainingRun) -> Path:
    return Path(settings.GIZ_HOME) / "training" / str(run.id)


def beside_folder(size_px: int, rule: str) -> Path:
    """Return the folder of the synthetic galaxies, of this population, that accompany labels of people in training."""
    # The first population's was made by versions that had no other.
    name = f"synthetic-{size_px}px" if rule == POPULATION_RULES[0] else f"synthetic-{rule}-{size_px}px"
    return Path(settings.GIZ_HOME) / "training" / name


@dataclass(frozen=True, slots=True)
class KnownLabelSet:
    """A label set under GIZ_HOME. name : of its folder. frozen_at : seconds since 1970."""

    name: str
    title: str
    origin: str
    campaign: str
    digest: str
    galaxies: int
    size_px: int | None
    frozen_at: float

    @property
    def folder(self) -> Path:
        return labelsets_folder() / self.name


def labelsets_folder() -> Path:
    """Return the folder of frozen label sets, to which staff may add others."""
    return Path(settings.GIZ_HOME) / "labelsets"


def labelset_folder(run: TrainingRun) -> str:
    """Return the name of the run's label set folder; empty if it is elsewhere, or the run's job was deleted."""
    folder = Path(run.job.params.get("labelset", "")) if run.job else Path()
    return folder.name if folder.parent == labelsets_folder() else ""


def labelsets_known() -> list[KnownLabelSet]:
    """Return the finished label sets under GIZ_HOME, newest first; other folders are ignored."""
    root = labelsets_folder()
    found = []
    for path in root.glob(f"*/{MANIFEST_NAME}") if root.is_dir() else ():
        try:
            found.append(_known(path.parent.name, path, path.stat().st_mtime))
        except (LabelSetError, OSError):
            continue
    return sorted(found, key=lambda known: (-known.frozen_at, known.name))


@lru_cache(maxsize=256)
def _known(name: str, path: Path, changed_at: float) -> KnownLabelSet:
    """Read a manifest, once for each change: it lists every file of the set."""
    manifest = read_manifest(path.parent)
    images = manifest.get("images") or {}
    return KnownLabelSet(
        name=name,
        title=str(manifest.get("title") or manifest["name"]),
        origin=str(manifest.get("origin", "")),
        campaign=str((manifest.get("versions") or {}).get("campaign", "")),
        digest=manifest["digest"],
        galaxies=int(manifest["counts"].get("galaxies", 0)),
        size_px=images.get("size_px"),
        frozen_at=changed_at,
    )


def model_path(version: ModelVersion) -> Path:
    """Return the file of a version after verifying its checksum; call it when a network is loaded.

    Raises
    ------
    Refused
        ``model_missing``; ``model_changed``: the file is not what was trained.
    """
    path = models_folder() / version.file_name
    if not path.exists() and version.is_shipped and _checksum(SHIPPED_FILE) == version.sha256:
        path = SHIPPED_FILE
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise Refused(
            "model_missing",
            f"The file of {version} can't be read: {path} ({error.strerror}). Put it back from a backup, or roll back.",
            status=503,
        ) from None
    if found != version.sha256:
        raise Refused(
            "model_changed",
            f"{path} is not the file that was registered: its checksum is {found[:12]}…, not {version.sha256[:12]}…. "
            "It is not used. Put it back from a backup, or roll back.",
            status=503,
        )
    return path


def _checksum(path: Path) -> str:
    """Return the SHA-256 of a file; empty if there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
