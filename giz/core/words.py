"""Numbers in sentences. Pure."""


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
