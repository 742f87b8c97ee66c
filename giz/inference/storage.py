"""Pictures of sources on disk: written anew by us, in a folder named by the source's random id, for a day."""

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


def sources_folder() -> Path:
    """Not below MEDIA_ROOT: what lies there a web server may hand out to everybody."""
    return Path(settings.GIZ_HOME) / "predict"


def picture_path(source_id: uuid.UUID, band: str) -> Path:
    return sources_folder() / str(source_id) / f"{band}.png"


def pictures_write(source_id: uuid.UUID, pictures: Mapping[str, Pixels]) -> None:
    """Encode the pictures; metadata, comments and whatever else a file held do not come along."""
    folder = sources_folder() / str(source_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for band, pixels in pictures.items():
        # Lossless, and as fast as it goes: it is read once or twice, then forgotten.
        Image.fromarray(pixels).save(picture_path(source_id, band), "PNG", compress_level=1)


def picture_read(source_id: uuid.UUID, band: str) -> Pixels:
    with Image.open(picture_path(source_id, band), formats=["PNG"]) as picture:
        return np.asarray(picture, np.uint8)


def display_read(stem: str, size_px: int, *, is_colour: bool) -> Pixels:
    """A display file of the catalogue as pixels, (n, n) grey or (n, n, 3) colour."""
    with Image.open(io.BytesIO(display_file_read(stem, size_px)), formats=["WEBP"]) as picture:
        return np.asarray(picture.convert("RGB" if is_colour else "L"), np.uint8)


def pictures_forget(source_id: uuid.UUID | str) -> None:
    shutil.rmtree(sources_folder() / str(source_id), ignore_errors=True)
