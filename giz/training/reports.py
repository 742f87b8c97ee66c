"""The figures of networks for people: an evaluation as text and as a page, a folder of pictures as a page, and the
curves of a training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from giz.catalog.formats.inclinations import comparison_report
from giz.catalog.formats.numbers import number_in_words
from giz.core.plot import Plot, Series
from giz.core.report import Column, Picture, Report, page
from giz.core.vocabulary import BANDS
from giz.core.words import n_galaxies, plain, signed
from giz.training.nn.data import BIN_COUNT, BIN_DEG, LOWEST_DEG

if TYPE_CHECKING:
    from giz.training.services.evaluations import Evaluated
    from giz.training.services.pictures import Looked

VIEW_NAMES = {"all": "all bands", "g": "g alone", "r": "r alone", "i": "i alone", "gri": "colour alone"}
BAND_NAMES = {"g": "g", "r": "r", "i": "i", "gri": "colour"}
SIDES = {
    "test": "test galaxies (never seen in training)",
    "validation": "validation galaxies",
    "train": "train galaxies",
}
# An error that the page of a folder highlights.
NOTABLE_DEG = 5.0
_UNIT: tuple[float, float] = (0.0, 1.0)
_EVEN = Series("line", [0, 1], [0, 1])
_VIEWS = (
    Column("view", "view"),
    Column("galaxies", "galaxies"),
    *(Column(f"{name.lower()}_deg", name, 2, "°") for name in ("RMS", "MAE", "bias")),
    Column("outlier_share", "> 10°", 1, "%"),
    *(Column(f"coverage_{level}", f"{level} %", 1, "%") for level in (68, 95)),
    *(Column(name, name, 1, "%") for name in ("precision", "recall", "accuracy")),
)


def views_table(report: dict[str, Any]) -> Report:
    """Return the table of an evaluation: one row per view, a dash where the network does not say."""
    rows = [_view_row(view, found) for view, found in _views(report)]
    return Report("views", "By what is shown", columns=_VIEWS, rows=rows)


def evaluation_text(report: dict[str, Any]) -> str:
    """Return an evaluation for a terminal: the table, the errors by inclination, and the comparisons."""
    lines = [*views_table(report).table_lines(), *_rms_by_bin(report), *_compared_lines(report)]
    return "\n".join([*lines, *(f"\n{one.as_text()}" for one in _truth(report))])


def evaluation_page(evaluated: Evaluated) -> str:
    """Return an evaluation as one HTML page: tables, plots, and the pictures of its outliers."""
    report = evaluated.report
    card, labelset, detail = report["card"], report["labelset"], report["detail"]
    where = f"{labelset['title']} ({labelset['name']}, {labelset['digest'][:12]})"
    lines = [f"On the {SIDES[report['side']]} of {where}."]
    if card.get("members"):
        lines.append(f"These networks answer together: {', '.join(card['members'])}.")
    sections = [
        Report("evaluation", "", lines),
        views_table(report),
        *_inclination(detail),
        *_verdict(detail),
        *_compared(report),
        *_truth(report),
        *_outliers(evaluated),
    ]
    return page(f"How good the network {card.get('network', '')} is", sections)


def compared_view(report: dict[str, Any], model: dict[str, Any]) -> str:
    """Return the view in which another network is compared with the reported one.

    It is the first view of the report if both have it, else the other's best one: by RMS, or by its verdicts.
    """
    first = first_view(report)
    if first in model["views"]:
        return first

    def badness(item: tuple[str, dict[str, Any]]) -> tuple[float, float]:
        inclination, verdict = (item[1].get(name) or {} for name in ("inclination", "verdict"))
        return inclination.get("rms_deg", math.inf), -(verdict.get("accuracy") or 0.0)

    return min(_views(model), key=badness)[0]


def first_view(report: dict[str, Any]) -> str:
    """Return the view of all bands, or the first band of a network that takes one."""
    return _views(report)[0][0]


def _views(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the views in the order of `VIEW_NAMES`: a database does not keep the order of a document's keys."""
    return [(view, report["views"][view]) for view in VIEW_NAMES if view in report["views"]]


