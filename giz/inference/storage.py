"""Pictures of sources on disk: re-encoded, in a folder named by the random id of the source, for a day."""

import io
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from django.conf import settings
from PIL import Image

from giz.catalog.storage import display_file_read

Pixels = npt.NDArray[np.uint8]
# With less free space nothing is written for visitors: votes and the database come first.
LEAST_FREE_BYTES = 1_000_000_000


def sources_folder() -> Path:
    """Return the folder, which is not below MEDIA_ROOT: a web server may serve everything there to everybody."""
    return Path(settings.GIZ_HOME) / "predict"


def disk_is_short() -> bool:
    """Return whether a disk to which visitors' requests are written is nearly full."""
    return any(_free_bytes(folder) < LEAST_FREE_BYTES for folder in (sources_folder(), Path(settings.SURVEY_FOLDER)))


def _free_bytes(folder: Path) -> int:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def picture_path(source_id: uuid.UUID, band: str) -> Path:
    return sources_folder() / str(source_id) / f"{band}.png"


def pictures_write(source_id: uuid.UUID, pictures: Mapping[str, Pixels]) -> None:
    """Encode the pictures, without the metadata and comments of the original files."""
    folder = sources_folder() / str(source_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for band, pixels in pictures.items():
        # Lossless, and as fast as possible: the file is read once or twice, then deleted.
        Image.fromarray(pixels).save(picture_path(source_id, band), "PNG", compress_level=1)


def picture_read(source_id: uuid.UUID, band: str) -> Pixels:
    with Image.open(picture_path(source_id, band), formats=["PNG"]) as picture:
        return np.asarray(picture, np.uint8)


def display_read(stem: str, size_px: int, *, is_colour: bool) -> Pixels:
    """Read a display file of the catalogue as pixels, (n, n) grey or (n, n, 3) colour."""
    with Image.open(io.BytesIO(display_file_read(stem, size_px)), formats=["WEBP"]) as picture:
        return np.asarray(picture.convert("RGB" if is_colour else "L"), np.uint8)


def pictures_forget(source_id: uuid.UUID | str) -> None:
    shutil.rmtree(sources_folder() / str(source_id), ignore_errors=True)
