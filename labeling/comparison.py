"""The two-step comparison: replay a trace of panels and slots, and derive verdict and inclination.

The client sends slots, never an inclination. This module replays them from what the server knows: the task's seeded
orders of standards, and which bin fills which panel. It uses no database and draws no random numbers.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from giz.core.vocabulary import Verdict
from standards import grid

COMPARISON_RULE = "comparison-2"
# By this rule everything left of the lowest window was face-on, even if its first panels could not be filled.
_FIRST_RULE = "comparison-1"
ROUNDING_RULE = "round-1"
TRACE_VERSION = 1
MAX_STEPS = 60
MAX_DRAW = 10_000


class TraceError(ValueError):
    """A trace that the page cannot have sent; ``code`` is stable, the message names step, rule and value."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One placement: the row of panels as drawn, and the chosen slot between its visible panels."""

    step: Literal["A", "B"]
    window: int | None
    draws: tuple[int | None, ...]
    slot: int

    @property
    def bins(self) -> tuple[int, ...]:
        return grid.STEP_A_BINS if self.window is None else grid.window_bins(self.window)


@dataclass(frozen=True, slots=True)
class ShownPanel:
    """A panel that was on screen: its bin in the grid, the bin that filled it, and its standard."""

    nominal_deg: int
    source_deg: int
    draw: int
    standard_id: int | None


