"""A share of answers with an honest interval: that of the answers, widened by how much people differ. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

Z_95 = 1.959964


@dataclass(frozen=True)
class Share:
    """`hits` of `total` with the ends of the 95 % interval; all three between 0 and 1."""

    hits: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return self.hits / self.total if self.total else 0.5


def wilson(hits: float, total: float) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, JASA 22, 209); nothing is known of a share of nothing."""
    if total <= 0:
        return 0.0, 1.0
    share, spread = hits / total, Z_95**2 / total
    middle = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def share_of(hits: int, total: int) -> Share:
    """The share of one person's answers."""
    return Share(hits, total, *wilson(hits, total))


def share_over_people(counts: Mapping[object, tuple[int, int]]) -> Share:
    """The share of all answers together, of ``{person: (hits, total)}``.

    People differ, so a hundred answers of one tell less of people than ten of ten. The variance is that of the answers,
    or that between people where it is larger (Cochran 1977, Sampling Techniques, eq. 6.9: a ratio over clusters);
    it makes the number of answers that the interval takes as independent. With one person it speaks of that one only.
    """
    hits, total = (sum(column) for column in zip(*counts.values(), strict=True)) if counts else (0, 0)
    if not total:
        return Share(0, 0, 0.0, 1.0)
    share, people = hits / total, len(counts)
    independent = float(total)
    if people > 1:
        # Half an answer either way keeps a share of 0 or 1 from looking certain.
        smooth = (hits + 0.5) / (total + 1)
        between = people / (people - 1) * sum((right - share * count) ** 2 for right, count in counts.values())
        independent = min(total, smooth * (1 - smooth) * total**2 / between) if between else total
    return Share(hits, total, *wilson(share * independent, independent))