def _view_row(view: str, found: dict[str, Any]) -> tuple[Any, ...]:
    """Return the cells of one view in the order of `_VIEWS`."""
    inclination, cover, verdict = (found.get(name) or {} for name in ("inclination", "coverage", "verdict"))
    return (
        VIEW_NAMES[view],
        found["galaxies"],
        *(_float(inclination.get(name)) for name in ("rms_deg", "mae_deg", "bias_deg", "outlier_share")),
        *(_float(cover.get(level)) for level in ("68%", "95%")),
        *(_float(verdict.get(name)) for name in ("precision", "recall", "accuracy")),
    )


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def degrees(value: float | None) -> str:
    return "–" if value is None else f"{plain(value, 2)}°"


def _rms_by_bin(report: dict[str, Any]) -> list[str]:
    """Return the RMS of each bin of 5 degrees in the first view that measures."""
    for view, found in _views(report):
        if found.get("inclination"):
            values = found["inclination"]["by_bin"]
            parts = [
                f"{LOWEST_DEG + BIN_DEG * n:.0f}: {degrees(values[n])}"
                for n in range(BIN_COUNT)
                if values[n] is not None
            ]
            return [f"RMS by 5° ({VIEW_NAMES[view]}) from " + ", ".join(parts)]
    return []


def _compared_lines(report: dict[str, Any]) -> list[str]:
    """Return the comparisons of an evaluation: the line from validation, other methods, other networks."""
    lines = []
    line = report.get("detail", {}).get("line")
    if line:
        after = line["corrected"]["rms_deg"]
        lines.append(
            f"Line from validation: m {signed(line['m'], 4)}, b {signed(line['b'], 2)}°; "
            f"corrected by it RMS {degrees(after)}"
        )
    scaled = report.get("recalibrated")
    if scaled:
        held = " and ".join(f"{share:.1%}" for share in scaled["before"].values()) if scaled["before"] else "nothing"
        lines.append(
            f"Intervals scaled by {n_galaxies(scaled['galaxies'])} that the network has not learned from; before, "
            f"those of 68 and 95\u00a0% held {held}"
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
        if "problem" in model:
            words = str(model["problem"])
        else:
            view = compared_view(report, model)
            inclination, verdict = (model["views"][view].get(name) for name in ("inclination", "verdict"))
            parts = [f"RMS {degrees(inclination['rms_deg'])}"] if inclination else []
            parts += [f"verdict {verdict['accuracy']:.1%}"] if verdict else []
            words = f"{', '.join(parts)} ({VIEW_NAMES[view]})"
        lines.append(f"{model.get('network', 'file')} {model['file'][:12]}: {words}")
    return lines


def _inclination(detail: dict[str, Any]) -> list[Report]:
    groups = detail.get("by_inclination")
    if not groups:
        return []
    middles = [group["low"] + BIN_DEG / 2 for group in groups]
    plots = [_error_plot(detail, middles), _rms_bars("inclination from, degrees", groups)]
    if groups[0]["coverage_68"] is not None:
        held = [
            Series("points", middles, [group[key] for group in groups], label, colour=number)
            for number, (key, label) in enumerate((("coverage_68", "68 % interval"), ("coverage_95", "95 % interval")))
        ]
        stated = [Series("line", [45, 90], [level, level], colour=number) for number, level in enumerate((0.68, 0.95))]
        title = "How often the intervals contain the truth"
        plots.append(Plot(title, "inclination, degrees", "share", [*stated, *held], y_limits=_UNIT))
    if detail.get("by_votes"):
        plots.append(_rms_bars("votes behind the label, from", detail["by_votes"]))
    lines = []
    line = detail["line"]
    if line:
        after = line["corrected"]
        lines.append(
            f"Line fitted on {line['galaxies']:,} validation galaxies: "
            f"m = {signed(line['m'], 4)}, b = {signed(line['b'], 2)}°. The corrected prediction (i + b) / (1 − m) has "
            f"RMS {degrees(after['rms_deg'])}, MAE {degrees(after['mae_deg'])}, bias {signed(after['bias_deg'], 2)}° "
            "here."
        )
    if detail["label_sigma"] is not None:
        lines.append(f"The labels state an error of {degrees(detail['label_sigma'])} of their own (RMS).")
    columns = (Column("low_deg", "from, °"), Column("pictures", "pictures"), *_VIEWS[2:5], *_VIEWS[6:8])
    rows = [
        (
            f"{group['low']:.0f}",
            group["count"],
            *(float(group[key]) for key in ("rms_deg", "mae_deg")),
            f"{signed(group['bias_deg'], 2)}°",
            *(_float(group[key]) for key in ("coverage_68", "coverage_95")),
        )
        for group in groups
    ]
    return [Report("inclination", "Inclination", lines, columns, rows, plots=plots)]


def _error_plot(detail: dict[str, Any], middles: list[float]) -> Plot:
    dots, groups, line = detail["dots"], detail["by_inclination"], detail["line"]
    series = [
        Series("points", dots["truth_deg"], dots["error_deg"], "galaxies", colour=1),
        Series("line", middles, [group["bias_deg"] for group in groups], "mean", colour=2),
    ]
    if line:
        ends = [45.0, 90.0]
        series.append(
            Series("line", ends, [-line["m"] * x - line["b"] for x in ends], "line from validation", colour=0)
        )
    return Plot("Error against inclination", "inclination, degrees", "Δi, degrees", series, zero_line=True)


def _rms_bars(by: str, groups: list[dict[str, Any]]) -> Plot:
    bars = Series("bars", list(range(len(groups))), [group["rms_deg"] for group in groups])
    return Plot(f"RMS by {by}", by, "RMS, degrees", [bars], x_names=[f"{group['low']:.0f}" for group in groups])


def _verdict(detail: dict[str, Any]) -> list[Report]:
    found = detail.get("verdict")
    if not found:
        return []
    bins = found["reliability"]
    came_true = Series("points", [one["stated"] for one in bins], [one["true"] for one in bins], colour=1)
    curves = [Series("line", found[name]["x"], found[name]["y"], colour=1) for name in ("precision_recall", "roc")]
    plots = [
        Plot(title, x_label, y_label, series, x_limits=_UNIT, y_limits=_UNIT)
        for title, x_label, y_label, series in (
            (
                f"Precision against recall (area {found['precision_recall']['area']:.3f})",
                "recall",
                "precision",
                [curves[0]],
            ),
            (
                f"ROC (area {found['roc']['area']:.3f})",
                "false positive rate (accepted)",
                "true positive rate (rejected)",
                [_EVEN, curves[1]],
            ),
            (
                f"Reliability (mean deviation {found['calibration_error']:.3f})",
                "predicted probability of rejection",
                "share that was rejected",
                [_EVEN, came_true],
            ),
        )
    ]
    return [Report("verdict", "Verdict", plots=plots)]


def _compared(report: dict[str, Any]) -> list[Report]:
    rows: list[tuple[Any, ...]] = []
    axial, people = report["axial_ratio"], report["people"]
    if axial:
        for name, words in (("network", "this network"), ("axial_ratio", "axial ratio of an isophote")):
            errors = axial[name]
            rows.append(
                (
                    f"{words}, on the {axial['galaxies']:,} galaxies that both measure",
                    *(float(errors[key]) for key in ("rms_deg", "mae_deg")),
                    f"{signed(errors['bias_deg'], 2)}°",
                    float(errors["outlier_share"]),
                )
            )
    if people:
        words = f"two groups of people against each other, {people['pairs']:,} pairs"
        rows.append((words, float(people["rms_deg"]), None, None, None))
    reports = [Report("methods", "Other methods", (), (Column("method", "what"), *_VIEWS[2:6]), rows)] if rows else []
    if report["models"]:
        first = first_view(report)
        lines = [f"Each in the view “{VIEW_NAMES[first]}” if it has that, else in its best one."]
        networks = [("this network", *_view_row(first, report["views"][first]))]
        for model in report["models"]:
            name = f"{model.get('network', '')} {model['file'][:12]}".strip()
            if "problem" in model:
                networks.append((f"{name}: {model['problem']}", *(None for _ in _VIEWS)))
            else:
                view = compared_view(report, model)
                networks.append((name, *_view_row(view, model["views"][view])))
        columns = (Column("network", "network"), *_VIEWS)
        reports.append(Report("networks", "Other networks, on the same galaxies", lines, columns, networks))
    return reports


def _truth(report: dict[str, Any]) -> list[Report]:
    names = {"network": "The network", "labels": "The labels of this label set"}
    return [comparison_report(found, names[what]) for what, found in (report.get("truth") or {}).items()]


def _outliers(evaluated: Evaluated) -> list[Report]:
    view = first_view(evaluated.report)
    if "inclination" not in evaluated.report["views"][view]:
        return []
    count, words = len(evaluated.outliers), f"off by more than 10° with {VIEW_NAMES[view]}"
    line = f"{words.capitalize()}, the worst first ({count} shown)." if count else f"No galaxy is {words}."
    pictures = [
        Picture(
            pixels,
            f"{number_in_words(galaxy['pgc'])}, {BAND_NAMES[band]}",
            f"{number_in_words(galaxy['pgc'])}: {galaxy['answer_deg']:.1f}° for {galaxy['truth_deg']:.1f}°",
        )
        for galaxy, pixels, band in evaluated.outliers
    ]
    return [Report("outliers", "Outliers", [line], pictures=pictures)]


def pictures_page(galaxies: Sequence[Looked], summary: dict[str, Any], title: str) -> str:
    """Return a page with the pictures, the truth and the prediction of every galaxy; the largest errors first."""
    ordered = sorted(galaxies, key=lambda galaxy: -abs(galaxy.error_deg or 0.0))
    return page(title, [Report("summary", "", [pictures_headline(summary)]), *map(_galaxy, ordered)], are_cards=True)


def pictures_headline(summary: dict[str, Any]) -> str:
    inclination = summary.get("inclination")
    if not isinstance(inclination, dict):
        return f"{n_galaxies(summary['galaxies'])}, none of known inclination."
    return (
        f"{n_galaxies(summary['galaxies'])}, {summary['with_truth']:,} of known inclination: "
        f"RMS {inclination['rms_deg']:.2f}°, MAE {inclination['mae_deg']:.2f}°, "
        f"bias {signed(inclination['bias_deg'], 2)}° with all bands."
    )


def picture_line(galaxy: Looked) -> str:
    """Return one galaxy as one line for a terminal. Programs read these lines: their format must not change."""
    truth = "  –  " if galaxy.truth_deg is None else f"{galaxy.truth_deg:5.1f}"
    error = "  –  " if galaxy.error_deg is None else f"{signed(galaxy.error_deg, 1):>5}"
    bands = "  ".join(f"{BAND_NAMES[band]} {value:.1f}" for band, value in galaxy.by_band_deg.items())
    rejection = "" if galaxy.rejection is None else f"  rejection {galaxy.rejection:4.0%} ({galaxy.reason})"
    return f"pgc {galaxy.pgc:>8}  known {truth}  says {galaxy.answer_deg:5.1f}  off {error}{rejection}  {bands}"


def _galaxy(galaxy: Looked) -> Report:
    interval = "" if galaxy.half_width_95_deg is None else f" ± {galaxy.half_width_95_deg:.1f}° (95 %)"
    lines = [f"Predicted: {galaxy.answer_deg:.1f}°{interval}"]
    alarms: list[str] = []
    if galaxy.rejection is not None:
        lines.append(f"Rejection: {galaxy.rejection:.0%}, most probably {galaxy.reason}")
    if galaxy.truth_deg is not None and galaxy.error_deg is not None:
        words = f"Known: {galaxy.truth_deg:.1f}°, error {signed(galaxy.error_deg, 1)}°"
        (alarms if abs(galaxy.error_deg) > NOTABLE_DEG else lines).append(words)
    pictures = [
        Picture(
            galaxy.pictures[band],
            f"{number_in_words(galaxy.pgc)}, {BAND_NAMES[band]}",
            f"{BAND_NAMES[band]}: {galaxy.by_band_deg[band]:.1f}°",
        )
        for band in BANDS
        if band in galaxy.pictures
    ]
    return Report(str(galaxy.pgc), number_in_words(galaxy.pgc), lines, alarms=alarms, pictures=pictures)


def training_curves(history: list[dict[str, Any]]) -> list[Plot]:
    """Plot the loss, and what was measured in validation, against the step."""
    wanted = (
        ("loss", "Loss on the train galaxies", "loss", 0),
        ("rms_deg", "Error in validation", "RMS, degrees", 1),
        ("accuracy", "Correct verdicts in validation", "share", 3),
    )
    plots = []
    for key, title, label, colour in wanted:
        known = [(entry["step"], entry[key]) for entry in history if entry.get(key) is not None]
        if known:
            steps, values = zip(*known, strict=True)
            series = [Series("line", steps, values, colour=colour), Series("points", steps, values, colour=colour)]
            # A share ends at 1, however few values there are.
            limits = (min(0.9, math.floor(10 * min(values)) / 10), 1.0) if label == "share" else None
            plots.append(Plot(title, "step", label, series, y_limits=limits))
    return plots
