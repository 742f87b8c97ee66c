"""The ruler: one-degree bins from 45° to 90°, the nine-panel windows over them, and seeded draws from each bin."""

import hashlib
import math
from collections.abc import Collection, Container, Sequence
from typing import Literal

GRID_BINS = range(45, 91)
STEP_A_BINS = (45, 50, 55, 60, 65, 70, 75, 80, 85)
WINDOW_PANELS = 9
FIRST_WINDOW = GRID_BINS[0]
LAST_WINDOW = GRID_BINS[-1] - WINDOW_PANELS + 1
WINDOW_OVERLAP_DEG = 2
SLIDE_DEG = 4
MAX_FALLBACK_DEG = 2
MIN_PANELS = 3
DRAW_RULE = "draw-1"
# Axial ratio of a disk seen edge-on: its thickness. That of the original's standards.
EDGE_ON_AXIAL_RATIO = 0.2


def bin_of(inclination_deg: float) -> int:
    """Return the one-degree bin nearest to an inclination.

    Parameters
    ----------
    inclination_deg : float
        Inclination from face-on, in degrees, 44.5 to 90.

    Returns
    -------
    int
        Bin in degrees, 45 to 90. Halves go up: 45.5 belongs to bin 46.

    Raises
    ------
    ValueError
        Outside 44.5 to 90, or NaN: the grid has no bin for it.
    """
    if not GRID_BINS[0] - 0.5 <= inclination_deg <= GRID_BINS[-1]:
        raise ValueError(f"the grid covers inclinations from 44.5° to 90°, not {inclination_deg:g}°")
    return math.floor(inclination_deg + 0.5)


def inclination_from_axial_ratio(axial_ratio: float, q0: float = EDGE_ON_AXIAL_RATIO) -> float:
    """Return the inclination of an oblate disk that is seen with an axial ratio.

    cos² i = (q² − q0²) / (1 − q0²), Holmberg 1946, Medd. Lund Ser. II 117; used so by Tully & Fisher 1977, A&A 54, 661.

    Parameters
    ----------
    axial_ratio : float
        q = b/a, above 0, at most 1.
    q0 : float, optional
        Axial ratio of the disk seen edge-on, 0 ≤ q0 < 1.

    Returns
    -------
    float
        Inclination from face-on in degrees, 0 to 90; 90 where q ≤ q0.

    Raises
    ------
    ValueError
        An axial ratio or q0 outside its range, or NaN.
    """
    if not 0 <= q0 < 1:
        raise ValueError(f"q0 must lie in 0 ≤ q0 < 1, not {q0}")
    if not 0 < axial_ratio <= 1:
        raise ValueError(f"an axial ratio b/a lies in 0 < b/a ≤ 1, not {axial_ratio}")
    if axial_ratio <= q0:
        return 90.0
    return math.degrees(math.acos(math.sqrt((axial_ratio**2 - q0**2) / (1 - q0**2))))


def axial_ratio_from_inclination(inclination_deg: float, q0: float = EDGE_ON_AXIAL_RATIO) -> float:
    """Return b/a of an oblate disk at an inclination: the inverse of `inclination_from_axial_ratio`."""
    cos2 = math.cos(math.radians(inclination_deg)) ** 2
    return math.sqrt(cos2 * (1 - q0**2) + q0**2)


def clip_window(window: int) -> int:
    """Return the nearest window that lies wholly inside the grid: 45 to 82."""
    return min(max(window, FIRST_WINDOW), LAST_WINDOW)


def step_b_window(left_deg: int) -> int:
    """Return the first bin of step B's window for the interval that starts at ``left_deg``.

    The window starts two degrees lower, because people choose the low edge of an interval too rarely.
    """
    return clip_window(left_deg - WINDOW_OVERLAP_DEG)


def slide_window(window: int, direction: Literal[-1, 1]) -> int:
    """Return the window four degrees further down (-1) or up (+1), at most until the end of the grid."""
    if direction not in (-1, 1):
        raise ValueError(f"a window slides by -1 or +1, not {direction}")
    return clip_window(window + direction * SLIDE_DEG)


def window_bins(window: int) -> tuple[int, ...]:
    """Return the nine bins of a window, low to high.

    Raises
    ------
    ValueError
        A window that would leave the grid.
    """
    if not FIRST_WINDOW <= window <= LAST_WINDOW:
        raise ValueError(f"a window starts at {FIRST_WINDOW} to {LAST_WINDOW}, not {window}")
    return tuple(range(window, window + WINDOW_PANELS))


def panel_sources(filled_bins: Collection[int]) -> dict[int, int]:
    """Return which bin fills the panel of each grid bin.

    Parameters
    ----------
    filled_bins : collection of int
        Bins that hold at least one standard that can be shown.

    Returns
    -------
    dict of int to int
        Grid bin → source bin: itself where filled, else the nearest filled bin within two degrees, the lower one on a
        tie. A bin that can't be filled is absent.
    """
    filled = frozenset(filled_bins)
    sources = {}
    for bin_deg in GRID_BINS:
        nearest = sorted(
            (abs(candidate - bin_deg), candidate)
            for candidate in range(bin_deg - MAX_FALLBACK_DEG, bin_deg + MAX_FALLBACK_DEG + 1)
            if candidate in filled and candidate in GRID_BINS
        )
        if nearest:
            sources[bin_deg] = nearest[0][1]
    return sources


def has_enough_panels(filled: Container[int]) -> bool:
    """Whether step A and every window of step B have at least ``MIN_PANELS`` panels among those that are filled."""
    rows = [STEP_A_BINS, *(window_bins(window) for window in range(FIRST_WINDOW, LAST_WINDOW + 1))]
    return all(sum(bin_deg in filled for bin_deg in row) >= MIN_PANELS for row in rows)


def draw_order(seed: int, bin_deg: int, standard_ids: Sequence[int]) -> list[int]:
    """Return the seeded permutation in which a task draws the standards of one bin.

    Standards are sorted by a hash of each, so the order depends neither on a library's random generator nor on the
    order of the input, and leaving out one standard (the target's own galaxy) does not change the order of the others.
    """

    sha256, prefix = hashlib.sha256, b"%b|%d|%d|" % (DRAW_RULE.encode(), seed, bin_deg)
    return sorted(standard_ids, key=lambda standard_id: sha256(prefix + b"%d" % standard_id).digest())


def shown_standard(order: Sequence[int], draw: int) -> int:
    """Return the standard of a draw number; after the last standard the order starts again.

    Raises
    ------
    ValueError
        An empty order or a negative draw.
    """
    if not order:
        raise ValueError("an empty bin has no standard to show")
    if draw < 0:
        raise ValueError(f"draws count from 0, not {draw}")
    return order[draw % len(order)]
