"""Everything about one galaxy that is a number: drawn once, kept with the image, enough to make it again."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from giz.synthetic.streams import stream
from giz.synthetic.types import TYPE_TABLE

MAX_LOPSIDEDNESS = 0.25
MAX_ELLIPTICITY = 0.20
YOUNG_G_R, YOUNG_R_I = 0.14, 0.02
OLD_R_I = 0.34
BULGE_EXTRA_G_R, BULGE_R_I = 0.10, 0.41


@dataclass(frozen=True, slots=True)
class GalaxyParameters:
    """Structure, attitude and circumstances of one synthetic spiral.

    Lengths ending in ``_h`` are in disk scale lengths; angles are in radians unless the name says ``_deg``.
    """

    galaxy_type: str
    inclination_deg: float
    bulge_to_total: float
    sersic_index: float
    bulge_re_h: float
    bulge_axis_ratio: float
    thickness_h: float
    pitch_deg: float
    arm_count: int
    arm_amplitude: float
    arm_sharpness: float
    arm_phase: float
    spin: int
    young_fraction: float
    hii_strength: float
    tau_r: float
    dust_thickness: float
    bar_length_h: float
    bar_axis_ratio: float
    bar_peak: float
    bar_phase: float
    ring_radius_h: float
    r25_h: float
    old_g_r: float
    irregularity: float
    lopsidedness: float
    lopsided_phase: float
    ellipticity: float
    ellipticity_phase: float
    mirrored: bool
    warp_r25: float
    warp_shape: str
    surface_brightness_offset_mag: float
    d25_face_on_arcsec: float
    seeing_arcsec: float
    position_angle_error_deg: float

    @property
    def apparent_r25_h(self) -> float:
        """R25 in scale lengths as seen: an inclined disk is brighter, so its isophote lies further out."""
        cos_i = math.cos(math.radians(self.inclination_deg))
        return self.r25_h - 0.275 * math.log((cos_i * cos_i + 0.04) / 1.04)

    @property
    def d25_arcsec(self) -> float:
        """D25 as seen: it grows with the tilt as R25 does, so that the galaxy's light stays the same."""
        return self.d25_face_on_arcsec * self.apparent_r25_h / self.r25_h

    @property
    def central_mag_arcsec2(self) -> float:
        """Face-on central r surface brightness of the disk, such that the B = 25 isophote falls near R25."""
        mean_g_r = self.old_g_r * (1.0 - self.young_fraction) + YOUNG_G_R * self.young_fraction
        return 24.55 - 1.086 * self.r25_h - mean_g_r + self.surface_brightness_offset_mag

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"d25_arcsec": self.d25_arcsec}


def draw_parameters(galaxy_type: str, inclination_deg: float, seed: int) -> GalaxyParameters:
    """Draw a galaxy of this type. The same seed at another inclination is the same galaxy, tilted."""
    table = TYPE_TABLE[galaxy_type]
    rng = stream(seed, "parameters")

    def within(limits: tuple[float, float]) -> float:
        return float(rng.uniform(*limits))

    def phase() -> float:
        return float(rng.uniform(0.0, 2.0 * math.pi))

    has_bar = rng.random() < table.bar_probability
    bar_length_h = within((0.75, 1.35))
    has_ring = rng.random() < table.ring_probability
    free_ring_radius_h = within((0.9, 1.6))
    is_warped = rng.random() < 0.6
    return GalaxyParameters(
        galaxy_type=galaxy_type,
        inclination_deg=float(inclination_deg),
        bulge_to_total=within(table.bulge_to_total),
        sersic_index=within(table.sersic_index),
        bulge_re_h=within(table.bulge_re_h),
        bulge_axis_ratio=within((0.55, 0.80)),
        thickness_h=within(table.thickness_h),
        pitch_deg=within(table.pitch_deg),
        arm_count=int(rng.integers(table.arm_count[0], table.arm_count[1] + 1)),
        arm_amplitude=within(table.arm_amplitude),
        arm_sharpness=table.arm_sharpness,
        arm_phase=phase(),
        spin=1 if rng.random() < 0.5 else -1,
        young_fraction=within(table.young_fraction),
        hii_strength=within(table.hii_strength),
        tau_r=within(table.tau_r),
        dust_thickness=within(table.dust_thickness),
        bar_length_h=bar_length_h if has_bar else 0.0,
        bar_axis_ratio=within((0.22, 0.36)),
        bar_peak=within((0.9, 1.9)),
        bar_phase=phase(),
        ring_radius_h=(bar_length_h if has_bar else free_ring_radius_h) if has_ring else 0.0,
        r25_h=within(table.r25_h),
        old_g_r=within(table.old_g_r),
        irregularity=table.irregularity,
        lopsidedness=min(abs(float(rng.normal(0.0, table.lopsidedness))), MAX_LOPSIDEDNESS),
        lopsided_phase=phase(),
        ellipticity=min(abs(float(rng.normal(0.0, 0.08))), MAX_ELLIPTICITY),
        ellipticity_phase=phase(),
        mirrored=bool(rng.random() < 0.5),
        warp_r25=float(rng.normal(0.0, 0.05)) if is_warped else 0.0,
        warp_shape="S" if rng.random() < 2.0 / 3.0 else "U",
        surface_brightness_offset_mag=float(rng.normal(0.0, 0.35)),
        d25_face_on_arcsec=float(np.clip(np.exp(rng.normal(math.log(88.0), 0.45)), 40.0, 270.0)),
        seeing_arcsec=float(np.clip(rng.normal(1.3, 0.15), 0.9, 1.9)),
        position_angle_error_deg=float(rng.normal(0.0, 1.5)),
    )
