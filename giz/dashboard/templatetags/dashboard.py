"""Template filters for words and numbers."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django import template

register = template.Library()


@register.filter
def figure(value: float) -> str:
    """Format 1234567.2 as 1,234,567."""
    return f"{value:,.0f}"


@register.filter
def coordinate(value: float) -> str:
    """Format a number for SVG, with a decimal point in every language."""
    return f"{value:.2f}"


@register.filter
def get(mapping: Mapping[str, Any], key: str) -> Any:
    return mapping.get(key, "")


@register.filter
def words(name: str) -> str:
    """Format import_galaxies as Import galaxies."""
    return name.replace("_", " ").capitalize()


@register.filter
def replace_dashes(name: str) -> str:
    """Format error-vs-votes as error vs votes."""
    return name.replace("-", " ")


@register.filter
def pretty(values: Any) -> str:
    """Format a document as indented JSON."""
    return json.dumps(values, indent=1, ensure_ascii=False)


@register.filter
def last_line(text: str) -> str:
    """Return the last line of a traceback, which names the error."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


@register.filter
def next_day(day: date) -> date:
    return day + timedelta(days=1)


@register.filter
def duration(seconds: int) -> str:
    """Format 75 as 1 min 15 s."""
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
