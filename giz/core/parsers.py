"""Bodies of requests: JSON without surprises, and uploads that leave nothing behind."""

import json
import math
import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from rest_framework import exceptions, parsers
from rest_framework.utils import json as rest_json

MAX_JSON_DEPTH = 32
# The range of PostgreSQL's bigint, and its digits with the sign.
MAX_INTEGER, MAX_INTEGER_DIGITS = 2**63 - 1, 20
# The name that earlier versions gave the folder of an upload; none is made any more.
_LEFT_OVER = re.compile(r"giz-upload-[a-z0-9_]{8}")


class Unstorable(exceptions.ParseError):
    """Valid JSON with a value that no column can hold."""

    default_code = "validation_error"


class StrictJSONParser(parsers.JSONParser):
    """Refuses JSON with repeated keys, more than MAX_JSON_DEPTH levels, text that can't be stored, and numbers that no
    column can hold: NaN, infinity, integers beyond 64 bits.
    """

    def parse(self, stream: Any, media_type: Any = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        raw = stream.read()
        try:
            text = raw.decode("utf-8")
            _refuse_depth(text)
            found = rest_json.loads(
                text, strict=True, object_pairs_hook=_unique_keys, parse_int=_integer, parse_float=_finite
            )
            if "\\u" in text:
                _refuse_lone_surrogates(found)
            return found
        except (ValueError, RecursionError) as error:
            raise exceptions.ParseError(f"The body is not valid JSON: {error}") from None


def _refuse_depth(text: str) -> None:
    depth = 0
    for character in text:
        if character in "[{":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                raise ValueError(f"nested deeper than {MAX_JSON_DEPTH} levels")
        elif character in "]}":
            depth -= 1
    if "\\u0000" in text or "\x00" in text:
        raise ValueError("a NUL character is not text")


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS or abs(value := int(digits)) > MAX_INTEGER:
        raise Unstorable(f"A number of {len(digits)} characters is beyond 64 bits.")
    return value


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise Unstorable(f"{digits[:20]} is too large.")
    return value


def _refuse_lone_surrogates(found: Any) -> None:
    """Refuse half of a surrogate pair, which neither UTF-8 nor the database can hold."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Unstorable("Half of a surrogate pair is not text.") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} appears twice")
        found[key] = value
    return found


class NamelessUpload(FileUploadHandler):
    """Writes an upload to a file without a name, so that a process that is killed leaves nothing."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._file = tempfile.TemporaryFile(prefix="giz-")  # noqa: SIM115

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._file.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[Any]":
        self._file.seek(0)
        return UploadedFile(
            file=self._file,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )

    def upload_interrupted(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()


def old_uploads_delete(folder: Path | None = None) -> int:
    """Delete uploads that killed processes of earlier versions left in the temporary folder; return how many."""
    count = 0
    for path in (folder or Path(tempfile.gettempdir())).glob("giz-upload-*"):
        with suppress(OSError):
            if _LEFT_OVER.fullmatch(path.name) and path.lstat().st_uid == os.geteuid():
                (path / "upload.fits").unlink(missing_ok=True)
                path.rmdir()
                count += 1
    return count
