"""JSON as the API reads it."""

from collections.abc import Mapping
from typing import Any

from rest_framework import exceptions, parsers
from rest_framework.utils import json as rest_json

MAX_JSON_DEPTH = 32


class StrictJSONParser(parsers.JSONParser):
    """JSON without surprises: no NaN, no doubled keys, no depth that ends in a stack overflow, no NUL."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        raw = stream.read()
        try:
            text = raw.decode("utf-8")
            _refuse_depth(text)
            return rest_json.loads(text, strict=True, object_pairs_hook=_unique_keys)
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


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice")
        found[key] = value
    return found
