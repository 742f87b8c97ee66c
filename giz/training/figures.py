"""The figures of an evaluation as lines of text for a terminal."""

import math
from typing import Any

from giz.core.words import n_galaxies, plain, signed
from giz.training.nn.data import BIN_COUNT, BIN_DEG, LOWEST_DEG

VIEW_NAMES = {"all": "all bands", "g": "g alone", "r": "r alone", "i": "i alone", "gri": "colour alone"}
HEADINGS = ("view", "galaxies", "RMS", "MAE", "bias", "> 10°", "68 %", "95 %", "precision", "recall", "accuracy")


def text(report: dict[str, Any]) -> str:
    """A table with one row a view, a dash where the network does not say; then the errors by inclination, and
    what an evaluation compares with."""
    rows = table(report)
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(line for line in (*lines, _by_bin(report), *_compared(report)) if line)


def table(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """Headings, then one row a view."""
    return [HEADINGS, *(view_row(view, found) for view, found in _views(report))]


def _views(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """In the order of VIEW_NAMES: a database gives a document's keys back in an order of its own."""
    return [(view, report["views"][view]) for view in VIEW_NAMES if view in report["views"]]


def view_row(view: str, found: dict[str, Any]) -> tuple[str, ...]:
    """One view in the order of HEADINGS; a dash where the network does not say."""
    inclination, cover, verdict = (found.get(name) or {} for name in ("inclination", "coverage", "verdict"))
    return (
        VIEW_NAMES[view],
        f"{found['galaxies']:,}",
        *(degrees(inclination.get(name)) for name in ("rms_deg", "mae_deg", "bias_deg")),
        share(inclination.get("outlier_share")),
        *(share(cover.get(level)) for level in ("68%", "95%")),
        *(share(verdict.get(name)) for name in ("precision", "recall", "accuracy")),
    )


def compared_view(report: dict[str, Any], model: dict[str, Any]) -> str:
    """The view in which another network stands beside the reported one.

    The first of the report where both take it, else the other's best: by RMS, or by its verdicts.
    """
    first = first_view(report)
    if first in model["views"]:
        return first

    def badness(item: tuple[str, dict[str, Any]]) -> tuple[float, float]:
        inclination, verdict = (item[1].get(name) or {} for name in ("inclination", "verdict"))
        return inclination.get("rms_deg", math.inf), -(verdict.get("accuracy") or 0.0)

    return min(_views(model), key=badness)[0]


def first_view(report: dict[str, Any]) -> str:
    """All bands of a network that takes them, else the first band."""
    return _views(report)[0][0]


def _by_bin(report: dict[str, Any]) -> str:
    """RMS of each 5-degree bin in the first view that measures."""
    for view, found in _views(report):
        if found.get("inclination"):
            values = found["inclination"]["by_bin"]
            parts = [
                f"{LOWEST_DEG + BIN_DEG * n:.0f}: {degrees(values[n])}"
                for n in range(BIN_COUNT)
                if values[n] is not None
            ]
            return f"RMS by 5° ({VIEW_NAMES[view]}) from " + ", ".join(parts)
    return ""


def _compared(report: dict[str, Any]) -> list[str]:
    """What a whole evaluation says beside: the line from validation, other methods, other networks."""
    lines = []
    line = report.get("detail", {}).get("line")
    if line:
        after = line["corrected"]["rms_deg"]
        lines.append(
            f"Line from validation: m {signed(line['m'], 4)}, b {signed(line['b'], 2)}°; "
            f"corrected by it RMS {degrees(after)}"
        )
    axial = report.get("axial_ratio")
    if axial:
        both = (degrees(axial[name]["rms_deg"]) for name in ("axial_ratio", "network"))
        lines.append(
            "Axial ratio of an isophote: RMS {}, the network {}, on ".format(*both) + n_galaxies(axial["galaxies"])
        )
    if report.get("people"):
        lines.append(f"Two groups of people against each other: RMS {degrees(report['people']['rms_deg'])}")
    for model in report.get("models", ()):
        lines.append(f"{model.get('network', 'file')} {model['file'][:12]}: {_in_short(report, model)}")
    return lines


def _in_short(report: dict[str, Any], model: dict[str, Any]) -> str:
    if "problem" in model:
        return str(model["problem"])
    view = compared_view(report, model)
    inclination, verdict = (model["views"][view].get(name) for name in ("inclination", "verdict"))
    parts = [f"RMS {degrees(inclination['rms_deg'])}"] if inclination else []
    parts += [f"verdict {share(verdict['accuracy'])}"] if verdict else []
    return f"{', '.join(parts)} ({VIEW_NAMES[view]})"


def degrees(value: float | None) -> str:
    return "–" if value is None else f"{plain(value, 2)}°"


def share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
