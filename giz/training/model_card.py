"""The readable card of the network that comes with GIZ: what it is and learned from, how good it is, its limits."""

from __future__ import annotations

from typing import Any

from giz.core.words import signed
from giz.training.figures import VIEW_NAMES

LIMITS = (
    "It has learned from synthetic galaxies only; no real galaxy was trained on.",
    "Its scale is that of axial ratios with q0 = 0.2 (SCIENCE.md section 1), as the original's standards have it: the "
    "thickness of the synthetic disks was chosen so. A disk that is thinner than that is said to be more edge-on.",
    "Below 45° it does not measure: such a galaxy should be rejected as face-on. Answers end at 45° and at 90°.",
    "The intervals were calibrated on synthetic galaxies; real ones were too few to test them.",
    "People say more than an ellipse does (docs/decisions/0015-the-network-that-ships.md): real galaxies come out "
    "somewhat too round, most of all between 45° and 60°.",
    "It expects the field of GIZ: a square of 2 × D25, the galaxy in the middle; the best are pictures with the major "
    "axis level.",
)


def card_text(shipped: dict[str, Any]) -> str:
    """The card as Markdown, from the contents of ``ours.json``."""
    card, figures = shipped["card"], shipped["card"]["report"]["views"]
    learned, finish = card["labelset"], card.get("finish")
    then = f", then {finish['steps']:,} with half of the pictures as they come" if finish else ""
    lines = [
        "# The network that comes with GIZ",
        "",
        f"`ours.onnx`, {shipped['bytes'] / 1e6:.1f} MB, sha256 `{shipped['sha256']}`. Takes g, r, i and colour "
        f"pictures of {card['size_px']} px, any of which may be missing; answers inclination, 68 and 95 % interval, "
        "probability of rejection and reasons.",
        "",
        "## Learned from",
        f"{learned['counts']['train']:,} synthetic galaxies ({learned['versions']['population_rule']}, seed "
        f"{learned['versions']['seed']}), {card['steps']:,} steps of {card['batch_size']} pictures{then}. "
        f"Made again by `{shipped['command']}`.",
        "",
        f"## On {shipped['test']['galaxies']:,} synthetic galaxies it has not seen",
        f"{shipped['test']['population_rule']}, seed {shipped['test']['seed']}; disturbed disks and rejects included.",
        "",
        "| pictures | RMS | MAE | bias | off by > 10° | 68 % / 95 % hold | verdict right |",
        "|---|---|---|---|---|---|---|",
        *(_row(name, figures[view]) for view, name in VIEW_NAMES.items() if view in figures),
    ]
    if "real" in shipped:
        lines += ["", *_real(shipped["real"])]
    return "\n".join([*lines, "", "## Limits", *(f"- {limit}" for limit in LIMITS), ""])


def _row(name: str, found: dict[str, Any]) -> str:
    errors, holds, verdict = found["inclination"], found["coverage"], found["verdict"]
    return (
        f"| {name} | {errors['rms_deg']:.2f}° | {errors['mae_deg']:.2f}° | {signed(errors['bias_deg'], 2)}° | "
        f"{errors['outlier_share']:.2%} | {holds['68%']:.1%} / {holds['95%']:.1%} | {verdict['accuracy']:.1%} |"
    )


def _real(real: dict[str, Any]) -> list[str]:
    errors = real["inclination"]
    lines = [
        f"## On {real['with_truth']} real galaxies, never trained on",
        f"All bands together: RMS {errors['rms_deg']:.2f}°, MAE {errors['mae_deg']:.2f}°, bias "
        f"{signed(errors['bias_deg'], 2)}°. The 95 % interval holds {real['held_95']} of them. Rejected though people "
        f"measured them: {real['rejected']}. One band alone:",
        "",
        "| pictures | galaxies | RMS | bias | worst |",
        "|---|---|---|---|---|",
    ]
    return lines + [
        f"| {name} | {found['galaxies']} | {found['rms_deg']:.2f}° | {signed(found['bias_deg'], 2)}° | "
        f"{found['worst_deg']:.1f}° |"
        for band, name in VIEW_NAMES.items()
        if (found := real["by_band"].get(band))
    ]
