"""From a galaxy's place on the sky to its set of frames: the first survey in the order that covers the field."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from giz.imaging.fits import FitsError, open_frame
from giz.imaging.frameset import FrameSet
from giz.imaging.grid import SkyGrid
from giz.imaging.mosaic import Mosaic, mosaic
from giz.imaging.resample import Patch, resample
from giz.surveys.cache import discard
from giz.surveys.errors import SurveyError
from giz.surveys.exposure import BANDS, Exposure, Survey
from giz.surveys.titles import survey_title

RULES_VERSION = 1
# A field counts as seen at this share of pixels in every band; a survey that sees less is a last resort, down to LEAST.
ENOUGH, LEAST = 0.99, 0.60


@dataclass
class _Collected:
    """Patches a band so far, and which pixels of the field they see."""

    side_px: int
    patches: dict[str, list[Patch]] = field(default_factory=lambda: {band: [] for band in BANDS})
    is_calibrated: bool = True
    sources: list[str] = field(default_factory=list)

    def covered(self) -> float:
        """The share of pixels that every band which the survey has sees; 0 without any patch."""
        shares = [self._seen(patches).mean() for patches in self.patches.values() if patches]
        return float(min(shares, default=0.0))

    def _seen(self, patches: list[Patch]) -> npt.NDArray[np.bool_]:
        seen = np.zeros((self.side_px, self.side_px), bool)
        for patch in patches:
            seen[patch.window] |= np.isfinite(patch.flux)
        return seen


def request_digest(grid: SkyGrid, surveys: Sequence[str]) -> str:
    """Hash of what a set answers: another place, size, angle, order of surveys or rule needs another set."""
    asked = [
        RULES_VERSION,
        round(grid.ra_deg, 7),
        round(grid.dec_deg, 7),
        grid.side_px,
        round(grid.scale_arcsec, 6),
        round(grid.position_angle_deg, 4),
        list(surveys),
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]


def fetch_frame_set(grid: SkyGrid, surveys: Sequence[Survey]) -> FrameSet:
    """Frames of the field in g, r, i from the first survey that covers it.

    A survey that is down is not passed over: else a galaxy would come from one survey today, from another tomorrow.

    Raises
    ------
    SurveyError
        ``not_covered`` if no survey sees at least 60 % of the field; ``survey_bad_answer`` if frames are damaged;
        ``cache_unwritable`` where there is no room to unpack them; what the client raises.
    """
    best: tuple[float, Survey, _Collected] | None = None
    for survey in surveys:
        collected = _collect(grid, survey)
        share = collected.covered()
        if best is None or share > best[0]:
            best = (share, survey, collected)
        if share >= ENOUGH:
            break
    if best is None or best[0] < LEAST:
        asked = ", ".join(survey_title(survey.name) for survey in surveys) or "no survey"
        seen = f"{best[0]:.0%}" if best else "nothing"
        raise SurveyError("not_covered", f"No survey covers the field (asked: {asked}; the best sees {seen} of it).")
    return _frame_set(grid, best[1].name, best[2], request_digest(grid, [survey.name for survey in surveys]))


def _collect(grid: SkyGrid, survey: Survey) -> _Collected:
    collected = _Collected(grid.side_px)
    for exposure in survey.exposures(grid):
        _add(collected, exposure, grid)
        if collected.covered() >= 1.0:
            break
    return collected


def _add(collected: _Collected, exposure: Exposure, grid: SkyGrid) -> None:
    used = False
    for band, path in exposure.files.items():
        try:
            with open_frame(path, zero_point_mag=exposure.zero_point) as frame:
                patch = resample(frame, grid)
                calibrated = frame.nmgy_per_unit is not None
        except OSError as error:  # our own disk: the survey did its part, and its file may be as good as ever
            reason = error.strerror or type(error).__name__
            raise SurveyError(
                "cache_unwritable",
                f"A frame can't be unpacked or read here ({reason}). Is the folder for temporary files full?",
            ) from None
        except SurveyError:  # of the zero point: the header lacks what it needs
            discard(path)
            raise
        except FitsError as error:
            discard(path)
            # In the cache a file's name is its hash, which tells people nothing; a unit is text of the survey's.
            has_unit = error.code != "bad_unit"
            detail = error.detail.replace(path.name, "its file") if has_unit else "it states no flux that can be used."
            raise SurveyError("survey_bad_answer", f"{exposure.name}, band {band}: {detail}") from None
        if patch is not None:
            collected.patches[band].append(patch)
            collected.is_calibrated &= calibrated
            used = True
    if used:
        collected.sources.append(exposure.name)


def _frame_set(grid: SkyGrid, survey: str, collected: _Collected, request: str) -> FrameSet:
    bands: dict[str, Mosaic] = {
        band: mosaic(patches, grid.side_px) for band, patches in collected.patches.items() if patches
    }
    return FrameSet(grid, bands, survey, collected.is_calibrated, request, tuple(collected.sources))
