"""Small words and figures of the dashboard's templates."""

import json
from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def figure(value: float) -> str:
    """1234567 as 1,234,567; to the next whole number."""
    return f"{value:,.0f}"


@register.filter
def coordinate(value: float) -> str:
    """A number for SVG: with a point, whatever the language of the page."""
    return f"{value:.2f}"


@register.filter
def get(mapping: Mapping[str, Any], key: str) -> Any:
    return mapping.get(key, "")


@register.filter
def words(name: str) -> str:
    """import_galaxies as Import galaxies."""
    return name.replace("_", " ").capitalize()


@register.filter
def replace_dashes(name: str) -> str:
    """error-vs-votes as error vs votes."""
    return name.replace("-", " ")


@register.filter
def pretty(values: Any) -> str:
    """A document as indented JSON."""
    return json.dumps(values, indent=1, ensure_ascii=False)


@register.filter
def last_line(text: str) -> str:
    """The line of a traceback that says what went wrong."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


@register.filter
def duration(seconds: int) -> str:
    """75 as 1 min 15 s."""
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
