"""Where the trainer's files lie under GIZ_HOME, and the one way to a network's file: its checksum is looked at first.

A model file is named by its SHA-256 and never written again. What ships with GIZ is found in the package as well, so
that a machine without the site's data folder can answer, too.
"""

import hashlib
from pathlib import Path

from django.conf import settings

from giz.core.errors import Refused
from giz.training.models import ModelVersion, TrainingRun

SHIPPED_FILE = Path(__file__).resolve().parent / "shipped" / "ours.onnx"


def models_folder() -> Path:
    return Path(settings.GIZ_HOME) / "models"


def run_folder(run: TrainingRun) -> Path:
    return Path(settings.GIZ_HOME) / "training" / str(run.id)


def model_path(version: ModelVersion) -> Path:
    """The file of a version, checked against its checksum: call it when a network is loaded.

    Raises
    ------
    Refused
        ``model_missing``: no file of this name here. ``model_changed``: the file is not what was trained.
    """
    path = models_folder() / version.file_name
    if not path.exists() and version.is_shipped and SHIPPED_FILE.exists():
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