@dataclass(frozen=True, slots=True)
class ShownStep:
    step: Literal["A", "B"]
    window: int | None
    slot: int
    panels: tuple[ShownPanel, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """The result of a trace; ``verdict`` is None if its last step does not decide yet."""

    verdict: Verdict | None
    inclination_deg: float | None
    steps: tuple[ShownStep, ...]


def replay(
    trace: Any,
    sources: Mapping[int, int],
    orders: Mapping[int, Sequence[int]] | None = None,
    *,
    rule: str = COMPARISON_RULE,
) -> Replay:
    """Replay a trace step by step.

    Parameters
    ----------
    trace : dict
        ``{"version": 1, "steps": [...]}`` as the client sent it; each step holds ``step`` ("A" or "B"), ``window``
        (first bin in degrees, step B only), ``draws`` (nine draw numbers, None where the panel can't be filled) and
        ``slot`` (0 to the number of visible panels, counted over visible panels from the left).
    sources : mapping of int to int
        Grid bin → bin that fills it (`standards.grid.panel_sources`), in degrees.
    orders : mapping of int to sequence of int, optional
        Source bin → the task's permutation of its standards (`standards.grid.draw_order`). Without it the shown
        standards are None and duplicates are not detected.
    rule : str, optional
        The rule that first read the trace (``rule_version`` of its vote), so that old votes keep their result.

    Returns
    -------
    Replay
        The verdict of the last step ("A" accepted, "F" face-on, None undecided), the inclination in degrees (45 to
        90; None unless accepted) and all steps with the standards they showed.

    Raises
    ------
    TraceError
        A malformed trace, or a step that cannot follow the previous one.
    """
    steps = parse_trace(trace)
    shown: list[ShownStep] = []
    expected: int | None = None
    verdict: Verdict | None = None
    inclination_deg: float | None = None
    for number, step in enumerate(steps):
        if step.window is not None and step.window != expected:
            wanted = "step A" if expected is None else f"window {expected} or step A"
            raise TraceError(
                "bad_transition",
                f"step {number} is window {step.window}; after the step before it only {wanted} can follow",
            )
        panels = _panels(number, step, sources, orders)
        if step.slot > len(panels):
            raise TraceError("bad_slot", f"step {number} has slots 0 to {len(panels)}, not {step.slot}")
        shown.append(ShownStep(step.step, step.window, step.slot, panels))
        verdict, inclination_deg, expected = _outcome(step, panels, rule)
    return Replay(verdict, inclination_deg, tuple(shown))


def _outcome(
    step: TraceStep, panels: Sequence[ShownPanel], rule: str
) -> tuple[Verdict | None, float | None, int | None]:
    """Return verdict, inclination and next window of a placement; either a verdict or a window."""
    if step.window is None:
        return _outcome_of_step_a(step.slot, panels)
    if step.slot == 0:
        if step.window == grid.FIRST_WINDOW:
            if panels[0].nominal_deg == grid.GRID_BINS[0] or rule == _FIRST_RULE:
                return "F", None, None
            # No standard shows where face-on begins: the end of the grid replaces the missing neighbour.
            return "A", (grid.GRID_BINS[0] + panels[0].source_deg) / 2, None
        return None, None, grid.slide_window(step.window, -1)
    if step.slot == len(panels):
        if step.window == grid.LAST_WINDOW:
            return "A", float(grid.GRID_BINS[-1]), None
        return None, None, grid.slide_window(step.window, 1)
    left, right = panels[step.slot - 1], panels[step.slot]
    return "A", (left.source_deg + right.source_deg) / 2, None


def _outcome_of_step_a(slot: int, panels: Sequence[ShownPanel]) -> tuple[Verdict | None, float | None, int | None]:
    if slot > 0:
        return None, None, grid.step_b_window(panels[slot - 1].source_deg)
    if panels[0].nominal_deg == grid.STEP_A_BINS[0]:
        return "F", None, None
    return None, None, grid.FIRST_WINDOW


def _panels(
    number: int, step: TraceStep, sources: Mapping[int, int], orders: Mapping[int, Sequence[int]] | None
) -> tuple[ShownPanel, ...]:
    panels = []
    for nominal, draw in zip(step.bins, step.draws, strict=True):
        if (draw is None) != (nominal not in sources):
            rule = "has no standard and must be null" if draw is not None else "has standards and needs a draw number"
            raise TraceError("bad_draws", f"step {number}: the panel of {nominal}° {rule}")
        if draw is not None:
            source = sources[nominal]
            standard = grid.shown_standard(orders[source], draw) if orders is not None else None
            panels.append(ShownPanel(nominal, source, draw, standard))
    if not panels:
        raise TraceError("no_panels", f"step {number} has no panel that can be filled")
    if orders is not None:
        _refuse_doubles(number, panels, orders)
    return tuple(panels)


def _refuse_doubles(number: int, panels: Sequence[ShownPanel], orders: Mapping[int, Sequence[int]]) -> None:
    shared = [source for source, count in Counter(panel.source_deg for panel in panels).items() if count > 1]
    for source in shared:
        ids = [panel.standard_id for panel in panels if panel.source_deg == source]
        if len(set(ids)) < len(ids) <= len(set(orders[source])):
            raise TraceError(
                "doubled_standard",
                f"step {number} shows one standard of {source}° twice although that bin has {len(orders[source])}",
            )


def parse_trace(trace: Any) -> list[TraceStep]:
    """Check the shape of a trace and return its steps. Raises TraceError."""
    if not isinstance(trace, dict) or set(trace) != {"version", "steps"}:
        raise TraceError("bad_shape", "a trace is an object of version and steps")
    if not _is_int(trace["version"]) or trace["version"] != TRACE_VERSION:
        raise TraceError(
            "bad_version", f"this server reads traces of version {TRACE_VERSION}, not {trace['version']!r}"
        )
    steps = trace["steps"]
    if not isinstance(steps, list) or not 1 <= len(steps) <= MAX_STEPS:
        raise TraceError("bad_shape", f"a trace has 1 to {MAX_STEPS} steps")
    return [_parse_step(number, step) for number, step in enumerate(steps)]


def _parse_step(number: int, step: Any) -> TraceStep:
    kind = step.get("step") if isinstance(step, dict) else None
    if kind not in ("A", "B"):
        raise TraceError("bad_shape", f"step {number} must be an object with step A or B")
    known = {"step", "draws", "slot"} | ({"window"} if kind == "B" else set())
    if set(step) != known:
        raise TraceError("bad_shape", f"step {number} must have exactly {', '.join(sorted(known))}")
    window = step.get("window")
    if kind == "B" and not (_is_int(window) and grid.FIRST_WINDOW <= window <= grid.LAST_WINDOW):
        raise TraceError(
            "bad_window", f"step {number}: a window starts at {grid.FIRST_WINDOW} to {grid.LAST_WINDOW}, not {window!r}"
        )
    draws, slot = step["draws"], step["slot"]
    if not isinstance(draws, list) or len(draws) != grid.WINDOW_PANELS or not all(_is_draw(draw) for draw in draws):
        raise TraceError(
            "bad_draws", f"step {number}: draws are {grid.WINDOW_PANELS} numbers from 0 to {MAX_DRAW - 1}, or null"
        )
    if not _is_int(slot) or slot < 0:
        raise TraceError("bad_slot", f"step {number}: a slot is a whole number from 0, not {slot!r}")
    return TraceStep(kind, window, tuple(draws), slot)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_draw(value: Any) -> bool:
    return value is None or (_is_int(value) and 0 <= value < MAX_DRAW)


def round_at_random(value: float, seed: int) -> int:
    """Round up or down at random, so that the expected value is exact.

    The probability of rounding up is the fractional part (SCIENCE.md 2). The random number is a SHA-256 of the seed, so
    equal value and seed give the same result on every machine and with every version of any library.

    Parameters
    ----------
    value : float
        An angle in degrees (or any finite number).
    seed : int
        Stored with the result.

    Returns
    -------
    int
        ``floor(value)`` or ``floor(value) + 1``; the value itself if it is whole.

    Raises
    ------
    ValueError
        A value that is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"only a finite value can be rounded, not {value}")
    floor = math.floor(value)
    digest = hashlib.sha256(f"{ROUNDING_RULE}|{seed}".encode()).digest()
    chance = int.from_bytes(digest[:7]) / 2**56
    return floor + (chance < value - floor)
