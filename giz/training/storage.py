"""Where the trainer's files lie under GIZ_HOME, and the one way to a network's file: its checksum is looked at first.

A model file is named by its SHA-256 and never written again. What ships with GIZ is found in the package as well, so
that a machine without the site's data folder can answer, too.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from giz.core.errors import Refused
from giz.labelset import LabelSetError
from giz.labelset.manifest import MANIFEST_NAME, read_manifest
from giz.training.models import ModelVersion, TrainingRun

SHIPPED_FILE = Path(__file__).resolve().parent / "shipped" / "ours.onnx"


def models_folder() -> Path:
    return Path(settings.GIZ_HOME) / "models"


def run_folder(run: TrainingRun) -> Path:
    return Path(settings.GIZ_HOME) / "training" / str(run.id)


@dataclass(frozen=True, slots=True)
class KnownLabelSet:
    """A label set that lies under GIZ_HOME. name : of its folder. frozen_at : seconds since 1970."""

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
    """Where label sets are frozen, and where staff may put others."""
    return Path(settings.GIZ_HOME) / "labelsets"


def labelset_folder(run: TrainingRun) -> str:
    """Name of the folder that the run was started with; empty where it lies elsewhere, or its job was tidied away."""
    folder = Path(run.job.params.get("labelset", "")) if run.job else Path()
    return folder.name if folder.parent == labelsets_folder() else ""


def labelsets_known() -> list[KnownLabelSet]:
    """Finished label sets under GIZ_HOME, the newest first; what is no label set is left out."""
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
    """Manifests name every file of a set: each is read once."""
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
    """The file of a version, checked against its checksum: call it when a network is loaded.

    Raises
    ------
    Refused
        ``model_missing``: no file of this name here. ``model_changed``: the file is not what was trained.
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
    """SHA-256 of a file; nothing where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
