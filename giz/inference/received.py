"""Files of a request to pictures by band: how many, how large, which band. Nothing of a name is kept or trusted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from rest_framework.request import Request

from giz.core.errors import Refused
from giz.imaging.decode import PictureError
from giz.imaging.fits import FitsError
from giz.inference.storage import Pixels
from giz.inference.uploads import BANDS, band_of_name, read_upload

MAX_FILES, MAX_FILE_BYTES = 4, 25_000_000
MAX_BODY_BYTES = 64_000_000
FIELDS = ("file", *BANDS)
_STATUS = {"image_too_large": 413, "fits_too_large": 413, "unsupported_type": 415}


def pictures_received(request: Request) -> dict[str, Pixels]:
    """Square pictures by band from the files of a multipart request.

    Raises
    ------
    Refused
        ``no_file``, ``too_many_files``, ``band_twice``, ``unknown_field``, ``too_large``, and what is wrong with a
        file.
    """
    files: MultiValueDict[str, Any] = request.FILES
    _refuse_unknown([*request.data, *files])
    pictures: dict[str, Pixels] = {}
    received = list(_all(files))
    if not received:
        raise Refused("no_file", "Send a picture: PNG, JPEG, WebP or FITS, in the field file, g, r, i or gri.")
    if len(received) > MAX_FILES:
        raise Refused("too_many_files", f"At most {MAX_FILES} pictures are taken at once: g, r, i and colour.")
    for field, file in received:
        band, pixels = _read(field, file)
        if band in pictures:
            raise Refused("band_twice", f"Two pictures are of band {band}. Name the bands by the fields g, r, i, gri.")
        pictures[band] = pixels
    return pictures


def _all(files: MultiValueDict[str, Any]) -> Iterator[tuple[str, UploadedFile[Any]]]:
    for field in FIELDS:
        for file in files.getlist(field):
            yield field, file


def _refuse_unknown(names: list[str]) -> None:
    for name in names:
        if name not in FIELDS:
            raise Refused("unknown_field", f"Unknown field {name[:40]!r}. Known fields: {', '.join(FIELDS)}.")


def _read(field: str, file: UploadedFile[Any]) -> tuple[str, Pixels]:
    if (file.size or 0) > MAX_FILE_BYTES:
        raise Refused("too_large", f"A picture may have {MAX_FILE_BYTES // 10**6} MB at most.", status=413)
    name = str(file.name or "")
    band = field if field in BANDS else band_of_name(name)
    may_be_webp = name.lower().endswith(".webp") or (
        file.content_type == "image/webp" and not name.lower().endswith((".png", ".jpg", ".jpeg"))
    )
    try:
        return read_upload(file.read(), band=band, may_be_webp=may_be_webp)
    except (PictureError, FitsError) as error:
        raise Refused(error.code, error.detail, status=_STATUS.get(error.code, 400)) from None
