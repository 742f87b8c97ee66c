"""Words for sentences: counts with their noun, numbers, text of strangers made safe to show, names with hints. Pure."""

import difflib
from collections.abc import Iterable

MAX_NAMES = 20


def counted(count: float, one: str, many: str = "") -> str:
    """How many of something: 0 votes, 1 vote, 1,234 votes; `many` where it isn't `one` with an s."""
    return f"{count:,.0f} {one if round(count) == 1 else many or f'{one}s'}"


def n_galaxies(count: float) -> str:
    return counted(count, "galaxy", "galaxies")


def signed(value: float, digits: int) -> str:
    """A difference: with its sign, unless it rounds to 0."""
    words = plain(value, digits)
    return f"+{words}" if round(value, digits) > 0 else words


def plain(value: float, digits: int) -> str:
    """A number with a minus as wide as a plus; what rounds to 0 has none."""
    return f"{value:z,.{digits}f}".replace("-", "−")


def printable(text: str) -> str:
    """Return somebody else's text with ? for characters that a terminal or a log must not get, such as ESC."""
    return "".join(character if character.isprintable() else "?" for character in text)


def near_names(name: str, known: Iterable[str]) -> str:
    """Suggest the known names that look like a mistyped one, else list the known names; empty where none are known."""
    names = list(dict.fromkeys(known))
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"There are: {', '.join(names[:MAX_NAMES])}{more}." if names else ""
