"""From a galaxy's position to its set of frames, from the first survey that covers the field."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from giz.core.vocabulary import GREYS
from giz.imaging.decoder import FramePatch, frame_decode
from giz.imaging.errors import DecoderMissingError, UnusableFileError
from giz.imaging.flux_units import nmgy_of_zero_point
from giz.imaging.frameset import FrameSet
from giz.imaging.grid import SkyGrid
from giz.imaging.mosaic import Mosaic, mosaic
from giz.imaging.resample import Patch, without_fill
from giz.surveys.cache import discard
from giz.surveys.survey import Exposure, Survey, SurveyError, survey_title

RULES_VERSION = 1
# A survey with data for this share of pixels in every band is taken; one with less, down to LEAST, as a last resort.
ENOUGH, LEAST = 0.99, 0.60


@dataclass
class _Collected:
    """The patches of each band so far, and which pixels of the field they cover."""

    side_px: int
    patches: dict[str, list[Patch]] = field(default_factory=lambda: {band: [] for band in GREYS})
    is_calibrated: bool = True
    sources: list[str] = field(default_factory=list)

    def covered(self) -> float:
        """Return the share of pixels covered in every band that the survey has; 0 without patches."""
        shares = [self._seen(patches).mean() for patches in self.patches.values() if patches]
        return float(min(shares, default=0.0))

    def _seen(self, patches: list[Patch]) -> npt.NDArray[np.bool_]:
        seen = np.zeros((self.side_px, self.side_px), bool)
        for patch in patches:
            seen[patch.window] |= np.isfinite(patch.flux)
        return seen


def request_digest(grid: SkyGrid, surveys: Sequence[str]) -> str:
    """Return a hash of the request: another place, size, angle, order of surveys or rule needs another set."""
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
    """Fetch frames of the field in g, r, i from the first survey that covers it.

    A survey that is down is not skipped; otherwise a galaxy's survey would depend on the day.

    Raises
    ------
    SurveyError
        ``not_covered`` if no survey covers at least 60 % of the field; ``survey_bad_answer`` if frames are damaged;
        ``cache_unwritable`` if there is no space to unpack them; the client's.
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
    place = (grid.ra_deg, grid.dec_deg, grid.side_px, grid.scale_arcsec, grid.position_angle_deg)
    for band, path in exposure.files.items():
        try:
            frame = frame_decode(path, place, has_own_unit=exposure.zero_point is not None)
            patch, calibrated = _patch(frame, exposure)
        except DecoderMissingError:
            raise
        except OSError as error:  # our own disk: the survey's file may be fine
            reason = error.strerror or type(error).__name__
            raise SurveyError(
                "cache_unwritable",
                f"A frame can't be unpacked or read here ({reason}). Is the folder for temporary files full?",
            ) from None
        except SurveyError:  # from `zero_point`: its header is incomplete
            discard(path)
            raise
        except UnusableFileError as error:
            discard(path)
            # A unit is text from the survey, so it is not repeated.
            detail = error.detail if error.code != "bad_unit" else "it states no flux that can be used."
            raise SurveyError("survey_bad_answer", f"{exposure.name}, band {band}: {detail}") from None
        if patch is not None:
            collected.patches[band].append(patch)
            collected.is_calibrated &= calibrated
            used = True
    if used:
        collected.sources.append(exposure.name)


def _patch(frame: FramePatch, exposure: Exposure) -> tuple[Patch | None, bool]:
    """Return what a frame shows of the field, without fill values, and whether its flux is in nanomaggies."""
    factor = frame.nmgy_per_unit
    flux = frame.flux
    if exposure.zero_point is not None:
        factor = nmgy_of_zero_point(exposure.zero_point(frame.exptime), "its file")
        flux = None if flux is None else flux * np.float32(factor)
    if flux is None:
        return None, factor is not None
    return without_fill(Patch(exposure.name, flux, frame.first_row, frame.first_column)), factor is not None


def _frame_set(grid: SkyGrid, survey: str, collected: _Collected, request: str) -> FrameSet:
    bands: dict[str, Mosaic] = {
        band: mosaic(patches, grid.side_px) for band, patches in collected.patches.items() if patches
    }
    return FrameSet(grid, bands, survey, collected.is_calibrated, request, tuple(collected.sources))
