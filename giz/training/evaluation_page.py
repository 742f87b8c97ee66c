"""The evaluation of a network as one HTML page: tables, vector plots, and the pictures of its outliers."""

from __future__ import annotations

from html import escape
from typing import Any

from giz.core.plot import Plot, Series
from giz.core.words import signed
from giz.training.figures import HEADINGS, VIEW_NAMES, compared_view, degrees, first_view, share, table, view_row
from giz.training.nn.data import BIN_DEG
from giz.training.pages import BAND_NAMES, document, figure
from giz.training.services.evaluations import Evaluated

SIDES = {
    "test": "test galaxies (never seen in training)",
    "validation": "validation galaxies",
    "train": "train galaxies",
}


def page(evaluated: Evaluated) -> str:
    """The page; it needs nothing beside itself."""
    report = evaluated.report
    card, labelset = report["card"], report["labelset"]
    name = card.get("network", "")
    parts = [
        f"<p>On the {SIDES[report['side']]} of <b>{escape(labelset['title'])}</b> "
        f"({escape(labelset['name'])}, {labelset['digest'][:12]}).</p>",
        _members(card),
        "<h2>By what is shown</h2>",
        html_table(HEADINGS, table(report)[1:]),
        *_inclination(report["detail"]),
        *_verdict(report["detail"]),
        *_compared(report),
        _outliers(evaluated),
    ]
    return document(f"How good the network {name} is", "".join(parts))


