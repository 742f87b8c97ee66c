"""Numbers in sentences. Pure."""


def counted(count: float, one: str, many: str = "") -> str:
    """How many of something: 0 votes, 1 vote, 1,234 votes; `many` where it isn't `one` with an s."""
    return f"{count:,.0f} {one if round(count) == 1 else many or f'{one}s'}"


def n_galaxies(count: float) -> str:
    return counted(count, "galaxy", "galaxies")


def signed(value: float, digits: int) -> str:
    """A difference: with its sign, a minus that is as wide as a plus."""
    return f"{value:+,.{digits}f}".replace("-", "−")
