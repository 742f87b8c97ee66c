"""Figures of a network's answers about real pictures: errors, intervals, verdicts, a recalibrating line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.core.vocabulary import BANDS, COLOUR, REASONS
from giz.training.nn.data import CHANNEL_COUNT, CHANNELS
from giz.training.nn.metrics import LEVELS, coverage, rms
from giz.training.nn.predictor import Predictor
from giz.training.nn.real_error import SIGMAS
from tests.bench.real_sky.sky import Pixels, RealPicture, load_pixels, read_sky

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
BATCH, FOLDS = 64, 5
REJECTED_FROM = 50
# One volunteer against others (SCIENCE.md); most galaxies of the original's catalogue were seen by seven.
PERSON_SCATTER_DEG, VOLUNTEERS = 2.6, 7
FEWEST = 5
NO_GALAXY = "not a galaxy / bad picture"


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network says about n real pictures: degrees, half widths (n, 2), probability of rejection, its reason."""

    deg: Floats
    half_widths_deg: Floats
    rejection: Floats
    reason: list[str]

    @property
    def is_rejected(self) -> Mask:
        # In whole percent, as evaluate_pictures prints it and others read it.
        return np.rint(100 * self.rejection) >= REJECTED_FROM


def ask(model: Path, pixels: Pixels, *, as_stated: bool = False) -> Answers:
    """Ask about all pictures in colour, in batches, by the predictor of `evaluate_pictures`.

    as_stated : the network's own intervals, without what its card adds to them.
    """
    predictor = Predictor(model)
    if as_stated:
        predictor.real_error = predictor.interval_factors = None
    present = np.array([[band == COLOUR for band in BANDS]])
    parts = []
    for first in range(0, len(pixels), BATCH):
        colour = pixels[first : first + BATCH].transpose(0, 3, 1, 2)
        stacked = np.zeros((len(colour), CHANNEL_COUNT, *colour.shape[2:]), np.uint8)
        stacked[:, CHANNELS[COLOUR]] = colour
        parts.append(predictor.predict(stacked, present.repeat(len(colour), axis=0), COLOUR))

    def joined(name: str) -> Floats:
        return np.concatenate([np.asarray(getattr(part, name), float) for part in parts])

    reason = [REASONS[number] for number in joined("reasons").argmax(axis=1)]
    return Answers(joined("inclination_deg"), joined("half_widths_deg"), joined("rejection"), reason)


@dataclass(frozen=True, eq=False)
class Measured:
    """Pictures that people measured, with the network's answers: the rows and arrays of the same length.

    line_deg : the answers on a straight line to people's scale, fitted without the galaxies that it is used on.
    """

    rows: list[RealPicture]
    people_deg: Floats
    answer_deg: Floats
    line_deg: Floats
    half_widths_deg: Floats
    rejection: Floats

    @property
    def error_deg(self) -> Floats:
        return self.answer_deg - self.people_deg

    def where(self, test: Callable[[RealPicture], bool]) -> Mask:
        return np.array([test(row) for row in self.rows], bool)


def measured(rows: list[RealPicture], said: Answers) -> Measured:
    """Those that people gave an inclination of 45 degrees or more."""
    chosen = np.array([row.is_measured for row in rows])
    mine = [row for row in rows if row.is_measured]
    people = np.array([row.people_deg for row in mine])
    answer = said.deg[chosen]
    line = cross_validated_line(answer, people, [row.pgc for row in mine])
    return Measured(mine, people, answer, line, said.half_widths_deg[chosen], said.rejection[chosen])


def fold_of(pgc: int) -> int:
    """The same fold for a galaxy in every run: each of its pictures is left out together."""
    return hashlib.sha256(f"fold|{pgc}".encode()).digest()[0] % FOLDS


def cross_validated_line(answer_deg: Floats, people_deg: Floats, pgc: list[int]) -> Floats:
    """`answer_deg` on the line people = a + b answer that was fitted to the other folds."""
    folds, line = np.array([fold_of(number) for number in pgc]), np.empty_like(answer_deg)
    for fold in range(FOLDS):
        left_out = folds == fold
        slope, offset = np.polyfit(answer_deg[~left_out], people_deg[~left_out], 1)
        line[left_out] = np.clip(offset + slope * answer_deg[left_out], 45.0, 90.0)
    return line