def html_table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table; all columns but the first are numbers."""
    head = "".join(f"<th>{escape(word)}</th>" for word in headings)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _members(card: dict[str, Any]) -> str:
    members = card.get("members")
    return f"<p>Answers together: {escape(', '.join(members))}.</p>" if members else ""


def _inclination(detail: dict[str, Any]) -> list[str]:
    groups = detail.get("by_inclination")
    if not groups:
        return []
    lows = [group["low"] + BIN_DEG / 2 for group in groups]
    names = [f"{group['low']:.0f}" for group in groups]
    plots = [
        _error_plot(detail, lows),
        Plot(
            "RMS by inclination, from, degrees",
            "inclination from, degrees",
            "RMS, degrees",
            [Series("bars", list(range(len(groups))), [group["rms_deg"] for group in groups])],
            x_names=names,
        ),
    ]
    if groups[0]["coverage_68"] is not None:
        held = [
            Series("points", lows, [group[key] for group in groups], label, colour=number)
            for number, (key, label) in enumerate((("coverage_68", "68 % interval"), ("coverage_95", "95 % interval")))
        ]
        stated = [Series("line", [45, 90], [level, level], colour=number) for number, level in enumerate((0.68, 0.95))]
        plots.append(
            Plot(
                "How often the intervals hold the truth",
                "inclination, degrees",
                "share",
                [*stated, *held],
                y_limits=(0.0, 1.0),
            )
        )
    votes = detail.get("by_votes")
    if votes:
        plots.append(
            Plot(
                "RMS by votes behind the label, from",
                "votes, from",
                "RMS, degrees",
                [Series("bars", list(range(len(votes))), [group["rms_deg"] for group in votes])],
                x_names=[f"{group['low']:.0f}" for group in votes],
            )
        )
    return ["<h2>Inclination</h2>", _plots(plots), _line_words(detail), _group_table("from, °", groups)]


def _error_plot(detail: dict[str, Any], lows: list[float]) -> Plot:
    dots, groups, line = detail["dots"], detail["by_inclination"], detail["line"]
    series = [
        Series("points", dots["truth_deg"], dots["error_deg"], "galaxies", colour=1),
        Series("line", lows, [group["bias_deg"] for group in groups], "mean", colour=2),
    ]
    if line:
        ends = [45.0, 90.0]
        series.append(
            Series("line", ends, [-line["m"] * x - line["b"] for x in ends], "line from validation", colour=0)
        )
    return Plot("Error against inclination", "inclination, degrees", "Δi, degrees", series, zero_line=True)


def _line_words(detail: dict[str, Any]) -> str:
    parts = []
    line = detail["line"]
    if line:
        after = line["corrected"]
        parts.append(
            f"Line fitted on {line['galaxies']:,} validation galaxies: "
            f"m = {signed(line['m'], 4)}, b = {signed(line['b'], 2)}°. "
            f"i<sub>pc</sub> = (i<sub>p</sub> + b) / (1 − m) has RMS {degrees(after['rms_deg'])}, MAE "
            f"{degrees(after['mae_deg'])}, bias {signed(after['bias_deg'], 2)}° here."
        )
    if detail["label_sigma"] is not None:
        parts.append(f"The labels state an error of {degrees(detail['label_sigma'])} of their own (RMS).")
    return "".join(f"<p>{words}</p>" for words in parts)


def _group_table(heading: str, groups: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"{group['low']:.0f}",
            f"{group['count']:,}",
            *(degrees(group[key]) for key in ("rms_deg", "mae_deg")),
            f"{signed(group['bias_deg'], 2)}°",
            *(share(group[key]) for key in ("coverage_68", "coverage_95")),
        )
        for group in groups
    ]
    return html_table((heading, "pictures", "RMS", "MAE", "bias", "68 %", "95 %"), rows)


def _verdict(detail: dict[str, Any]) -> list[str]:
    found = detail.get("verdict")
    if not found:
        return []
    bins = found["reliability"]
    pr, roc = found["precision_recall"], found["roc"]
    unit, even = (0.0, 1.0), Series("line", [0, 1], [0, 1])
    came_true = Series("points", [one["stated"] for one in bins], [one["true"] for one in bins], colour=1)
    plots = [
        Plot(
            f"Precision against recall (area {pr['area']:.3f})", "recall", "precision",
            [Series("line", pr["x"], pr["y"], colour=1)], x_limits=unit, y_limits=unit,
        ),
        Plot(
            f"ROC (area {roc['area']:.3f})", "accepted that are accused", "rejected that are found",
            [even, Series("line", roc["x"], roc["y"], colour=1)], x_limits=unit, y_limits=unit,
        ),
        Plot(
            f"Reliability (off by {found['calibration_error']:.3f} on average)", "probability of rejection, as stated",
            "share that was rejected",
            [even, came_true], x_limits=unit, y_limits=unit,
        ),
    ]  # fmt: skip
    return ["<h2>Verdict</h2>", _plots(plots)]


def _compared(report: dict[str, Any]) -> list[str]:
    rows: list[tuple[str, ...]] = []
    axial, people = report["axial_ratio"], report["people"]
    if axial:
        for name, words in (("network", "this network"), ("axial_ratio", "axial ratio of an isophote")):
            figures = axial[name]
            rows.append(
                (
                    f"{words}, on the {axial['galaxies']:,} galaxies that both measure",
                    degrees(figures["rms_deg"]),
                    degrees(figures["mae_deg"]),
                    f"{signed(figures['bias_deg'], 2)}°",
                    share(figures["outlier_share"]),
                )
            )
    if people:
        words = f"two groups of people against each other, {people['pairs']:,} pairs"
        rows.append((words, degrees(people["rms_deg"]), "–", "–", "–"))
    parts = [] if not rows else ["<h2>Other ways</h2>", html_table(("what", "RMS", "MAE", "bias", "> 10°"), rows)]
    if report["models"]:
        first = first_view(report)
        lines = [
            ("this network", *view_row(first, report["views"][first])),
            *(_model_row(report, model) for model in report["models"]),
        ]
        parts += [
            "<h2>Other networks, on the same galaxies</h2>",
            f"<p>Each in the view “{VIEW_NAMES[first]}” where it has that, else in its best one.</p>",
            html_table(("network", *HEADINGS), lines),
        ]
    return parts


def _model_row(report: dict[str, Any], model: dict[str, Any]) -> tuple[str, ...]:
    name = f"{model.get('network', '')} {model['file'][:12]}".strip()
    if "problem" in model:
        return (f"{name}: {model['problem']}", *("–" for _ in HEADINGS))
    view = compared_view(report, model)
    return (name, *view_row(view, model["views"][view]))


def _outliers(evaluated: Evaluated) -> str:
    view = first_view(evaluated.report)
    if "inclination" not in evaluated.report["views"][view]:
        return ""
    count, words = len(evaluated.outliers), f"off by more than 10° with {VIEW_NAMES[view]}"
    if not count:
        return f"<h2>Outliers</h2><p>No galaxy is {words}.</p>"
    sheet = "".join(
        figure(
            pixels,
            f"PGC {galaxy['pgc']}, {BAND_NAMES[band]}",
            f"PGC {galaxy['pgc']}: {galaxy['answer_deg']:.1f}° for {galaxy['truth_deg']:.1f}°",
        )
        for galaxy, pixels, band in evaluated.outliers
    )
    return f"<h2>Outliers</h2><p>{words.capitalize()}, the worst first ({count} shown).</p><div>{sheet}</div>"


def _plots(plots: list[Plot]) -> str:
    return f'<div class="plots">{"".join(plot.svg() for plot in plots)}</div>'
