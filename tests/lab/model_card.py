"""The readable card of the network that comes with GIZ: what it is and learned from, how good it is, its limits."""

from __future__ import annotations

from typing import Any

from giz.core.words import signed
from giz.training.nn.real_error import CARD_NAME
from giz.training.reports import VIEW_NAMES

LIMITS = (
    "It has learned from synthetic galaxies only; no real galaxy was trained on.",
    "Its scale is that of axial ratios with q0 = 0.2 (SCIENCE.md section 1), as the original's standards have it: the "
    "thickness of the synthetic disks was chosen so. A disk that is thinner than that is said to be more edge-on.",
    "Below 45° it does not measure: such a galaxy should be rejected as face-on, and people call many face-on up to "
    "50°. Answers end at 45° and at 90°.",
    "It expects the field of GIZ: a square of 2 × D25, the galaxy in the middle. A galaxy whose picture ends at a "
    "tighter frame is measured less well.",
)

CALIBRATED = "The intervals were calibrated on synthetic galaxies; real ones were too few to test them."
CALIBRATED_REAL = (
    "The intervals were calibrated on synthetic galaxies. Those of pictures in colour alone are wider by what people's "
    "labels of real galaxies showed (docs/decisions/0037-errors-on-real-pictures.md); those of g, r and i could not be "
    "tested on enough real galaxies. They hold random errors, not what all answers have in common."
)


def card_text(shipped: dict[str, Any]) -> str:
    """The card as Markdown, from the contents of ``ours.json``."""
    card = shipped["card"]
    learned, begun = card["labelset"], card["begun_from"]
    start = f", begun from the network with the sha256 `{begun}`" if begun else ""
    lines = [
        "# The network that comes with GIZ",
        "",
        f"`ours.onnx`, {shipped['bytes'] / 1e6:.1f} MB, sha256 `{shipped['sha256']}`. Takes g, r, i and colour "
        f"pictures of {card['size_px']} px, any of which may be missing; answers inclination, 68 and 95 % interval, "
        "probability of rejection and reasons.",
    ]
    if "real_sky" in shipped:
        lines += ["", *_real_sky(shipped["real_sky"])]
    if "real" in shipped:
        lines += ["", *_real(shipped["real"])]
    for test in shipped["test"]["populations"]:
        lines += ["", *_synthetic(test, shipped["test"]["seed"])]
    lines += [
        "",
        "## Learned from",
        f"{learned['counts']['train']:,} synthetic galaxies ({learned['versions']['population_rule']}, seed "
        f"{learned['versions']['seed']}), {card['runs']} × {card['steps']:,} steps of {card['batch_size']} "
        f"pictures, whose weights were averaged{start}. Made again by `{shipped['command']}`.",
    ]
    limits = (*LIMITS, CALIBRATED_REAL if CARD_NAME in card else CALIBRATED)
    return "\n".join([*lines, "", "## Limits", *(f"- {limit}" for limit in limits), ""])


def _real_sky(sky: dict[str, Any]) -> list[str]:
    verdicts, bias = sky["verdicts"], sky["bias_by_5_deg"]

    def share(name: str) -> str:
        found = verdicts[name]
        return f"{found['rejected']} of {found['of']} ({found['rejected'] / max(found['of'], 1):.1%})"

    return [
        f"## On {verdicts['measured']['of']} real galaxies that people measured, never trained on",
        "SDSS colour pictures of EFIGI, 88 px and 1.15 × D25 (docs/benchmarks/real-sky.md). Intervals are widened by "
        "the scatter of people's labels, 0.98°.",
        "",
        "| galaxies | n | RMS | MAE | bias | 68 % / 95 % hold |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | {found['count']} | {found['rms_deg']:.2f}° | {found['mae_deg']:.2f}° | "
            f"{signed(found['bias_deg'], 2)}° | {found['held_68']:.1%} / {found['held_95']:.1%} |"
            for name, found in (("whole", sky["errors"]["whole"]), ("cut by the frame", sky["errors"]["cut"]))
        ),
        "",
        "Bias of whole galaxies by people's inclination: "
        + ", ".join(f"{low}° {signed(value, 1)}°" for low, value in bias.items())
        + ".",
        "",
        f"Rejected: {share('measured')} that people measured, {share('face_on')} that they called face-on (AUC "
        f"{sky['auc']['face_on']:.3f}), {share('rejected')} that they rejected (AUC {sky['auc']['rejected']:.3f}), "
        f"{share('no_galaxy')} photographs, nebulae and bad pictures.",
    ]


def _synthetic(test: dict[str, Any], seed: int) -> list[str]:
    return [
        f"## On {test['galaxies']:,} synthetic galaxies it has not seen ({test['population_rule']})",
        f"Seed {seed}; disturbed disks and rejects included.",
        "",
        "| pictures | RMS | MAE | bias | off by > 10° | 68 % / 95 % hold | verdict right |",
        "|---|---|---|---|---|---|---|",
        *(_row(name, test["views"][view]) for view, name in VIEW_NAMES.items() if view in test["views"]),
    ]


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