def sky_figures(model: Path, folder: Path, cache: Path) -> dict[str, Any]:
    """The main figures of a network on the real pictures in `folder`, for its cards: statistics only, no label."""
    rows = read_sky(folder)
    said = ask(model, load_pixels(folder, rows, Predictor(model).size_px, cache))
    of = measured(rows, said)
    whole = of.where(lambda row: not row.is_cut)
    label_deg = PERSON_SCATTER_DEG / np.sqrt(VOLUNTEERS)

    def errors(chosen: Mask) -> dict[str, float]:
        error_deg, half = of.error_deg[chosen], of.half_widths_deg[chosen]
        held = [coverage(error_deg, np.hypot(half[:, n], SIGMAS[n] * label_deg)) for n in range(len(LEVELS))]
        return {
            "count": int(error_deg.size),
            "rms_deg": rms(error_deg),
            "mae_deg": float(np.abs(error_deg).mean()),
            "bias_deg": float(error_deg.mean()),
            "held_68": held[0],
            "held_95": held[1],
        }

    def rejected(test: Callable[[RealPicture], bool]) -> dict[str, int]:
        mine = np.array([test(row) for row in rows])
        return {"of": int(mine.sum()), "rejected": int(said.is_rejected[mine].sum())}

    is_measured = np.array([row.is_measured for row in rows])
    is_other = {code: np.array([row.verdict == code for row in rows]) for code in "FJ"}
    return {
        "errors": {"whole": errors(whole), "cut": errors(~whole)},
        "bias_by_5_deg": {
            str(low): float(of.error_deg[mine].mean())
            for low in range(45, 90, 5)
            if (mine := whole & (np.clip(of.people_deg, 45, 89.9) // 5 * 5 == low)).sum() >= FEWEST
        },
        "verdicts": {
            "measured": rejected(lambda row: row.is_measured),
            "face_on": rejected(lambda row: row.verdict == "F"),
            "rejected": rejected(lambda row: row.verdict == "J"),
            "no_galaxy": rejected(lambda row: row.expected_why == NO_GALAXY),
        },
        "auc": {
            name: auc(said.rejection[is_measured | is_other[code]], is_other[code][is_measured | is_other[code]])
            for name, code in (("face_on", "F"), ("rejected", "J"))
        },
    }


def auc(rejection: Floats, is_rejected: Mask) -> float:
    """Chance that a rejected picture has the higher probability; ties count half (Mann & Whitney 1947)."""
    positive, negative = rejection[is_rejected], rejection[~is_rejected]
    above = (positive[:, None] > negative[None, :]).mean() + 0.5 * (positive[:, None] == negative[None, :]).mean()
    return float(above)


def error_words(error_deg: Floats) -> str:
    if not error_deg.size:
        return "none"
    return (
        f"n {error_deg.size:4}  RMS {rms(error_deg):5.2f}  MAE {np.abs(error_deg).mean():5.2f}  "
        f"bias {error_deg.mean():+6.2f}  >10° {100 * (np.abs(error_deg) > 10).mean():4.1f} %"
    )


def coverage_words(of: Measured, chosen: Mask, volunteers: int) -> str:
    """Shares of people's labels in the stated intervals: as stated, and widened by the scatter of people's labels.

    A label is a mean of people, off by about 2.6° / √n. An interval about the truth holds it less often than the truth
    itself: so the half width is widened in quadrature by that scatter times the level's number of sigmas.
    """
    label_deg = PERSON_SCATTER_DEG / np.sqrt(volunteers)
    stated = [coverage(of.error_deg[chosen], of.half_widths_deg[chosen, level]) for level in range(len(LEVELS))]
    widened = [
        coverage(of.error_deg[chosen], np.hypot(of.half_widths_deg[chosen, level], SIGMAS[level] * label_deg))
        for level in range(len(LEVELS))
    ]
    return "  ".join(
        f"{level:.0%}: {one:.1%}, {other:.1%} with people's ± {label_deg:.2f}°"
        for level, one, other in zip(LEVELS, stated, widened, strict=True)
    )


def groups(of: Measured, blur_px: Floats) -> Iterator[tuple[str, str, Mask]]:
    """(table, row, which) of everything that errors are shown by. `blur_px` (n,): of each picture's stars."""
    whole = of.where(lambda row: not row.is_cut)
    everything = np.ones(len(of.rows), bool)
    yield "all", "all", everything
    yield "all", "whole", whole
    yield "all", "cut by the frame", ~whole
    for survey in sorted({row.survey for row in of.rows}):
        yield "survey", survey, of.where(lambda row, survey=survey: row.survey == survey)  # type: ignore[misc]
    for title, which in (("5° of people, whole", whole), ("5° of people, cut by the frame", ~whole)):
        for low in range(45, 90, 5):
            inside = (of.people_deg >= low) & (of.people_deg < low + 5 + (low == 85))
            yield title, f"{low}", inside & which
    types = np.array([row.hubble_type for row in of.rows])
    for low, high, name in ((-9, 0, "S0 and before"), (0, 2.5, "Sa, Sab"), (2.5, 4.5, "Sb, Sbc"), (4.5, 6.5, "Sc, Scd"),
                            (6.5, 8.5, "Sd, Sdm"), (8.5, 99, "Sm, Im")):  # fmt: skip
        yield "type, whole", name, whole & (types >= low) & (types < high)
    contamination = np.array([row.contamination for row in of.rows])
    for level in (0.0, 0.25, 0.5, 0.75, 1.0):
        yield "contamination, whole", f"{level:.2f}", whole & (contamination == level)
    for low_px, high_px in ((0.0, 1.6), (1.6, 2.0), (2.0, 2.5), (2.5, 99.0)):
        name = f"{low_px} to {high_px} px"
        yield "FWHM of the stars, whole", name, whole & (blur_px >= low_px) & (blur_px < high_px)
    yield "FWHM of the stars, whole", "no star", whole & ~np.isfinite(blur_px)


def verdict_lines(rows: list[RealPicture], said: Answers) -> Iterator[str]:
    """How often it rejects, by what people said and why, and of what is no galaxy to measure."""
    rejected = said.is_rejected

    def rate(name: str, test: Callable[[RealPicture], bool]) -> str:
        mine = np.array([test(row) for row in rows])
        share = 100 * rejected[mine].mean() if mine.any() else float("nan")
        return f"  {name:<60} {rejected[mine].sum():4} of {mine.sum():4}  {share:5.1f} %"

    yield "rejected, of"
    yield rate("measured by people, whole", lambda row: row.is_measured and not row.is_cut)
    yield rate("measured by people, cut", lambda row: row.is_measured and row.is_cut)
    yield rate("standards of the original", lambda row: row.is_standard and row.is_measured)
    yield rate("standards of the original, whole", lambda row: row.is_standard and row.is_measured and not row.is_cut)
    yield rate("face-on by people", lambda row: row.verdict == "F")
    yield rate("rejected by people", lambda row: row.verdict == "J")
    for reason in sorted({reason for row in rows if row.verdict == "J" for reason in row.reasons}):
        yield rate(
            f"… with the reason {reason}",
            lambda row, reason=reason: row.verdict == "J" and reason in row.reasons,  # type: ignore[misc]
        )
    yield rate("… with no reason known", lambda row: row.verdict == "J" and not row.reasons)
    for why in sorted(
        {row.expected_why for row in rows if row.expected_why and not row.expected_why.startswith("GIZ")}
    ):
        yield rate(
            f"not shown to people: {why}",
            lambda row, why=why: row.expected_why == why,  # type: ignore[misc]
        )
    for kind in sorted({row.kind.split(" 0.")[0] for row in rows if row.expected_why == NO_GALAXY}):
        yield rate(
            f"no galaxy or a bad picture, {kind}",
            lambda row, kind=kind: row.expected_why == NO_GALAXY and row.kind.split(" 0.")[0] == kind,  # type: ignore[misc]
        )
    accepted = np.array([row.is_measured for row in rows])
    for name, code in (("face-on", "F"), ("rejected", "J")):
        mine = np.array([row.verdict == code for row in rows])
        yield f"  AUC of {name} against measured: {auc(said.rejection[accepted | mine], mine[accepted | mine]):.3f}"
    mine = np.array([row.verdict == "J" for row in rows])
    for threshold in (0.3, 0.5, 0.7, 0.9):
        share = [100 * (said.rejection[which] >= threshold).mean() for which in (accepted, mine)]
        face_on = np.array([row.verdict == "F" for row in rows])
        share.append(100 * (said.rejection[face_on] >= threshold).mean())
        yield (
            f"  rejecting from {threshold:.0%}: {share[0]:.1f} % of the measured, {share[2]:.1f} % of the face-on, "
            f"{share[1]:.1f} % of the rejected"
        )
